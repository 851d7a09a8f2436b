/* 1x1 convolution of up to four channels: two pixels stay in registers while all output channels are made from them. */
#ifndef KERNELS_POINTWISE_H
#define KERNELS_POINTWISE_H
#include "int8.h"

/* all output channels of the pixels x and y, given as the pairs (0, 2) and (1, 3) of their channels, at o and o + oc */
typedef void two_pixels_function(uint32_t x0, uint32_t x1, uint32_t y0, uint32_t y1, const uint32_t *w, int8_t *o);

/* the same in C. w: for each channel its weights (0, 2), bias, weights (1, 3), mult and add; weights doubled */
KERNEL void two_pixels(uint32_t x0, uint32_t x1, uint32_t y0, uint32_t y1, const uint32_t *w, int8_t *o,
                       const int8_t *shifts, int oc, enum record folded) {
    for (int c = 0; c < oc; c++, w += 5) {
        struct channel k = {0, (int32_t)w[3], (int32_t)w[4], shifts[c]};
        int32_t a = mac2(x1, w[2], mac2(x0, w[0], (int32_t)w[1])), b = mac2(y1, w[2], mac2(y0, w[0], (int32_t)w[1]));
        o[c] = requantize(a, &k, TWICE, folded, -128, 127), o[oc + c] = requantize(b, &k, TWICE, folded, -128, 127);
    }
}

/* up to four channels of a pixel; those that it has not have zero weights */
KERNEL void widen_pixel(const uint8_t *p, int count, int is_unsigned, uint32_t *even, uint32_t *odd) {
    if (count >= 4) {
        uint32_t v = load4(p);
        *even = is_unsigned ? even_u(v) : even_s(v), *odd = is_unsigned ? odd_u(v) : odd_s(v);
    } else {
        *even = count > 2 ? pair(pixel(p, is_unsigned), pixel(p + 2, is_unsigned)) : (uint32_t)pixel(p, is_unsigned);
        *odd = count > 1 ? (uint32_t)pixel(p + 1, is_unsigned) : 0; /* its upper half meets a zero weight */
    }
}

KERNEL void pointwise(const uint8_t *restrict in, int8_t *restrict out, const uint32_t *restrict weights, int pixels,
                      int ic, int oc, int is_unsigned, two_pixels_function *two) {
    UNROLL(1)
    for (int i = 0; i < pixels; i += 2, in += 2 * ic, out += 2 * oc) {
        if (i + 1 == pixels) in -= ic, out -= oc; /* an odd last pixel: the one before it is made again */
        uint32_t x0, x1, y0, y1;
        widen_pixel(in, ic, is_unsigned, &x0, &x1);
        widen_pixel(in + ic, ic, is_unsigned, &y0, &y1);
        two(x0, x1, y0, y1, weights, out);
    }
}
#endif
