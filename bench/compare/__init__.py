"""Two sets of records, or two methods image by image."""
