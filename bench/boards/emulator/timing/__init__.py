"""Cycles of the Cortex-M7: instructions are decoded once, scheduled once per edge between basic blocks, and counted natively."""
