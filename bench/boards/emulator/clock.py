"""RCC, PWR and the flash interface: what firmware switches on is ready at once (RM0385 chapters 3 to 5)."""

from __future__ import annotations

from collections.abc import Callable

from bench.boards.emulator.registers import Peripheral

HSI_HZ, HSE_HZ = 16_000_000, 25_000_000  # HSE: the Discovery board's crystal


class Rcc(Peripheral):
    """Reset and clock control."""

    CR, PLLCFGR, CFGR, BDCR, CSR = 0x00, 0x04, 0x08, 0x70, 0x74
    HSI_ON, HSE_ON, PLL_ON, PLLI2S_ON, PLLSAI_ON = 1 << 0, 1 << 16, 1 << 24, 1 << 26, 1 << 28

    def __init__(self) -> None:
        super().__init__(0x40023800)
        self.values.update({self.CR: 0x00000083, self.PLLCFGR: 0x24003010, self.CSR: 0x0E000000})

    def read(self, offset: int) -> int:
        value = super().read(offset)
        if offset == self.CR:
            on = value & (self.HSI_ON | self.HSE_ON | self.PLL_ON | self.PLLI2S_ON | self.PLLSAI_ON)
            return value & ~0x2A020002 | on << 1  # each ready bit sits one above its enable bit
        if offset == self.CFGR:
            return value & ~0xC | (value & 3) << 2  # SWS follows SW
        if offset in (self.BDCR, self.CSR):
            return value & ~2 | (value & 1) << 1  # LSE and LSI ready
        return value

    def hclk_hz(self) -> int:
        """The processor's clock as the registers say: source, PLL factors, AHB prescaler."""
        switch, pll = self.values.get(self.CFGR, 0), self.values[self.PLLCFGR]
        source = switch & 3
        if source == 2:
            reference = HSE_HZ if pll >> 22 & 1 else HSI_HZ
            hz = reference * (pll >> 6 & 0x1FF) // max(1, pll & 0x3F) // (2 * (pll >> 16 & 3) + 2)
        else:
            hz = HSE_HZ if source == 1 else HSI_HZ
        prescaler = switch >> 4 & 0xF
        return hz >> (0, 1, 2, 3, 4, 6, 7, 8, 9)[max(0, prescaler - 7)]

    def timer_divider(self) -> int:
        """HCLK cycles per clock of a timer on APB1: the bus clock itself, or twice it when the bus is divided."""
        prescaler = self.values.get(self.CFGR, 0) >> 10 & 7
        return 1 << max(0, prescaler - 4) if prescaler >= 4 else 1


class Pwr(Peripheral):
    """Voltage scaling and over-drive."""

    CR1, CSR1 = 0x00, 0x04

    def __init__(self) -> None:
        super().__init__(0x40007000)
        self.values[self.CR1] = 0x0000C000

    def read(self, offset: int) -> int:
        if offset == self.CSR1:  # VOSRDY; ODRDY and ODSWRDY follow ODEN and ODSWEN
            return super().read(offset) & ~0x34000 | 0x4000 | self.values[self.CR1] & 0x30000
        return super().read(offset)


class FlashInterface(Peripheral):
    """Wait states, prefetch and the ART accelerator's enable bits; programming is not modelled."""

    ACR, CR = 0x00, 0x10

    def __init__(self, on_change: Callable[[int, bool], None]) -> None:
        """on_change(wait states, ART enabled): called when firmware writes ACR."""
        super().__init__(0x40023C00)
        self.values[self.CR] = 0x80000000
        self._on_change = on_change

    def write(self, offset: int, value: int) -> None:
        super().write(offset, value)
        if offset == self.ACR:
            self._on_change(value & 0xF, bool(value & 1 << 9))
