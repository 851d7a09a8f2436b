"""One command per figure or table of the paper: its claim, its cells, its plot."""
