/* Instruction fetch from the memories behind the TCMs: through the instruction cache (AXI bus), or through the ART (flash on
 * the ITCM bus). Switched off means slow: every 8 bytes go to the memory. TCM costs nothing beyond the fetch supply that
 * the scoreboard knows.
 */

/* Cycles that fetching the block's lines costs. */
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
