/* LZW for small alphabets and maps: the dictionary is a tree, so a symbol leads to the next phrase without a search. */
#include "lzw.h"

#define LEVELS 8u
#define NODE (1u + LEVELS) /* the code of its phrase, and a child per symbol */
#define NODES (SCRATCH_BYTES / 2 / NODE)
#define HIDE(value) __asm("" : "+r"(value)) /* one register, not a sum of two */

/* A child: 0 for none, the code of a phrase that no other continues, or, below 0, a node by its place before `ahead`. */
typedef int16_t __attribute__((may_alias)) half;

static inline half *add_node(half **unused, uint32_t code) {
    half *const node = *unused;
    node[-1] = (int16_t)code;
    __builtin_memset(node, 0, 2 * LEVELS);
    *unused = node + NODE;
    return node;
}

/* A tree of single symbols; returns where the next node goes. */
static __attribute__((noinline)) half *add_roots(half *unused, uint32_t levels) {
    for (uint32_t symbol = 0; symbol < levels; symbol++)
        add_node(&unused, symbol);
    return unused;
}

FAST_CODE uint32_t lzw_tree(const uint8_t *symbols, uint32_t count, uint32_t bits, uint8_t *payload) {
    const uint8_t *const end = symbols + count;
    half *const roots = (half *)(void *)scratch + 1, *const last = roots + (NODES - 1) * NODE, *ahead = roots + 32768;
    half *unused = add_roots(roots, 1u << bits), *node;
    struct lzw stream = lzw_start(payload, bits);
    uint32_t code = *symbols++, symbol, fresh;
    HIDE(ahead);
    if (symbols == end)
        return lzw_end(&stream, code, payload);
    node = roots + NODE * code;
    symbol = *symbols++;
    while (symbols < end) {
        const int32_t child = node[symbol];
        const uint32_t next = *symbols++;
        if (__builtin_expect(child < 0, 1)) {
            node = ahead + child;
            symbol = next;
        } else if (child == 0) {
            if ((fresh = lzw_send(&stream, (uint32_t)node[-1], bits)) > 0)
                node[symbol] = (int16_t)fresh;
            else
                unused = add_roots(roots, 1u << bits);
            node = roots + NODE * symbol;
            symbol = next;
        } else {
            if (unused > last)
                return 0;
            node[symbol] = (int16_t)(unused - ahead);
            node = add_node(&unused, (uint32_t)child);
            if ((fresh = lzw_send(&stream, (uint32_t)child, bits)) > 0)
                node[next] = (int16_t)fresh;
            else
                unused = add_roots(roots, 1u << bits);
            if (symbols == end)
                return lzw_end(&stream, next, payload);
            node = roots + NODE * next;
            symbol = *symbols++;
        }
    }
    if (node[symbol] < 0) {
        code = (uint32_t)ahead[node[symbol] - 1];
    } else if (node[symbol] > 0) {
        code = (uint32_t)node[symbol];
    } else {
        lzw_send(&stream, (uint32_t)node[-1], bits);
        code = symbol;
    }
    return lzw_end(&stream, code, payload);
}
