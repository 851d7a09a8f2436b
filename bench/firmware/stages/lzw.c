/* LZW coder; bench/codec/lzw.py is its twin and says what the stream looks like. */
#include "lzw.h"

#define SLOTS (SCRATCH_BYTES / 4)
#define GOLDEN 2654435769u /* 2^32 over the golden ratio: Fibonacci hashing (Knuth, vol. 3, section 6.4) */
#define TREE_SYMBOLS 24576u /* larger maps mostly need more nodes than there is memory for */

/* The dictionary is a hash table with linear probing. One slot holds a whole entry: prefix code (12 bits), symbol (8 bits), the
   code of both (12 bits). No entry is 0 because no code below 2 is ever defined. At most 4,094 of 7,168 slots are in use, and
   fewer than one per symbol. */
static __attribute__((noinline)) void forget(uint32_t slots) {
    __builtin_memset(scratch, 0, slots * 4);
}

/* In two products so that the symbol's does not wait for the phrase. */
static inline uint32_t *home(uint32_t phrase, uint32_t symbol, uint32_t slots) {
    return &scratch[(uint64_t)(phrase * (GOLDEN << 8) + symbol * GOLDEN) * slots >> 32];
}

FAST_CODE static uint32_t lzw_table(const uint8_t *symbols, uint32_t count, uint32_t bits, uint8_t *payload) {
    const uint8_t *const end = symbols + count;
    const uint32_t slots = count < SLOTS * 2 / 3 ? count + count / 2 + 1 : SLOTS; /* clearing them takes time */
    struct lzw stream = lzw_start(payload, bits);
    forget(slots);
    uint32_t phrase = *symbols++;
longer:
    while (symbols < end) {
        const uint32_t symbol = *symbols++, key = phrase << 8 | symbol;
        uint32_t *slot = home(phrase, symbol, slots), entry;
        while ((entry = *slot) != 0) {
            if (entry >> MAX_WIDTH == key) {
                phrase = entry & (FULL - 1);
                goto longer;
            }
            slot = slot == &scratch[slots - 1] ? scratch : slot + 1;
        }
        const uint32_t fresh = lzw_send(&stream, phrase, bits);
        phrase = symbol;
        if (__builtin_expect(fresh > 0, 1))
            *slot = key << MAX_WIDTH | fresh;
        else
            forget(slots);
    }
    return lzw_end(&stream, phrase, payload);
}

FAST_CODE enum stage_result stage_code_lzw(const uint8_t *symbols, uint32_t count, uint32_t bits, uint8_t *payload,
                                           uint32_t *length) {
    *length = count > 0 && bits <= 3 && count <= TREE_SYMBOLS ? lzw_tree(symbols, count, bits, payload) : 0;
    if (count > 0 && *length == 0)
        *length = lzw_table(symbols, count, bits, payload);
    return STAGE_NEXT;
}
