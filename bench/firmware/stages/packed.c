/* Every symbol in `bits` bits; bench/codec/packed.py is its twin. */
#include "stage.h"

FAST_CODE enum stage_result stage_code_packed(const uint8_t *symbols, uint32_t count, uint32_t bits, uint8_t *payload,
                                              uint32_t *length) {
    uint32_t held = 0, held_bits = 0;
    *length = (count * bits + 7) >> 3;
    if (bits == 8) {
        __builtin_memcpy(payload, symbols, count);
        return STAGE_NEXT;
    }
    for (; count > 0; count--) {
        held |= (uint32_t)*symbols++ << held_bits;
        held_bits += bits;
        if (held_bits >= 8) {
            *payload++ = (uint8_t)held;
            held >>= 8;
            held_bits -= 8;
        }
    }
    if (held_bits > 0)
        *payload = (uint8_t)held;
    return STAGE_NEXT;
}
