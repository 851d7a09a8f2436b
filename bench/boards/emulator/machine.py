"""The emulated chip: memory, registers and processor wired together, run until something stops them."""

from __future__ import annotations

import unicorn as uc
from unicorn import arm_const as arm
from unicorn import unicorn_const as const

from bench.boards.emulator import stop as stops
from bench.boards.emulator.access import Access
from bench.boards.emulator.clock import FlashInterface, Pwr, Rcc
from bench.boards.emulator.core import Dwt, SystemControl
from bench.boards.emulator.dma import Dma, Request
from bench.boards.emulator.exceptions import SVC, Exceptions
from bench.boards.emulator.image import Image
from bench.boards.emulator.interrupt import deferred
from bench.boards.emulator.memory import DTCM, FLASH_ITCM, ITCM, REGISTERS, SYSTEM
from bench.boards.emulator.registers import Bus, Peripheral
from bench.boards.emulator.semihosting import BREAKPOINT, Semihosting
from bench.boards.emulator.stop import Reason, Stop
from bench.boards.emulator.storage import Storage
from bench.boards.emulator.timers import NARROW, WIDE, RandomNumbers, Timer
from bench.boards.emulator.timing.native import TimingModel
from bench.boards.emulator.timing.parameters import Parameters
from bench.boards.emulator.usart import Usart
from bench.boards.emulator.waiting import Waiting

NOWHERE = 0xFFFFFFFE  # an end address that is never reached
SLICE = 50_000_000  # instructions between two chances for Ctrl-C
UNLIMITED = (1 << 64) - 1
USARTS = dict(
    enumerate((0x40011000, 0x40004400, 0x40004800, 0x40004C00, 0x40005000, 0x40011400, 0x40007800, 0x40007C00), 1)
)


