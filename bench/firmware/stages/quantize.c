/* The other channels of an HWC map -> symbols, channel by channel (equal neighbours make longer LZW phrases). */
#include "stage.h"

#define TILE 64u /* pixels whose features fit into the 4 KB data cache together */

/* One channel of one tile; four symbols per store. */
static inline void channel(const int8_t *feature, uint32_t pixels, uint32_t stride, const uint8_t *cells, uint8_t *symbols) {
    for (; pixels >= 4 && ((uintptr_t)symbols & 3) == 0; pixels -= 4, symbols += 4) {
        const uint32_t a = cells[feature[0]], b = cells[feature[stride]];
        feature += 2 * stride;
        const uint32_t c = cells[feature[0]], d = cells[feature[stride]];
        feature += 2 * stride;
        *(uint32_t *)(void *)symbols = a | b << 8 | c << 16 | d << 24;
    }
    for (; pixels > 0; pixels--, feature += stride)
        *symbols++ = cells[*feature];
}

FAST_CODE enum stage_result stage_quantize(const int8_t *features, uint32_t pixels, uint32_t channels, uint32_t first,
                                           const uint8_t *table, uint8_t *symbols) {
    uint8_t *const cells = (uint8_t *)scratch;
    for (uint32_t i = 0; i < 256; i++)
        cells[i] = table[i]; /* table[q + 128] is the symbol of feature byte q */
    for (uint32_t at = 0; at < pixels; at += TILE) {
        const uint32_t count = pixels - at < TILE ? pixels - at : TILE;
        for (uint32_t c = first; c < channels; c++)
            channel(features + at * channels + c, count, channels, cells + 128, symbols + (c - first) * pixels + at);
    }
    return STAGE_NEXT;
}
