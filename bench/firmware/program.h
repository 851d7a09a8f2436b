/* What the program generator writes and the command loop runs. */
#ifndef PROGRAM_H
#define PROGRAM_H
#include "stages/stage.h"

struct buffer {
    void *data;
    const uint32_t *length; /* bytes in use now */
};
struct program {
    const char *info; /* JSON: build, buffers, stages, layers */
    uint32_t info_bytes;
    const char *build; /* 16 hexadecimal digits */
    uint32_t clock_hz;
    const struct buffer *buffers; /* in the order of `info` */
    uint32_t buffer_count;
    enum stage_result (*const *stages)(void);
    uint32_t stage_count;
    uint32_t *cycles; /* per stage */
    uint8_t *frame, *reply; /* written by the host; reply is 0 in a program without a server */
    uint32_t frame_bytes, reply_bytes;
    const uint32_t *payload_bytes; /* 0 in a program that sends nothing */
};
extern const struct program program;
extern uint32_t reply_filled; /* bytes of the reply that are there */

#endif
