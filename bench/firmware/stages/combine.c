/* scores = sum of weight * ((value - zero) << shift): weights in Q15 that sum to 2^15, every shifted value within 16 bits, so
   the sum fits in int32. */
#include "stage.h"

enum stage_result stage_combine(const struct operand *operands, uint32_t count, uint32_t classes, int32_t *scores) {
    for (uint32_t c = 0; c < classes; c++) {
        int32_t sum = 0;
        for (uint32_t i = 0; i < count; i++) {
            const struct operand *o = &operands[i];
            const int32_t value = o->bytes == 1 ? ((const int8_t *)o->values)[c] : ((const int16_t *)o->values)[c];
            sum += o->weight * ((value - o->zero) * (1 << o->shift));
        }
        scores[c] = sum;
    }
    return STAGE_NEXT;
}
