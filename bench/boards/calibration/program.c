/* Micro-benchmarks for `board calibrate`: cycles of loops that differ in one effect each. fit.py turns them into penalties.
 *
 * Runs as a device program of one stage, so that handshake, clock and cache checks are those of every other program. All
 * loops lie in ITCM and all results in DTCM; SRAM holds nothing that matters.
 */
#include "program.h"
#include "registers.h"
#include "runtime.h"

enum { LINES = 1024, SETS = 32, ROUNDS = 16, ACCESSES = 1024, BRANCHES = 4096 }; /* fit.py knows them too */
enum { SRAM = 0x20030000, FLASH = 0x08000000, FLASH_ITCM = 0x00200000 };
#define CCR_DC (1u << 16)
#define CCR_IC (1u << 17)
#define SCB_DCCISW REGISTER(0xE000EF74)

/* Accesses `stride` bytes apart. */
FAST_CODE static uint32_t read_lines(uint32_t base, uint32_t stride) {
    const uint32_t before = DWT_CYCCNT;
    for (uint32_t i = 0; i < LINES; i++, base += stride)
        (void)REGISTER(base);
    return DWT_CYCCNT - before;
}

FAST_CODE static uint32_t write_lines(uint32_t base, uint32_t stride, uint32_t count) {
    const uint32_t before = DWT_CYCCNT;
    for (uint32_t i = 0; i < count; i++, base += stride)
        REGISTER(base) = i;
    return DWT_CYCCNT - before;
}

/* One line of each set, with nothing but clean lines in the cache: no line is written back meanwhile. */
static uint32_t write_clean(uint32_t base, uint32_t stride) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < ROUNDS; i++)
        read_lines(FLASH, 32), sum += write_lines(base, stride, SETS);
    return sum;
}

/* ACCESSES accesses to one word. */
#define EIGHT(text) text "\n" text "\n" text "\n" text "\n" text "\n" text "\n" text "\n" text
#define REPEATED(name, text)                                                                                          \
    FAST_CODE static uint32_t name(uint32_t at) {                                                                     \
        const uint32_t before = DWT_CYCCNT;                                                                           \
        for (uint32_t i = 0; i < ACCESSES / 8; i++)                                                                   \
            __asm volatile(EIGHT(text)::"r"(at) : "r1", "memory");                                                    \
        return DWT_CYCCNT - before;                                                                                   \
    }
REPEATED(read_word, "ldr r1, [%0]")
REPEATED(write_word, "str r1, [%0]")
REPEATED(write_and_read_word, "str r1, [%0]\n ldr r1, [%0]")

/* BRANCHES branches, taken when the top bit of a random number is set that `keep` keeps and `set` sets. */
FAST_CODE static uint32_t branch(uint32_t keep, uint32_t set) {
    uint32_t x = 1, sum = 0;
    const uint32_t before = DWT_CYCCNT;
    for (uint32_t i = 0; i < BRANCHES; i++) {
        x = x * 1664525u + 1013904223u;
        __asm volatile("cmp %1, #0\n bmi 1f\n add %0, %0, #3\n 1: add %0, %0, #5" : "+r"(sum) : "r"((x & keep) | set) : "cc");
    }
    return DWT_CYCCNT - before;
}

/* 64 lines of code in flash. */
__attribute__((noinline, aligned(32))) static uint32_t straight(void) {
    const uint32_t before = DWT_CYCCNT;
    __asm volatile(".rept 512\n add.w r1, r1, #1\n .endr" ::: "r1");
    return DWT_CYCCNT - before;
}

static void switch_off(uint32_t caches) {
    BARRIER();
    for (uint32_t set = 0; set < 32; set++)
        for (uint32_t way = 0; way < 4; way++)
            SCB_DCCISW = way << 30 | set << 5;
    BARRIER();
    SCB_CCR &= ~caches;
    BARRIER();
}

FAST_DATA static uint32_t scores[19], frame[1];
static uint32_t cycles[1];

/* In the order of fit.py's Cycles. Passes whose result is thrown away bring caches into a known state. */
static enum stage_result calibrate(void) {
    const uint32_t word = (uint32_t)scratch;
    uint32_t *out = scores;
    *out++ = read_lines(word, 0), *out++ = write_lines(word, 0, LINES);
    read_lines(FLASH, 32), *out++ = read_lines(FLASH, 32);
    *out++ = read_lines(FLASH_ITCM, 32);
    read_lines(SRAM, 32), *out++ = read_lines(SRAM, 32);
    write_lines(SRAM, 32, LINES), *out++ = write_lines(SRAM, 32, LINES);
    *out++ = write_clean(word, 0), *out++ = write_clean(SRAM, 32);
    *out++ = read_word(word), *out++ = read_word(word + 1);
    *out++ = write_word(word), *out++ = write_and_read_word(word);
    *out++ = branch(0x7FFFFFFF, 0) / 2 + branch(0, 0x80000000) / 2, *out++ = branch(0x80000000, 0);
    straight(), *out++ = straight();
    switch_off(CCR_DC);
    *out++ = read_word(FLASH), *out++ = read_word(SRAM), *out++ = write_word(SRAM);
    switch_off(CCR_IC);
    straight(), *out++ = straight();
    core_start(); /* all on again */
    return STAGE_DONE;
}

static const char info[] = "{\"program\": \"calibration\"}";
static const uint32_t len_scores = sizeof scores, len_cycles = sizeof cycles;
static const struct buffer buffers[] = {{scores, &len_scores}, {cycles, &len_cycles}};
static enum stage_result (*const stages[])(void) = {calibrate};
const struct program program = {
    .info = info,
    .info_bytes = sizeof info - 1,
    .build = "@BUILD_ID_16_HEX",
    .clock_hz = 216000000,
    .buffers = buffers,
    .buffer_count = 2,
    .stages = stages,
    .stage_count = 1,
    .cycles = cycles,
    .frame = (uint8_t *)frame,
    .frame_bytes = sizeof frame,
};
