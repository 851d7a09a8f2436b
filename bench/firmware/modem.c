/* Commands, answers and datagrams of an AT modem. One reader takes the serial line apart, whatever comes in whatever order: answer
   lines, the prompt, and datagrams ("+IPD,<n>:" and n bytes) in between. */
#include "modem.h"
#include "registers.h"
#include "runtime.h"
#include "stages/stage.h"

#define LONGEST_DATAGRAM 2048u /* more than the modem can hand over: not a datagram */
FAST_DATA static uint8_t out[MODEM_LINE + 2];
static char line[MODEM_LINE];
static uint32_t filled;           /* characters of the line that is coming in */
static uint32_t expected, stored; /* bytes of the datagram that is coming in: still to come, already here */
static struct inbox *inbox;
static uint64_t ticks_left;
static uint32_t last_tick;
uint32_t modem_bytes_out, modem_bytes_in;

void modem_begin(uint32_t milliseconds, struct inbox *where) {
    ticks_left = (uint64_t)milliseconds * (clock_hz() / 1000);
    last_tick = DWT_CYCCNT;
    inbox = where;
    expected = filled = 0; /* what was cut off before will not go on */
}

static int time_is_over(void) {
    const uint32_t now = DWT_CYCCNT, passed = now - last_tick;
    last_tick = now;
    ticks_left -= passed < ticks_left ? passed : ticks_left;
    return ticks_left == 0;
}

static int begins(const char *with) {
    for (uint32_t i = 0; with[i] != 0; i++)
        if (i >= filled || line[i] != with[i])
            return 0;
    return 1;
}

static enum modem_event judge_line(void) {
    if (begins("SEND OK"))
        return MODEM_SENT;
    if ((begins("OK") && filled == 2) || begins("ready"))
        return MODEM_OK;
    if (begins("ERROR") || begins("FAIL") || begins("SEND FAIL") || begins("link is not") || begins("CLOSED"))
        return MODEM_ERROR;
    return begins("busy ") ? MODEM_BUSY : MODEM_NOTHING;
}

/* After the colon of "+IPD,<n>:"; a number that cannot be makes it a line like any other. */
static void begin_datagram(void) {
    uint32_t count = 0;
    for (uint32_t i = 5; i < filled; i++) {
        const uint32_t digit = (uint32_t)line[i] - '0';
        if (digit > 9 || count > LONGEST_DATAGRAM)
            return;
        count = 10 * count + digit;
    }
    if (count == 0 || count > LONGEST_DATAGRAM)
        return;
    expected = count;
    stored = filled = 0;
}

static enum modem_event datagram_byte(uint8_t byte) {
    if (inbox && stored < inbox->room)
        inbox->bytes[stored] = byte;
    stored++;
    if (--expected > 0 || !inbox || stored > inbox->room)
        return MODEM_NOTHING;
    inbox->length = stored;
    return MODEM_DATA;
}

/* The next thing that the modem says; MODEM_NOTHING if what has come so far is not worth an event. */
static enum modem_event next(struct modem_said *said) {
    for (int byte; (byte = modem_uart_read()) >= 0;) {
        modem_bytes_in++;
        enum modem_event event = MODEM_NOTHING;
        if (expected > 0) {
            event = datagram_byte((uint8_t)byte);
        } else if (byte == '>' && filled == 0) {
            event = MODEM_PROMPT;
        } else if (byte == '\n') {
            while (filled > 0 && line[filled - 1] == '\r')
                filled--;
            event = judge_line();
            if (said && filled > 0 && filled + 1 <= sizeof said->text - said->length) {
                __builtin_memcpy(said->text + said->length, line, filled);
                said->length += filled;
                said->text[said->length++] = '\n';
            }
            filled = 0;
        } else if (filled < MODEM_LINE && (filled > 0 || byte > ' ')) {
            line[filled++] = (char)byte;
            if (byte == ':' && begins("+IPD,")) {
                filled--;
                begin_datagram();
            }
        }
        if (event != MODEM_NOTHING)
            return event;
    }
    return MODEM_NOTHING;
}

/* Waits for one of the events in `wanted` (a bit each). */
static enum modem_event wait_for(uint32_t wanted, struct modem_said *said) {
    for (;;) {
        const enum modem_event event = next(said);
        if (event != MODEM_NOTHING && (wanted >> event & 1))
            return event;
        if (time_is_over())
            return MODEM_TIMEOUT;
    }
}

static void write(const char *text, uint32_t length) {
    __builtin_memcpy(out, text, length);
    out[length] = '\r';
    out[length + 1] = '\n';
    modem_uart_write(out, length + 2);
    modem_bytes_out += length + 2;
}

enum modem_event modem_command(const char *text, uint32_t length, struct modem_said *said) {
    write(text, length);
    return wait_for(1u << MODEM_OK | 1u << MODEM_ERROR | 1u << MODEM_BUSY, said);
}

void modem_pause(uint32_t milliseconds) {
    const uint64_t pause = (uint64_t)milliseconds * (clock_hz() / 1000), kept = ticks_left;
    ticks_left = pause < kept ? pause : kept;
    wait_for(0, 0);
    ticks_left = pause < kept ? kept - pause : 0;
}

enum modem_event modem_send(const uint8_t *bytes, uint32_t count) {
    char text[] = "AT+CIPSEND=9999";
    uint32_t length = sizeof text - 1, unit = 1000;
    for (; unit > count; unit /= 10)
        length--;
    for (uint32_t i = length, rest = count; rest > 0; rest /= 10)
        text[--i] = (char)('0' + rest % 10);
    write(text, length);
    const enum modem_event event = wait_for(1u << MODEM_PROMPT | 1u << MODEM_ERROR | 1u << MODEM_BUSY, 0);
    if (event != MODEM_PROMPT)
        return event;
    modem_uart_write(bytes, count);
    modem_bytes_out += count;
    return wait_for(1u << MODEM_SENT | 1u << MODEM_ERROR, 0);
}

enum modem_event modem_receive(void) {
    return inbox && inbox->length > 0 ? MODEM_DATA : wait_for(1u << MODEM_DATA, 0);
}
