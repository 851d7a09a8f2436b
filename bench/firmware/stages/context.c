/* Context coder; bench/codec/context.py is its twin and says what the stream looks like. Events go in last first, so the map
   is walked from its end. */
#include "stage.h"

#define BLOCK 4u
#define LOW (1u << 15)

typedef uint32_t unaligned_word __attribute__((aligned(1), may_alias));
typedef uint16_t unaligned_half __attribute__((aligned(1), may_alias));

struct stream {
    uint32_t x;
    unaligned_half *out, *last; /* nothing is written beyond `last` */
};

/* x / frequency * 4096 + x % frequency + start, with the quotient from a reciprocal (exact: bench/compile/code_stage.py). */
static inline __attribute__((always_inline)) void put(struct stream *s, const struct code_event *e) {
    const uint32_t limit = e->limit, reciprocal = e->reciprocal, bias = e->bias, others = e->others, shift = e->shift;
    if (__builtin_expect(s->x >= limit, 0)) {
        *s->out = (uint16_t)s->x;
        s->out += s->out < s->last;
        s->x >>= 16;
    }
    const uint32_t quotient = (uint32_t)((uint64_t)s->x * reciprocal >> 32) >> shift;
    s->x += bias + quotient * others;
}

static inline uint32_t word(const uint8_t *symbols) {
    return *(const unaligned_word *)(const void *)symbols;
}

FAST_CODE enum stage_result stage_code_context(const uint8_t *symbols, uint32_t channels, uint32_t height, uint32_t width,
                                               const struct code_tables *tables, uint8_t *payload, uint32_t *length) {
    const uint32_t bits = tables->bits, levels = 1u << bits, count = channels * height * width;
    const uint32_t packed = (count * bits + 7) >> 3;
    if (packed < 5) /* the state alone takes 4 bytes */
        return stage_code_packed(symbols, count, bits, payload, length);
    struct code_event *const events = (void *)scratch;
    __builtin_memcpy(events, tables->events, tables->event_count * sizeof *events);
    unaligned_half *const first = (void *)payload;
    struct stream s = {LOW, first, first + (packed - 5) / 2 + 1}; /* full: not shorter than packed */
    const uint16_t *context = tables->context + channels * (levels + 1) * levels;
    const struct code_event *quiet = events + tables->event_count;
    const uint8_t *row = symbols + count;
    for (uint32_t n = channels; n > 0; n--) {
        context -= (levels + 1) * levels;
        quiet -= 2;
        for (uint32_t y = height; y-- > 0;) {
            row -= width;
            const uint8_t *const above = y > 0 ? row - width : row;
            const uint32_t seen = y > 0 ? ~0u : 0;
            uint32_t x = width;
            while (x % BLOCK > 0) {
                x--;
                const uint32_t left = x > 0 ? row[x - 1] : 0, up = above[x] & seen;
                put(&s, &events[context[up << bits | left] + row[x]]);
            }
            uint32_t next = x > 0 ? word(row + x - BLOCK) : 0;
            while (x > 0) {
                x -= BLOCK;
                const uint32_t now = next, up = word(above + x) & seen;
                next = x > 0 ? word(row + x - BLOCK) : 0;
                const uint32_t near = up << bits | now << 8 | next >> 24; /* the four contexts, a byte each */
                const uint16_t *offset = context;
                const int is_quiet = (up | next >> 24) == 0;
                if (is_quiet) {
                    if (now == 0) {
                        put(&s, &quiet[0]);
                        continue;
                    }
                    offset += levels * levels;
                }
                const struct code_event *const fourth = &events[offset[near >> 24] + (now >> 24)];
                const struct code_event *const third = &events[offset[near >> 16 & 255] + (now >> 16 & 255)];
                const struct code_event *const second = &events[offset[near >> 8 & 255] + (now >> 8 & 255)];
                put(&s, fourth);
                put(&s, third);
                put(&s, second);
                put(&s, &events[offset[near & 255] + (now & 255)]);
                if (is_quiet)
                    put(&s, &quiet[1]);
            }
        }
    }
    if (s.out == s.last)
        return stage_code_packed(symbols, count, bits, payload, length);
    *(unaligned_word *)(void *)s.out = s.x;
    *length = (uint32_t)((uint8_t *)s.out - payload) + 4;
    return STAGE_NEXT;
}
