/* int8 convolutions, any kernel and stride. Images are HWC. Every size is a literal at the call, which makes each layer
 * a function of its own. A row of the input is widened to int16 once, with its border, into a ring of `kh` rows; the
 * inner loop makes 2 pixels of 2 output channels. Channels are padded to a multiple of 4 with zero weights, and stay in
 * the order that SXTB16 leaves: (0, 2), (1, 3) of every four, for pixels and weights alike.
 */
#ifndef KERNELS_CONV_H
#define KERNELS_CONV_H
#include "int8.h"

struct window { /* input, output, kernel, stride, leading padding; zero: input value that stands for 0 */
    int ih, iw, ic, oh, ow, oc, kh, kw, sy, sx, py, px, zero, is_unsigned;
};

KERNEL uint32_t *fill_words(uint32_t *p, int words, uint32_t value) {
    for (int i = 0; i < words; i++) p[i] = value;
    return p + words;
}

/* `groups` times 4 bytes to 2 words */
KERNEL uint32_t *widen_groups(const uint8_t *in, uint32_t *out, int groups, int is_unsigned) {
    for (int i = 0; i < groups; i++, out += 2) {
        uint32_t v = load4(in + 4 * i);
        out[0] = is_unsigned ? even_u(v) : even_s(v);
        out[1] = is_unsigned ? odd_u(v) : odd_s(v);
    }
    return out;
}

/* input row iy (or a row of padding) as `width` pixels from column -px */
KERNEL void widen_row(const uint8_t *in, uint32_t *out, int iy, int width, struct window d) {
    int words = (d.ic + 3) / 4 * 2, inside = d.iw < width - d.px ? d.iw : width - d.px, rest = d.ic % 4;
    uint32_t zero = pair(d.zero, d.zero);
    if (iy < 0 || iy >= d.ih) {
        fill_words(out, width * words, zero);
        return;
    }
    in += iy * d.iw * d.ic;
    out = fill_words(out, d.px * words, zero);
    if (rest == 0)
        out = widen_groups(in, out, inside * d.ic / 4, d.is_unsigned);
    else
        for (int x = 0; x < inside; x++, in += d.ic, out += 2) {
            out = widen_groups(in, out, d.ic / 4, d.is_unsigned);
            const uint8_t *last = in + d.ic - rest;
            out[0] = pair(pixel(last, d.is_unsigned), rest > 2 ? pixel(last + 2, d.is_unsigned) : 0);
            out[1] = rest > 1 ? pair(pixel(last + 1, d.is_unsigned), 0) : 0;
        }
    fill_words(out, (width - d.px - inside) * words, zero);
}

/* weights [oc][kh][kw][ic rounded up to 4]; scratch: kh rows of ((ow - 1) * sx + kw) pixels */
KERNEL void conv2d(const void *in, int8_t *restrict out, const int8_t *restrict weights,
                   const struct channel *restrict channels, uint32_t *restrict scratch, struct window d, int folded,
                   int low, int high) {
    int words = (d.ic + 3) / 4 * 2, width = (d.ow - 1) * d.sx + d.kw, row = width * words;
    int depth = d.kw * words / 2, next = d.ow > 1 ? d.sx * words : 0; /* of a kernel row; to the next pixel */
    int two = d.oc > 1, other = two * d.kh * depth * 4; /* bytes to the next channel's weights */
    int step = depth % 4 == 0 ? 4 : depth % 3 == 0 ? 3 : depth % 2 == 0 ? 2 : 1, filled = 0;
    for (int y = 0; y < d.oh; y++) {
        int top = y * d.sy;
        for (int v = filled > top ? filled : top; v < top + d.kh; v++)
            widen_row(in, scratch + v % d.kh * row, v - d.py, width, d);
        filled = top + d.kh;
        for (int xx = 0; xx < d.ow; xx += 2) {
            int x = xx + 2 > d.ow && d.ow > 1 ? d.ow - 2 : xx; /* an odd last pixel repeats the one before it */
            int8_t *o = out + (y * d.ow + x) * d.oc;
            for (int cc = 0; cc < d.oc; cc += 2) {
                int c = cc + 2 > d.oc && d.oc > 1 ? d.oc - 2 : cc;
                const int8_t *w = weights + c * d.kh * depth * 4;
                int32_t a00 = 0, a01 = 0, a10 = 0, a11 = 0; /* pixel, channel */
                int slot = top % d.kh;
                for (int ky = 0; ky < d.kh; ky++) {
                    const uint32_t *p = scratch + slot * row + x * d.sx * words;
                    slot = slot + 1 == d.kh ? 0 : slot + 1;
                    for (int g = 0; g < depth; g += step, p += 2 * step, w += 4 * step) {
                        HIDE(p);
                        HIDE(w);
                        UNROLL(4)
                        for (int i = 0; i < step; i++) {
                            uint32_t p0 = p[2 * i], p1 = p[2 * i + 1], q0 = p[2 * i + next], q1 = p[2 * i + 1 + next];
                            uint32_t u = load4(w + 4 * i), v = load4(w + 4 * i + other);
                            uint32_t u0 = even_s(u), v0 = even_s(v), u1 = odd_s(u), v1 = odd_s(v);
                            a00 = mac2(p0, u0, a00), a01 = mac2(p0, v0, a01);
                            a10 = mac2(q0, u0, a10), a11 = mac2(q0, v0, a11);
                            a00 = mac2(p1, u1, a00), a01 = mac2(p1, v1, a01);
                            a10 = mac2(q1, u1, a10), a11 = mac2(q1, v1, a11);
                        }
                    }
                }
                const struct channel *k = channels + c, *l = k + two;
                int8_t *n = o + (d.ow > 1 ? d.oc : 0);
                o[c] = finish(a00, k, folded, low, high), o[c + two] = finish(a01, l, folded, low, high);
                n[c] = finish(a10, k, folded, low, high), n[c + two] = finish(a11, l, folded, low, high);
            }
        }
    }
}
#endif
