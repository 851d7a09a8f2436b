/* The memory functions that compilers call. */
#include <stddef.h>
#include <stdint.h>

#define KEEP_LOOP() __asm volatile("" ::: "memory") /* or the compiler sees memcpy in memcpy and calls itself */
void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memmove(void *to, const void *from, size_t count);
void *memset(void *to, int value, size_t count);
int memcmp(const void *a, const void *b, size_t count);

typedef uint32_t unaligned_word __attribute__((aligned(1), may_alias));

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
    uint8_t *t = to;
    const uint8_t *f = from;
    for (; count >= 8; count -= 8, t += 8, f += 8) {
        const uint32_t low = ((const unaligned_word *)f)[0], high = ((const unaligned_word *)f)[1];
        ((unaligned_word *)t)[0] = low;
        ((unaligned_word *)t)[1] = high;
        KEEP_LOOP();
    }
    for (; count > 0; count--) {
        *t++ = *f++;
        KEEP_LOOP();
    }
    return to;
}

void *memmove(void *to, const void *from, size_t count) {
    uint8_t *t = to;
    const uint8_t *f = from;
    if (t <= f || t >= f + count) /* memcpy loads eight bytes before it stores any, so going up is safe when t is below */
        return memcpy(to, from, count);
    while (count-- > 0) {
        t[count] = f[count];
        KEEP_LOOP();
    }
    return to;
}

void *memset(void *to, int value, size_t count) {
    uint8_t *t = to;
    const uint32_t word = (uint8_t)value * 0x01010101u;
    for (; count >= 8; count -= 8, t += 8) {
        ((unaligned_word *)t)[0] = word;
        ((unaligned_word *)t)[1] = word;
        KEEP_LOOP();
    }
    for (; count > 0; count--) {
        *t++ = (uint8_t)value;
        KEEP_LOOP();
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t count) {
    const uint8_t *x = a, *y = b;
    for (; count > 0; count--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

#define COPY(name, as) \
    void name(void *to, const void *from, size_t count); \
    void name(void *to, const void *from, size_t count) { as(to, from, count); }
COPY(__aeabi_memcpy, memcpy)
COPY(__aeabi_memcpy4, memcpy)
COPY(__aeabi_memcpy8, memcpy)
COPY(__aeabi_memmove, memmove)
COPY(__aeabi_memmove4, memmove)
COPY(__aeabi_memmove8, memmove)
#define SET(name) \
    void name(void *to, size_t count, int value); \
    void name(void *to, size_t count, int value) { memset(to, value, count); }
SET(__aeabi_memset)
SET(__aeabi_memset4)
SET(__aeabi_memset8)
#define CLEAR(name) \
    void name(void *to, size_t count); \
    void name(void *to, size_t count) { memset(to, 0, count); }
CLEAR(__aeabi_memclr)
CLEAR(__aeabi_memclr4)
CLEAR(__aeabi_memclr8)
