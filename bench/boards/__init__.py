"""Boards: the framed protocol, the serial port and the emulated STM32F746."""
