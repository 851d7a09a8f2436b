/* Baseline JPEG coder; bench/codec/jpeg.py is its twin and says what the stream looks like. */
#include "bits.h"

#define SHIFT 13
#define KEPT 2
#define INLINE static inline __attribute__((always_inline))

/* What one image needs, in scratch: its tables, the pixels of one unit, blocks before, between and after the passes. */
struct work {
    struct jpeg_tables tables;
    uint8_t pixels[16 * 16 * 3];
    int32_t block[64], red[64];
};
_Static_assert(sizeof(struct work) <= SCRATCH_BYTES, "scratch is too small");

/* Eight values -> sqrt(8) times their DCT, in place. The constants are sqrt(2) cos(k pi / 16), 1 + SHIFT bits. */
INLINE void transform(int32_t *x, uint32_t step, int32_t down) {
    const int32_t c1 = 11363, c2 = 10703, c3 = 9633, c5 = 6436, c6 = 4433, c7 = 2260, half = 1 << (down - 1);
    const int32_t x0 = x[0], x1 = x[step], x2 = x[2 * step], x3 = x[3 * step];
    const int32_t x4 = x[4 * step], x5 = x[5 * step], x6 = x[6 * step], x7 = x[7 * step];
    const int32_t a = x0 - x7, b = x1 - x6, c = x2 - x5, d = x3 - x4;
    const int32_t s = x0 + x7 + x3 + x4, t = x1 + x6 + x2 + x5, u = x0 + x7 - x3 - x4, v = x1 + x6 - x2 - x5;
    x[0] = ((s + t) * (1 << SHIFT) + half) >> down;
    x[4 * step] = ((s - t) * (1 << SHIFT) + half) >> down;
    x[2 * step] = (u * c2 + v * c6 + half) >> down;
    x[6 * step] = (u * c6 - v * c2 + half) >> down;
    x[step] = (a * c1 + b * c3 + c * c5 + d * c7 + half) >> down;
    x[3 * step] = (a * c3 - b * c7 - c * c1 - d * c5 + half) >> down;
    x[5 * step] = (a * c5 - b * c1 + c * c7 + d * c3 + half) >> down;
    x[7 * step] = (a * c7 - b * c5 + c * c3 - d * c1 + half) >> down;
}

INLINE uint32_t magnitude(int32_t x) {
    return (uint32_t)(x < 0 ? -x : x);
}

/* A Huffman code (an entry: code << 5 | size), then the bits that tell the level among those of its size. */
INLINE void put(struct bits *s, uint32_t entry, int32_t level, uint32_t size) {
    const uint32_t bits = (uint32_t)(level + (level >> 31)) & ((1u << size) - 1);
    bits_put(s, entry >> 5 << size | bits, (entry & 31) + size, 1);
}

INLINE uint32_t size_of(int32_t level) {
    return 31 - (uint32_t)__builtin_clz(magnitude(level) << 1 | 1);
}

INLINE int32_t quantize(int32_t coefficient, const struct jpeg_step *step) {
    const uint32_t above = magnitude(coefficient) + step->half;
    const uint32_t quotient = (uint32_t)((uint64_t)above * step->reciprocal >> 32);
    return coefficient < 0 ? -(int32_t)quotient : (int32_t)quotient;
}

/* A block of pixels, overwritten -> bits. Returns its DC level. */
static FAST_CODE int32_t code_block(struct bits *s, const struct jpeg_tables *tables, int32_t *block, uint32_t table,
                                    int32_t last) {
    for (uint32_t i = 0; i < 8; i++)
        transform(block + 8 * i, 1, SHIFT - KEPT);
    for (uint32_t i = 0; i < 8; i++)
        transform(block + i, 8, SHIFT + KEPT);
    const uint32_t *const ac = tables->ac[table];
    const struct jpeg_step *step = tables->steps[table], *const end = step + 64;
    const int32_t dc = quantize(block[0], step);
    put(s, tables->dc[table][size_of(dc - last)], dc - last, size_of(dc - last));
    uint32_t run = 0;
    while (++step < end) {
        const int32_t level = quantize(block[step->place], step);
        if (level == 0) {
            run++;
            continue;
        }
        for (; run >= 16; run -= 16)
            bits_put(s, ac[0xf0] >> 5, ac[0xf0] & 31, 1);
        const uint32_t size = size_of(level);
        put(s, ac[run << 4 | size], level, size);
        run = 0;
    }
    if (run > 0)
        bits_put(s, ac[0] >> 5, ac[0] & 31, 1);
    return dc;
}

