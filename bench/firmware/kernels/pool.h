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

/* mean over `pixels` pixels of `channels` channels; mult and shift already hold the division */
KERNEL void mean(const int8_t *in, int8_t *out, int pixels, int channels, int zero_in, int mult, int shift,
                 int zero_out) {
    for (int c = 0; c < channels; c++) {
        int32_t sum = -zero_in * pixels;
        for (int i = 0; i < pixels; i++) sum += in[i * channels + c];
        out[c] = (int8_t)clip8(scale_twice(sum, mult, shift) + zero_out);
    }
}
#endif
