/* 1x1 convolution of few channels: two pixels stay in registers while all output channels are made from them. */
#ifndef KERNELS_POINTWISE_H
#define KERNELS_POINTWISE_H
#include "int8.h"

/* four channels of a pixel from byte p on, of which `count` exist; the others have zero weights */
KERNEL void widen_pixel(const uint8_t *p, int count, int is_unsigned, uint32_t *even, uint32_t *odd) {
    if (count >= 4) {
        uint32_t v = load4(p);
        *even = is_unsigned ? even_u(v) : even_s(v), *odd = is_unsigned ? odd_u(v) : odd_s(v);
    } else {
        *even = count > 2 ? pair(pixel(p, is_unsigned), pixel(p + 2, is_unsigned)) : (uint32_t)pixel(p, is_unsigned);
        *odd = count > 1 ? (uint32_t)pixel(p + 1, is_unsigned) : 0; /* its upper half meets a zero weight */
    }
}

/* weights: for each output channel bias, mult and add of its struct channel, then 2 * groups pairs of int16 in the
 * order (0, 2), (1, 3), doubled if folded; groups = ceil(ic / 4). The channel loop is unrolled: shifts become literals.
 */
KERNEL void pointwise(const uint8_t *restrict in, int8_t *restrict out, const uint32_t *restrict weights,
                      const int8_t *restrict shifts, int pixels, int ic, int oc, int is_unsigned, enum record folded,
                      int low, int high) {
    int groups = (ic + 3) / 4;
    for (int i = 0; i < pixels; i += 2) {
        int last = pixels % 2 && i + 1 == pixels; /* an odd last pixel is made twice */
        const uint8_t *p = in + i * ic, *q = last ? p : p + ic;
        int8_t *o = out + i * oc, *n = last ? o : o + oc;
        uint32_t x[4], y[4];
        for (int g = 0; g < groups; g++) {
            widen_pixel(p + 4 * g, ic - 4 * g, is_unsigned, &x[2 * g], &x[2 * g + 1]);
            widen_pixel(q + 4 * g, ic - 4 * g, is_unsigned, &y[2 * g], &y[2 * g + 1]);
        }
        const uint32_t *w = weights;
        HIDE(w);
        UNROLL(32)
        for (int cc = 0; cc < oc; cc += 2) {
            int c = cc, e = cc + 1 < oc ? cc + 1 : cc;
            const uint32_t *u = w + c * (2 * groups + 3), *v = w + e * (2 * groups + 3);
            int32_t a = (int32_t)u[0], b = (int32_t)u[0], s = (int32_t)v[0], t = (int32_t)v[0];
            struct channel k = {0, (int32_t)u[1], (int32_t)u[2], shifts[c]};
            struct channel l = {0, (int32_t)v[1], (int32_t)v[2], shifts[e]};
            for (int g = 0; g < 2 * groups; g++) {
                a = mac2(x[g], u[3 + g], a), b = mac2(y[g], u[3 + g], b);
                s = mac2(x[g], v[3 + g], s), t = mac2(y[g], v[3 + g], t);
            }
            int8_t r0 = requantize(a, &k, TWICE, folded, low, high);
            int8_t r1 = requantize(b, &k, TWICE, folded, low, high);
            int8_t r2 = requantize(s, &l, TWICE, folded, low, high);
            int8_t r3 = requantize(t, &l, TWICE, folded, low, high);
            o[c] = r0, n[c] = r1, o[e] = r2, n[e] = r3;
        }
    }
}
#endif
