/* The parts of the firmware that every program shares. */
#ifndef RUNTIME_H
#define RUNTIME_H
#include <stddef.h>
#include <stdint.h>

/* clock.c */
enum clock_fault { CLOCK_OK, CLOCK_NO_HSE, CLOCK_NO_VOLTAGE, CLOCK_NO_PLL, CLOCK_NO_OVERDRIVE, CLOCK_NO_SWITCH };
enum clock_fault clock_start(uint32_t hz); /* 64, 128 or 216 MHz; stays at 16 MHz when it fails */
uint32_t clock_hz(void);                   /* from what RCC holds, with a crystal of 25 MHz */

/* core.c */
void core_start(void); /* caches and cycle counter on */
void core_mark(uint32_t high); /* PI3, pin D7 of the board: high while stages run, for a power monitor */
uint32_t core_flags(void);

/* startup.c */
uint32_t stack_size(void);
uint32_t stack_high_water(void); /* most bytes ever in use */

/* uart.c: USART1 by DMA; the speed does not depend on the processor's clock */
#define UART_BAUD 1000000u
void uart_start(void);
uint32_t uart_peek(const uint8_t **bytes);             /* how many received bytes lie there; 0 if none has come */
void uart_take(uint32_t count);                        /* done with so many of them */
void uart_wait(void);                                  /* until the last write is out */
void uart_write(const uint8_t *bytes, uint32_t count); /* count <= 65535; the bytes must stay until uart_wait */

/* frame.c */
#define FRAME_VERSION 1u
#define FRAME_PAYLOAD 4096u /* most bytes in one frame */
struct frame {
    uint8_t version, type;
    uint16_t sequence, length;
    uint8_t payload[FRAME_PAYLOAD + 4]; /* and the CRC-32 */
};
struct short_frame { /* the same for up to 28 bytes */
    struct {
        uint8_t version, type;
        uint16_t sequence, length;
    } header;
    uint8_t payload[28 + 4];
};
enum frame_event { FRAME_NONE, FRAME_GOOD, FRAME_BAD };
enum frame_event frame_poll(struct frame *frame); /* feeds on the UART; FRAME_BAD: damaged, its header may be too */
void frame_send(struct frame *frame);             /* fills in the version and the CRC */
uint32_t crc32(const uint8_t *bytes, uint32_t count); /* zlib's */

#endif
