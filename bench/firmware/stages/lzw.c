/* LZW coder; bench/codec/lzw.py is its twin and says what the stream looks like. */
#include "stage.h"

#define MAX_WIDTH 12u
#define FULL (1u << MAX_WIDTH)
#define SLOTS (SCRATCH_BYTES / 4)

/* One slot holds a whole dictionary entry: prefix code (12 bits), symbol (8 bits), the code of both (12 bits). No entry is 0
   because no code below 2 is ever defined. At most 4,094 of 6,144 slots are in use. */
static void forget(void) {
    uint64_t *slot = (uint64_t *)(void *)scratch;
    for (uint32_t i = 0; i < SLOTS / 8; i++, slot += 4)
        slot[0] = slot[1] = slot[2] = slot[3] = 0;
}

FAST_CODE enum stage_result stage_code_lzw(const uint8_t *symbols, uint32_t count, uint32_t bits, uint8_t *payload,
                                           uint32_t *length) {
    const uint8_t *const end = symbols + count;
    uint8_t *out = payload;
    uint32_t free_code = 1u << bits, width = bits + 1, held = 0, held_bits = 0;
    *length = 0;
    if (count == 0)
        return STAGE_NEXT;
    forget();
    uint32_t phrase = *symbols++;
    while (symbols < end) {
        const uint32_t symbol = *symbols++, key = phrase << 8 | symbol;
        uint32_t slot = (uint32_t)((uint64_t)(key * 2654435769u) * SLOTS >> 32), entry;
        while ((entry = scratch[slot]) >> MAX_WIDTH != key && entry != 0)
            slot = slot + 1 < SLOTS ? slot + 1 : 0;
        if (entry != 0) {
            phrase = entry & (FULL - 1);
            continue;
        }
        held |= phrase << held_bits;
        held_bits += width;
        if (held_bits >= 16) {
            *(uint16_t *)(void *)out = (uint16_t)held;
            out += 2;
            held >>= 16;
            held_bits -= 16;
        }
        phrase = symbol;
        if (free_code < FULL) {
            scratch[slot] = key << MAX_WIDTH | free_code++;
            width += free_code > 1u << width;
        } else {
            forget();
            free_code = 1u << bits;
            width = bits + 1;
        }
    }
    held |= phrase << held_bits;
    held_bits += width;
    for (; (int32_t)held_bits > 0; held_bits -= 8, held >>= 8)
        *out++ = (uint8_t)held;
    *length = (uint32_t)(out - payload);
    return STAGE_NEXT;
}
