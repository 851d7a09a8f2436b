"""Measures the timing model's uncalibrated penalties on a board."""
