/* The command loop. The host asks, the board answers once; the same question again gets the same answer and runs nothing. */
#include "frame_types.h"
#include "modem.h"
#include "program.h"
#include "registers.h"
#include "runtime.h"

enum state { IDLE, WAITING, DONE };
struct hello { /* little-endian, as protocol.py unpacks it */
    uint32_t protocol, clock_hz, asked_hz, clock_fault, flags, device_id, stack_size, stack_high_water, info_bytes, cycles;
    uint32_t unique_id[3];
    char build[16];
};
struct status {
    uint32_t state, stage, payload_bytes, stack_high_water;
};
#define READ_INFO 0xFFFFu
#define READ_EXCHANGE 0xFFFEu

FAST_DATA static struct frame request, answer;
static struct short_frame damaged = {{FRAME_VERSION, TYPE_NAK, 0, 1}, {NAK_CRC}};
FAST_DATA uint32_t scratch[SCRATCH_BYTES / 4];
uint32_t reply_filled;
static uint32_t frame_filled, stage, state;
static enum clock_fault clock_fault;

static void put(uint8_t type, const void *payload, uint32_t length) {
    answer.type = type;
    answer.length = (uint16_t)length;
    __builtin_memcpy(answer.payload, payload, length);
}

static void refuse(enum refusal reason) {
    const uint8_t byte = (uint8_t)reason;
    put(TYPE_NAK, &byte, 1);
}

static uint32_t word(uint32_t offset) {
    uint32_t value;
    __builtin_memcpy(&value, request.payload + offset, 4);
    return value;
}

static void hello(void) {
    struct hello h = {FRAME_VERSION, clock_hz(), program.clock_hz, clock_fault, core_flags(), DBGMCU_IDCODE,
                      stack_size(), stack_high_water(), program.info_bytes, DWT_CYCCNT,
                      {UNIQUE_ID[0], UNIQUE_ID[1], UNIQUE_ID[2]}, {0}};
    __builtin_memcpy(h.build, program.build, sizeof h.build);
    put(TYPE_INFO, &h, sizeof h);
}

/* offset u32, data: the next bytes of `target`; offset 0 starts again. */
static void load(uint8_t *target, uint32_t size, uint32_t *filled) {
    if (request.length < 5) {
        refuse(NAK_LENGTH);
        return;
    }
    const uint32_t offset = word(0), count = request.length - 4u;
    if ((offset != 0 && offset != *filled) || offset > size || count > size - offset) {
        refuse(NAK_RANGE);
        return;
    }
    __builtin_memcpy(target + offset, request.payload + 4, count);
    *filled = offset + count;
    if (filled == &frame_filled)
        state = IDLE; /* the frame may lie where results lay */
    put(TYPE_ACK, filled, 4);
}

static void run(void) {
    enum stage_result result = STAGE_NEXT;
    core_mark(1);
    while (stage < program.stage_count) {
        const uint32_t before = DWT_CYCCNT;
        result = program.stages[stage]();
        program.cycles[stage] += DWT_CYCCNT - before;
        if (result == STAGE_WAIT && remote.tries > 0 && remote_exchange())
            continue;
        if (result != STAGE_NEXT)
            break;
        stage++;
    }
    core_mark(0);
    state = result == STAGE_WAIT ? WAITING : DONE;
    struct status s = {state, stage, program.payload_bytes ? *program.payload_bytes : 0, stack_high_water()};
    put(TYPE_STATUS, &s, sizeof s);
}

static void run_from_start(void) {
    if (frame_filled != program.frame_bytes) {
        refuse(NAK_STATE); /* every run uses its frame up */
        return;
    }
    frame_filled = reply_filled = stage = 0;
    last_exchange = (struct exchange){0};
    for (uint32_t i = 0; i < program.stage_count; i++)
        program.cycles[i] = 0;
    run();
}

