/* The other channels of an HWC map -> symbols, channel by channel (equal neighbours make longer LZW phrases). */
#include "stage.h"

#define TILE 64u /* pixels whose features fit into the 4 KB data cache together */
#define INLINE static inline __attribute__((always_inline))

typedef uint32_t __attribute__((may_alias, aligned(1))) unaligned_word;

/* One channel of one tile; four symbols per store. */
INLINE void channel(const int8_t *feature, uint32_t pixels, uint32_t stride, const uint8_t *cells, uint8_t *symbols) {
    for (; pixels >= 8; pixels -= 8, feature += 8 * stride, symbols += 8) {
        uint32_t s[8];
        for (uint32_t i = 0; i < 8; i++)
            s[i] = cells[feature[i * stride]];
        ((unaligned_word *)(void *)symbols)[0] = s[0] | s[1] << 8 | s[2] << 16 | s[3] << 24;
        ((unaligned_word *)(void *)symbols)[1] = s[4] | s[5] << 8 | s[6] << 16 | s[7] << 24;
    }
    for (; pixels > 0; pixels--, feature += stride)
        *symbols++ = cells[*feature];
}

INLINE void tiles(const int8_t *features, uint32_t pixels, uint32_t channels, uint32_t first, const uint8_t *cells,
                  uint8_t *symbols) {
    for (uint32_t at = 0; at < pixels; at += TILE) {
        const uint32_t count = pixels - at < TILE ? pixels - at : TILE;
        for (uint32_t c = first; c < channels; c++)
            channel(features + at * channels + c, count, channels, cells, symbols + (c - first) * pixels + at);
    }
}

FAST_CODE enum stage_result stage_quantize(const int8_t *features, uint32_t pixels, uint32_t channels, uint32_t first,
                                           const uint8_t *table, uint8_t *symbols) {
    uint8_t *const cells = (uint8_t *)scratch;
    __builtin_memcpy(cells, table, 256); /* table[q + 128] is the symbol of feature byte q */
    if (channels == 24)
        tiles(features, pixels, 24, first, cells + 128, symbols); /* constant distances: fewer instructions */
    else
        tiles(features, pixels, channels, first, cells + 128, symbols);
    return STAGE_NEXT;
}
