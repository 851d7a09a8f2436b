/* int8 depthwise convolutions. Output channel c reads input channel c / (oc / ic). */
#ifndef KERNELS_DEPTHWISE_H
#define KERNELS_DEPTHWISE_H
#include "conv.h"

/* the bytes of up to four channels of a pixel */
KERNEL uint32_t load_some(const uint8_t *p, int count) {
    if (count >= 4) return load4(p);
    return p[0] | (count > 1 ? (uint32_t)p[1] << 8 : 0) | (count > 2 ? (uint32_t)p[2] << 16 : 0);
}

/* No padding and windows that do not overlap: every byte is used once, so it is not worth widening. weights: for each
 * channel `words` words, as below. four: outputs beside each other, from the bytes. scratch: all weights */
KERNEL void depthwise_direct(const uint8_t *in, int8_t *out, const int8_t *restrict weights,
                             const struct channel *restrict channels, uint32_t *restrict scratch, struct window d,
                             int words, enum record folded, int low, int high, products *four) {
    widen_groups((const uint8_t *)weights, scratch, d.oc * words / 2, 0);
    for (int y = 0; y < d.oh; y++)
        for (int c = 0; c < d.oc; c++) {
            const uint8_t *p = in + y * d.sy * d.iw * d.ic + c / (d.oc / d.ic);
            int8_t *o = out + y * d.ow * d.oc + c;
            struct channel k = channels[c];
            UNROLL(1)
            for (int x = 0; x < d.ow; x += 4, p += 4 * d.sx * d.ic, o += 4 * d.oc) {
                int32_t s[4];
                int again = x + 4 > d.ow ? 4 - d.ow % 4 : 0; /* the last four repeat some */
                p -= again * d.sx * d.ic, o -= again * d.oc;
                four(p, scratch + c * words, s);
                finish_four(s, &k, &k, folded, low, high);
                for (int i = 0; i < 4; i++) o[i * d.oc] = (int8_t)s[i];
            }
        }
}

/* Row iy (or a row of padding) of up to four channels as planes of int16, `plane` words apart. A row has `width` values,
 * `lead` of them before the first pixel; both even. */
KERNEL void gather_row(const uint8_t *in, uint32_t *out, int plane, int iy, int count, int lead, int width,
                       struct window d) {
    int inside = d.iw < width - lead ? d.iw : width - lead, n = count < 4 ? count : 4;
    uint32_t zero = pair(d.zero, d.zero), border = (uint8_t)d.zero * 0x01010101u;
    if (iy < 0 || iy >= d.ih) {
        for (int k = 0; k < n; k++) fill_words(out + k * plane, width / 2, zero);
        return;
    }
    for (int k = 0; k < n; k++) {
        fill_words(out + k * plane, lead / 2, zero);
        fill_words(out + k * plane + (lead + inside + 1) / 2, (width - lead - inside) / 2, zero);
    }
    in += iy * d.iw * d.ic, out += lead / 2;
    for (int x = 0; x < inside; x += 2, in += 2 * d.ic, out++) {
        uint32_t u = load_some(in, count), v = x + 1 < inside ? load_some(in + d.ic, count) : border;
        uint32_t u0 = d.is_unsigned ? even_u(u) : even_s(u), v0 = d.is_unsigned ? even_u(v) : even_s(v);
        uint32_t u1 = d.is_unsigned ? odd_u(u) : odd_s(u), v1 = d.is_unsigned ? odd_u(v) : odd_s(v);
        out[0] = lows(u0, v0);
        if (n > 1) out[plane] = lows(u1, v1);
        if (n > 2) out[2 * plane] = highs(u0, v0);
        if (n > 3) out[3 * plane] = highs(u1, v1);
    }
}

/* One channel: `rows` output rows from a plane. four, two: as many outputs beside each other. */
KERNEL void filter_plane(const uint32_t *plane, const uint32_t *pairs, int8_t *out, struct channel k, int rows,
                         int width, struct window d, enum record folded, int low, int high, products *four,
                         products *two) {
    int rest = d.ow % 4;
    UNROLL(1)
    for (int y = 0; y < rows; y++, plane += d.sy * width / 2) {
        const uint32_t *p = plane;
        int32_t s[4];
        UNROLL(1)
        for (int x = 0; x + 2 < d.ow; x += 4, p += 2 * d.sx) {
            four(p, pairs, s);
            finish_four(s, &k, &k, folded, low, high);
            int made = rest == 3 && x + 3 == d.ow ? 3 : 4;
            for (int i = 0; i < made; i++, out += d.oc) *out = (int8_t)s[i];
        }
        if (rest == 1 || rest == 2) {
            two(p, pairs, s);
            for (int i = 0; i < rest; i++, out += d.oc) *out = finish(s[i], &k, folded, low, high);
        }
    }
}

/* Four channels at a time become planes, in bands of `band` output rows; `turn` rows of one channel are made before those
 * of the next, so that the lines of the output stay in the data cache. weights: for each channel `words` words of two
 * int16, in the order in which `four` and `two` want them, as bytes in the order that SXTB16 leaves. scratch: the weights
 * of the channels, then four planes. */
KERNEL void depthwise(const uint8_t *in, int8_t *out, const int8_t *restrict weights,
                      const struct channel *restrict channels, uint32_t *restrict scratch, struct window d, int band,
                      int turn, int lead, int width, int words, enum record folded, int low, int high, products *four,
                      products *two) {
    int plane = ((band - 1) * d.sy + d.kh) * width / 2, times = d.oc / d.ic;
    uint32_t *pairs = scratch, *planes = scratch + 4 * times * words;
    HIDE(in);
    HIDE(out);
    HIDE(pairs);
    HIDE(planes);
    for (int from = 0; from < d.oh; from += band) {
        int rows = d.oh - from < band ? d.oh - from : band;
        for (int g = 0; g < d.ic; g += 4) {
            int n = d.ic - g < 4 ? d.ic - g : 4;
            for (int v = 0; v < (rows - 1) * d.sy + d.kh; v++) {
                uint32_t *to = planes + v * width / 2;
                int iy = from * d.sy + v - d.py;
                if (n == 4) gather_row(in + g, to, plane, iy, 4, lead, width, d);
                else gather_row(in + g, to, plane, iy, d.ic % 4, lead, width, d);
            }
            widen_groups((const uint8_t *)weights + 2 * g * times * words, pairs, n * times * words / 2, 0);
            for (int y = 0; y < rows; y += turn)
                for (int i = 0; i < n * times; i++)
                    filter_plane(planes + i / times * plane + y * d.sy * width / 2, pairs + i * words,
                                 out + (from + y) * d.ow * d.oc + g * times + i, channels[g * times + i],
                                 rows - y < turn ? rows - y : turn, width, d, folded, low, high, four, two);
        }
    }
}
#endif
