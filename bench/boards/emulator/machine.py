"""The emulated chip: memory, registers and processor wired together, and the loop that runs it until something happens."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import unicorn as uc
from unicorn import arm_const as arm
from unicorn import unicorn_const as const

from bench.boards.emulator.clock import FlashInterface, Pwr, Rcc
from bench.boards.emulator.core import Dwt, SystemControl
from bench.boards.emulator.dma import Dma, Request
from bench.boards.emulator.image import Image
from bench.boards.emulator.memory import DTCM, REGIONS, REGISTERS, SYSTEM, Region, region_of
from bench.boards.emulator.registers import Bus, Peripheral
from bench.boards.emulator.usart import Usart
from bench.errors import BoardError

NOWHERE = 0xFFFFFFFE  # an end address that is never reached
PROTECTION = {"r": const.UC_PROT_READ, "w": const.UC_PROT_WRITE, "x": const.UC_PROT_EXEC}
CORE_REGISTERS = [getattr(arm, f"UC_ARM_REG_R{n}") for n in range(13)] + [arm.UC_ARM_REG_SP, arm.UC_ARM_REG_LR]
USARTS = {1: 0x40011000, 2: 0x40004400, 3: 0x40004800, 4: 0x40004C00, 5: 0x40005000, 6: 0x40011400, 7: 0x40007800, 8: 0x40007C00}
PATIENCE = 4096  # polls of an empty receiver after which the firmware counts as waiting, whatever its registers do
BREAKPOINT, SUPERVISOR_CALL = 7, 2  # unicorn's exception numbers
FAULTS = {
    const.UC_MEM_READ_UNMAPPED: "read of unmapped address",
    const.UC_MEM_WRITE_UNMAPPED: "write to unmapped address",
    const.UC_MEM_FETCH_UNMAPPED: "execution at unmapped address",
    const.UC_MEM_WRITE_PROT: "write to read-only address",
    const.UC_MEM_READ_PROT: "read of protected address",
    const.UC_MEM_FETCH_PROT: "execution at non-executable address",
}


@dataclass(frozen=True)
class Stop:
    """Why the machine stopped: bkpt, exit, idle (waits for input), wfi, limit or fault; detail says more for people."""

    reason: str
    detail: str = ""


class Machine:
    """An STM32F746 that has just left reset with `image` in its memory."""

    def __init__(self, image: Image) -> None:
        self.image = image
        self._uc = uc.Uc(uc.UC_ARCH_ARM, uc.UC_MODE_THUMB | uc.UC_MODE_MCLASS)
        self._uc.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M7)
        self._memory: dict[str, ctypes.Array[ctypes.c_char]] = {}
        self._stop: Stop | None = None
        self._polls, self._poll_state = 0, None
        for region in REGIONS:
            self._map(region)
        for segment in image.segments:
            self.store(segment.address, segment.data)
        self._build_peripherals()
        for start, size in REGISTERS:
            self._uc.mmio_map(start, size, self._on_read, start, self._on_write, start)
        self._uc.hook_add(const.UC_HOOK_INTR, self._on_exception)
        self._uc.hook_add(const.UC_HOOK_MEM_INVALID, self._on_bad_access)
        self._uc.reg_write(arm.UC_ARM_REG_SP, image.stack)
        self._pc = image.entry | 1

    # --- memory ---

    def _map(self, region: Region) -> None:
        owner = region.alias_of or region.name
        if owner not in self._memory:
            self._memory[owner] = ctypes.create_string_buffer(region.size)
        access = region.access
        if region is DTCM and any(s.executable and s.address in DTCM for s in self.image.segments):
            access += "x"
        protection = sum(PROTECTION[letter] for letter in access)
        self._uc.mem_map_ptr(region.start, region.size, protection, ctypes.addressof(self._memory[owner]))

    def load(self, address: int, count: int) -> bytes:
        """`count` bytes of memory, whatever the processor may do there. Raises BoardError where there is no memory."""
        self._check(address, count)
        return bytes(self._uc.mem_read(address, count))

    def store(self, address: int, data: bytes) -> None:
        """Puts bytes into memory, as a loader or a DMA controller does. Raises BoardError where there is no memory."""
        self._check(address, len(data))
        self._uc.mem_write(address, data)

    def _check(self, address: int, count: int) -> None:
        region = region_of(address)
        if region is None or address + count > region.end:
            raise BoardError(f"DMA or loader access to {address:#010x} ({count} bytes)", expected="memory", got="none there")

    # --- peripherals ---

    def _build_peripherals(self) -> None:
        self._bus = Bus()
        self.rcc, self.system = Rcc(), SystemControl(lambda: self.cycles)
        self.usarts = {number: Usart(base) for number, base in USARTS.items()}
        self.usart = self.usarts[1]
        self.usart.on_wait, self.usart.on_progress = self._on_wait, self._on_progress
        requests = [Request(2, 4, self.usart, True), Request(5, 4, self.usart, True), Request(7, 4, self.usart, False)]
        self._dma = Dma(0x40026400, self, requests)
        peripherals: list[Peripheral] = [self.rcc, Pwr(), FlashInterface(), self.system, Dwt(lambda: self.cycles, self.system)]
        for peripheral in (*peripherals, *self.usarts.values(), self._dma, Dma(0x40026000, self, [])):
            self._bus.add(peripheral)
        self.system.values[SystemControl.VTOR] = self.image.vectors
        self.store(SYSTEM.start + 0x420, b"emulated-746")
        self.store(SYSTEM.start + 0x442, (1024).to_bytes(2, "little"))

    def _on_read(self, _uc: uc.Uc, offset: int, size: int, start: int) -> int:
        return self._bus.read(start + offset, size)

    def _on_write(self, _uc: uc.Uc, offset: int, size: int, value: int, start: int) -> None:
        self._bus.write(start + offset, size, value)

    # --- waiting for the host ---

    def _on_progress(self) -> None:
        self._polls, self._poll_state = 0, None

    def _on_wait(self) -> None:
        """An empty receiver was polled. Twice with the same registers (or very often): nothing will change by itself."""
        self._polls += 1
        if self._polls < 2:
            return
        state = tuple(self._uc.reg_read_batch(CORE_REGISTERS))
        waits = state == self._poll_state or self._polls >= PATIENCE
        self._poll_state = state
        if not waits:
            return
        self._on_progress()
        if self.usart.incoming:
            self._dma.drained()
        else:
            self._halt(Stop("idle", "the firmware waits for input"))

    # --- running ---

    @property
    def cycles(self) -> int:
        return 0

    def run(self) -> Stop:
        """Runs until something stops it; call again to go on."""
        while True:
            self._stop = None
            try:
                self._uc.emu_start(self._pc, NOWHERE)
            except uc.UcError as error:
                self._pc = self._uc.reg_read(arm.UC_ARM_REG_PC) | 1
                return self._stop or self._fault(f"processor exception ({error})")
            self._pc = self._uc.reg_read(arm.UC_ARM_REG_PC) | 1
            return self._stop or Stop("wfi", "the processor sleeps")

    def _halt(self, stop: Stop) -> None:
        self._stop = stop
        self._uc.emu_stop()

    def _on_exception(self, _uc: uc.Uc, number: int, _data: object) -> None:
        if number == BREAKPOINT:
            self._halt(Stop("bkpt"))
        else:
            self._halt(self._fault(f"exception {number}"))

    def _on_bad_access(self, _uc: uc.Uc, kind: int, address: int, size: int, _value: int, _data: object) -> bool:
        self._stop = self._fault(f"{FAULTS.get(kind, 'bad access')} {address:#010x}")
        return False

    def _fault(self, what: str) -> Stop:
        pc = self._uc.reg_read(arm.UC_ARM_REG_PC) & ~1
        values = self._uc.reg_read_batch(CORE_REGISTERS)
        names = [f"r{n}" for n in range(13)] + ["sp", "lr"]
        registers = " ".join(f"{name}={value:#x}" for name, value in zip(names, values, strict=True))
        return Stop("fault", f"{what}; pc={pc:#010x} ({self.image.symbols.describe(pc)}) {registers}")
