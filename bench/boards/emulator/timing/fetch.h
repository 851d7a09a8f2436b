/* Instruction fetch from the memories behind the TCMs: through the instruction cache (AXI bus), or through the ART (flash on
 * the ITCM bus). Switched off means slow: every 8 bytes go to the memory. TCM costs nothing beyond the fetch supply that
 * the scoreboard knows.
 */

/* Cycles that `bytes` of a line cost. */
static inline int32_t fetch_line(state_t *s, int32_t path, uint32_t line, uint32_t bytes) {
    const parameters_t *c = &s->p;
    micro_t *m = &s->micro;
    if (path == PATH_ART) {
        int missed = c->art ? look_up(&m->art, line, 0) : m->art_line != line + 1;
        m->art_line = line + 1;
        return missed ? c->art_line : 0;
    }
    int missed = c->instruction_cache ? look_up(&m->instruction, line, 0) : m->flash_line != line + 1;
    m->flash_line = line + 1;
    int32_t slow = c->instruction_cache ? 0 : (int32_t)((bytes + 7) / 8) * c->uncached_fetch;
    return slow + (missed ? path == PATH_FLASH ? c->flash_line : c->sram_line : 0);
}

/* Cycles that fetching a block costs. */
static inline int32_t fetch(state_t *s, const block_t *b) {
    int32_t sum = 0;
    uint32_t end = b->address + b->size;
    if (b->path == PATH_TCM) return 0;
    for (uint32_t at = b->address; at < end; at = (at | (LINE - 1)) + 1) {
        uint32_t line = at & ~(LINE - 1u), stop = line + LINE < end ? line + LINE : end;
        int32_t stall = fetch_line(s, b->path, line, stop - (at & ~7u));
        if (stall) remember(s, at - b->address, stall), sum += stall;
    }
    s->fetch_stalls += (uint32_t)sum;
    return sum;
}