class Machine:
    """An STM32F746 that has just left reset with `image` in its memory.

    usart: USART1, wired to the host; usarts: all, by number; dma: DMA2; semihosting.output: printed to a debugger.
    """

    def __init__(self, image: Image, parameters: Parameters | None = None) -> None:
        self.image = image
        self._uc = uc.Uc(uc.UC_ARCH_ARM, uc.UC_MODE_THUMB | uc.UC_MODE_MCLASS)
        self._uc.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M7)
        self._storage = Storage(self._uc)
        for segment in image.segments:
            self._storage.store(segment.address, segment.data)
        code = [ITCM, *(region for region in (DTCM, FLASH_ITCM) if image.has_code_in(region))]
        self.timing = TimingModel(self._uc, self._storage.host, parameters or Parameters.load(), code)
        self.semihosting = Semihosting(self)
        self._build_peripherals()
        for start, size in REGISTERS:
            self._uc.mmio_map(start, size, self._on_read, start, self._on_write, start)
        self._uc.hook_add(const.UC_HOOK_INTR, self._on_exception)
        self._uc.hook_add(const.UC_HOOK_MEM_INVALID, self._on_bad_access)
        self._uc.reg_write(arm.UC_ARM_REG_SP, image.stack)
        self._uc.reg_write(arm.UC_ARM_REG_LR, 0xFFFFFFFF)
        self._pc = image.entry | 1
        self._stop: Stop | None = None
        self._reading, self._idle = 0, False  # the register read last; whether it was in vain too often
        self._event: int | None = None  # unicorn's number of an exception that ended a stretch

    def load(self, address: int, count: int) -> bytes:
        """`count` bytes of memory, whatever the processor may do there. Raises BoardError where there is no memory."""
        return self._storage.load(address, count)

    def store(self, address: int, data: bytes) -> None:
        """Puts bytes into memory, as a DMA controller does. Raises BoardError where there is no memory."""
        executed = self.timing.holds_code(address, len(data))
        (self._storage.store_code if executed else self._storage.store)(address, data)

    def _build_peripherals(self) -> None:
        timing = self.timing
        self.rcc, self.system = Rcc(), SystemControl(lambda: timing.cycles)
        flash = FlashInterface(timing.set_flash)
        flash.write(FlashInterface.ACR, 0)
        self.system.on_caches, self.system.on_invalidate = timing.set_caches, timing.empty_instruction_cache
        self.system.values[SystemControl.VTOR] = self.image.vectors
        self.usarts = {number: Usart(base) for number, base in USARTS.items()}
        self.usart = self.usarts[1]
        requests = [Request(2, 4, self.usart, True), Request(5, 4, self.usart, True), Request(7, 4, self.usart, False)]
        requests += [Request(1, 5, self.usarts[6], True), Request(6, 5, self.usarts[6], False)]
        self.dma = dma = Dma(0x40026400, self, requests)
        self._waiting = Waiting(self._uc, timing, self.usart, dma.drained, self._note, self._wait)
        self._access = Access(self._uc, timing)
        self._exceptions = Exceptions(self._uc, self, self.system, timing)
        self.system.on_pending = timing.interrupt
        dwt = Dwt(lambda: self._access.cycles(Dwt.ADDRESS + Dwt.CYCCNT), self.system)
        peripherals: list[Peripheral] = [self.rcc, Pwr(), flash, self.system, dwt, dma]
        timers = [Timer(base, 32, self.rcc, lambda: timing.cycles) for base in WIDE.values()]
        timers += [Timer(base, 16, self.rcc, lambda: timing.cycles) for base in NARROW.values()]
        peripherals += [RandomNumbers(), Dma(0x40026000, self, []), *timers, *self.usarts.values()]
        self._bus = Bus(peripherals)
        self._storage.store(SYSTEM.start + 0x420, b"emulated-746")
        self._storage.store(SYSTEM.start + 0x442, (1024).to_bytes(2, "little"))

    def _on_read(self, _uc: uc.Uc, offset: int, size: int, start: int) -> int:
        self._reading = start + offset
        return self._bus.read(self._reading, size)

    def _on_write(self, _uc: uc.Uc, offset: int, size: int, value: int, start: int) -> None:
        self._bus.write(start + offset, size, value)

    @property
    def cycles(self) -> int:
        """Processor cycles since reset."""
        return self.timing.cycles

    @property
    def instructions(self) -> int:
        """Instructions executed since reset."""
        return self.timing.instructions

    def run(self, limit: int | None = None) -> Stop:
        """Runs until something stops the machine, at most until `limit` instructions since reset; call again to go on.

        Without a limit, an empty endless loop stops it too.
        Raises BoardError only for faults of the emulator itself; the program's faults are a Stop.
        """
        end = UNLIMITED if limit is None else limit
        self._waiting.resume()
        with deferred(self._uc.emu_stop) as check_interrupt:
            while True:
                check_interrupt()
                self._pc = self._exceptions.take(self._pc) | 1
                stop = self._execute(end)
                if stop is None and limit is None and (loop := self.endless()) is not None:
                    stop = Stop(Reason.LOOP, f"at {self.image.symbols.place(loop)}")
                if stop is not None and stop.reason is Reason.BKPT:
                    stop = self._breakpoint(stop)
                if stop is None and self._idle:  # an exception behind the read came first
                    stop = Stop(Reason.IDLE)
                if stop is not None:
                    check_interrupt()
                    return stop

    def _execute(self, end: int) -> Stop | None:
        """One stretch of emulation; None when it ended only to look around."""
        self._stop, self._event, self._idle = None, None, False
        self.timing.budget(min(end, self.instructions + SLICE), self._exceptions.alarm())
        try:
            self._uc.emu_start(self._pc, NOWHERE)
        except uc.UcError as error:
            undefined = error.errno == const.UC_ERR_INSN_INVALID
            self._stop = self._stop or self._fault("undefined instruction" if undefined else str(error))
        self._pc = (self._access.resume() if self._idle else self._uc.reg_read(arm.UC_ARM_REG_PC)) | 1
        exhausted = self.timing.exhausted()
        if self.timing.forbidden:
            self._on_bad_access(self._uc, const.UC_MEM_FETCH_PROT, self._pc & ~1, 2, 0, None)
        if self._event is not None:
            return self._exception(self._event)
        if self._stop is not None or exhausted:
            return Stop(Reason.LIMIT) if self._stop is None and self.instructions >= end else self._stop
        return None if self._exceptions.sleep() else Stop(Reason.WFI)

    def endless(self) -> int | None:
        """Where the program is in an empty loop that no interrupt will end, if it is."""
        here = self._pc & ~1
        return here if here == self.timing.endless and self._exceptions.alarm() is None else None

    def _breakpoint(self, stop: Stop) -> Stop | None:
        """Steps over the BKPT; semihosting requests are answered and the program goes on."""
        number = self.load(self._pc & ~1, 1)[0]
        self._pc += 2
        if number != BREAKPOINT:
            return stop
        return None if self._semihost() else Stop(Reason.EXIT)

    def _exception(self, number: int) -> Stop | None:
        """SVC, or the return from a handler."""
        if number == stops.SVC_EXCEPTION:
            self._pc = self._exceptions.enter(SVC, self._pc)
            return None
        address = self._exceptions.leave(self._pc)
        if address is None:
            return self._fault("exception return outside a handler")
        self._pc = address
        return None

    def _semihost(self) -> bool:
        """Answers the program's request to a debugger; False when it asked to end."""
        r0, r1 = arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1
        centiseconds = self.cycles * 100 // self.rcc.hclk_hz()
        result = self.semihosting.request(self._uc.reg_read(r0), self._uc.reg_read(r1), centiseconds)
        if result is not None:
            self._uc.reg_write(r0, result)
        return result is not None

    def _note(self) -> None:
        self._access.position(self._reading)

    def _wait(self) -> None:
        """Stops inside a read."""
        self._idle = True
        self._halt(Stop(Reason.IDLE))

    def _halt(self, stop: Stop) -> None:
        self._stop = stop
        self._uc.emu_stop()

    def _on_exception(self, _uc: uc.Uc, number: int, _data: object) -> None:
        if number == stops.BKPT_EXCEPTION:
            self._halt(Stop(Reason.BKPT))
        elif number in (stops.SVC_EXCEPTION, stops.RETURN_EXCEPTION):
            self._event = number
            self._uc.emu_stop()
        else:
            self._halt(self._fault(stops.EXCEPTIONS.get(number, f"exception {number}")))

    def _on_bad_access(self, machine: uc.Uc, kind: int, address: int, _size: int, _value: int, _data: object) -> bool:
        _, _, block = self.timing.current_block()
        culprit = block[-1] if kind in stops.FETCHES else block[self._access.position(address) or 0]
        what = f"{stops.ACCESS.get(kind, 'bad access to')} {address:#010x}"
        self._stop = stops.fault(what, culprit.address, machine, self.image.symbols)
        return False

    def _fault(self, what: str) -> Stop:
        return stops.fault(what, self._uc.reg_read(arm.UC_ARM_REG_PC) & ~1, self._uc, self.image.symbols)
