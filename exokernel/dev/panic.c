/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of the kernel by a mistake of its own: cause, registers, backtrace; one hart tells, the
 * others stop.
 */
#include "../core/kernel.h"
#include "console.h"
#include "log.h"
#include "symbols.h"

extern char stacks_start[], stacks_end[], text_end[], image_start[];
extern uint32_t panic_winner;

struct machine_frame {
    uint64_t x[32]; /* x[0]: the PC */
};

void machine_trap(struct machine_frame *frame) __attribute__((noreturn));

static const char *const causes[16] = {
    "instruction address misaligned", "instruction access fault", "illegal instruction",
    "breakpoint", "load address misaligned", "load access fault", "store address misaligned",
    "store access fault", "user ecall", "supervisor ecall", "virtual supervisor ecall",
    "machine ecall", "instruction page fault", "load page fault", "unknown", "store page fault",
};

static const char *const register_names[32] = {
    "pc", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5",
    "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5",
    "t6",
};

const char *machine_cause_name(uint64_t cause)
{
    return cause < 16 ? causes[cause] : cause >> 63 ? "interrupt" : "unknown";
}

void machine_death(uint32_t index, const struct aegis_env_record *r)
{
    if (r->end == AEGIS_END_FAULT)
        log_print("environment %u ended: %s in its nested-fault handler, pc %lx, address %lx", index,
                  machine_cause_name(r->end_cause), r->end_pc, r->end_value);
    else
        log_print("environment %u ended: it ignored the end of its slices", index);
}

static void place_print(uint64_t pc)
{
    uint64_t offset;
    const char *name = symbol_find(pc, &offset);
    log_print("  %lx %s+%lx", pc, name ? name : "?", offset);
}

/* Does a call instruction end at `pc`? jal or jalr with rd = ra, or c.jalr. */
static bool after_call(uint64_t pc)
{
    if (pc & 1 || pc < (uint64_t)image_start + 4 || pc > (uint64_t)text_end)
        return false;
    const uint16_t *half = (const uint16_t *)pc;
    return (half[-2] & 0xfff) == 0x0ef || (half[-2] & 0xfff) == 0x0e7 ||
           (half[-1] & 0xf07f) == 0x9002;
}

/*
 * No frame pointers: every word of the stack that is a return address, at most 32. Old frames may
 * show among them.
 */
static void backtrace_print(uint64_t sp)
{
    if (sp < (uint64_t)stacks_start || sp >= (uint64_t)stacks_end)
        return;
    uint64_t top = (uint64_t)stacks_start;
    while (top <= sp)
        top += STACK_STRIDE;
    sp = (sp + 7) & ~7UL;
    if (sp < top - STACK_SIZE)
        sp = top - STACK_SIZE;
    for (unsigned shown = 0; sp < top && shown < 32; sp += 8) {
        uint64_t word = *(const uint64_t *)sp;
        if (after_call(word)) {
            place_print(word);
            shown++;
        }
    }
}

static void __attribute__((noreturn)) stop(void)
{
    console_control("panic");
    machine_stop();
}

/* kernel_trap's second half: the kernel itself trapped. */
void machine_trap(struct machine_frame *frame)
{
    console_panic();
    uint64_t cause = csr_read(scause);
    log_print("panic: %s in the kernel (scause %lx, stval %lx, sstatus %lx)",
              machine_cause_name(cause), cause, csr_read(stval), csr_read(sstatus));
    for (unsigned i = 0; i < 32; i += 4)
        log_print("  %s %lx  %s %lx  %s %lx  %s %lx", register_names[i], frame->x[i],
                  register_names[i + 1], frame->x[i + 1], register_names[i + 2], frame->x[i + 2],
                  register_names[i + 3], frame->x[i + 3]);
    place_print(frame->x[0]);
    place_print(frame->x[1]);
    backtrace_print(frame->x[2]);
    stop();
}

void machine_panic(const char *format, ...)
{
    csr_clear(sstatus, SSTATUS_SIE);
    while (__atomic_exchange_n(&panic_winner, 1, __ATOMIC_ACQUIRE))
        __asm__ volatile("wfi");
    console_panic();
    __builtin_va_list list;
    __builtin_va_start(list, format);
    log_print("panic on hart %u", machine_hart());
    log_print_list(format, list);
    __builtin_va_end(list);
    place_print((uint64_t)__builtin_return_address(0));
    backtrace_print((uint64_t)__builtin_frame_address(0));
    stop();
}

void machine_refused(const char *function, int line, const char *error)
{
    log_print("%s:%d: refused: %s", function, line, error);
}
