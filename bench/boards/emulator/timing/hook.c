/* Native side of the timing model: called by unicorn at every basic block and at every data access to cached memory.
 *
 * Cycles are kept in sixteenths. The cost of an edge (previous block -> this block) comes from Python once (`cost`) and is
 * remembered; branch prediction and caches are simulated here. timing.native mirrors these structures with ctypes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BRANCH_NONE, BRANCH_CONDITIONAL, BRANCH_DIRECT, BRANCH_INDIRECT };
enum { REGIONS = 5, SUCCESSORS = 4, BTAC_MAX = 1024, COUNTERS_MAX = 4096, LINES_MAX = 128, LINE = 32, GRANULE = 64 };
enum { ERROR_NONE, ERROR_MEMORY, ERROR_CALLBACK, ERROR_FORBIDDEN };
enum { PATH_TCM, PATH_FLASH, PATH_SRAM, PATH_ART }; /* how instructions and data of a region arrive */
enum { UNICORN_WRITE = 17 };

typedef struct {
    uint32_t address, size, branch_address, instructions;
    int32_t branch, path, next_same; /* next_same: another block with this address and another size, or -1 */
    int32_t successor[SUCCESSORS], cost[SUCCESSORS];
    uint64_t count, sixteenths;
} block_t;

typedef struct { /* where code may lie; map: one entry per halfword, block index + 1 */
    uint32_t start, size;
    int32_t path, forbidden; /* forbidden: the program has no business executing there */
    int32_t *map;
    uint8_t *is_code; /* one flag per GRANULE bytes; null for memory that programs cannot write */
} region_t;

typedef struct {
    uint32_t sets, ways, random, recent; /* recent: way slot of the last hit */
    uint32_t tag[LINES_MAX]; /* line number + 1 */
    uint8_t dirty[LINES_MAX];
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
    int32_t flash_line, sram_line, art_line, write_back;
    int32_t uncached_fetch, uncached_flash_read, uncached_sram_read, uncached_write;
    int32_t instruction_cache, data_cache, art; /* switches */
} parameters_t;

typedef struct { uint64_t key; int32_t cost, used; } edge_t;

typedef struct state {
    micro_t micro;
    parameters_t p;
    region_t region[REGIONS];
    uint64_t sixteenths, instructions, stop_at, alarm; /* alarm: in sixteenths of a cycle */
    uint64_t taken, mispredicted, fetch_stalls, data_stalls, edges;
    int32_t stopped, error, block_count, block_capacity;
    block_t *blocks;
    edge_t *edge;
    uint64_t edge_capacity;
    int32_t (*describe)(block_t *block); /* fills the block in; its index, or -1 */
    int32_t (*cost)(int32_t previous, int32_t current, int32_t taken);
    int32_t (*stop)(void *uc);
} state_t;

uint64_t state_size(void) { return sizeof(state_t); }
uint64_t block_size(void) { return sizeof(block_t); }

void release(state_t *s) {
    free(s->blocks), free(s->edge);
    for (int r = 0; r < REGIONS; r++) free(s->region[r].map), free(s->region[r].is_code);
}

/* Allocates the maps of all regions; writable[r]: programs can change code there. 0 on success. */
int32_t prepare(state_t *s, const uint8_t *writable) {
    s->block_capacity = 1024, s->edge_capacity = 4096;
    s->blocks = calloc((size_t)s->block_capacity, sizeof(block_t));
    s->edge = calloc(s->edge_capacity, sizeof(edge_t));
    int ok = s->blocks && s->edge;
    for (int r = 0; r < REGIONS; r++) {
        region_t *region = &s->region[r];
        region->map = calloc(region->size / 2, sizeof(int32_t));
        if (writable[r]) region->is_code = calloc(region->size / GRANULE, 1);
        ok = ok && region->map && (!writable[r] || region->is_code);
    }
    s->micro.previous = -1;
    return ok ? 0 : -1;
}