/* buffer u16, zero u16, offset u32, count u32 */
static void read(void) {
    if (request.length != 12) {
        refuse(NAK_LENGTH);
        return;
    }
    const uint32_t index = word(0), offset = word(4), count = word(8);
    static const uint32_t exchange_bytes = sizeof last_exchange;
    const struct buffer info = {(void *)(uintptr_t)program.info, &program.info_bytes}, exchange = {&last_exchange, &exchange_bytes};
    if (index < READ_EXCHANGE && index >= program.buffer_count) {
        refuse(NAK_RANGE);
        return;
    }
    if (index != READ_INFO && state == IDLE) {
        refuse(NAK_STATE);
        return;
    }
    const struct buffer *buffer = index == READ_INFO ? &info : index == READ_EXCHANGE ? &exchange : &program.buffers[index];
    if (offset > *buffer->length || count > *buffer->length - offset || count > FRAME_PAYLOAD) {
        refuse(NAK_RANGE);
        return;
    }
    put(TYPE_DATA, (const uint8_t *)buffer->data + offset, count);
}

/* baud u32 (0: as it is), milliseconds u32, one command line: what the modem says to it */
static void ask_modem(void) {
    struct modem_said said = {0, {0}};
    if (request.length < 8 || request.length - 8u > MODEM_LINE) {
        refuse(NAK_LENGTH);
        return;
    }
    if (word(0) > 0)
        modem_uart_start(word(0));
    modem_begin(word(4), 0);
    const uint32_t event = modem_command((const char *)request.payload + 8, request.length - 8u, &said);
    put(TYPE_SAID, &event, 4);
    __builtin_memcpy(answer.payload + 4, said.text, said.length);
    answer.length = (uint16_t)(4 + said.length);
}

static void use_remote(void) {
    struct remote asked;
    if (request.length != sizeof asked) {
        refuse(NAK_LENGTH);
        return;
    }
    __builtin_memcpy(&asked, request.payload, sizeof asked);
    if (!program.reply || asked.payload >= program.buffer_count) {
        refuse(NAK_RANGE);
        return;
    }
    remote = asked;
    put(TYPE_ACK, &asked.tries, 4);
}

static void act(void) {
    if (request.version != FRAME_VERSION)
        refuse(NAK_VERSION);
    else if (request.type == TYPE_HELLO)
        hello();
    else if (request.type == TYPE_LOAD)
        load(program.frame, program.frame_bytes, &frame_filled);
    else if (request.type == TYPE_RUN)
        run_from_start();
    else if (request.type == TYPE_READ)
        read();
    else if (request.type == TYPE_MODEM)
        ask_modem();
    else if (request.type == TYPE_REMOTE)
        use_remote();
    else if (request.type == TYPE_REPLY && state == WAITING && program.reply)
        load(program.reply, program.reply_bytes, &reply_filled);
    else if (request.type == TYPE_RESUME && state == WAITING && reply_filled == program.reply_bytes)
        run();
    else
        refuse(request.type == TYPE_REPLY || request.type == TYPE_RESUME ? NAK_STATE : NAK_TYPE);
}

int main(void) {
    uint32_t last = 0; /* sequence and type of the question that the last answer belongs to */
    clock_fault = clock_start(program.clock_hz);
    core_start();
    uart_start();
    for (;;) {
        const enum frame_event event = frame_poll(&request);
        if (event == FRAME_NONE)
            continue;
        const uint32_t key = 1u << 31 | (uint32_t)request.type << 16 | request.sequence;
        if (event == FRAME_GOOD && key == last && request.type != TYPE_HELLO) {
            frame_send(&answer);
        } else if (event == FRAME_GOOD) {
            answer.sequence = request.sequence;
            act();
            last = key;
            frame_send(&answer);
        } else { /* leaves the last answer alone: the host may still need it */
            damaged.header.sequence = request.sequence;
            frame_send((struct frame *)&damaged);
        }
    }
}
