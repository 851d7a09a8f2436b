/* How LZW codes leave, whatever finds them; bench/codec/lzw.py says what the stream looks like. */
#ifndef LZW_H
#define LZW_H
#include "stage.h"

#define MAX_WIDTH 12u
#define FULL (1u << MAX_WIDTH)

typedef uint32_t unaligned_word __attribute__((aligned(1), may_alias));

struct lzw {
    uint8_t *out;
    uint32_t held, held_bits, width, free_code;
};

static inline struct lzw lzw_start(uint8_t *payload, uint32_t bits) {
    return (struct lzw){payload, 0, 0, bits + 1, 1u << bits};
}

/* Sends the code of a phrase and returns that of the phrase with the next symbol, which this defines; 0: there are 4,096 codes,
   the dictionary is to be emptied. */
static inline __attribute__((always_inline)) uint32_t lzw_send(struct lzw *s, uint32_t code, uint32_t bits) {
    s->held |= code << s->held_bits; /* at most 7 + 12 bits: no branch, and up to 3 bytes past the end that come later */
    s->held_bits += s->width;
    *(unaligned_word *)(void *)s->out = s->held;
    s->out += s->held_bits >> 3;
    s->held >>= s->held_bits & ~7u;
    s->held_bits &= 7;
    if (__builtin_expect(s->free_code < FULL, 1)) {
        const uint32_t fresh = s->free_code++;
        s->width += s->free_code > 1u << s->width;
        return fresh;
    }
    s->free_code = 1u << bits;
    s->width = bits + 1;
    return 0;
}

/* Sends the last code; returns how many bytes there are. */
static inline uint32_t lzw_end(const struct lzw *s, uint32_t code, const uint8_t *payload) {
    *(unaligned_word *)(void *)s->out = s->held | code << s->held_bits;
    return (uint32_t)(s->out - payload) + ((s->held_bits + s->width + 7) >> 3);
}

/* lzw_tree.c: bytes of the payload; 0 if the memory is too small for this map. bits <= 3, count > 0 */
uint32_t lzw_tree(const uint8_t *symbols, uint32_t count, uint32_t bits, uint8_t *payload);

#endif
