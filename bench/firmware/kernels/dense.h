/* int8 fully connected layer: the input is widened once, four outputs are made at a time. */
#ifndef KERNELS_DENSE_H
#define KERNELS_DENSE_H
#include "conv.h"

/* weights [outputs][inputs rounded up to 4]; scratch: the widened input, 2 bytes per input rounded up to 4 */
KERNEL void fully_connected(const uint8_t *in, int8_t *restrict out, const int8_t *restrict weights,
                            const struct channel *restrict channels, uint32_t *restrict scratch, int inputs,
                            int outputs, enum record folded, int low, int high) {
    int words = (inputs + 3) / 4 * 2;
    widen_row(in, scratch, 0, 1, (struct window){1, 1, inputs, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0});
    HIDE(scratch);
    UNROLL(1)
    for (int c = 0; c < outputs; c += 4) {
        const int8_t *w[4];
        int32_t sum[4] = {0, 0, 0, 0};
        for (int k = 0; k < 4; k++) w[k] = weights + (c + k < outputs ? c + k : outputs - 1) * 2 * words;
        UNROLL(2)
        for (int i = 0; i < words; i += 2) {
            uint32_t x0 = scratch[i], x1 = scratch[i + 1];
            for (int k = 0; k < 4; k++) {
                uint32_t v = load4(w[k] + 2 * i);
                sum[k] = mac2(x1, odd_s(v), mac2(x0, even_s(v), sum[k]));
            }
        }
        for (int k = 0; k < 4 && c + k < outputs; k++) {
            const struct channel *r = channels + c + k;
            out[c + k] = requantize(r->bias + (folded ? 2 * sum[k] : sum[k]), r, ONCE, folded, low, high);
        }
    }
}
#endif
