"""An STM32F746 in software: instructions by unicorn, peripherals in Python, cycles by a Cortex-M7 timing model (README.md)."""
