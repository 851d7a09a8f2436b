/* int8 fully connected layer: two outputs at a time. */
#ifndef KERNELS_DENSE_H
#define KERNELS_DENSE_H
#include "int8.h"

/* weights [outputs][inputs] */
KERNEL void fully_connected(const int8_t *restrict in, int8_t *restrict out, const int8_t *restrict weights,
                            const struct channel *restrict channels, int inputs, int outputs, int folded,
                            int low, int high) {
    int other = outputs > 1;
    for (int cc = 0; cc < outputs; cc += 2) {
        int c = cc + 2 > outputs && other ? outputs - 2 : cc, i = 0;
        const int8_t *v = weights + c * inputs, *w = v + other * inputs;
        int32_t a = 0, b = 0;
        for (; i + 4 <= inputs; i += 4) {
            uint32_t x = load4(in + i), p = load4(v + i), q = load4(w + i), x0 = even_s(x), x1 = odd_s(x);
            a = mac2(x0, even_s(p), a), b = mac2(x0, even_s(q), b);
            a = mac2(x1, odd_s(p), a), b = mac2(x1, odd_s(q), b);
        }
        for (; i < inputs; i++) a += in[i] * v[i], b += in[i] * w[i];
        const struct channel *k = channels + c, *l = k + other;
        a = k->bias + (folded ? 2 * a : a), b = l->bias + (folded ? 2 * b : b);
        out[c] = requantize(a, k, ONCE, folded, low, high), out[c + other] = requantize(b, l, ONCE, folded, low, high);
    }
}
#endif
