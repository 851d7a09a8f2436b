/* Operators that move bytes. */
#ifndef KERNELS_SHAPE_H
#define KERNELS_SHAPE_H
#include "int8.h"

KERNEL void copy_s8(const int8_t *in, int8_t *out, int n) {
    int i = 0;
    for (; i + 4 <= n; i += 4) store4(out + i, load4(in + i));
    for (; i < n; i++) out[i] = in[i];
}

/* uint8 to int8 of the same value minus 128 */
KERNEL void flip_sign(const uint8_t *in, int8_t *out, int n) {
    int i = 0;
    for (; i + 4 <= n; i += 4) store4(out + i, load4(in + i) ^ 0x80808080u);
    for (; i < n; i++) out[i] = (int8_t)(in[i] ^ 0x80);
}

KERNEL int8_t *fill(int8_t *out, int n, int value) {
    for (int i = 0; i < n; i++) *out++ = (int8_t)value;
    return out;
}

/* an image of h rows of `row` bytes gets a border of `value`: bytes above, below, before and after each row */
KERNEL void pad(const int8_t *in, int8_t *out, int h, int row, int above, int below, int before, int after, int value) {
    out = fill(out, above, value);
    for (int y = 0; y < h; y++, in += row, out += row) {
        out = fill(out, before, value);
        copy_s8(in, out, row);
        out = fill(out + row, after, value) - row;
    }
    fill(out, below, value);
}
#endif
