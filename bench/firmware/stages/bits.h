/* A bit string, first bit highest, that gives up where sending the values as they are would be no longer. */
#ifndef BITS_H
#define BITS_H
#include "stage.h"

#define SPARE 8u /* bytes: the string is at least so much shorter than the values */

typedef uint32_t bits_word __attribute__((aligned(1), may_alias));

struct bits {
    uint32_t held, room;  /* the next bits, highest first; how many places are free, 1 to 32 */
    uint8_t *out, *limit; /* at or behind `limit` nothing is written: the string is too long */
};

static inline struct bits bits_open(uint8_t *payload, uint32_t count) {
    return (struct bits){0, 32, payload, payload + (count >= SPARE ? count + 1 - SPARE : 0)};
}

/* `stuff`: a zero byte goes behind every 0xff, as in JPEG. */
static inline __attribute__((always_inline)) void bits_flush(struct bits *s, uint32_t bytes, int stuff) {
    uint32_t word = s->held;
    if (s->out >= s->limit)
        return;
    if (bytes == 4 && (!stuff || ((~word - 0x01010101u) & word & 0x80808080u) == 0)) {
        *(bits_word *)(void *)s->out = __builtin_bswap32(word);
        s->out += 4;
        return;
    }
    for (; bytes > 0; bytes--, word <<= 8) {
        *s->out++ = (uint8_t)(word >> 24);
        if (stuff && word >> 24 == 0xff)
            *s->out++ = 0;
    }
}

/* The low `size` bits of code, 0 to 31; those above must be zero. */
static inline __attribute__((always_inline)) void bits_put(struct bits *s, uint32_t code, uint32_t size, int stuff) {
    if (size < s->room) {
        s->room -= size;
        s->held |= code << s->room;
        return;
    }
    const uint32_t left = size - s->room;
    s->held |= code >> left;
    bits_flush(s, 4, stuff);
    s->room = 32 - left;
    s->held = code << 1 << (31 - left); /* in two steps: `left` may be 0 */
}

/* Ends the string; 0 if it is too long. Free places of the last byte are zero, or one with `stuff`. */
static inline int bits_close(struct bits *s, const uint8_t *payload, int stuff, uint32_t *length) {
    const uint32_t bytes = (32 - s->room + 7) >> 3;
    if (stuff && s->room < 32)
        s->held |= (1u << s->room) - 1;
    bits_flush(s, bytes, stuff);
    *length = (uint32_t)(s->out - payload);
    return s->out < s->limit;
}

#endif
