/* The other channels of an HWC map -> symbols, channel by channel (equal neighbours make longer LZW phrases). */
#include "stage.h"

FAST_CODE enum stage_result stage_quantize(const int8_t *features, uint32_t pixels, uint32_t channels, uint32_t first,
                                           const uint8_t *table, uint8_t *symbols) {
    const uint8_t *const cells = table + 128; /* table[q + 128] is the symbol of feature byte q */
    for (uint32_t c = first; c < channels; c++) {
        const int8_t *feature = features + c;
        for (uint32_t p = pixels; p > 0; p--, feature += channels)
            *symbols++ = cells[*feature];
    }
    return STAGE_NEXT;
}
