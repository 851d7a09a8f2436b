/* LZW coder; bench/codec/lzw.py is its twin and says what the stream looks like. */
#include "stage.h"

#define MAX_WIDTH 12u
#define FULL (1u << MAX_WIDTH)
#define SLOTS (SCRATCH_BYTES / 4)
#define GOLDEN 2654435769u /* 2^32 over the golden ratio: Fibonacci hashing (Knuth, vol. 3, section 6.4) */

typedef uint32_t unaligned_word __attribute__((aligned(1), may_alias));

/* The dictionary is a hash table with linear probing. One slot holds a whole entry: prefix code (12 bits), symbol (8 bits), the
   code of both (12 bits). No entry is 0 because no code below 2 is ever defined. At most 4,094 of 6,144 slots are in use, and
   fewer than one per symbol. */
static __attribute__((noinline)) void forget(uint32_t slots) {
    __builtin_memset(scratch, 0, slots * 4);
}

/* In two products so that the symbol's does not wait for the phrase. */
static inline uint32_t *home(uint32_t phrase, uint32_t symbol, uint32_t slots) {
    return &scratch[(uint64_t)(phrase * (GOLDEN << 8) + symbol * GOLDEN) * slots >> 32];
}

FAST_CODE enum stage_result stage_code_lzw(const uint8_t *symbols, uint32_t count, uint32_t bits, uint8_t *payload,
                                           uint32_t *length) {
    const uint8_t *const end = symbols + count;
    const uint32_t slots = count < SLOTS * 2 / 3 ? count + count / 2 + 1 : SLOTS; /* clearing them takes time */
    uint8_t *out = payload;
    uint32_t free_code = 1u << bits, width = bits + 1, held = 0, held_bits = 0;
    *length = 0;
    if (count == 0)
        return STAGE_NEXT;
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
        held |= phrase << held_bits; /* at most 7 + 12 bits: no branch, and up to 3 bytes past the end that come later */
        held_bits += width;
        *(unaligned_word *)(void *)out = held;
        out += held_bits >> 3;
        held >>= held_bits & ~7u;
        held_bits &= 7;
        phrase = symbol;
        if (__builtin_expect(free_code < FULL, 1)) {
            *slot = key << MAX_WIDTH | free_code++;
            width += free_code > 1u << width;
        } else {
            forget(slots);
            free_code = 1u << bits;
            width = bits + 1;
        }
    }
    *(unaligned_word *)(void *)out = held | phrase << held_bits;
    *length = (uint32_t)(out - payload) + ((held_bits + width + 7) >> 3);
    return STAGE_NEXT;
}
