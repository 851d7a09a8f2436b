/* Arithmetic shared by the int8 kernels: DSP instructions (or their meaning in C) and exact requantization. */
#ifndef KERNELS_INT8_H
#define KERNELS_INT8_H
#include <stdint.h>

#define KERNEL static inline __attribute__((always_inline))
#define PRAGMA(text) _Pragma(#text)
#ifndef __arm__
#define UNROLL(n) /* tests on a PC compile faster */
#elif defined(__clang__)
#define UNROLL(n) PRAGMA(unroll n)
#else
#define UNROLL(n) PRAGMA(GCC unroll n)
#endif
#ifdef __arm__
#define HOT __attribute__((section(".itcm"))) /* code without wait states */
#else
#define HOT
#endif

/* The compiler forgets what it knows about p: no rewriting of pointers as indices. */
#define HIDE(p) __asm("" : "+r"(p))

/* The inner loop of a layer, which the compiler writes for its shape: sums of products of the halves of words. */
typedef void products(const void *x, const void *w, int32_t *s);

typedef uint32_t __attribute__((may_alias, aligned(1))) any_u32;

/* One output channel: acc starts at bias; mult, add and shift as bench/compile/quantization.py explains. */
struct channel {
    int32_t bias, mult, add, shift;
};

enum rounding { TWICE, ONCE }; /* convolutions round twice, fully connected layers once */
/* POSITIVE: folded, and results below zero are cut off, so that it does not matter how they are rounded */
enum record { PLAIN, FOLDED, POSITIVE };

KERNEL int32_t pixel(const uint8_t *p, int is_unsigned) { return is_unsigned ? *p : *(const int8_t *)p; }
KERNEL uint32_t load4(const void *p) { return *(const any_u32 *)p; }
KERNEL void store4(void *p, uint32_t v) { *(any_u32 *)p = v; }

