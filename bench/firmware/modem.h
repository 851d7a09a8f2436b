/* A modem with an AT command set on the second serial port (ESP-WROOM-02D, Espressif AT 1.7 for the ESP8266), and the server behind
   it. Every wait ends after a time that the caller states; every length that comes from outside is checked. */
#ifndef MODEM_H
#define MODEM_H
#include <stdint.h>

/* modem_uart.c: USART6 by DMA, clocked by the system clock so that every usual rate is met within 1 % */
#define MODEM_RING 1024u
void modem_uart_start(uint32_t baud);
int modem_uart_read(void);                                   /* the next byte, -1 if none has come */
void modem_uart_write(const uint8_t *bytes, uint32_t count); /* returns when all are on the wire; bytes in DTCM */

/* modem.c */
#define MODEM_LINE 192u /* most characters of a command, and of an answer line that are kept */
enum modem_event {
    MODEM_NOTHING,
    MODEM_OK,      /* OK, ready */
    MODEM_ERROR,   /* ERROR, FAIL, SEND FAIL, CLOSED, link is not valid */
    MODEM_BUSY,    /* busy p..., busy s... */
    MODEM_PROMPT,  /* > */
    MODEM_SENT,    /* SEND OK */
    MODEM_DATA,    /* a datagram that fits into the inbox */
    MODEM_TIMEOUT, /* nothing that was waited for came in time */
};
struct inbox { /* keeps the newest datagram; one that is longer than `room` is dropped */
    uint8_t *bytes;
    uint32_t room, length;
};
struct modem_said {
    uint32_t length;
    char text[256]; /* the lines of an answer, as many as fit, each closed by a newline */
};
extern uint32_t modem_bytes_out, modem_bytes_in; /* on the serial line */
void modem_begin(uint32_t milliseconds, struct inbox *inbox); /* how long the waits that follow may take together */
void modem_pause(uint32_t milliseconds);
enum modem_event modem_command(const char *line, uint32_t length, struct modem_said *said); /* length <= MODEM_LINE */
enum modem_event modem_send(const uint8_t *bytes, uint32_t count); /* one datagram; bytes in DTCM. MODEM_SENT, or what came instead */
enum modem_event modem_receive(void);                              /* MODEM_DATA or MODEM_TIMEOUT */

/* remote.c: bench/wire.py on the device */
struct remote { /* little-endian, as bench/boards/modem.py packs it */
    uint32_t deployment, sequence, payload; /* payload: which buffer is sent */
    uint32_t milliseconds, tries;           /* of one try; tries == 0: no modem, the host carries the messages */
};
struct exchange { /* of the last inference */
    uint32_t up_cycles, down_cycles; /* until the modem has taken the last fragment, and from then on to the reply */
    uint32_t up_bytes, down_bytes;   /* on the serial line, commands and echoes included */
    uint32_t tries, status, server_us, event; /* status: of the reply; event: enum modem_event where there was none */
};
extern struct remote remote;
extern struct exchange last_exchange;
int remote_exchange(void); /* sends the payload and fills the program's reply; 0 if no sound reply came */

#endif
