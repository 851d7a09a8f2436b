/* What a device stage may use. A stage is one C function that returns enum stage_result; a method's own stages include this too. */
#ifndef STAGE_H
#define STAGE_H
#include <stddef.h>
#include <stdint.h>

enum stage_result {
    STAGE_NEXT, /* go on with the next stage */
    STAGE_WAIT, /* call me again when the host has sent the reply */
    STAGE_DONE  /* the scores are there; skip the other stages */
};

#ifdef __arm__
#define FAST_CODE __attribute__((section(".itcm"), noinline)) /* 16 KB for everybody, no wait states */
#define FAST_DATA __attribute__((section(".dtcm"), aligned(8))) /* 64 KB with the stack, no wait states, zero at start */
#else /* the same code in a test on the host */
#define FAST_CODE
#define FAST_DATA
#endif

/* Working memory in DTCM that every stage and layer may overwrite; nothing survives in it from one stage to the next. */
#define SCRATCH_BYTES 28672u
extern uint32_t scratch[SCRATCH_BYTES / 4];

enum stage_result stage_split(const int8_t *features, uint32_t pixels, uint32_t channels, uint32_t keep, int8_t *important);
enum stage_result stage_quantize(const int8_t *features, uint32_t pixels, uint32_t channels, uint32_t first,
                                 const uint8_t *table, uint8_t *symbols);
enum stage_result stage_code_lzw(const uint8_t *symbols, uint32_t count, uint32_t bits, uint8_t *payload, uint32_t *length);
enum stage_result stage_code_lz4(const uint8_t *symbols, uint32_t count, uint32_t bits, uint8_t *payload, uint32_t *length);
enum stage_result stage_code_packed(const uint8_t *symbols, uint32_t count, uint32_t bits, uint8_t *payload, uint32_t *length);

/* What the context coder puts into its state; bench/compile/code_stage.py writes these tables. */
struct code_event {
    uint32_t limit, reciprocal, bias;
    uint16_t others, shift;
};
struct code_tables {
    uint32_t bits, event_count;
    const struct code_event *events; /* per row its 2^bits symbols; then per channel "all zero" and "not" */
    const uint16_t *context;         /* per channel, per context: its row's first event */
};
enum stage_result stage_code_context(const uint8_t *symbols, uint32_t channels, uint32_t height, uint32_t width,
                                     const struct code_tables *tables, uint8_t *payload, uint32_t *length);

/* codes: an entry per first plane or difference, context and residual: code << 4 | size; channels: 1 or 3. */
enum stage_result stage_code_lossless(const uint8_t *image, uint32_t height, uint32_t width, uint32_t channels,
                                      const uint32_t *codes, uint8_t *payload, uint32_t *length);

/* How a coefficient becomes a level: (|coefficient| + half) * reciprocal >> 32; `place` in the block. In zigzag order. */
struct jpeg_step {
    uint32_t reciprocal;
    uint16_t half, place;
};
struct jpeg_tables { /* of luminance, chrominance; codes are code << 5 | size */
    struct jpeg_step steps[2][64];
    uint32_t dc[2][12], ac[2][256];
};
enum stage_result stage_code_jpeg(const uint8_t *image, uint32_t height, uint32_t width, uint32_t channels,
                                  const struct jpeg_tables *tables, uint8_t *payload, uint32_t *length);

enum stage_result stage_exit_if(const int8_t *probabilities, uint32_t classes, int32_t threshold, int32_t *scores);

/* One operand of stage_combine: count integers of `bytes` each (1: int8, 2: int16). */
struct operand {
    const void *values;
    uint32_t bytes;
    int32_t weight, zero;
    uint32_t shift;
};
enum stage_result stage_combine(const struct operand *operands, uint32_t count, uint32_t classes, int32_t *scores);

#endif
