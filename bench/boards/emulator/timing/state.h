/* What the native side of the timing model keeps; timing/structures.py mirrors it with ctypes.
 *
 * Cycles are kept in sixteenths.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FLASH, ITCM, SRAM, DTCM, FLASH_ITCM, REGIONS }; /* as CODE_REGIONS in native.py */
enum { BRANCH_NONE, BRANCH_CONDITIONAL, BRANCH_DIRECT, BRANCH_INDIRECT };
enum { SUCCESSORS = 4, BTAC_MAX = 1024, COUNTERS_MAX = 4096, LINES_MAX = 128, LINE = 32, GRANULE = 64 };
enum { ERROR_NONE, ERROR_MEMORY, ERROR_CALLBACK, ERROR_FORBIDDEN };
enum { PATH_TCM, PATH_FLASH, PATH_SRAM, PATH_ART }; /* how instructions and data of a region arrive */
enum { SLOTS = 256, REGISTERS = 15, STALLS = 128, HINTS = 256 }; /* slots: r0 to r12, sp, lr, zero, results of steps */

typedef struct { /* one step towards an address: see data.h and timing/steps.py */
    uint8_t op, to, a, b, shift, amount, size, reserved;
    uint32_t value;
} step_t;

typedef struct { /* reads or writes close together: bytes first to first + last, from a slot's address on */
    uint32_t first;
    uint16_t last, offset, count, align; /* offset: of the first one's instruction in the block, in bytes */
    uint8_t slot, write;
} access_t;

typedef struct {
    int32_t steps, accesses, unknown, registers; /* counts; registers to read before the steps */
    int32_t number[REGISTERS]; /* unicorn's, of each */
    uint32_t *target[REGISTERS];
    step_t *step;
    access_t *access;
} program_t;

typedef struct {
    uint32_t address, size, branch_address, instructions;
    int32_t branch, path, next_same; /* next_same: another block at this address, or -1 */
    int32_t successor[SUCCESSORS], cost[SUCCESSORS];
    uint64_t count, sixteenths;
    program_t *data; /* null: no access to memory */
    uint8_t *code;   /* a copy where programs can change it, else null */
} block_t;

typedef struct { /* where code and data may lie; map: one entry per halfword, block index + 1 */
    uint32_t start, size;
    int32_t path, forbidden, writable; /* forbidden: the program has no business executing there */
    uint8_t *memory;
    int32_t *map;
    uint8_t *is_code; /* one flag per GRANULE bytes, for memory that programs can write */
} region_t;

typedef struct {
    uint32_t sets, ways, random, reserved;
    uint32_t tag[LINES_MAX]; /* line number + 1 */
    uint8_t dirty[LINES_MAX], hint[HINTS]; /* hint: where a line was seen last, by its low bits */
    uint64_t misses, write_backs;
} cache_t;

typedef struct { /* what the past leaves behind in the pipeline: saved and restored around idle polling */
    int32_t previous, reserved;
    uint32_t history, flash_line, art_line, data_line;
    uint32_t btac_tag[BTAC_MAX], btac_target[BTAC_MAX];
    uint8_t counter[COUNTERS_MAX];
    cache_t instruction, data, art;
} micro_t;

typedef struct { /* penalties in cycles */
    int32_t mispredict, taken_unknown, btac_entries, history_bits, counter_bits;
    int32_t flash_line, sram_line, store_line, art_line, write_back;
    int32_t uncached_fetch, uncached_flash_read, uncached_sram_read, uncached_write, unaligned_load;
    int32_t instruction_cache, data_cache, art; /* switches */
} parameters_t;

typedef struct { uint64_t key; int32_t cost, used; } edge_t;
typedef struct { uint32_t offset, cycles; } stall_t; /* offset: of what waits, in bytes from the block's start */

typedef struct state {
    micro_t micro;
    parameters_t p;
    region_t region[REGIONS];
    uint32_t slot[SLOTS];
    uint8_t known[SLOTS];
    stall_t stall[STALLS]; /* of the current block */
    uint64_t sixteenths, instructions, stop_at, alarm; /* alarm: in sixteenths of a cycle */
    uint64_t taken, mispredicted, fetch_stalls, data_stalls, unknown_addresses, edges;
    int32_t stopped, error, block_count, block_capacity, stall_count;
    int32_t inside; /* block that goes on in its middle when the program comes to inside_at, or -1 */
    uint32_t inside_at, reserved;
    block_t *blocks;
    edge_t *edge;
    uint64_t edge_capacity;
    int32_t (*describe)(block_t *block); /* fills the block in; 0, or -1 */
    int32_t (*cost)(int32_t previous, int32_t current, int32_t taken);
    int32_t (*stop)(void *uc);
    int32_t (*read)(void *uc, int32_t *numbers, void **targets, int32_t count); /* of registers */
} state_t;

static inline region_t *find_region(state_t *s, uint32_t address) {
    for (int r = 0; r < REGIONS; r++)
        if (address - s->region[r].start < s->region[r].size) return &s->region[r];
    return 0;
}

static int32_t fail(state_t *s, void *uc, int32_t error) {
    s->error = error, s->stopped = 1;
    s->stop(uc);
    return -1;
}

/* Notes where in the current block cycles were lost, for a program that reads the cycle counter in its middle. */
static inline void remember(state_t *s, uint32_t offset, int32_t cycles) {
    if (s->stall_count < STALLS) s->stall[s->stall_count++] = (stall_t){offset, 0};
    s->stall[s->stall_count - 1].cycles += (uint32_t)cycles;
}
