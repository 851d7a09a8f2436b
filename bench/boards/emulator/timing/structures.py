"""The structures of hook.c as ctypes sees them; native.py checks that both have the same size."""

from __future__ import annotations

import ctypes as c

SUCCESSORS, BTAC_MAX, COUNTERS_MAX, LINES_MAX, REGION_COUNT = 4, 1024, 4096, 128, 5


def _all(kind: type, names: str) -> list[tuple[str, type]]:
    return [(name, kind) for name in names.split()]


class Block(c.Structure):
    _fields_ = [
        *_all(c.c_uint32, "address size branch_address instructions"),
        *_all(c.c_int32, "branch path next_same"),
        ("successor", c.c_int32 * SUCCESSORS),
        ("cost", c.c_int32 * SUCCESSORS),
        *_all(c.c_uint64, "count sixteenths"),
    ]


class CodeRegion(c.Structure):
    _fields_ = [
        *_all(c.c_uint32, "start size"),
        *_all(c.c_int32, "path forbidden"),
        ("map", c.POINTER(c.c_int32)),
        ("is_code", c.POINTER(c.c_uint8)),
    ]


class Cache(c.Structure):
    _fields_ = [
        *_all(c.c_uint32, "sets ways random recent"),
        ("tag", c.c_uint32 * LINES_MAX),
        ("dirty", c.c_uint8 * LINES_MAX),
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
        "mispredict taken_unknown btac_entries history_bits counter_bits flash_line sram_line art_line write_back "
        "uncached_fetch uncached_flash_read uncached_sram_read uncached_write instruction_cache data_cache art",
    )


class Edge(c.Structure):
    _fields_ = [("key", c.c_uint64), ("cost", c.c_int32), ("used", c.c_int32)]


DESCRIBE = c.CFUNCTYPE(c.c_int32, c.POINTER(Block))
COST = c.CFUNCTYPE(c.c_int32, c.c_int32, c.c_int32, c.c_int32)


class State(c.Structure):
    _fields_ = [
        ("micro", Micro),
        ("p", Penalties),
        ("region", CodeRegion * REGION_COUNT),
        *_all(c.c_uint64, "sixteenths instructions stop_at alarm taken mispredicted fetch_stalls data_stalls edges"),
        *_all(c.c_int32, "stopped error block_count block_capacity"),
        ("blocks", c.POINTER(Block)),
        ("edge", c.POINTER(Edge)),
        ("edge_capacity", c.c_uint64),
        ("describe", DESCRIBE),
        ("cost", COST),
        ("stop", c.c_void_p),
    ]
