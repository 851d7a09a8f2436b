"""Cycles of the Cortex-M7: decoded once per block, scheduled once per edge between blocks, counted natively."""
