/* int8 depthwise convolutions. Output channel c reads input channel c / (oc / ic). */
#ifndef KERNELS_DEPTHWISE_H
#define KERNELS_DEPTHWISE_H
#include "conv.h"

/* No padding and windows that do not overlap: every byte is used once, so it is not worth widening. weights
 * [oc][pairs of int16 along the window], doubled if folded */
KERNEL void depthwise_direct(const uint8_t *restrict in, int8_t *restrict out, const uint32_t *restrict weights,
                             const struct channel *restrict channels, struct window d, int folded, int low, int high) {
    int size = d.kh * d.kw;
    for (int y = 0; y < d.oh; y++)
        for (int c = 0; c < d.oc; c++) {
            const uint8_t *p = in + y * d.sy * d.iw * d.ic + c / (d.oc / d.ic);
            const uint32_t *w = weights + c * ((size + 1) / 2);
            int8_t *o = out + y * d.ow * d.oc + c;
            struct channel k = channels[c];
            HIDE(w);
            for (int x = 0; x < d.ow; x += 2, p += 2 * d.sx * d.ic, o += 2 * d.oc) {
                HIDE(p);
                HIDE(o);
                const uint8_t *q = p + (d.ow % 2 && x + 1 == d.ow ? 0 : d.sx * d.ic); /* an odd last one is made twice */
                int32_t a = k.bias, b = k.bias;
                for (int i = 0; i < size; i++) {
                    int at = (i / d.kw * d.iw + i % d.kw) * d.ic;
                    uint32_t v = (uint32_t)pixel(p + at, d.is_unsigned), u = (uint32_t)pixel(q + at, d.is_unsigned);
                    a = i % 2 ? mac_low_high(v, w[i / 2], a) : mac_low_low(v, w[i / 2], a);
                    b = i % 2 ? mac_low_high(u, w[i / 2], b) : mac_low_low(u, w[i / 2], b);
                }
                o[0] = requantize(a, &k, TWICE, folded, low, high);
                o[q == p ? 0 : d.oc] = requantize(b, &k, TWICE, folded, low, high);
            }
        }
}

/* one row of one channel as int16, with its border, `width` values from column -px */
KERNEL void widen_channel(const uint8_t *in, half *out, int iy, int width, struct window d) {
    int inside = d.iw < width - d.px ? d.iw : width - d.px;
    if (iy < 0 || iy >= d.ih) inside = 0;
    in += iy * d.iw * d.ic;
    int left = inside ? d.px : 0;
    for (int x = 0; x < left; x++) *out++ = (half)d.zero;
    for (int x = 0; x < inside; x++, in += d.ic) *out++ = (half)pixel(in, d.is_unsigned);
    for (int x = left + inside; x < width; x++) *out++ = (half)d.zero;
}

/* Channel by channel, in bands of `band` output rows; two outputs at a time share aligned pairs of pixels. The second
 * starts sx pixels later, at an odd place if sx is odd: `weights` hold for each channel and kernel row the pairs for
 * an even start and, for odd sx, for an odd start (a leading zero). They are doubled if folded. scratch: rows of
 * `width` int16, as many as a band reads.
 */
KERNEL void depthwise(const uint8_t *restrict in, int8_t *restrict out, const uint32_t *restrict weights,
                      const struct channel *restrict channels, void *restrict scratch, struct window d, int band,
                      int width, int folded, int low, int high) {
    int even = (d.kw + 1) / 2, odd = d.sx % 2 ? d.kw / 2 + 1 : even, stride = d.sx % 2 ? even + odd : even;
    for (int from = 0; from < d.oh; from += band) {
        int rows = d.oh - from < band ? d.oh - from : band;
        for (int c = 0; c < d.oc; c++) {
            for (int v = 0; v < (rows - 1) * d.sy + d.kh; v++)
                widen_channel(in + c / (d.oc / d.ic), (half *)scratch + v * width, from * d.sy + v - d.py, width, d);
            const uint32_t *w = weights + c * d.kh * stride, *z = w + (d.sx % 2 ? even : 0);
            struct channel k = channels[c];
            int8_t *o = out + from * d.ow * d.oc + c;
            for (int y = 0; y < rows; y++) {
                const word *p = (const word *)scratch + y * d.sy * width / 2;
                for (int x = 0; x < d.ow; x += 2, p += d.sx) {
                    int32_t a = k.bias, b = k.bias;
                    for (int ky = 0; ky < d.kh; ky++) {
                        const word *r = p + ky * width / 2, *s = r + d.sx / 2;
                        if (d.kw == 3 && d.sx == 1) { /* four pixels, six products, two words of weights */
                            uint32_t first = w[ky * stride], last = z[ky * stride + 1];
                            a = mac2(r[0], first, a), a = mac_low_high(r[1], last, a);
                            b = mac_high_low(r[0], first, b), b = mac2(r[1], last, b);
                            continue;
                        }
                        for (int j = 0; j < even; j++) a = mac2(r[j], w[ky * stride + j], a);
                        for (int j = 0; j < odd; j++) b = mac2(s[j], z[ky * stride + j], b);
                    }
                    *o = requantize(a, &k, TWICE, folded, low, high);
                    o += d.oc;
                    if (x + 1 < d.ow) {
                        *o = requantize(b, &k, TWICE, folded, low, high);
                        o += d.oc;
                    }
                }
            }
        }
    }
}
#endif
