"""The running timing model: hooks attached to a unicorn instance, counters, caches switched by firmware."""

from __future__ import annotations

import ctypes as c
import weakref
from collections.abc import Callable, Iterable

import unicorn
from unicorn import unicorn_const as const
from unicorn.unicorn_py3.unicorn import uclib

from bench.boards.emulator.memory import DTCM, FLASH, FLASH_ITCM, ITCM, SRAM, Region
from bench.boards.emulator.timing.decode import disassemble, instruction
from bench.boards.emulator.timing.edges import edge_cycles
from bench.boards.emulator.timing.instruction import Branch, Instruction
from bench.boards.emulator.timing.library import library
from bench.boards.emulator.timing.parameters import Parameters
from bench.boards.emulator.timing.programs import Programs
from bench.boards.emulator.timing.scoreboard import schedule
from bench.boards.emulator.timing.structures import (
    COST,
    DESCRIBE,
    Block,
    Cache,
    Micro,
    State,
)
from bench.errors import BoardError

PATH_TCM, PATH_FLASH, PATH_SRAM, PATH_ART = range(4)
CODE_REGIONS = ((FLASH, PATH_FLASH), (ITCM, PATH_TCM), (SRAM, PATH_SRAM), (DTCM, PATH_TCM), (FLASH_ITCM, PATH_ART))
CACHES = {
    "instruction": (64, 2),
    "data": (32, 4),
    "art": (64, 1),
}  # sets, ways; lines of 32 bytes (RM0385 2.1, 3.3.2; TRM)
ERROR_MEMORY, ERROR_FORBIDDEN = 1, 3
NEVER = (1 << 64) - 1