static region_t *find_region(state_t *s, uint32_t address) {
    for (int r = 0; r < REGIONS; r++)
        if (address - s->region[r].start < s->region[r].size) return &s->region[r];
    return 0;
}

/* Forgets all blocks of a region whose code changed; their counts stay for the profile. */
static void forget(region_t *region) {
    memset(region->map, 0, region->size / 2 * sizeof(int32_t));
    memset(region->is_code, 0, region->size / GRANULE);
}

/* 1 if there was code. */
int32_t code_written(state_t *s, uint32_t address, uint32_t size) {
    region_t *region = find_region(s, address);
    if (!region || !region->is_code || !size) return 0;
    uint32_t first = (address - region->start) / GRANULE, last = (address - region->start + size - 1) / GRANULE;
    for (uint32_t g = first; g <= last && g < region->size / GRANULE; g++)
        if (region->is_code[g]) { forget(region); return 1; }
    return 0;
}

/* 0 hit, 1 miss, 2 miss that writes a dirty line back. Replacement is pseudo-random from a fixed seed. */
static int look_up(cache_t *c, uint32_t address, int write) {
    uint32_t line = address / LINE, set = (line & (c->sets - 1)) * c->ways, way = 0;
    if (c->tag[c->recent] == line + 1) { c->dirty[c->recent] |= (uint8_t)write; return 0; }
    uint32_t *tag = c->tag + set;
    uint8_t *dirty = c->dirty + set;
    for (; way < c->ways; way++)
        if (tag[way] == line + 1) { dirty[way] |= (uint8_t)write, c->recent = set + way; return 0; }
    c->misses++;
    c->random = c->random * 1103515245u + 12345u;
    way = (c->random >> 16) % c->ways;
    for (uint32_t k = 0; k < c->ways; k++)
        if (!tag[k]) { way = k; break; }
    int result = dirty[way] ? 2 : 1;
    c->write_backs += dirty[way];
    tag[way] = line + 1, dirty[way] = (uint8_t)write, c->recent = set + way;
    return result;
}

static int32_t fail(state_t *s, void *uc, int32_t error) {
    s->error = error, s->stopped = 1;
    s->stop(uc);
    return -1;
}

/* Index of the block at this address with this size, described by Python at first sight; -1 after an error. */
static int32_t find_block(state_t *s, void *uc, region_t *region, uint32_t address, uint32_t size) {
    int32_t *entry = &region->map[(address - region->start) / 2];
    for (int32_t i = *entry - 1; i >= 0; i = s->blocks[i].next_same)
        if (s->blocks[i].size == size) return i;
    if (s->block_count == s->block_capacity) {
        block_t *grown = realloc(s->blocks, 2 * (size_t)s->block_capacity * sizeof(block_t));
        if (!grown) return fail(s, uc, ERROR_MEMORY);
        s->blocks = grown, s->block_capacity *= 2;
    }
    int32_t i = s->block_count;
    block_t *b = &s->blocks[i];
    memset(b, 0, sizeof *b);
    b->address = address, b->size = size, b->path = region->path;
    for (int k = 0; k < SUCCESSORS; k++) b->successor[k] = -1;
    i = s->describe(b); /* an old index when the same code has come back */
    if (i < 0) return fail(s, uc, ERROR_CALLBACK);
    if (i == s->block_count) s->block_count++;
    s->blocks[i].next_same = *entry - 1;
    if (region->is_code)
        for (uint32_t o = address - region->start, g = o / GRANULE; g <= (o + size - 1) / GRANULE; g++) region->is_code[g] = 1;
    *entry = i + 1;
    return i;
}

static edge_t *find_edge(edge_t *table, uint64_t capacity, uint64_t key) {
    uint64_t h = (key * 0x9E3779B97F4A7C15ull) >> 20;
    while (table[h & (capacity - 1)].used && table[h & (capacity - 1)].key != key) h++;
    return &table[h & (capacity - 1)];
}

