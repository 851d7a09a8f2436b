/* System clock from the 25 MHz crystal through the main PLL (RM0385 sections 3.3.2, 4.1.4 and 5.3). */
#include "registers.h"
#include "runtime.h"

#define CRYSTAL_HZ 25000000u
#define PATIENCE 200000u /* polls; at 16 MHz some tens of milliseconds */

struct setting {
    uint32_t hz, multiply, divide; /* VCO = 1 MHz * multiply; clock = VCO / divide */
    uint32_t waits;                /* flash wait states at 2.7 to 3.6 V: one per 30 MHz begun, less one */
    uint32_t scale;                /* PWR_CR1.VOS: 1 is scale 3 (up to 144 MHz), 3 is scale 1 */
    uint32_t overdrive;            /* above 180 MHz */
    uint32_t apb1, apb2;           /* RCC_CFGR prescalers: 0 is 1, 4 is 2, 5 is 4; limits 54 and 108 MHz */
};
static const struct setting settings[] = {
    {64000000, 128, 2, 2, 1, 0, 4, 0},
    {128000000, 256, 2, 4, 1, 0, 5, 4},
    {216000000, 432, 2, 7, 3, 1, 5, 4},
};

static int wait_for(volatile uint32_t *address, uint32_t mask, uint32_t value) {
    for (uint32_t polls = 0; polls < PATIENCE; polls++)
        if ((*address & mask) == value)
            return 1;
    return 0;
}

static enum clock_fault apply(const struct setting *s) {
    RCC_CR |= 1u << 16;
    if (!wait_for(&RCC_CR, 1u << 17, 1u << 17))
        return CLOCK_NO_HSE;
    RCC_APB1ENR |= 1u << 28;
    (void)RCC_APB1ENR;
    PWR_CR1 = (PWR_CR1 & ~(3u << 14)) | s->scale << 14;
    RCC_PLLCFGR = 25u | s->multiply << 6 | (s->divide / 2 - 1) << 16 | 1u << 22 | 9u << 24;
    RCC_CR |= 1u << 24;
    if (!wait_for(&RCC_CR, 1u << 25, 1u << 25))
        return CLOCK_NO_PLL;
    if (s->overdrive) {
        PWR_CR1 |= 1u << 16;
        if (!wait_for(&PWR_CSR1, 1u << 16, 1u << 16))
            return CLOCK_NO_OVERDRIVE;
        PWR_CR1 |= 1u << 17;
        if (!wait_for(&PWR_CSR1, 1u << 17, 1u << 17))
            return CLOCK_NO_OVERDRIVE;
    }
    if (!wait_for(&PWR_CSR1, 1u << 14, 1u << 14))
        return CLOCK_NO_VOLTAGE;
    FLASH_ACR = s->waits | 1u << 8 | 1u << 9; /* prefetch and ART */
    if (!wait_for(&FLASH_ACR, 0xF, s->waits))
        return CLOCK_NO_SWITCH;
    RCC_CFGR = s->apb1 << 10 | s->apb2 << 13;
    RCC_CFGR |= 2u;
    return wait_for(&RCC_CFGR, 3u << 2, 2u << 2) ? CLOCK_OK : CLOCK_NO_SWITCH;
}

enum clock_fault clock_start(uint32_t hz) {
    for (uint32_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        if (settings[i].hz == hz)
            return apply(&settings[i]);
    return CLOCK_NO_SWITCH;
}

uint32_t clock_hz(void) {
    static const uint8_t shifts[16] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 6, 7, 8, 9};
    const uint32_t config = RCC_CFGR, pll = RCC_PLLCFGR, source = config >> 2 & 3;
    uint32_t hz = source == 1 ? CRYSTAL_HZ : 16000000u;
    if (source == 2) {
        const uint32_t reference = pll >> 22 & 1 ? CRYSTAL_HZ : 16000000u, m = pll & 0x3F;
        hz = m ? reference / m * (pll >> 6 & 0x1FF) / (((pll >> 16 & 3) + 1) * 2) : 0;
    }
    return hz >> shifts[config >> 4 & 0xF];
}