class TimingModel:
    """Counts instructions and cycles of one machine."""

    def __init__(
        self, machine: unicorn.Uc, host: Callable[[int], int], parameters: Parameters, code: Iterable[Region]
    ) -> None:
        """host(address): where the chip's memory is in this process; code: regions with code that need not have any."""
        self.parameters = parameters
        self._uc, self._host, self._library, self._state = machine, host, library(), State()
        self._blocks: list[list[Instruction]] = []
        self._programs = Programs(self._state)
        self._failure: BaseException | None = None
        self.endless: int | None = None  # where the program entered a branch to itself
        self._saved: Micro | None = None
        self._rests: dict[tuple[int, int], float] = {}
        me = weakref.ref(self)  # the callbacks must not keep alive the model whose end frees what they work on
        self._code = tuple(code)
        self._keep = (
            DESCRIBE(lambda block: model._describe(block) if (model := me()) else -1),
            COST(lambda previous, current, taken: model._cost(previous, current, taken) if (model := me()) else -1),
        )
        self._fill()
        weakref.finalize(self, self._library.release, c.byref(self._state))
        self._attach()

    def _fill(self) -> None:
        state, branch, memory = self._state, self.parameters.branch, self.parameters.memory
        state.describe, state.cost = self._keep
        state.stop = c.cast(uclib.uc_emu_stop, c.c_void_p)
        state.read = c.cast(uclib.uc_reg_read_batch, c.c_void_p)
        for name, value in (vars(branch) | vars(memory)).items():
            if hasattr(state.p, name):  # not those that depend on wait states: see set_flash
                setattr(state.p, name, value)
        for name, (sets, ways) in CACHES.items():
            cache = getattr(state.micro, name)
            cache.sets, cache.ways = sets, ways
        for index, (region, path) in enumerate(CODE_REGIONS):
            target = state.region[index]
            target.start, target.size, target.path = region.start, region.size, path
            target.forbidden = "x" not in region.access and region not in self._code
            target.writable, target.memory = "w" in region.access, self._host(region.start)
        if self._library.prepare(c.byref(state)):
            raise BoardError("the timing model finds no memory", do="close other programs")

    def _attach(self) -> None:
        """Adds the native block hook; unicorn's Python interface knows only Python callbacks. None on memory: with one,
        unicorn leaves its fast path at every access.
        """
        handle, hook = c.c_size_t(0), c.cast(self._library.on_block, c.c_void_p)
        state, everywhere = c.byref(self._state), (c.c_uint64(1), c.c_uint64(0))
        status = uclib.uc_hook_add(self._uc._uch, c.byref(handle), const.UC_HOOK_BLOCK, hook, state, *everywhere)
        if status:
            raise BoardError(f"unicorn refuses a hook (status {status})", do="run ./reproduce.sh doctor")

    # --- called from hook.c; an exception cannot cross it, so it is kept until the run has stopped ---

    def _guard(self, work: Callable[[], int]) -> int:
        try:
            return work()
        except BaseException as error:  # includes Ctrl-C, raised again by resume()
            self._failure = error
            return -1

    def _describe(self, pointer: c._Pointer[Block]) -> int:
        def work() -> int:
            block = pointer.contents
            raw = disassemble(c.string_at(self._host(block.address), block.size), block.address)
            instructions = [instruction(one) for one in raw]
            last = instructions[-1]
            block.instructions, block.branch, block.branch_address = len(instructions), last.branch, last.address
            block.data = self._programs.add(raw, block.address)
            self._blocks.append(instructions)
            if last.address == block.address and last.target == block.address and last.branch == Branch.DIRECT:
                self.endless = block.address
                self._state.stop_at = 0  # gives the machine a chance to see it
            return 0

        return self._guard(work)

    def _cost(self, previous: int, current: int, taken: int) -> int:
        def work() -> int:
            before = self._blocks[previous] if previous >= 0 else None
            return max(0, round(16 * edge_cycles(before, self._blocks[current], bool(taken), self.parameters)))

        return self._guard(work)

    # --- for the machine ---

    @property
    def cycles(self) -> int:
        return int(self._state.sixteenths >> 4)

    @property
    def instructions(self) -> int:
        return int(self._state.instructions)

    def budget(self, instructions: int, cycle: int | None) -> None:
        """Lets the next run go on until the count reaches `instructions`, or `cycle`, to the end of a block."""
        self._state.stop_at, self._state.stopped = instructions, 0
        self._state.alarm = NEVER if cycle is None else 16 * cycle

    def interrupt(self) -> None:
        """Ends the current run at the end of its block."""
        self._state.alarm = 0

    def spend(self, cycles: int) -> None:
        """Time that passes outside instructions: exception entry and exit, sleep."""
        self._state.sixteenths += 16 * cycles
        if self._state.micro.previous >= 0:
            self._state.blocks[self._state.micro.previous].sixteenths += 16 * cycles

    def exhausted(self) -> bool:
        """Whether the last run ended because the budget was spent. Raises what a callback raised."""
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        if self._state.error == ERROR_MEMORY:
            raise BoardError("the timing model finds no memory for its tables", do="close other programs")
        return bool(self._state.stopped)

    @property
    def forbidden(self) -> bool:
        """Whether the last run ended because the program jumped to memory that holds no code."""
        return bool(self._state.error == ERROR_FORBIDDEN)

    def set_caches(self, instruction: bool, data: bool) -> None:
        """Firmware switched a cache on or off; off empties it."""
        p, micro = self._state.p, self._state.micro
        for on, was, cache in ((instruction, p.instruction_cache, micro.instruction), (data, p.data_cache, micro.data)):
            if was and not on:
                _empty(cache)
        p.instruction_cache, p.data_cache = instruction, data

    def empty_instruction_cache(self) -> None:
        _empty(self._state.micro.instruction)

    def set_flash(self, wait_states: int, art: bool) -> None:
        """A line costs its wait states plus the way to the core, which the calibration gives at seven wait states."""
        memory, p = self.parameters.memory, self._state.p
        p.flash_line = max(1, memory.flash_line_at_7_wait_states - 7 + wait_states)
        p.art_line = max(1, memory.art_line_at_7_wait_states - 7 + wait_states)
        p.art = art

    def holds_code(self, address: int, count: int) -> bool:
        """Whether the processor has executed any of these bytes."""
        return bool(self._library.holds_code(c.byref(self._state), address, count))

    def save(self) -> None:
        """Remembers predictor and caches, unless that was done since the last restore()."""
        if self._saved is None:
            self._saved = Micro.from_buffer_copy(self._state.micro)

    def restore(self) -> None:
        """Undoes what polling did to predictor and caches since save()."""
        if self._saved is not None:
            self._state.micro = self._saved
            self._saved = None

    def drop_saved(self) -> None:
        self._saved = None

    def blocks(self) -> list[tuple[int, int, float]]:
        """(address, instructions executed, cycles) of every block seen."""
        found = (self._state.blocks[index] for index in range(self._state.block_count))
        return [(b.address, b.count * b.instructions, b.sixteenths / 16) for b in found]

    def current_block(self) -> tuple[int, int, list[Instruction]]:
        """(index, how often it ran, instructions) of the block entered last; index -1 before the first."""
        index = self._state.micro.previous
        return (index, int(self._state.blocks[index].count), self._blocks[index]) if index >= 0 else (-1, 0, [])

    def go_on_inside(self, address: int) -> None:
        """The program will go on at `address`, in the middle of the current block, which is then counted again."""
        self._state.inside, self._state.inside_at = self._state.micro.previous, address

    def cycles_after(self, index: int, position: int) -> float:
        """Cycles that the current block `index`, charged as a whole when it is entered, spends after its instruction
        `position`.
        """
        key = (index, position)
        if key not in self._rests:
            block = self._blocks[index]
            until = schedule([block[: position + 1]], self.parameters)
            self._rests[key] = max(0.0, schedule([block], self.parameters) - until)
        here = self._blocks[index][position].address - self._blocks[index][0].address
        stalls = (self._state.stall[n] for n in range(self._state.stall_count))
        return self._rests[key] + sum(stall.cycles for stall in stalls if stall.offset > here)

    def statistics(self) -> dict[str, int]:
        """Counts of events, for tests and for people."""
        state = self._state
        counts = {
            name: int(getattr(state, name))
            for name in ("taken", "mispredicted", "fetch_stalls", "data_stalls", "unknown_addresses", "edges")
        }
        misses = {f"{name}_misses": int(getattr(state.micro, name).misses) for name in CACHES}
        return counts | misses | {"blocks": int(state.block_count)}


def _empty(cache: Cache) -> None:
    c.memset(c.byref(cache, Cache.tag.offset), 0, Cache.tag.size + Cache.dirty.size)
