/* int8 convolutions, any kernel and stride. Images are HWC. Every size is a literal at the call, so each layer is specialised. */
#ifndef KERNELS_CONV_H
#define KERNELS_CONV_H
#include "int8.h"

struct window { /* input, output, kernel, stride, leading padding; zero: input value that stands for 0 */
    int ih, iw, ic, oh, ow, oc, kh, kw, sy, sx, py, px, zero, is_unsigned;
};

KERNEL int32_t pixel(const void *p, int i, int is_unsigned) {
    return is_unsigned ? ((const uint8_t *)p)[i] : ((const int8_t *)p)[i];
}

/* weights [oc][kh][kw][ic] */
KERNEL void conv2d(const void *in, int8_t *out, const int8_t *weights, const struct channel *channels, struct window d,
                   int folded, int low, int high) {
    for (int y = 0; y < d.oh; y++)
        for (int x = 0; x < d.ow; x++) {
            const int8_t *w = weights;
            for (int c = 0; c < d.oc; c++) {
                int32_t acc = 0;
                for (int ky = 0; ky < d.kh; ky++)
                    for (int kx = 0; kx < d.kw; kx++) {
                        int iy = y * d.sy - d.py + ky, ix = x * d.sx - d.px + kx;
                        int inside = iy >= 0 && iy < d.ih && ix >= 0 && ix < d.iw;
                        for (int i = 0; i < d.ic; i++, w++)
                            acc += *w * (inside ? pixel(in, (iy * d.iw + ix) * d.ic + i, d.is_unsigned) : d.zero);
                    }
                acc = channels[c].bias + (folded ? 2 * acc : acc);
                *out++ = requantize(acc, &channels[c], TWICE, folded, low, high);
            }
        }
}

/* weights [kh][kw][oc]; output channel c reads input channel c / (oc / ic) */
KERNEL void depthwise(const void *in, int8_t *out, const int8_t *weights, const struct channel *channels, struct window d,
                      int folded, int low, int high) {
    for (int y = 0; y < d.oh; y++)
        for (int x = 0; x < d.ow; x++)
            for (int c = 0; c < d.oc; c++) {
                int32_t acc = 0;
                for (int ky = 0; ky < d.kh; ky++)
                    for (int kx = 0; kx < d.kw; kx++) {
                        int iy = y * d.sy - d.py + ky, ix = x * d.sx - d.px + kx;
                        int inside = iy >= 0 && iy < d.ih && ix >= 0 && ix < d.iw;
                        int at = (iy * d.iw + ix) * d.ic + c / (d.oc / d.ic);
                        acc += weights[(ky * d.kw + kx) * d.oc + c] * (inside ? pixel(in, at, d.is_unsigned) : d.zero);
                    }
                acc = channels[c].bias + (folded ? 2 * acc : acc);
                *out++ = requantize(acc, &channels[c], TWICE, folded, low, high);
            }
}

/* weights [outputs][inputs] */
KERNEL void fully_connected(const int8_t *in, int8_t *out, const int8_t *weights, const struct channel *channels, int inputs,
                            int outputs, int folded, int low, int high) {
    for (int c = 0; c < outputs; c++) {
        int32_t acc = 0;
        const int8_t *x = in;
        int n = inputs;
        for (; n >= 4; n -= 4, x += 4, weights += 4) {
            uint32_t a = load4(x), w = load4(weights);
            acc = mac2(even_s(a), even_s(w), acc);
            acc = mac2(odd_s(a), odd_s(w), acc);
        }
        for (; n > 0; n--) acc += *x++ * *weights++;
        acc = channels[c].bias + (folded ? 2 * acc : acc);
        out[c] = requantize(acc, &channels[c], ONCE, folded, low, high);
    }
}
#endif