/* Cost of an edge that its source block does not remember itself. */
static int32_t edge_cost(state_t *s, void *uc, int32_t previous, int32_t current, int taken) {
    if (2 * (s->edges + 1) > s->edge_capacity) {
        uint64_t capacity = 2 * s->edge_capacity;
        edge_t *grown = calloc(capacity, sizeof(edge_t));
        if (!grown) return fail(s, uc, ERROR_MEMORY);
        for (uint64_t e = 0; e < s->edge_capacity; e++)
            if (s->edge[e].used) *find_edge(grown, capacity, s->edge[e].key) = s->edge[e];
        free(s->edge);
        s->edge = grown, s->edge_capacity = capacity;
    }
    uint64_t key = (uint64_t)(uint32_t)previous << 32 | (uint32_t)current;
    edge_t *e = find_edge(s->edge, s->edge_capacity, key);
    if (!e->used) {
        int32_t cost = s->cost(previous, current, taken);
        if (cost < 0) return fail(s, uc, ERROR_CALLBACK);
        e->key = key, e->cost = cost, e->used = 1;
        s->edges++;
    }
    if (previous >= 0)
        for (int k = 0; k < SUCCESSORS; k++)
            if (s->blocks[previous].successor[k] < 0) {
                s->blocks[previous].successor[k] = current, s->blocks[previous].cost[k] = e->cost;
                break;
            }
    return e->cost;
}

/* Cycles lost by the branch that ended block p, when execution went on at `address`: gshare directions, BTAC targets. */
static int32_t predict(state_t *s, const block_t *p, uint32_t address, int taken) {
    const parameters_t *c = &s->p;
    micro_t *m = &s->micro;
    uint32_t slot = (p->branch_address >> 1) % (uint32_t)c->btac_entries;
    int known = m->btac_tag[slot] == p->branch_address, wrong = 0;
    if (p->branch == BRANCH_CONDITIONAL) {
        uint32_t past = m->history & ((1u << c->history_bits) - 1u), mask = (1u << c->counter_bits) - 1u;
        uint8_t *counter = &m->counter[((p->branch_address >> 1) ^ (past << (c->counter_bits - c->history_bits))) & mask];
        wrong = (*counter >= 2) != taken;
        if (taken && *counter < 3) ++*counter;
        if (!taken && *counter > 0) --*counter;
        m->history = m->history << 1 | (uint32_t)taken;
    } else if (p->branch == BRANCH_INDIRECT) { /* a conditional return goes where it went last: on if its slot is empty */
        wrong = taken ? !(known && m->btac_target[slot] == address) : known;
        if (!taken && known) m->btac_tag[slot] = 0;
    }
    if (taken) m->btac_tag[slot] = p->branch_address, m->btac_target[slot] = address, s->taken++;
    s->mispredicted += (uint64_t)wrong;
    return wrong ? c->mispredict : taken && !known ? c->taken_unknown : 0;
}

/* Cycles that fetching the block's lines costs beyond the fetch supply that the scoreboard knows. */
static int32_t fetch(state_t *s, const block_t *b) {
    const parameters_t *c = &s->p;
    micro_t *m = &s->micro;
    int32_t stall = 0;
    uint32_t end = b->address + b->size, first = b->address & ~(LINE - 1u);
    if (b->path == PATH_TCM) return 0;
    if (b->path == PATH_ART) {
        for (uint32_t line = first; line < end; line += LINE) {
            int missed = c->art ? look_up(&m->art, line, 0) : m->art_line != line + 1;
            m->art_line = line + 1;
            stall += missed ? c->art_line : 0;
        }
    } else {
        int32_t penalty = b->path == PATH_FLASH ? c->flash_line : c->sram_line;
        for (uint32_t line = first; line < end; line += LINE) {
            int missed = c->instruction_cache ? look_up(&m->instruction, line, 0) : m->flash_line != line + 1;
            m->flash_line = line + 1;
            stall += missed ? penalty : 0;
        }
        if (!c->instruction_cache) stall += (int32_t)((end + 7 - (b->address & ~7u)) / 8) * c->uncached_fetch;
    }
    s->fetch_stalls += (uint32_t)stall;
    return stall;
}

