"""One HTML page of everything in results/, readable without this repository."""
