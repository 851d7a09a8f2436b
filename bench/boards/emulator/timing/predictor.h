/* Branch prediction: gshare directions, targets in a BTAC.
 *
 * The Cortex-M7 has a BTAC and a dynamic predictor (TRM 1.2.1); its sizes are not published. Those in calibration.json
 * agree with published silicon runs of compiled code, and a mispredicted branch costs 6 to 8 cycles (jnk0le).
 */

/* Cycles lost by the branch that ended block p, when execution went on at `address`. */
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
