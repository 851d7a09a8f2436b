"""The structures of state.h as ctypes sees them; native.py checks that both have the same size."""

from __future__ import annotations

import ctypes as c

SUCCESSORS, BTAC_MAX, COUNTERS_MAX, LINES_MAX, REGION_COUNT = 4, 1024, 4096, 128, 5
SLOTS, REGISTERS, STALLS, HINTS = 256, 15, 128, 256


def _all(kind: type, names: str) -> list[tuple[str, type]]:
    return [(name, kind) for name in names.split()]


class NativeStep(c.Structure):
    _fields_ = [*_all(c.c_uint8, "op to a b shift amount size reserved"), ("value", c.c_uint32)]


class NativeAccess(c.Structure):
    _fields_ = [
        ("first", c.c_uint32),
        *_all(c.c_uint16, "last offset count align"),
        *_all(c.c_uint8, "slot write"),
    ]


class Program(c.Structure):
    _fields_ = [
        *_all(c.c_int32, "steps accesses unknown registers"),
        ("number", c.c_int32 * REGISTERS),
        ("target", c.c_void_p * REGISTERS),
        ("step", c.POINTER(NativeStep)),
        ("access", c.POINTER(NativeAccess)),
    ]


class Block(c.Structure):
    _fields_ = [
        *_all(c.c_uint32, "address size branch_address instructions"),
        *_all(c.c_int32, "branch path next_same"),
        ("successor", c.c_int32 * SUCCESSORS),
        ("cost", c.c_int32 * SUCCESSORS),
        *_all(c.c_uint64, "count sixteenths"),
        ("data", c.POINTER(Program)),
        ("code", c.c_void_p),
    ]


class CodeRegion(c.Structure):
    _fields_ = [
        *_all(c.c_uint32, "start size"),
        *_all(c.c_int32, "path forbidden writable"),
        ("memory", c.c_void_p),
        ("map", c.POINTER(c.c_int32)),
        ("is_code", c.POINTER(c.c_uint8)),
    ]


class Cache(c.Structure):
    _fields_ = [
        *_all(c.c_uint32, "sets ways random reserved"),
        ("tag", c.c_uint32 * LINES_MAX),
        ("dirty", c.c_uint8 * LINES_MAX),
        ("hint", c.c_uint8 * HINTS),
        *_all(c.c_uint64, "misses write_backs"),
    ]


class Micro(c.Structure):
    _fields_ = [
        *_all(c.c_int32, "previous reserved"),
        *_all(c.c_uint32, "history flash_line art_line data_line"),
        ("btac_tag", c.c_uint32 * BTAC_MAX),
        ("btac_target", c.c_uint32 * BTAC_MAX),
        ("counter", c.c_uint8 * COUNTERS_MAX),
        *_all(Cache, "instruction data art"),
    ]


class Penalties(c.Structure):
    _fields_ = _all(
        c.c_int32,
        "mispredict taken_unknown btac_entries history_bits counter_bits flash_line sram_line store_line "
        "art_line write_back uncached_fetch uncached_flash_read uncached_sram_read uncached_write unaligned_load "
        "instruction_cache data_cache art",
    )


class Edge(c.Structure):
    _fields_ = [("key", c.c_uint64), ("cost", c.c_int32), ("used", c.c_int32)]


class Stall(c.Structure):
    _fields_ = _all(c.c_uint32, "offset cycles")


DESCRIBE = c.CFUNCTYPE(c.c_int32, c.POINTER(Block))
COST = c.CFUNCTYPE(c.c_int32, c.c_int32, c.c_int32, c.c_int32)


class State(c.Structure):
    _fields_ = [
        ("micro", Micro),
        ("p", Penalties),
        ("region", CodeRegion * REGION_COUNT),
        ("slot", c.c_uint32 * SLOTS),
        ("known", c.c_uint8 * SLOTS),
        ("stall", Stall * STALLS),
        *_all(c.c_uint64, "sixteenths instructions stop_at alarm"),
        *_all(c.c_uint64, "taken mispredicted fetch_stalls data_stalls unknown_addresses edges"),
        *_all(c.c_int32, "stopped error block_count block_capacity stall_count inside"),
        *_all(c.c_uint32, "inside_at reserved"),
        ("blocks", c.POINTER(Block)),
        ("edge", c.POINTER(Edge)),
        ("edge_capacity", c.c_uint64),
        ("describe", DESCRIBE),
        ("cost", COST),
        ("stop", c.c_void_p),
        ("read", c.c_void_p),
    ]