#ifdef __ARM_FEATURE_DSP
#include <arm_acle.h>
/* a + the two signed 16-bit products of x and y */
KERNEL int32_t mac2(uint32_t x, uint32_t y, int32_t a) { return __smlad((int16x2_t)x, (int16x2_t)y, a); }
/* a + the product of one half of x and one half of y */
KERNEL int32_t mac_low_low(uint32_t x, uint32_t y, int32_t a) { return __smlabb((int32_t)x, (int32_t)y, a); }
KERNEL int32_t mac_low_high(uint32_t x, uint32_t y, int32_t a) { return __smlabt((int32_t)x, (int32_t)y, a); }
KERNEL int32_t mac_high_low(uint32_t x, uint32_t y, int32_t a) { return __smlatb((int32_t)x, (int32_t)y, a); }
KERNEL int32_t mac_high_high(uint32_t x, uint32_t y, int32_t a) { return __smlatt((int32_t)x, (int32_t)y, a); }
/* bytes 0 and 2, or 1 and 3, widened to two signed (or unsigned) halves */
KERNEL uint32_t even_s(uint32_t v) { return (uint32_t)__sxtb16((int8x4_t)v); }
KERNEL uint32_t even_u(uint32_t v) { return (uint32_t)__uxtb16((uint8x4_t)v); }
KERNEL uint32_t odd_s(uint32_t v) {
    uint32_t r;
    __asm("sxtb16 %0, %1, ror #8" : "=r"(r) : "r"(v));
    return r;
}
KERNEL uint32_t odd_u(uint32_t v) {
    uint32_t r;
    __asm("uxtb16 %0, %1, ror #8" : "=r"(r) : "r"(v));
    return r;
}
/* a + the same, half by half */
KERNEL uint32_t add_even_s(uint32_t a, uint32_t v) { return (uint32_t)__sxtab16((int16x2_t)a, (int8x4_t)v); }
KERNEL uint32_t add_odd_s(uint32_t a, uint32_t v) {
    uint32_t r;
    __asm("sxtab16 %0, %1, %2, ror #8" : "=r"(r) : "r"(a), "r"(v));
    return r;
}
/* low halves (a low), high halves (a low) */
KERNEL uint32_t lows(uint32_t a, uint32_t b) {
    uint32_t r;
    __asm("pkhbt %0, %1, %2, lsl #16" : "=r"(r) : "r"(a), "r"(b));
    return r;
}
KERNEL uint32_t highs(uint32_t a, uint32_t b) {
    uint32_t r;
    __asm("pkhtb %0, %1, %2, asr #16" : "=r"(r) : "r"(b), "r"(a));
    return r;
}
/* c + upper half of the product, rounded (half up) or cut */
KERNEL int32_t high_rounded(int32_t a, int32_t b, int32_t c) {
    int32_t r;
    __asm("smmlar %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(c));
    return r;
}
KERNEL int32_t high_cut(int32_t a, int32_t b, int32_t c) {
    int32_t r;
    __asm("smmla %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(c));
    return r;
}
KERNEL int32_t clip8(int32_t v) { return __ssat(v, 8); }
#else
KERNEL int32_t bottom(uint32_t v) { return (int16_t)v; }
KERNEL int32_t top(uint32_t v) { return (int16_t)(v >> 16); }
KERNEL int32_t mac_low_low(uint32_t x, uint32_t y, int32_t a) { return a + bottom(x) * bottom(y); }
KERNEL int32_t mac_low_high(uint32_t x, uint32_t y, int32_t a) { return a + bottom(x) * top(y); }
KERNEL int32_t mac_high_low(uint32_t x, uint32_t y, int32_t a) { return a + top(x) * bottom(y); }
KERNEL int32_t mac_high_high(uint32_t x, uint32_t y, int32_t a) { return a + top(x) * top(y); }
KERNEL int32_t mac2(uint32_t x, uint32_t y, int32_t a) {
    return (int32_t)((uint32_t)a + (uint32_t)(bottom(x) * bottom(y)) + (uint32_t)(top(x) * top(y)));
}
KERNEL uint32_t even_u(uint32_t v) { return v & 0x00FF00FFu; }
KERNEL uint32_t even_s(uint32_t v) { return (uint16_t)(int8_t)v | (uint32_t)(uint16_t)(int8_t)(v >> 16) << 16; }
KERNEL uint32_t odd_u(uint32_t v) { return even_u(v >> 8); }
KERNEL uint32_t odd_s(uint32_t v) { return even_s(v >> 8); }
KERNEL uint32_t add_halves(uint32_t a, uint32_t b) { return ((a + b) & 0xFFFFu) | ((a >> 16) + (b >> 16)) << 16; }
KERNEL uint32_t add_even_s(uint32_t a, uint32_t v) { return add_halves(a, even_s(v)); }
KERNEL uint32_t add_odd_s(uint32_t a, uint32_t v) { return add_halves(a, odd_s(v)); }
KERNEL uint32_t lows(uint32_t a, uint32_t b) { return (a & 0xFFFFu) | b << 16; }
KERNEL uint32_t highs(uint32_t a, uint32_t b) { return a >> 16 | (b & 0xFFFF0000u); }
KERNEL int32_t high_rounded(int32_t a, int32_t b, int32_t c) {
    return (int32_t)(c + (((int64_t)a * b + (1LL << 31)) >> 32));
}
KERNEL int32_t high_cut(int32_t a, int32_t b, int32_t c) { return (int32_t)(c + (((int64_t)a * b) >> 32)); }
KERNEL int32_t clip8(int32_t v) { return v < -128 ? -128 : v > 127 ? 127 : v; }
#endif

struct product { /* op: an index into the list below; offsets in bytes */
    uint32_t op, total, x, w;
};

/* load: 0 a word, 1 an unsigned byte, 2 a signed byte of x */
KERNEL void add_product(const struct product *p, const void *x, const void *w, int load, int32_t *s) {
    const uint8_t *at = (const uint8_t *)x + p->x;
    uint32_t u = load ? (uint32_t)pixel(at, load == 1) : load4(at), v = load4((const uint8_t *)w + p->w);
    int32_t *t = s + p->total;
    *t = p->op == 0   ? mac2(u, v, *t)
         : p->op == 1 ? mac_low_low(u, v, *t)
         : p->op == 2 ? mac_low_high(u, v, *t)
         : p->op == 3 ? mac_high_low(u, v, *t)
                      : mac_high_high(u, v, *t);
}

KERNEL int32_t clamp(int32_t v, int32_t low, int32_t high) {
    if (low > -128) v = v < low ? low : v;
    if (high < 127) v = v > high ? high : v;
    return v;
}

/* x * mult * 2**(shift - 31), rounded half up to the upper word and then half away from zero (gemmlowp's two steps) */
KERNEL int32_t scale_twice(int32_t x, int32_t mult, int32_t shift) {
    int32_t left = shift > 0 ? shift : 0, right = shift > 0 ? 0 : -shift;
    int32_t y = (int32_t)((uint32_t)x << left);
    int32_t high = (int32_t)(((int64_t)y * mult + (1LL << 30)) >> 31);
    if (right == 0) return high;
    int32_t mask = (int32_t)((1u << right) - 1), rest = high & mask;
    return (high >> right) + (rest > (mask >> 1) + (high < 0));
}

/* the same with a single rounding, half up */
KERNEL int32_t scale_once(int32_t x, int32_t mult, int32_t shift) {
    return (int32_t)(((int64_t)x * mult + (1LL << (30 - shift))) >> (31 - shift));
}

/* acc to int8 in [low, high]; in a folded record acc is doubled and `add` holds zero point and rounding constant */
KERNEL int8_t requantize(int32_t acc, const struct channel *c, enum rounding rounding, enum record folded, int low,
                         int high) {
    if (folded) {
        int32_t y = high_cut(acc, c->mult, c->add);
        if (rounding == TWICE) y = high_rounded(acc, c->mult, c->add) + (folded == FOLDED ? acc >> 31 : 0);
        return (int8_t)clamp(clip8(y >> c->shift), low, high);
    }
    int32_t y = rounding == TWICE ? scale_twice(acc, c->mult, c->shift) : scale_once(acc, c->mult, c->shift);
    return (int8_t)clamp(clip8(y + c->add), low, high);
}

/* high_rounded, shift and clip8 of four sums, taking turns: none waits for the one before it. Halves that round up must
 * round down below zero, unless such results are cut off. */
KERNEL void round_four(int32_t *s, const struct channel *k, const struct channel *l, enum record folded) {
#if defined(__ARM_FEATURE_DSP) && defined(__clang__) /* GCC runs out of registers and orders them itself */
    int32_t t;
    if (folded == POSITIVE)
        __asm("smmlar %0, %0, %4, %6\n smmlar %1, %1, %5, %7\n smmlar %2, %2, %4, %6\n asr %0, %0, %8\n"
              "smmlar %3, %3, %5, %7\n asr %1, %1, %9\n ssat %0, #8, %0\n asr %2, %2, %8\n"
              "ssat %1, #8, %1\n asr %3, %3, %9\n ssat %2, #8, %2\n ssat %3, #8, %3"
              : "+&r"(s[0]), "+&r"(s[1]), "+&r"(s[2]), "+&r"(s[3])
              : "r"(k->mult), "r"(l->mult), "r"(k->add), "r"(l->add), "rI"(k->shift), "rI"(l->shift));
    else
        __asm("add %4, %7, %0, asr #31\n smmlar %0, %0, %5, %4\n add %4, %8, %1, asr #31\n smmlar %1, %1, %6, %4\n"
              "add %4, %7, %2, asr #31\n smmlar %2, %2, %5, %4\n asr %0, %0, %9\n add %4, %8, %3, asr #31\n"
              "smmlar %3, %3, %6, %4\n asr %1, %1, %10\n ssat %0, #8, %0\n asr %2, %2, %9\n"
              "ssat %1, #8, %1\n asr %3, %3, %10\n ssat %2, #8, %2\n ssat %3, #8, %3"
              : "+&r"(s[0]), "+&r"(s[1]), "+&r"(s[2]), "+&r"(s[3]), "=&r"(t)
              : "r"(k->mult), "r"(l->mult), "r"(k->add), "r"(l->add), "rI"(k->shift), "rI"(l->shift));
#else
    for (int i = 0; i < 4; i++) {
        const struct channel *c = i % 2 ? l : k;
        int32_t y = high_rounded(s[i], c->mult, c->add) + (folded == FOLDED ? s[i] >> 31 : 0);
        s[i] = clip8(y >> c->shift);
    }
#endif
}

KERNEL uint32_t pair(int32_t low, int32_t high) { return lows((uint32_t)low, (uint32_t)high); }

/* a plain sum of products to int8, as convolutions round */
KERNEL int8_t finish(int32_t sum, const struct channel *c, enum record folded, int low, int high) {
    return requantize(c->bias + (folded ? 2 * sum : sum), c, TWICE, folded, low, high);
}

/* Four sums to int8 values: k is the channel of s[0] and s[2], l that of s[1] and s[3]. */
KERNEL void finish_four(int32_t *s, const struct channel *k, const struct channel *l, enum record folded, int low,
                        int high) {
    if (folded == PLAIN) {
        for (int i = 0; i < 4; i++) s[i] = finish(s[i], i % 2 ? l : k, folded, low, high);
        return;
    }
    for (int i = 0; i < 4; i++) s[i] = (i % 2 ? l : k)->bias + 2 * s[i];
    round_four(s, k, l, folded);
    for (int i = 0; i < 4; i++) s[i] = clamp(s[i], low, high);
}
#endif
