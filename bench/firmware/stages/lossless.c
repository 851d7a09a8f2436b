/* Lossless image coder; bench/codec/lossless.py is its twin and says what the stream looks like. */
#include "bits.h"

#define CONTEXTS 8u
#define INLINE static inline __attribute__((always_inline))

/* A pixel's value in a plane: the first is the image's own (green, where there are three channels), the others are differences
   to it. */
INLINE int32_t value(const uint8_t *pixel, uint32_t plane, uint32_t channels) {
    const int32_t own = pixel[channels == 3];
    return plane == 0 ? own : pixel[2 * plane - 2] - own;
}

INLINE int32_t length_of(int32_t x) {
    return 31 - __builtin_clz((uint32_t)x << 1 | 1);
}

INLINE void code(struct bits *s, int32_t v, int32_t a, int32_t b, int32_t c, uint32_t plane) {
    const int32_t low = a < b ? a : b, high = a < b ? b : a, slope = a + b - c;
    const int32_t median = slope < low ? low : slope > high ? high : slope;
    int32_t context = length_of((a < c ? c - a : a - c) + (b < c ? c - b : b - c));
    context = context < (int32_t)CONTEXTS ? context : (int32_t)CONTEXTS - 1;
    const uint32_t entry = scratch[(((plane > 0) * CONTEXTS + (uint32_t)context) << 8) + ((uint32_t)(v - median) & 255)];
    bits_put(s, entry >> 4, entry & 15, 0);
}

/* One row, of which the first `planes` are coded; the first row of an image has none above. */
INLINE void code_row(struct bits *s, const uint8_t *now, const uint8_t *above, uint32_t width, uint32_t channels,
                     uint32_t planes) {
    int32_t a[3], c[3];
    for (uint32_t p = 0; p < planes; p++)
        a[p] = c[p] = above ? value(above, p, channels) : 0;
    for (; width > 0; width--, now += channels) {
        for (uint32_t p = 0; p < planes; p++) {
            const int32_t v = value(now, p, channels);
            if (above) {
                const int32_t b = value(above, p, channels);
                code(s, v, a[p], b, c[p], p);
                c[p] = b;
            } else
                code(s, v, a[p], a[p], a[p], p);
            a[p] = v;
        }
        if (above)
            above += channels;
    }
}

static int is_grey(const uint8_t *row, uint32_t width) {
    while (width > 0 && row[0] == row[1] && row[1] == row[2])
        row += 3, width--;
    return width == 0;
}

FAST_CODE enum stage_result stage_code_lossless(const uint8_t *image, uint32_t height, uint32_t width, uint32_t channels,
                                                const uint32_t *codes, uint8_t *payload, uint32_t *length) {
    const uint32_t count = height * width * channels;
    struct bits s = bits_open(payload, count);
    __builtin_memcpy(scratch, codes, (channels == 3 ? 2 : 1) * CONTEXTS * 256 * sizeof *codes);
    for (uint32_t y = 0; y < height; y++) {
        const uint8_t *const row = image + y * width * channels, *const above = y > 0 ? row - width * channels : NULL;
        if (channels == 1)
            code_row(&s, row, above, width, 1, 1);
        else {
            const int grey = is_grey(row, width);
            bits_put(&s, (uint32_t)grey, 1, 0);
            if (grey)
                code_row(&s, row, above, width, 3, 1);
            else
                code_row(&s, row, above, width, 3, 3);
        }
    }
    return bits_close(&s, payload, 0, length) ? STAGE_NEXT : stage_code_packed(image, count, 8, payload, length);
}
