"""Package for serial.protocol_handler_packages: makes emu://stm32f746?elf=PATH a pyserial URL."""