/* The unit's pixels; beyond the image, those of its last row and column. */
static void take(uint8_t *pixels, const uint8_t *image, uint32_t height, uint32_t width, uint32_t top, uint32_t left,
                 uint32_t side, uint32_t channels) {
    const uint32_t inside = width - left < side ? width - left : side;
    for (uint32_t y = top; y < top + side; y++, pixels += side * channels) {
        const uint8_t *const row = image + ((y < height ? y : height - 1) * width + left) * channels;
        __builtin_memcpy(pixels, row, inside * channels);
        for (uint32_t i = inside * channels; i < side * channels; i++)
            pixels[i] = pixels[i - channels];
    }
}

static FAST_CODE void luma(int32_t *block, const uint8_t *pixels) {
    for (uint32_t y = 0; y < 8; y++, pixels += 8 * 3)
        for (uint32_t x = 0; x < 8; x++, pixels += 3)
            *block++ = ((pixels[0] * 19595 + pixels[1] * 38470 + pixels[2] * 7471 + (1 << 15)) >> 16) - 128;
}

/* Of the means of 2x2 pixels. The - 1 keeps 128 out. */
static FAST_CODE void chroma(int32_t *blue, int32_t *red, const uint8_t *pixels) {
    for (uint32_t y = 0; y < 8; y++, pixels += 16 * 3)
        for (uint32_t x = 0; x < 8; x++, pixels += 6) {
            const uint8_t *const under = pixels + 16 * 3;
            const int32_t r = pixels[0] + pixels[3] + under[0] + under[3];
            const int32_t g = pixels[1] + pixels[4] + under[1] + under[4];
            const int32_t b = pixels[2] + pixels[5] + under[2] + under[5];
            *blue++ = (b * 32768 - r * 11059 - g * 21709 + (1 << 17) - 1) >> 18;
            *red++ = (r * 32768 - g * 27439 - b * 5329 + (1 << 17) - 1) >> 18;
        }
}

FAST_CODE enum stage_result stage_code_jpeg(const uint8_t *image, uint32_t height, uint32_t width, uint32_t channels,
                                            const struct jpeg_tables *tables, uint8_t *payload, uint32_t *length) {
    const uint32_t count = height * width * channels, side = channels == 1 ? 8 : 16;
    struct work *const w = (void *)scratch;
    struct bits s = bits_open(payload, count);
    int32_t last = 0, last_blue = 0, last_red = 0;
    w->tables = *tables;
    for (uint32_t top = 0; top < height; top += side)
        for (uint32_t left = 0; left < width; left += side) {
            take(w->pixels, image, height, width, top, left, side, channels);
            if (channels == 1) {
                for (uint32_t i = 0; i < 64; i++)
                    w->block[i] = w->pixels[i] - 128;
                last = code_block(&s, &w->tables, w->block, 0, last);
                continue;
            }
            for (uint32_t i = 0; i < 4; i++) {
                luma(w->block, w->pixels + ((i >> 1) * 8 * 16 + (i & 1) * 8) * 3);
                last = code_block(&s, &w->tables, w->block, 0, last);
            }
            chroma(w->block, w->red, w->pixels);
            last_blue = code_block(&s, &w->tables, w->block, 1, last_blue);
            last_red = code_block(&s, &w->tables, w->red, 1, last_red);
        }
    return bits_close(&s, payload, 1, length) ? STAGE_NEXT : stage_code_packed(image, count, 8, payload, length);
}
