/* int8 convolutions, any kernel and stride. Images are HWC. Every size is a literal at the call, which makes each layer
 * a function of its own. A band of input rows is widened to int16, with its border; then, for two output channels at a
 * time, their weights are widened and the inner loop makes 2 pixels of both. Channels are padded to a multiple of 4 with
 * zero weights, and stay in the order that SXTB16 leaves: (0, 2), (1, 3) of every four, for pixels and weights alike.
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

/* the weights of two output channels as words of int16, taking turns */
KERNEL void widen_two(const int8_t *a, const int8_t *b, uint32_t *out, int groups) {
    for (int i = 0; i < groups; i++, out += 4) {
        uint32_t u = load4(a + 4 * i), v = load4(b + 4 * i);
        out[0] = even_s(u), out[1] = even_s(v), out[2] = odd_s(u), out[3] = odd_s(v);
    }
}

/* weights [oc][kh][kw][ic rounded up to 4]; scratch: the widened weights of two channels, then the widened input rows of
 * `band` output rows, (ow - 1) * sx + kw pixels each. tile: 2 pixels of 2 channels: s[2 * pixel + channel] */
KERNEL void conv2d(const uint8_t *in, int8_t *restrict out, const int8_t *restrict weights,
                   const struct channel *restrict channels, uint32_t *restrict scratch, struct window d, int band,
                   enum record folded, int low, int high, products *tile) {
    int words = (d.ic + 3) / 4 * 2, width = (d.ow - 1) * d.sx + d.kw, row = width * words;
    int depth = d.kh * d.kw * words, two = d.oc > 1; /* distance to the other channel */
    uint32_t *pairs = scratch, *wide = scratch + 2 * depth;
    HIDE(pairs);
    HIDE(wide);
    for (int from = 0; from < d.oh; from += band) {
        int rows = d.oh - from < band ? d.oh - from : band;
        for (int v = 0; v < (rows - 1) * d.sy + d.kh; v++)
            widen_row(in, wide + v * row, from * d.sy + v - d.py, width, d);
        for (int cc = 0; cc < d.oc; cc += 2) {
            int c = cc + 2 > d.oc ? d.oc - 1 - two : cc; /* an odd last channel repeats the one before it */
            widen_two(weights + 2 * c * depth, weights + 2 * (c + two) * depth, pairs, depth / 2);
            struct channel k = channels[c], l = channels[c + two];
            UNROLL(1)
            for (int y = 0; y < rows; y++) {
                const uint32_t *p = wide + y * d.sy * row;
                int8_t *o = out + (from + y) * d.ow * d.oc + c;
                UNROLL(1)
                for (int x = 0; x < d.ow; x += 2, p += 2 * d.sx * words, o += 2 * d.oc) {
                    int32_t s[4];
                    if (x && x + 1 == d.ow) p -= d.sx * words, o -= d.oc; /* an odd last pixel repeats the one before it */
                    tile(p, pairs, s);
                    int8_t *n = o + (d.ow > 1 ? d.oc : 0);
                    finish_four(s, &k, &l, folded, low, high);
                    o[0] = (int8_t)s[0], o[two] = (int8_t)s[1], n[0] = (int8_t)s[2], n[two] = (int8_t)s[3];
                }
            }
        }
    }
}
#endif
