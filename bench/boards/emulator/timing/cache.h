/* A cache of 32-byte lines: 4 KB instruction (2 ways) and data (4 ways, write back, write allocate), ART (64 lines).
 *
 * Sizes: RM0385 2.1 and 3.3.2; policies: Cortex-M7 TRM (DDI 0489) chapter 5. The replacement of the chip is pseudo-random
 * and not published: here it is pseudo-random from a fixed seed.
 */

/* A miss: 1, or 2 when it writes a dirty line back. */
static int refill(cache_t *c, uint32_t line, int write) {
    uint32_t first = (line & (c->sets - 1)) * c->ways;
    c->misses++;
    c->random = c->random * 1103515245u + 12345u;
    uint32_t way = (c->random >> 16) % c->ways;
    for (uint32_t k = 0; k < c->ways; k++)
        if (!c->tag[first + k]) { way = k; break; }
    uint32_t slot = first + way;
    int result = c->dirty[slot] ? 2 : 1;
    c->write_backs += c->dirty[slot];
    c->tag[slot] = line + 1, c->dirty[slot] = (uint8_t)write, c->hint[line % HINTS] = (uint8_t)slot;
    return result;
}

/* 0 hit, else what refill() returns. */
static inline int look_up(cache_t *c, uint32_t address, int write) {
    uint32_t line = address / LINE, slot = c->hint[line % HINTS];
    if (c->tag[slot] != line + 1) {
        uint32_t way = 0;
        slot = (line & (c->sets - 1)) * c->ways;
        while (way < c->ways && c->tag[slot] != line + 1) way++, slot++;
        if (way == c->ways) return refill(c, line, write);
        c->hint[line % HINTS] = (uint8_t)slot;
    }
    c->dirty[slot] |= (uint8_t)write;
    return 0;
}
