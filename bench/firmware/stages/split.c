/* The first channels of an HWC map, for the local network. */
#include "stage.h"

enum stage_result stage_split(const int8_t *features, uint32_t pixels, uint32_t channels, uint32_t keep, int8_t *important) {
    for (; pixels > 0; pixels--, features += channels)
        for (uint32_t c = 0; c < keep; c++)
            *important++ = features[c];
    return STAGE_NEXT;
}
