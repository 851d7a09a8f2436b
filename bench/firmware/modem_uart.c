/* USART6 on PC6 and PC7, the Arduino header's D1 and D0 (UM1907), by DMA2: stream 1 channel 5 receives into a ring, stream 6
   channel 5 sends. Buffers in DTCM, which is never cached. */
#include "modem.h"
#include "registers.h"
#include "runtime.h"
#include "stages/stage.h"

FAST_DATA static uint8_t ring[MODEM_RING];
static uint32_t taken, seen; /* positions in the ring */

void modem_uart_start(uint32_t baud) {
    RCC_AHB1ENR |= 1u << 2 | 1u << 22; /* GPIOC, DMA2 */
    RCC_APB2ENR |= 1u << 5;
    RCC_DCKCFGR2 = (RCC_DCKCFGR2 & ~(3u << 10)) | 1u << 10; /* USART6 runs from SYSCLK */
    (void)RCC_DCKCFGR2;
    GPIOC_MODER = (GPIOC_MODER & ~(0xFu << 12)) | 0xAu << 12;
    GPIOC_PUPDR = (GPIOC_PUPDR & ~(0xFu << 12)) | 4u << 12; /* pull-up on the receiver */
    GPIOC_AFRL = (GPIOC_AFRL & ~(0xFFu << 24)) | 0x88u << 24;
    USART6_CR1 = 0;
    DMA2_STREAM1->CR = 0;
    while (DMA2_STREAM1->CR & 1u)
        ;
    DMA2_LIFCR = 0x3Du << 6;
    DMA2_STREAM1->PAR = USART6_RDR;
    DMA2_STREAM1->M0AR = (uint32_t)ring;
    DMA2_STREAM1->NDTR = MODEM_RING;
    DMA2_STREAM1->CR = 5u << 25 | 2u << 16 | 1u << 10 | 1u << 8; /* channel 5, high priority, memory increment, circular */
    DMA2_STREAM1->CR |= 1u;
    taken = seen = 0;
    USART6_BRR = (clock_hz() + baud / 2) / baud;
    USART6_CR3 = 1u << 12 | 1u << 7 | 1u << 6; /* no overrun stop, DMA both ways */
    USART6_CR1 = 1u << 3 | 1u << 2 | 1u;       /* transmitter, receiver, on */
}

int modem_uart_read(void) {
    if (taken == seen)
        seen = (MODEM_RING - DMA2_STREAM1->NDTR) % MODEM_RING;
    if (taken == seen)
        return -1;
    const uint8_t byte = ring[taken];
    taken = (taken + 1) % MODEM_RING;
    return byte;
}

void modem_uart_write(const uint8_t *bytes, uint32_t count) {
    if (!(USART6_CR1 & 1u))
        return; /* it was never started */
    USART6_ICR = USART_COMPLETE;
    DMA2_HIFCR = 0x3Du << 16;
    DMA2_STREAM6->PAR = USART6_TDR;
    DMA2_STREAM6->M0AR = (uint32_t)bytes;
    DMA2_STREAM6->NDTR = count;
    DMA2_STREAM6->CR = 5u << 25 | 1u << 10 | 1u << 6; /* channel 5, memory increment, memory to peripheral */
    DMA2_STREAM6->CR |= 1u;
    while ((DMA2_STREAM6->CR & 1u) || !(USART6_ISR & USART_COMPLETE)) /* the stream switches itself off after its last byte */
        ;
}
