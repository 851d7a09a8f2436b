/* Frames: header, payload and CRC-32, COBS-encoded (Cheshire and Baker 1999) and closed by a zero byte. A receiver that meets junk
   is in step again after the next zero. */
#include "registers.h"
#include "runtime.h"
#include "stages/stage.h"

#define HEADER 6u
#define LARGEST (HEADER + FRAME_PAYLOAD + 4u)
FAST_DATA static uint8_t encoded[LARGEST + LARGEST / 254 + 3];
FAST_DATA static uint32_t crc_table[256];

static uint32_t crc32(const uint8_t *bytes, uint32_t count) {
    if (crc_table[1] == 0)
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t value = i;
            for (uint32_t bit = 0; bit < 8; bit++)
                value = value >> 1 ^ (value & 1 ? 0xEDB88320u : 0);
            crc_table[i] = value;
        }
    uint32_t crc = 0xFFFFFFFFu;
    while (count--)
        crc = crc >> 8 ^ crc_table[(crc ^ *bytes++) & 0xFF];
    return ~crc;
}

/* A frame that is complete: does it hold what its header says? */
static enum frame_event judge(const struct frame *frame, uint32_t bytes) {
    uint32_t crc;
    if (bytes < HEADER + 4 || frame->length != bytes - HEADER - 4)
        return FRAME_BAD;
    __builtin_memcpy(&crc, frame->payload + frame->length, 4);
    return crc == crc32((const uint8_t *)frame, bytes - 4) ? FRAME_GOOD : FRAME_BAD;
}

FAST_CODE enum frame_event frame_poll(struct frame *frame) {
    static uint32_t filled, run, zero_due, started, overrun; /* run: bytes until the next code byte */
    uint8_t *const bytes = (uint8_t *)frame;
    for (int next; (next = uart_read()) >= 0;) {
        if (next == 0) {
            const uint32_t complete = filled, any = started, broken = run > 0 || overrun;
            filled = run = zero_due = started = overrun = 0;
            if (any)
                return broken ? FRAME_BAD : judge(frame, complete);
            continue; /* an empty frame only brings both sides into step */
        }
        uint32_t value = (uint32_t)next, emit = 1;
        if (run == 0) { /* a code byte: the distance to the next zero, which a full run of 254 bytes does not have */
            emit = zero_due;
            run = value - 1;
            zero_due = value != 0xFF;
            started = 1;
            value = 0;
        } else {
            run--;
        }
        if (emit && filled < LARGEST)
            bytes[filled++] = (uint8_t)value;
        else
            overrun |= emit;
    }
    return FRAME_NONE;
}

void frame_send(struct frame *frame) {
    const uint8_t *from = (const uint8_t *)frame, *end = from + HEADER + frame->length + 4;
    frame->version = FRAME_VERSION;
    const uint32_t crc = crc32(from, HEADER + frame->length);
    __builtin_memcpy(frame->payload + frame->length, &crc, 4);
    uart_wait();
    uint8_t *code = encoded, *out = encoded + 1;
    for (; from < end; from++) {
        if (*from != 0)
            *out++ = *from;
        if (*from == 0 || out - code == 255) {
            *code = (uint8_t)(out - code);
            code = out++;
        }
    }
    *code = (uint8_t)(out - code);
    *out++ = 0;
    uart_write(encoded, (uint32_t)(out - encoded));
}
