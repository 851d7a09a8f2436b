/* Native side of the timing model: called by unicorn at every basic block.
 *
 * The cost of an edge (previous block -> this block) comes from Python once (`cost`) and is remembered; branch prediction,
 * fetch and data accesses are simulated here, each in the file of its name.
 */
#include "state.h"

#include "cache.h"
#include "data.h"
#include "fetch.h"
#include "predictor.h"

uint64_t state_size(void) { return sizeof(state_t); }
uint64_t block_size(void) { return sizeof(block_t); }

void release(state_t *s) {
    for (int32_t b = 0; b < s->block_count; b++) free(s->blocks[b].code);
    free(s->blocks), free(s->edge);
    for (int r = 0; r < REGIONS; r++) free(s->region[r].map), free(s->region[r].is_code);
}

/* Allocates the maps of all regions. 0 on success. */
int32_t prepare(state_t *s) {
    s->block_capacity = 1024, s->edge_capacity = 4096;
    s->blocks = calloc((size_t)s->block_capacity, sizeof(block_t));
    s->edge = calloc(s->edge_capacity, sizeof(edge_t));
    int ok = s->blocks && s->edge;
    for (int r = 0; r < REGIONS; r++) {
        region_t *region = &s->region[r];
        region->map = calloc(region->size / 2, sizeof(int32_t));
        region->is_code = calloc(region->size / GRANULE, 1);
        ok = ok && region->map && region->is_code;
    }
    for (int k = 0; k <= REGISTERS; k++) s->known[k] = 1;
    s->micro.previous = s->inside = -1;
    return ok ? 0 : -1;
}

/* Whether the processor has executed any of these bytes. */
int32_t holds_code(state_t *s, uint32_t address, uint32_t size) {
    const region_t *region = find_region(s, address);
    if (!region || !size) return 0;
    uint32_t first = (address - region->start) / GRANULE, last = (address - region->start + size - 1) / GRANULE;
    for (uint32_t g = first; g <= last && g < region->size / GRANULE; g++)
        if (region->is_code[g]) return 1;
    return 0;
}

/* Index of the block at this address with this size and code, described by Python at first sight; -1 after an error. */
static int32_t find_block(state_t *s, void *uc, region_t *region, uint32_t address, uint32_t size) {
    uint32_t offset = address - region->start;
    int32_t *entry = &region->map[offset / 2];
    const uint8_t *memory = region->memory + offset;
    for (int32_t i = *entry - 1; i >= 0; i = s->blocks[i].next_same) {
        const block_t *b = &s->blocks[i];
        if (b->size == size && (!b->code || !memcmp(b->code, memory, size))) return i;
    }
    if (s->block_count == s->block_capacity) {
        block_t *grown = realloc(s->blocks, 2 * (size_t)s->block_capacity * sizeof(block_t));
        if (!grown) return fail(s, uc, ERROR_MEMORY);
        s->blocks = grown, s->block_capacity *= 2;
    }
    int32_t i = s->block_count;
    block_t *b = &s->blocks[i];
    memset(b, 0, sizeof *b);
    b->address = address, b->size = size, b->path = region->path, b->next_same = *entry - 1;
    for (int k = 0; k < SUCCESSORS; k++) b->successor[k] = -1;
    if (region->writable) {
        b->code = malloc(size);
        if (!b->code) return fail(s, uc, ERROR_MEMORY);
        memcpy(b->code, memory, size);
    }
    if (s->describe(b)) {
        free(b->code);
        return fail(s, uc, ERROR_CALLBACK);
    }
    s->block_count++;
    for (uint32_t g = offset / GRANULE; g <= (offset + size - 1) / GRANULE && g < region->size / GRANULE; g++)
        region->is_code[g] = 1;
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
    int32_t again = s->inside >= 0 && s->inside_at == address, previous = s->micro.previous, cost = -1;
    int32_t current = again ? s->inside : find_block(s, uc, region, address, size);
    if (current < 0) return;
    if (again) address = s->blocks[current].address, s->inside = -1; /* it counts as a whole, as if it began anew */
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
    s->stall_count = 0;
    int32_t stalls = lost + fetch(s, b) + (b->data ? simulate_data(s, uc, b->data) : 0);
    uint32_t spent = (uint32_t)(cost + 16 * stalls);
    b->count++, b->sixteenths += spent;
    s->instructions += b->instructions, s->sixteenths += spent;
    s->micro.previous = current;
}
