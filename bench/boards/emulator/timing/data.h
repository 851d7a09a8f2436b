/* Data accesses of a block, simulated when it is entered: a memory hook at every access would cost nine tenths of the speed.
 *
 * timing/addresses.py translates the part of a block that its addresses depend on into steps, which run here on copies of
 * the registers. What they cannot know (flags from an earlier block, a division) makes an address unknown: counted, and taken for a hit.
 * An unaligned load takes three cycles more from every memory (jnk0le's microbenchmarks).
 */
enum { SUM, DIFFERENCE, AND, OR, XOR, CLEAR, PRODUCT, LEFT, RIGHT, SIGNED_RIGHT, EXTRACT, SIGNED_EXTRACT,
       TEST, CHOOSE, PEEK, SIGNED_PEEK, POKE, HIDE };
enum { SHIFT_NONE, SHIFT_ASR, SHIFT_LSL, SHIFT_LSR, SHIFT_ROR }; /* capstone's numbers */
enum { STORES = 32 };

typedef struct { uint32_t address, size, value, known; } store_t;

static inline uint32_t shifted(uint32_t x, uint32_t kind, uint32_t by) {
    switch (by ? kind : SHIFT_NONE) {
    case SHIFT_LSL: return by > 31 ? 0 : x << by;
    case SHIFT_LSR: return by > 31 ? 0 : x >> by;
    case SHIFT_ASR: return (uint32_t)((int32_t)x >> (by > 31 ? 31 : by));
    case SHIFT_ROR: return x >> (by & 31) | x << (-by & 31);
    default: return x;
    }
}

static inline int compares(uint32_t a, uint32_t b, uint32_t condition) {
    int32_t x = (int32_t)a, y = (int32_t)b;
    switch (condition) {
    case 0: return a == b;
    case 1: return a != b;
    case 2: return (int32_t)(a - b) < 0;
    case 3: return (int32_t)(a - b) >= 0;
    case 4: return a >= b;
    case 5: return a < b;
    case 6: return a > b;
    case 7: return a <= b;
    case 8: return x >= y;
    case 9: return x < y;
    case 10: return x > y;
    default: return x <= y;
    }
}

/* Cycles that `count` accesses to a line cost beyond hits: its way through the data cache, or past it where it is off. */
static inline int32_t access_line(state_t *s, uint32_t address, int write, int32_t count) {
    const parameters_t *c = &s->p;
    micro_t *m = &s->micro;
    uint32_t line = address / LINE + 1;
    int flash = address - s->region[FLASH].start < s->region[FLASH].size;
    if (!flash && address - s->region[SRAM].start >= s->region[SRAM].size) {
        if (address - s->region[FLASH_ITCM].start >= s->region[FLASH_ITCM].size) return 0; /* TCM, registers */
        int32_t stall = m->data_line == line ? 0 : c->art_line; /* ITCM bus: no cache, only the flash's own line */
        m->data_line = line;
        return stall;
    }
    if (c->data_cache) {
        int missed = look_up(&m->data, address, write);
        return missed ? (write ? c->store_line : flash ? c->flash_line : c->sram_line) + (missed == 2 ? c->write_back : 0) : 0;
    }
    if (!flash) return count * (write ? c->uncached_write : c->uncached_sram_read);
    int32_t stall = m->data_line == line ? c->uncached_flash_read : c->flash_line;
    m->data_line = line;
    return stall + (count - 1) * c->uncached_flash_read;
}

/* The value in memory, or what the block itself has stored there before; whether it is known. */
static int peek(state_t *s, const store_t *stores, int count, uint32_t address, uint32_t size, uint32_t *value) {
    for (int k = count - 1; k >= 0; k--)
        if (address - stores[k].address < stores[k].size || stores[k].address - address < size) {
            *value = size == 4 ? stores[k].value : stores[k].value & ((1u << 8 * size) - 1u);
            return stores[k].known && stores[k].address == address && stores[k].size >= size;
        }
    const region_t *region = find_region(s, address);
    if (!region || address - region->start + size > region->size) return 0;
    const uint8_t *at = region->memory + (address - region->start);
    memcpy(value, at, size); /* little-endian, as every computer that this is built for */
    return 1;
}

