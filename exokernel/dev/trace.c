/* SPDX-License-Identifier: BSD-2-Clause */
/* The dispatch table's twin that says each call on the log: by name, with arguments and result (trace=MASK). */
#include "log.h"

#include "../riscv/calls.h"

const char *const call_names[CALL_COUNT] = {
#define CALL(number, name, count, arguments, errors, sentence) [number] = #name,
#include <aegis/calls.def>
#undef CALL
};

static const char *error_name(long error)
{
#define ERROR(name, value, sentence)                                                               \
    if (error == value)                                                                            \
        return #name;
#include <aegis/errors.def>
#undef ERROR
    return "?";
}

/* In place of every call: entry.S leaves its number in a7, the eighth argument. */
static result_t traced(unsigned long a, unsigned long b, unsigned long c, unsigned long d, unsigned long e, unsigned long a5,
                       unsigned long a6, unsigned long number)
{
    uint32_t index = machine_self()->index;
    bool wanted = machine_trace >> number & 1;
    (void)a5, (void)a6;
    if (wanted)
        log_print("[%u] %s %lx %lx %lx %lx %lx", index, call_names[number], a, b, c, d, e);
    result_t r = calls_plain[number](a, b, c, d, e);
    if (wanted) /* a call that leaves the kernel by another way has not come back here */
        log_print("[%u]   = %s, %lx", index, error_name(r.error), r.value);
    return r;
}

const call_t calls_traced[CALL_COUNT] = {
    [0 ... CALL_COUNT - 1] = (call_t)(void (*)(void))traced,
};
