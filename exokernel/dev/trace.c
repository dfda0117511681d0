/* SPDX-License-Identifier: BSD-2-Clause */
/* The dispatch table's twin that says each call on the log: by name, with arguments and result (trace=MASK). */
#include "log.h"

#include "../riscv/calls.h"

const char *const call_names[CALL_COUNT] = {
#define CALL(number, name, count, arguments, errors, sentence) [number] = #name,
#include <aegis/calls.def>
#undef CALL
};

/* These leave the kernel by another way than a return: there is no result to tell. */
#define LEAVING                                                                                    \
    (1UL << AEGIS_CALL_slice_yield | 1UL << AEGIS_CALL_pct_return |                                \
     1UL << AEGIS_CALL_env_destroy | 1UL << AEGIS_CALL_slice_yield_to |                            \
     1UL << AEGIS_CALL_slice_wait | 1UL << AEGIS_CALL_machine_end)

static const char *error_name(long error)
{
#define ERROR(name, value, sentence)                                                               \
    if (error == value)                                                                            \
        return #name;
#include <aegis/errors.def>
#undef ERROR
    return "?";
}

static result_t traced(unsigned number, const unsigned long x[5])
{
    uint32_t index = machine_self()->index;
    bool wanted = machine_trace >> number & 1;
    if (wanted)
        log_print("[%u] %s %lx %lx %lx %lx %lx", index, call_names[number], x[0], x[1], x[2], x[3],
                  x[4]);
    result_t r = calls_plain[number](x[0], x[1], x[2], x[3], x[4]);
    if (wanted && !(LEAVING >> number & 1))
        log_print("[%u]   = %s, %lx", index, error_name(r.error), r.value);
    return r;
}

#define CALL(number, name, count, arguments, errors, sentence)                                     \
    static result_t traced_##name(unsigned long a, unsigned long b, unsigned long c,              \
                                  unsigned long d, unsigned long e)                                \
    {                                                                                              \
        return traced(number, (const unsigned long[]){a, b, c, d, e});                             \
    }
#include <aegis/calls.def>
#undef CALL

const call_t calls_traced[CALL_COUNT] = {
#define CALL(number, name, count, arguments, errors, sentence) [number] = traced_##name,
#include <aegis/calls.def>
#undef CALL
};