/* Fills the slots of a block's steps. */
static void take_steps(state_t *s, const program_t *p) {
    uint32_t *v = s->slot;
    uint8_t *known = s->known;
    store_t stores[STORES];
    int stored = 0;
    for (const step_t *i = p->step, *end = i + p->steps; i < end; i++) {
        uint32_t a = v[i->a], b = (i->shift ? shifted(v[i->b], i->shift, i->amount) : v[i->b]) + i->value, result = 0;
        int ok = known[i->a] & known[i->b];
        switch (i->op) {
        case SUM: result = a + b; break;
        case DIFFERENCE: result = a - b; break;
        case AND: result = a & b; break;
        case OR: result = a | b; break;
        case XOR: result = a ^ b; break;
        case CLEAR: result = a & ~b; break;
        case PRODUCT: result = a * b; break;
        case LEFT: result = shifted(a, SHIFT_LSL, b & 255); break;
        case RIGHT: result = shifted(a, SHIFT_LSR, b & 255); break;
        case SIGNED_RIGHT: result = shifted(a, SHIFT_ASR, b & 255); break;
        case EXTRACT: result = shifted(a, SHIFT_ROR, b) << (32 - i->size) >> (32 - i->size); break;
        case SIGNED_EXTRACT:
            result = (uint32_t)((int32_t)(shifted(a, SHIFT_ROR, b) << (32 - i->size)) >> (32 - i->size));
            break;
        case TEST: result = (uint32_t)compares(a, b, i->size); break;
        case CHOOSE: {
            uint8_t chosen = v[i->amount] ? i->a : i->b;
            ok = known[i->amount] & known[chosen], result = v[chosen];
            break;
        }
        case PEEK: ok = ok && peek(s, stores, stored, a + b, i->size, &result); break;
        case SIGNED_PEEK:
            ok = ok && peek(s, stores, stored, a + b, i->size, &result);
            result = (uint32_t)((int32_t)(result << (32 - 8 * i->size)) >> (32 - 8 * i->size));
            break;
        default: /* POKE, HIDE */
            if (ok && stored < STORES)
                stores[stored++] = (store_t){a + b, i->size, v[i->to], i->op == POKE && known[i->to]};
            continue;
        }
        v[i->to] = result, known[i->to] = (uint8_t)ok;
    }
}

/* Cycles that the data accesses of a block cost. */
static inline int32_t simulate_data(state_t *s, void *uc, const program_t *p) {
    int32_t sum = 0;
    if (p->registers) s->read(uc, (int32_t *)p->number, (void **)p->target, p->registers);
    if (p->steps) take_steps(s, p);
    s->unknown_addresses += (uint32_t)p->unknown;
    for (const access_t *i = p->access, *end = i + p->accesses; i < end; i++) {
        uint32_t address = s->slot[i->slot] + i->first, last = address + i->last;
        if (i->slot >= REGISTERS && !s->known[i->slot]) {
            s->unknown_addresses += i->count;
            continue;
        }
        uint32_t more = last / LINE - address / LINE, at = address;
        int32_t stall = 0, here = i->count > more ? (int32_t)(i->count - more) : 1;
        do {
            stall += access_line(s, at, i->write, here);
            at = (at | (LINE - 1)) + 1, here = 1;
        } while (at - address <= i->last);
        if (i->align && address & (i->align - 1u) && find_region(s, address)) stall += i->count * s->p.unaligned_load;
        if (stall) remember(s, i->offset, stall), sum += stall;
    }
    s->data_stalls += (uint32_t)sum;
    return sum;
}
