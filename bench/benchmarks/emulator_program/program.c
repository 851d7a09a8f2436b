/* Work for the emulator's benchmark: int8 kernels in their plain form. KERNEL 1: 1x1 convolution, 2: 3x3 depthwise, 3: both.
 * Activations lie in SRAM and weights in flash, so every access goes through the data cache.
 */
#include <arm_acle.h>
#include <stdint.h>

enum { SIZE = 16, CHANNELS = 32, OUTPUTS = 64, TAPS = 9 };
#define REG(a) (*(volatile uint32_t *)(a))
#define SRAM __attribute__((section(".sram"), aligned(8)))

SRAM int8_t image[SIZE + 2][SIZE + 2][CHANNELS]; /* external: the compiler must not know that they are zero */
SRAM int8_t middle[SIZE][SIZE][CHANNELS], result[SIZE][SIZE][OUTPUTS];
static const int8_t weights[OUTPUTS][CHANNELS] __attribute__((aligned(4))) = {{3, -1, 4}, {1, -5}, {9, 2, -6}};
static const int8_t taps[TAPS][CHANNELS] = {{1, -2, 3}, {4, 5, -6}, {-7, 8}};

static int32_t dot4(uint32_t a, uint32_t b, int32_t sum) {
    sum = __smlad((int16x2_t)__sxtb16(a), (int16x2_t)__sxtb16(b), sum);
    return __smlad((int16x2_t)__sxtb16(__ror(a, 8)), (int16x2_t)__sxtb16(__ror(b, 8)), sum);
}

__attribute__((noinline)) void pointwise(void) {
    for (int y = 0; y < SIZE; y++)
        for (int x = 0; x < SIZE; x++)
            for (int o = 0; o < OUTPUTS; o++) {
                const uint32_t *in = (const uint32_t *)(const void *)middle[y][x];
                const uint32_t *w = (const uint32_t *)(const void *)weights[o];
                int32_t sum = o;
                for (int c = 0; c < CHANNELS / 4; c++) sum = dot4(in[c], w[c], sum);
                result[y][x][o] = (int8_t)__ssat((int32_t)((int64_t)sum * 0x5A000000 >> 38), 8);
            }
}

__attribute__((noinline)) void depthwise(void) {
    for (int y = 0; y < SIZE; y++)
        for (int x = 0; x < SIZE; x++)
            for (int c = 0; c < CHANNELS; c++) {
                int32_t sum = c;
                for (int t = 0; t < TAPS; t++) sum += image[y + t / 3][x + t % 3][c] * taps[t][c];
                middle[y][x][c] = (int8_t)__ssat((int32_t)((int64_t)sum * 0x7A000000 >> 36), 8);
            }
}

int main(void) {
    for (int i = 0; i < REPEAT; i++) {
        if (KERNEL & 2) depthwise();
        if (KERNEL & 1) pointwise();
    }
    uint32_t sum = 0; /* keeps the compiler from dropping the work */
    for (int i = 0; i < SIZE * SIZE; i++) sum += (uint32_t)(middle[0][i][5] + result[0][i][7]);
    return (int)sum;
}

extern uint32_t _stack, _zero, _zero_end;
volatile int checksum;
__attribute__((used)) void start(void) {
    REG(0xE000ED88) |= 0xFu << 20;       /* FPU */
    REG(0x40023C00) = 0x307;             /* seven wait states, prefetch, ART */
    REG(0xE000EF50) = 0;                 /* empty, then switch on the caches */
    REG(0xE000ED14) |= 3u << 16;
    __asm volatile("dsb\n isb");
    for (volatile uint32_t *word = &_zero; word < &_zero_end;) *word++ = 0;
    checksum = main();
    for (;;) __asm volatile("bkpt 0");
}
__attribute__((used, section(".isr_vector"))) void *const vectors[16] = {&_stack, (void *)start};
