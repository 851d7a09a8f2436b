"""The processor's own registers: system control, SysTick, DWT cycle counter (ARMv7-M manual, chapters B3 and C1)."""

from __future__ import annotations

from collections.abc import Callable

from bench.boards.emulator.registers import Peripheral

Cycles = Callable[[], int]


class SystemControl(Peripheral):
    """0xE000E000: SysTick, NVIC and SCB registers.

    on_caches(instruction, data): firmware switched a cache; on_invalidate(): it emptied the instruction cache;
    on_pending(): it asked for an exception or changed what may interrupt it.
    """

    SYST_CSR, SYST_RVR, SYST_CVR = 0x010, 0x014, 0x018
    CPUID, VTOR, AIRCR, CCR, DEMCR, ICIALLU = 0xD00, 0xD08, 0xD0C, 0xD14, 0xDFC, 0xF50
    ISER, ICER, ISPR, ICSR, STIR = 0x100, 0x180, 0x200, 0xD04, 0xF00
    CCR_DATA_CACHE, CCR_INSTRUCTION_CACHE = 1 << 16, 1 << 17
    TRACE_ENABLE = 1 << 24

    def __init__(self, cycles: Cycles) -> None:
        super().__init__(0xE000E000, 0x1000)
        self._cycles, self._started, self._last_wraps = cycles, 0, 0
        self.on_caches: Callable[[bool, bool], None] = lambda instruction, data: None
        self.on_invalidate: Callable[[], None] = lambda: None
        self.on_pending: Callable[[], None] = lambda: None
        self.pending: set[int] = set()  # exception numbers
        self._ticks_taken = 0
        self._enabled: dict[int, int] = {}  # ISER registers
        self.values.update(
            {
                self.CPUID: 0x410FC271,  # Cortex-M7 r0p1, as on the STM32F746 (ES0290)
                self.CCR: 0x00040200,
                self.AIRCR: 0xFA050000,
                0xD78: 0x09000003,  # CLIDR: one level, instruction and data cache
                0xD7C: 0x8303C003,  # CTR
                0xD80: 0xF003E019,  # CCSIDR of the data cache: 32 sets x 4 ways x 32 bytes
                0xF40: 0x10110021,  # MVFR0..1: single precision
                0xF44: 0x11000011,
            }
        )

    def read(self, offset: int) -> int:
        if offset == self.SYST_CVR:
            return self._reload() - self._ticks() % (self._reload() + 1) if self._runs() else super().read(offset)
        if offset == self.SYST_CSR:
            wraps = self._ticks() // (self._reload() + 1) if self._runs() else 0
            value = super().read(offset) & 7 | (wraps > self._last_wraps) << 16
            self._last_wraps = wraps
            return value
        if offset == 0xD80 and self.values.get(0xD84, 0) & 1:
            return 0xF007E009  # instruction cache: 64 sets x 2 ways x 32 bytes
        return super().read(offset)

    def write(self, offset: int, value: int) -> None:
        if offset == self.CPUID:
            return
        super().write(offset, value)
        if offset in (self.SYST_CSR, self.SYST_CVR):
            self.values[self.SYST_CVR] = 0
            self._started, self._last_wraps, self._ticks_taken = self._cycles(), 0, 0
            self.on_pending()
        elif offset == self.CCR:
            self.on_caches(bool(value & self.CCR_INSTRUCTION_CACHE), bool(value & self.CCR_DATA_CACHE))
        elif offset == self.ICIALLU:
            self.on_invalidate()
        elif offset == self.ICSR or self.ISPR <= offset < self.ISPR + 0x20 or offset == self.STIR:
            self._pend(offset, value)
        elif self.ISER <= offset < self.ISER + 0x20:
            self.values[offset] = self.values[offset] | self._enabled.get(offset, 0)
            self._enabled[offset] = self.values[offset]
            self.on_pending()
        elif self.ICER <= offset < self.ICER + 0x20:
            enable = offset - self.ICER + self.ISER
            self._enabled[enable] = self.values[enable] = self._enabled.get(enable, 0) & ~value

    def _pend(self, offset: int, value: int) -> None:
        """Firmware pends PendSV, SysTick or an interrupt."""
        self.values[offset] = 0
        if offset == self.ICSR:
            self.pending |= {number for number, bit in ((14, 28), (15, 26)) if value >> bit & 1}
            self.pending -= {number for number, bit in ((14, 27), (15, 25)) if value >> bit & 1}
        elif offset == self.STIR:
            self.pending.add(16 + (value & 0x1FF))
        else:
            self.pending |= {16 + 8 * (offset - self.ISPR) + bit for bit in range(32) if value >> bit & 1}
        self.on_pending()

    def enabled(self, number: int) -> bool:
        """Whether an exception may interrupt: the core's own always, others by their ISER bit."""
        word, bit = divmod(number - 16, 32)
        return number < 16 or bool(self._enabled.get(self.ISER + 4 * word, 0) >> bit & 1)

    def next_tick(self) -> int | None:
        """The cycle of the next SysTick interrupt, or None if SysTick does not interrupt."""
        if not self._runs() or not self.values[self.SYST_CSR] & 2:
            return None
        divide = 1 if self.values[self.SYST_CSR] & 4 else 8
        return self._started + (self._ticks_taken + 1) * (self._reload() + 1) * divide

    def tick_passed(self) -> bool:
        """Whether a SysTick interrupt is due; ticks that nobody took in time are lost, as on the chip."""
        due = self.next_tick()
        if due is None or self._cycles() < due:
            return False
        self._ticks_taken = self._ticks() // (self._reload() + 1)
        return True

    def _runs(self) -> bool:
        return bool(self.values.get(self.SYST_CSR, 0) & 1) and self._reload() > 0

    def _reload(self) -> int:
        return self.values.get(self.SYST_RVR, 0) & 0xFFFFFF

    def _ticks(self) -> int:
        divide = 1 if self.values.get(self.SYST_CSR, 0) & 4 else 8  # CLKSOURCE: processor or HCLK / 8
        return (self._cycles() - self._started) // divide


class Dwt(Peripheral):
    """The cycle counter. As on every Cortex-M7 it counts only after TRCENA, the lock-access word and CYCCNTENA."""

    ADDRESS = 0xE0001000
    CTRL, CYCCNT, LAR, LSR = 0x000, 0x004, 0xFB0, 0xFB4
    UNLOCK = 0xC5ACCE55

    def __init__(self, cycles: Cycles, system: SystemControl) -> None:
        super().__init__(self.ADDRESS, 0x1000)
        self._cycles, self._system = cycles, system
        self._locked, self._held, self._started = True, 0, 0
        self.values[self.CTRL] = 0x40000000  # four comparators

    def counts(self) -> bool:
        enabled = self.values[self.CTRL] & 1
        return bool(enabled and self._system.values.get(SystemControl.DEMCR, 0) & SystemControl.TRACE_ENABLE)

    def read(self, offset: int) -> int:
        if offset == self.CYCCNT:
            return (self._held + (self._cycles() - self._started if self.counts() else 0)) & 0xFFFFFFFF
        if offset == self.LSR:
            return 1 | self._locked << 1
        return 0 if offset == self.LAR else super().read(offset)

    def write(self, offset: int, value: int) -> None:
        if offset == self.LAR:
            self._locked = value != self.UNLOCK
        elif not self._locked:
            held = value if offset == self.CYCCNT else self.read(self.CYCCNT)
            super().write(offset, value)
            self._held, self._started = held, self._cycles()
