/* Sums, table look-ups and softmax. `out` may be the same memory as the first input. */
#ifndef KERNELS_ELEMENTWISE_H
#define KERNELS_ELEMENTWISE_H
#include "int8.h"

struct addend { /* (x - zero) << 20 times mult * 2**-(31 + right) */
    int32_t zero, mult, right;
};

/* x * mult * 2**-(31 + right) for |x| < 2**30, rounded twice */
KERNEL int32_t scale_right(int32_t x, int32_t mult, int32_t right) {
    int32_t high = high_rounded(2 * x, mult, 0);
    return right ? (high + (high >> 31) + (1 << (right - 1))) >> right : high;
}

/* twice the rescaled input; the one with the larger scale only moves left */
KERNEL int32_t doubled(int32_t x, struct addend p) {
    int32_t moved = (x - p.zero) * (1 << 20);
    return p.mult == 1 << 30 && p.right == 0 ? moved : 2 * scale_right(moved, p.mult, p.right);
}

KERNEL int8_t add_one(int32_t a, int32_t b, struct addend p, struct addend q, struct addend sum, int low, int high) {
    int32_t twice = doubled(a, p) + doubled(b, q);
    if (sum.right < 1 || sum.right > 22)
        return (int8_t)clamp(clip8(scale_right(twice / 2, sum.mult, sum.right) + sum.zero), low, high);
    struct channel k = {0, sum.mult, (1 << (sum.right - 1)) + sum.zero * (1 << sum.right), sum.right};
    return requantize(twice, &k, TWICE, 1, low, high);
}

/* four at a time, so that their chains overlap */
KERNEL void add(const int8_t *a, const int8_t *b, int8_t *out, int n, struct addend p, struct addend q,
                struct addend sum, int low, int high) {
    int i = 0;
    for (; i + 4 <= n; i += 4) {
        uint32_t v = load4(a + i), w = load4(b + i), result = 0;
        for (int j = 0; j < 32; j += 8) {
            int8_t r = add_one((int8_t)(v >> j), (int8_t)(w >> j), p, q, sum, low, high);
            result |= (uint32_t)(uint8_t)r << j;
        }
        store4(out + i, result);
    }
    for (; i < n; i++) out[i] = add_one(a[i], b[i], p, q, sum, low, high);
}

/* table[x + 128] */
KERNEL void look_up(const int8_t *in, int8_t *out, const int8_t *table, int n) {
    for (int i = 0; i < n; i++) out[i] = table[in[i] + 128];
}

/* a * b * 2**-31, rounded half up (b and a are never both the most negative number) */
KERNEL int32_t product(int32_t a, int32_t b) { return (int32_t)(((int64_t)a * b + (1LL << 30)) >> 31); }

KERNEL int32_t divide_power(int32_t x, int32_t right) {
    int32_t mask = (int32_t)((1u << right) - 1);
    return (x >> right) + ((x & mask) > (mask >> 1) + (x < 0));
}

KERNEL int32_t shift_saturated(int32_t x, int left) {
    int32_t limit = INT32_MAX >> left;
    return x > limit ? INT32_MAX : x < -limit - 1 ? INT32_MIN : (int32_t)((uint32_t)x << left);
}

/* 1 / (1 + x) for x in [0, 1), both with 31 fractional bits: three Newton steps on 48/17 - 32/17 * (1 + x) / 2 */
KERNEL int32_t reciprocal(int32_t x) {
    int32_t half = (int32_t)(((int64_t)x + INT32_MAX + 1) / 2);
    int32_t y = 1515870810 + product(half, -1010580540); /* 29 fractional bits */
    for (int i = 0; i < 3; i++) y += shift_saturated(product(y, (1 << 29) - product(half, y)), 2);
    return shift_saturated(y, 1);
}

/* exponential[d]: exp of the d-th step below the largest input, 31 fractional bits, 0 if it is too far to count */
KERNEL void softmax(const int8_t *in, int8_t *out, const int32_t *exponential, int rows, int n) {
    for (int row = 0; row < rows; row++, in += n, out += n) {
        int32_t top = in[0], sum = 0;
        for (int i = 1; i < n; i++) top = in[i] > top ? in[i] : top;
        for (int i = 0; i < n; i++) sum += divide_power(exponential[top - in[i]], 12);
        int32_t room = __builtin_clz((uint32_t)sum);
        int32_t inverse = reciprocal((int32_t)(((uint32_t)sum << room) - (1u << 31)));
        for (int i = 0; i < n; i++) {
            int32_t e = exponential[top - in[i]];
            out[i] = e ? (int8_t)clip8(divide_power(product(inverse, e), 12 - room + 23) - 128) : -128;
        }
    }
}
#endif
