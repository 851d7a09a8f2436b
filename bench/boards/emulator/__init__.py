"""An STM32F746 in software: instructions by unicorn, registers in Python, cycles by a timing model."""
