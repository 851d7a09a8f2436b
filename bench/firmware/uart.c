/* USART1 on PA9 and PB7, the virtual COM port of the 32F746G-DISCOVERY (UM1907), by DMA2: stream 2 channel 4 receives into a
   ring, stream 7 channel 4 sends. Both buffers lie in DTCM, which is never cached, so nothing has to be cleaned or invalidated. */
#include "registers.h"
#include "runtime.h"
#include "stages/stage.h"

#define RING 8192u /* more than the largest encoded frame; the host waits for each answer */
FAST_DATA static uint8_t ring[RING];
static uint32_t taken, seen; /* positions in the ring */

void uart_start(void) {
    RCC_AHB1ENR |= 1u << 0 | 1u << 1 | 1u << 22; /* GPIOA, GPIOB, DMA2 */
    RCC_APB2ENR |= 1u << 4;
    RCC_DCKCFGR2 = (RCC_DCKCFGR2 & ~3u) | 2u; /* USART1 runs from HSI, 16 MHz */
    (void)RCC_DCKCFGR2;
    GPIOA_MODER = (GPIOA_MODER & ~(3u << 18)) | 2u << 18;
    GPIOA_AFRH = (GPIOA_AFRH & ~(0xFu << 4)) | 7u << 4;
    GPIOB_MODER = (GPIOB_MODER & ~(3u << 14)) | 2u << 14;
    GPIOB_PUPDR = (GPIOB_PUPDR & ~(3u << 14)) | 1u << 14;
    GPIOB_AFRL = (GPIOB_AFRL & ~(0xFu << 28)) | 7u << 28;
    DMA2_LIFCR = 0x3Du << 16;
    DMA2_STREAM2->PAR = USART1_RDR;
    DMA2_STREAM2->M0AR = (uint32_t)ring;
    DMA2_STREAM2->NDTR = RING;
    DMA2_STREAM2->CR = 4u << 25 | 2u << 16 | 1u << 10 | 1u << 8; /* channel 4, high priority, memory increment, circular */
    DMA2_STREAM2->CR |= 1u;
    USART1_BRR = 16000000u / UART_BAUD;
    USART1_CR3 = 1u << 12 | 1u << 7 | 1u << 6; /* no overrun stop, DMA both ways */
    USART1_CR1 = 1u << 3 | 1u << 2 | 1u;       /* transmitter, receiver, on */
}

uint32_t uart_peek(const uint8_t **bytes) {
    if (taken == seen)
        seen = (RING - DMA2_STREAM2->NDTR) % RING;
    *bytes = ring + taken;
    return (seen >= taken ? seen : RING) - taken;
}

void uart_take(uint32_t count) { taken = (taken + count) % RING; }

void uart_wait(void) {
    while (DMA2_STREAM7->CR & 1u) /* the stream switches itself off after its last byte */
        ;
}

void uart_write(const uint8_t *bytes, uint32_t count) {
    uart_wait();
    DMA2_HIFCR = 0x3Du << 22;
    DMA2_STREAM7->PAR = USART1_TDR;
    DMA2_STREAM7->M0AR = (uint32_t)bytes;
    DMA2_STREAM7->NDTR = count;
    DMA2_STREAM7->CR = 4u << 25 | 1u << 10 | 1u << 6; /* channel 4, memory increment, memory to peripheral */
    DMA2_STREAM7->CR |= 1u;
}
