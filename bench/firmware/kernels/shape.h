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
#endif
