/* Frames: header, payload and CRC-32, COBS-encoded (Cheshire and Baker 1999) and closed by a zero byte. A receiver that meets junk
   is in step again after the next zero. */
#include "registers.h"
#include "runtime.h"
#include "stages/stage.h"

#define HEADER 6u
#define LARGEST (HEADER + FRAME_PAYLOAD + 4u)
#define LONGEST_RUN 254u
FAST_DATA static uint8_t encoded[LARGEST + LARGEST / LONGEST_RUN + 3];
FAST_DATA static uint32_t crc_table[4][256]; /* [n][b]: what byte b does to the CRC when n bytes follow it in the word */

typedef uint32_t unaligned_word __attribute__((aligned(1), may_alias));

static void make_crc_table(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (uint32_t bit = 0; bit < 8; bit++)
            value = value >> 1 ^ (value & 1 ? 0xEDB88320u : 0);
        crc_table[0][i] = value;
    }
    for (uint32_t n = 1; n < 4; n++)
        for (uint32_t i = 0; i < 256; i++)
            crc_table[n][i] = crc_table[n - 1][i] >> 8 ^ crc_table[0][crc_table[n - 1][i] & 0xFF];
}

uint32_t crc32(const uint8_t *bytes, uint32_t count) {
    uint32_t crc = 0xFFFFFFFFu;
    if (crc_table[0][1] == 0)
        make_crc_table();
    for (; count >= 4; count -= 4, bytes += 4) {
        crc ^= *(const unaligned_word *)(const void *)bytes;
        crc = crc_table[3][crc & 0xFF] ^ crc_table[2][crc >> 8 & 0xFF] ^ crc_table[1][crc >> 16 & 0xFF] ^ crc_table[0][crc >> 24];
    }
    for (; count > 0; count--)
        crc = crc >> 8 ^ crc_table[0][(crc ^ *bytes++) & 0xFF];
    return ~crc;
}

/* Copies at most `count` bytes, up to the first zero; returns how many. */
static inline uint32_t copy_run(uint8_t *to, const uint8_t *from, uint32_t count) {
    uint32_t done = 0;
    for (; done + 4 <= count; done += 4) {
        const uint32_t word = *(const unaligned_word *)(const void *)(from + done);
        if ((word - 0x01010101u) & ~word & 0x80808080u)
            break;
        *(unaligned_word *)(void *)(to + done) = word;
    }
    for (; done < count && from[done] != 0; done++)
        to[done] = from[done];
    return done;
}

/* A frame that is complete: does it hold what its header says? */
static enum frame_event judge(const struct frame *frame, uint32_t bytes) {
    uint32_t crc;
    if (bytes < HEADER + 4 || frame->length != bytes - HEADER - 4)
        return FRAME_BAD;
    __builtin_memcpy(&crc, frame->payload + frame->length, 4);
    return crc == crc32((const uint8_t *)frame, bytes - 4) ? FRAME_GOOD : FRAME_BAD;
}

enum frame_event frame_poll(struct frame *frame) {
    static uint32_t filled, run, zero_due, started, overrun; /* run: bytes until the next code byte */
    uint8_t *const to = (uint8_t *)frame;
    const uint8_t *from;
    for (uint32_t count; (count = uart_peek(&from)) > 0;) {
        if (run > 0 && *from != 0) {
            const uint32_t copied = copy_run(to + filled, from, run < count ? run : count);
            uart_take(copied);
            filled += copied;
            run -= copied;
            continue;
        }
        const uint32_t code = *from;
        uart_take(1);
        if (code == 0) {
            const uint32_t complete = filled, any = started, broken = run > 0 || overrun;
            filled = run = zero_due = started = overrun = 0;
            if (any)
                return broken ? FRAME_BAD : judge(frame, complete);
            continue; /* an empty frame only brings both sides into step */
        }
        run = code - 1;
        if (filled + zero_due + run > LARGEST) {
            overrun = 1;
            filled = 0;
        }
        if (zero_due)
            to[filled++] = 0;
        zero_due = run < LONGEST_RUN;
        started = 1;
    }
    return FRAME_NONE;
}

void frame_send(struct frame *frame) {
    const uint8_t *from = (const uint8_t *)frame, *end = from + HEADER + frame->length + 4;
    frame->version = FRAME_VERSION;
    const uint32_t crc = crc32(from, HEADER + frame->length);
    __builtin_memcpy(frame->payload + frame->length, &crc, 4);
    uart_wait();
    uint8_t *out = encoded;
    for (;;) {
        const uint32_t left = (uint32_t)(end - from), run = copy_run(out + 1, from, left < LONGEST_RUN ? left : LONGEST_RUN);
        *out = (uint8_t)(run + 1);
        out += run + 1;
        from += run;
        if (run < LONGEST_RUN) {
            if (from == end)
                break;
            from++; /* the zero that the code byte stands for */
        }
    }
    *out++ = 0;
    uart_write(encoded, (uint32_t)(out - encoded));
}
