/* Bit planes, then LZ4; bench/codec/lz4.py is its twin and says what the stream looks like. */
#include "stage.h"

#define BLOCK 16384u
#define TABLE_BITS 12u
#define GOLDEN 2654435769u /* as in lzw.c */
#define SHORTEST 4u
#define TAIL 5u
#define LAST_START 12u

_Static_assert(BLOCK + (2u << TABLE_BITS) <= SCRATCH_BYTES, "planes and table fill scratch memory");

typedef uint32_t unaligned_word __attribute__((aligned(1), may_alias));

static inline uint32_t word(const uint8_t *at) {
    return *(const unaligned_word *)(const void *)at;
}

/* The transpose of the 8x8 bit matrix whose rows are eight symbols, by exchanging ever larger squares
   (Knuth, vol. 4A, section 7.1.3). */
static inline void transpose(uint32_t *low, uint32_t *high) {
    uint32_t a = *low, b = *high, t;
    t = (a ^ a >> 7) & 0x00AA00AAu, a ^= t ^ t << 7;
    t = (b ^ b >> 7) & 0x00AA00AAu, b ^= t ^ t << 7;
    t = (a ^ a >> 14) & 0x0000CCCCu, a ^= t ^ t << 14;
    t = (b ^ b >> 14) & 0x0000CCCCu, b ^= t ^ t << 14;
    t = (a ^ b << 4) & 0xF0F0F0F0u, a ^= t, b ^= t >> 4;
    *low = a;
    *high = b;
}

static inline void spread(const uint8_t *symbols, uint32_t count, uint32_t bits, uint8_t *planes) {
    const uint32_t bytes = (count + 7) >> 3;
    for (uint32_t i = 0; i < bytes; i++, symbols += 8) {
        uint8_t last[8] = {0};
        if (i == bytes - 1) {
            __builtin_memcpy(last, symbols, count - 8 * i);
            symbols = last;
        }
        uint32_t low = word(symbols), high = word(symbols + 4);
        transpose(&low, &high);
        for (uint32_t p = 0; p < bits; p++)
            planes[p * bytes + i] = (uint8_t)(p < 4 ? low >> 8 * p : high >> 8 * (p - 4));
    }
}

/* What of a length does not fit into the token's four bits; and how many bytes that takes. */
static inline uint8_t *rest(uint8_t *out, uint32_t length) {
    if (length < 15)
        return out;
    for (length -= 15; length >= 255; length -= 255)
        *out++ = 255;
    *out++ = (uint8_t)length;
    return out;
}

static inline uint32_t rest_bytes(uint32_t length) {
    return (length + 240) / 255;
}

/* Bytes written; `size` where they would not be fewer than that: then the output is of no use. Nothing is written beyond it. */
static inline uint32_t compress(const uint8_t *data, uint32_t size, uint16_t *table, uint8_t *payload) {
    const uint8_t *const end = data + size, *done = data, *at = data;
    uint8_t *out = payload;
    __builtin_memset(table, 0, 2u << TABLE_BITS);
    for (;;) {
        const uint8_t *match = data;
        for (; end - at >= (ptrdiff_t)LAST_START; at++) {
            const uint32_t now = word(at);
            uint16_t *const slot = &table[now * GOLDEN >> (32 - TABLE_BITS)];
            match = data + *slot;
            *slot = (uint16_t)(at - data);
            if (match != at && word(match) == now)
                break;
        }
        const int last = end - at < (ptrdiff_t)LAST_START;
        const uint8_t *from = at + SHORTEST;
        for (const uint8_t *old = match + SHORTEST; !last && end - from > (ptrdiff_t)TAIL && *from == *old; old++)
            from++;
        const uint32_t literals = (uint32_t)((last ? end : at) - done), more = last ? 0 : (uint32_t)(from - at) - SHORTEST;
        const uint32_t tail = last ? 0 : 2 + rest_bytes(more);
        if ((uint32_t)(out - payload) + 1 + rest_bytes(literals) + literals + tail >= size)
            return size;
        *out++ = (uint8_t)((literals < 15 ? literals : 15) << 4 | (more < 15 ? more : 15));
        out = rest(out, literals);
        __builtin_memcpy(out, done, literals);
        out += literals;
        if (last)
            return (uint32_t)(out - payload);
        *out++ = (uint8_t)(at - match);
        *out++ = (uint8_t)((at - match) >> 8);
        out = rest(out, more);
        at = done = from;
    }
}

FAST_CODE enum stage_result stage_code_lz4(const uint8_t *symbols, uint32_t count, uint32_t bits, uint8_t *payload,
                                           uint32_t *length) {
    uint16_t *const table = (void *)scratch;
    uint8_t *const planes = (uint8_t *)scratch + (2u << TABLE_BITS), *out = payload;
    while (count > 0) {
        const uint32_t block = count < BLOCK ? count : BLOCK, size = bits * ((block + 7) >> 3);
        spread(symbols, block, bits, planes);
        const uint32_t coded = compress(planes, size, table, out + 2);
        if (coded == size)
            __builtin_memcpy(out + 2, planes, size);
        out[0] = (uint8_t)coded;
        out[1] = (uint8_t)(coded >> 8);
        out += 2 + coded;
        symbols += block;
        count -= block;
    }
    *length = (uint32_t)(out - payload);
    return STAGE_NEXT;
}
