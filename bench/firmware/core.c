/* Caches and the cycle counter of the Cortex-M7, and a pin that shows when it computes. */
#include "registers.h"
#include "runtime.h"

#define CCR_DC (1u << 16)
#define CCR_IC (1u << 17)

/* Invalidates the data cache line by line; sets and ways as CCSIDR states them (ARMv7-M ARM B2.2). */
static void invalidate_data_cache(void) {
    SCB_CSSELR = 0;
    BARRIER();
    const uint32_t size = SCB_CCSIDR, sets = size >> 13 & 0x7FFF, ways = size >> 3 & 0x3FF;
    for (uint32_t set = 0; set <= sets; set++)
        for (uint32_t way = 0; way <= ways; way++)
            SCB_DCISW = way << 30 | set << 5; /* 32-byte lines, four ways */
    BARRIER();
}

void core_start(void) {
    SCB_ICIALLU = 0;
    BARRIER();
    SCB_CCR |= CCR_IC;
    BARRIER();
    invalidate_data_cache();
    SCB_CCR |= CCR_DC;
    BARRIER();
    SCB_DEMCR |= 1u << 24;
    DWT_LAR = 0xC5ACCE55; /* on the F7 the counter is locked after reset */
    DWT_CYCCNT = 0;
    DWT_CTRL |= 1;
    RCC_AHB1ENR |= 1u << 8; /* GPIOI */
    (void)RCC_AHB1ENR;
    GPIOI_MODER = (GPIOI_MODER & ~(3u << 6)) | 1u << 6;
}

void core_mark(uint32_t high) { GPIOI_BSRR = high ? 1u << 3 : 1u << 19; }

/* Bit 0: instruction cache, 1: data cache, 2: ART accelerator, 3: prefetch, 4: cycle counter; bits 8..11: flash wait states. */
uint32_t core_flags(void) {
    const uint32_t ccr = SCB_CCR, acr = FLASH_ACR;
    return (ccr >> 17 & 1) | (ccr >> 16 & 1) << 1 | (acr >> 9 & 1) << 2 | (acr >> 8 & 1) << 3 | (DWT_CTRL & 1) << 4 |
           (acr & 0xF) << 8;
}
