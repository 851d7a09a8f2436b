/* Decoder of the context coder for the server; context.py says what the stream looks like. */
#include <stddef.h>
#include <stdint.h>

#define TOTAL_BITS 12u
#define TOTAL (1u << TOTAL_BITS)
#define BLOCK 4u
#define LOW (1u << 15)

struct stream {
    const uint8_t *first, *next; /* words are read downwards, from next to first */
    uint32_t x;
};

/* Takes an event of `size` from `start` out of the state. 0 when the words run out. */
static int take(struct stream *s, uint32_t start, uint32_t size) {
    s->x = size * (s->x >> TOTAL_BITS) + (s->x & (TOTAL - 1)) - start;
    if (s->x < LOW) {
        if (s->next == s->first)
            return 0;
        s->next -= 2;
        s->x = s->x << 16 | s->next[0] | (uint32_t)s->next[1] << 8;
    }
    return 1;
}

/* The symbol whose span of the row the state points into; ends[i] is where symbol i's span ends. */
static int take_symbol(struct stream *s, const uint16_t *ends, uint8_t *symbol) {
    const uint32_t slot = s->x & (TOTAL - 1);
    uint32_t i = 0;
    while (slot >= ends[i])
        i++;
    const uint32_t start = i > 0 ? ends[i - 1] : 0;
    *symbol = (uint8_t)i;
    return take(s, start, ends[i] - start);
}

/* 1 for a whole stream. data: bytes >= 4 and even; ends [rows][2^bits], quiet [channels] and context [channels][] must be
   sound (Tables.read sees to it); symbols [channels][height][width] is written. */
int context_decode(const uint8_t *data, const uint16_t *ends, const uint16_t *quiet, const uint16_t *context,
                   uint8_t *symbols, uint32_t bytes, uint32_t bits, uint32_t channels, uint32_t height, uint32_t width);
int context_decode(const uint8_t *data, const uint16_t *ends, const uint16_t *quiet, const uint16_t *context,
                   uint8_t *symbols, uint32_t bytes, uint32_t bits, uint32_t channels, uint32_t height, uint32_t width) {
    const uint8_t *const last = data + bytes - 4;
    struct stream s = {data, last, last[0] | (uint32_t)last[1] << 8 | (uint32_t)last[2] << 16 | (uint32_t)last[3] << 24};
    if (s.x < LOW || s.x >> 31)
        return 0;
    const uint32_t levels = 1u << bits, whole = width / BLOCK * BLOCK;
    for (uint32_t c = 0; c < channels; c++, context += (levels + 1) * levels)
        for (uint32_t y = 0; y < height; y++, symbols += width)
            for (uint32_t x = 0; x < width;) {
                const uint32_t count = x < whole ? BLOCK : 1;
                const uint16_t *rows = context;
                uint32_t near = x > 0 ? symbols[x - 1] : 0;
                for (uint32_t i = x; y > 0 && i < x + count; i++)
                    near |= symbols[(ptrdiff_t)i - width];
                if (count == BLOCK && near == 0) {
                    const int zero = (s.x & (TOTAL - 1)) < quiet[c];
                    if (!take(&s, zero ? 0 : quiet[c], zero ? quiet[c] : TOTAL - quiet[c]))
                        return 0;
                    if (zero) {
                        for (uint32_t i = 0; i < BLOCK; i++)
                            symbols[x++] = 0;
                        continue;
                    }
                    rows += levels * levels;
                }
                for (uint32_t i = 0; i < count; i++, x++) {
                    const uint32_t left = x > 0 ? symbols[x - 1] : 0;
                    const uint32_t up = y > 0 ? symbols[(ptrdiff_t)x - width] : 0;
                    if (!take_symbol(&s, ends + rows[up * levels + left] * levels, &symbols[x]))
                        return 0;
                }
            }
    return s.x == LOW && s.next == s.first;
}