void on_block(void *uc, uint64_t address64, uint32_t size, void *user) {
    state_t *s = user;
    uint32_t address = (uint32_t)address64;
    if (s->instructions >= s->stop_at || s->sixteenths >= s->alarm || s->stopped) { /* this block has not run: it comes again at the next start */
        s->stopped = 1;
        s->stop(uc);
        return;
    }
    region_t *region = find_region(s, address);
    if (!region) return; /* nothing can execute there: the fetch faults */
    if (region->forbidden) {
        fail(s, uc, ERROR_FORBIDDEN);
        return;
    }
    int32_t current = find_block(s, uc, region, address, size), previous = s->micro.previous, cost = -1;
    if (current < 0) return;
    int32_t lost = 0;
    if (previous >= 0) {
        const block_t *p = &s->blocks[previous];
        int taken = address != p->address + p->size;
        for (int k = 0; k < SUCCESSORS; k++)
            if (p->successor[k] == current) { cost = p->cost[k]; break; }
        if (cost < 0) cost = edge_cost(s, uc, previous, current, taken);
        if (p->branch) lost = predict(s, p, address, taken);
    } else cost = edge_cost(s, uc, -1, current, 0);
    if (cost < 0) return;
    block_t *b = &s->blocks[current];
    uint32_t spent = (uint32_t)(cost + 16 * (lost + fetch(s, b)));
    b->count++, b->sixteenths += spent;
    s->instructions += b->instructions, s->sixteenths += spent;
    s->micro.previous = current;
}

static void charge_data(state_t *s, int32_t stall) {
    if (!stall) return;
    s->sixteenths += 16u * (uint32_t)stall, s->data_stalls += (uint32_t)stall;
    if (s->micro.previous >= 0) s->blocks[s->micro.previous].sixteenths += 16u * (uint32_t)stall;
}

/* A data access to flash over AXI or to SRAM: through the data cache, or past it while firmware has it switched off. */
void on_data(void *uc, int type, uint64_t address64, int size, int64_t value, void *user) {
    state_t *s = user;
    const parameters_t *c = &s->p;
    uint32_t address = (uint32_t)address64, line = address / LINE + 1;
    int write = type == UNICORN_WRITE, flash = address < 0x20000000u;
    (void)uc, (void)value;
    if (c->data_cache) {
        int missed = look_up(&s->micro.data, address, write);
        if (missed) charge_data(s, (flash ? c->flash_line : c->sram_line) + (missed == 2 ? c->write_back : 0));
    } else if (flash) {
        charge_data(s, s->micro.data_line == line ? c->uncached_flash_read : c->flash_line);
        s->micro.data_line = line;
    } else charge_data(s, write ? c->uncached_write : c->uncached_sram_read);
    if (write) code_written(s, address, (uint32_t)size);
}

/* A data read of flash over the ITCM bus: no data cache there, only the flash's own line. */
void on_art_data(void *uc, int type, uint64_t address64, int size, int64_t value, void *user) {
    state_t *s = user;
    uint32_t line = (uint32_t)address64 / LINE + 1;
    (void)uc, (void)type, (void)size, (void)value;
    charge_data(s, s->micro.data_line == line ? 0 : s->p.art_line);
    s->micro.data_line = line;
}

/* A store to tightly coupled memory that can hold code. */
void on_code_write(void *uc, int type, uint64_t address, int size, int64_t value, void *user) {
    (void)uc, (void)type, (void)value;
    code_written(user, (uint32_t)address, (uint32_t)size);
}
