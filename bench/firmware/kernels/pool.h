/* int8 pooling and spatial mean, HWC. */
#ifndef KERNELS_POOL_H
#define KERNELS_POOL_H
#include "conv.h"

/* average of the pixels inside the image, rounded half away from zero */
KERNEL void average_pool(const int8_t *in, int8_t *out, struct window d, int low, int high) {
    for (int y = 0; y < d.oh; y++)
        for (int x = 0; x < d.ow; x++) {
            int y0 = y * d.sy - d.py, x0 = x * d.sx - d.px, y1 = y0 + d.kh, x1 = x0 + d.kw;
            y0 = y0 < 0 ? 0 : y0, x0 = x0 < 0 ? 0 : x0, y1 = y1 > d.ih ? d.ih : y1, x1 = x1 > d.iw ? d.iw : x1;
            int count = (y1 - y0) * (x1 - x0);
            for (int c = 0; c < d.oc; c++) {
                int32_t sum = 0;
                for (int iy = y0; iy < y1; iy++)
                    for (int ix = x0; ix < x1; ix++) sum += in[(iy * d.iw + ix) * d.ic + c];
                sum = sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
                *out++ = (int8_t)clamp(clip8(sum), low, high);
            }
        }
}

KERNEL void max_pool(const int8_t *in, int8_t *out, struct window d, int low, int high) {
    for (int y = 0; y < d.oh; y++)
        for (int x = 0; x < d.ow; x++) {
            int y0 = y * d.sy - d.py, x0 = x * d.sx - d.px, y1 = y0 + d.kh, x1 = x0 + d.kw;
            y0 = y0 < 0 ? 0 : y0, x0 = x0 < 0 ? 0 : x0, y1 = y1 > d.ih ? d.ih : y1, x1 = x1 > d.iw ? d.iw : x1;
            for (int c = 0; c < d.oc; c++) {
                int32_t best = -128;
                for (int iy = y0; iy < y1; iy++)
                    for (int ix = x0; ix < x1; ix++) {
                        int32_t v = in[(iy * d.iw + ix) * d.ic + c];
                        best = v > best ? v : best;
                    }
                *out++ = (int8_t)clamp(best, low, high);
            }
        }
}

#define SUMMED 128 /* pixels whose sums fit into halves of words, and whose values into the data cache */

/* Sums of the first `channels` channels of pixels that lie `stride` bytes apart; four channels at once where words allow. */
KERNEL void add_pixels(const int8_t *in, int pixels, int channels, int stride, int32_t *sums) {
    if (stride % 4)
        for (int c = 0; c < channels; c++)
            for (int i = 0; i < pixels; i++) sums[c] += in[i * stride + c];
    else
        for (int c = 0; c < channels; c += 4) {
            uint32_t even = 0, odd = 0;
            UNROLL(8)
            for (int i = 0; i < pixels; i++) {
                const uint32_t v = load4(in + i * stride + c);
                even = add_even_s(even, v), odd = add_odd_s(odd, v);
            }
            sums[c] += (int16_t)even, sums[c + 1] += (int16_t)odd;
            sums[c + 2] += (int16_t)(even >> 16), sums[c + 3] += (int16_t)(odd >> 16);
        }
}

/* mean over `pixels` pixels of the first `channels` channels; mult and shift already hold the division */
KERNEL void mean(const int8_t *in, int8_t *out, int pixels, int channels, int stride, int zero_in, int mult, int shift,
                 int zero_out, int32_t *sums) {
    for (int c = 0; c < (channels + 3) / 4 * 4; c++) sums[c] = -zero_in * pixels;
    for (int i = 0; i < pixels; i += SUMMED)
        add_pixels(in + i * stride, pixels - i < SUMMED ? pixels - i : SUMMED, channels, stride, sums);
    for (int c = 0; c < channels; c++) out[c] = (int8_t)clip8(scale_twice(sums[c], mult, shift) + zero_out);
}
#endif
