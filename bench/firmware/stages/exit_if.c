/* Ends the program on the device when the local network is sure enough. */
#include "stage.h"

enum stage_result stage_exit_if(const int8_t *probabilities, uint32_t classes, int32_t threshold, int32_t *scores) {
    int32_t best = INT32_MIN;
    for (uint32_t c = 0; c < classes; c++)
        best = probabilities[c] > best ? probabilities[c] : best;
    if (best < threshold)
        return STAGE_NEXT;
    for (uint32_t c = 0; c < classes; c++)
        scores[c] = probabilities[c];
    return STAGE_DONE;
}
