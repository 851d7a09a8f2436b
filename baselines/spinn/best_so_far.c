/* The server's logits or, where the link gave none, the most confident exit; baselines/spinn/stages.py is its twin. */
#include "best_so_far.h"

#define NO_ANSWER INT16_MIN

enum stage_result stage_best_so_far(const int16_t *remote, const int8_t *const *exits, uint32_t count, uint32_t classes,
                                    int32_t *scores) {
    int32_t best = INT32_MIN;
    for (uint32_t c = 0; c < classes; c++)
        scores[c] = remote[c];
    for (uint32_t e = 0; e < count && remote[0] == NO_ANSWER; e++) {
        int32_t top = INT32_MIN;
        for (uint32_t c = 0; c < classes; c++)
            top = exits[e][c] > top ? exits[e][c] : top;
        for (uint32_t c = 0; c < classes && top >= best; c++)
            scores[c] = exits[e][c];
        best = top > best ? top : best;
    }
    return STAGE_NEXT;
}
