/* From reset to main, and what happens on a fault. The stack lies at the bottom of DTCM: an overflow leaves the memory map and
   faults instead of overwriting data. */
#include "frame_types.h"
#include "registers.h"
#include "runtime.h"

#define PAINT 0xDEADBEEFu
extern uint32_t stack_bottom[], stack_top[];
extern uint32_t itcm_start[], itcm_end[], itcm_load[], data_start[], data_end[], data_load[], bss_start[], bss_end[], sram_start[],
    sram_end[];
int main(void);
void reset_handler(void);
void start(void);
void report_fault(const uint32_t *stacked, uint32_t number);

__attribute__((naked)) static void fault_handler(void) {
    __asm volatile("mov r0, sp\n mrs r1, ipsr\n ldr r2, =stack_top\n mov sp, r2\n b report_fault\n .ltorg");
}

__attribute__((used, section(".isr_vector"))) static const void *const vectors[16] = {
    stack_top,     reset_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler, 0,
    0,             0,             0,             fault_handler, fault_handler, 0,             fault_handler, fault_handler,
};

__attribute__((naked)) void reset_handler(void) {
    __asm volatile("ldr r0, =stack_top\n mov sp, r0\n b start\n .ltorg");
}

static void copy(volatile uint32_t *to, const volatile uint32_t *end, const volatile uint32_t *from) {
    while (to < end)
        *to++ = *from++;
}

static void fill(volatile uint32_t *to, const volatile uint32_t *end, uint32_t value) {
    while (to < end)
        *to++ = value;
}

__attribute__((used)) void start(void) {
    SCB_CPACR |= 0xFu << 20; /* FPU */
    BARRIER();
    fill(stack_bottom, (uint32_t *)__builtin_frame_address(0) - 16, PAINT);
    copy(itcm_start, itcm_end, itcm_load);
    copy(data_start, data_end, data_load);
    fill(bss_start, bss_end, 0);
    fill(sram_start, sram_end, 0);
    BARRIER();
    main();
    for (;;)
        ;
}

uint32_t stack_size(void) { return (uint32_t)((char *)stack_top - (char *)stack_bottom); }

uint32_t stack_high_water(void) {
    const uint32_t *word = stack_bottom;
    while (word < stack_top && *word == PAINT)
        word++;
    return (uint32_t)((const char *)stack_top - (const char *)word);
}

/* Tells the host once; it shows program counter and link register. A debugger, if there is one, gets the processor. */
__attribute__((used, noreturn)) void report_fault(const uint32_t *stacked, uint32_t number) {
    static struct short_frame frame;
    const int readable = (uint32_t)stacked >= 0x20000000u && (uint32_t)stacked <= 0x2004FFE0u;
    uint32_t words[6] = {number & 0x1FF, readable ? stacked[6] : 0, readable ? stacked[5] : 0, SCB_CFSR, SCB_HFSR, SCB_BFAR};
    frame.header.type = TYPE_FAULT;
    frame.header.length = sizeof words;
    __builtin_memcpy(frame.payload, words, sizeof words);
    frame_send((struct frame *)&frame);
    uart_wait();
    if (SCB_DHCSR & 1)
        __asm volatile("bkpt 0");
    for (;;)
        ;
}
