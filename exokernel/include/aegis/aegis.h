/* SPDX-License-Identifier: BSD-2-Clause */
/* User stubs of every call, made from calls.def: aegis_NAME(arguments) -> struct aegis_result. */
#pragma once

#include <aegis/env.h>
#include <aegis/exposed.h>
#include <aegis/types.h>

enum aegis_error {
#define ERROR(name, value, sentence) AEGIS_E_##name = value,
#include <aegis/errors.def>
#undef ERROR
};

enum aegis_call {
#define CALL(number, name, count, arguments, errors, sentence) AEGIS_CALL_##name = number,
#include <aegis/calls.def>
#undef CALL
    AEGIS_CALLS
};

/* A call's arguments, as calls.def lists them: declared (whoever is handed all need not use all); named. */
#define AEGIS_P0() void
#define AEGIS_P1(a) __attribute__((unused)) unsigned long a
#define AEGIS_P2(a, b) AEGIS_P1(a), AEGIS_P1(b)
#define AEGIS_P3(a, b, c) AEGIS_P2(a, b), AEGIS_P1(c)
#define AEGIS_P4(a, b, c, d) AEGIS_P3(a, b, c), AEGIS_P1(d)
#define AEGIS_P5(a, b, c, d, e) AEGIS_P4(a, b, c, d), AEGIS_P1(e)
#define AEGIS_NAMES(...) __VA_ARGS__

#ifdef __riscv
/* A call clobbers a0-a7 and t0-t6 (they come back zero but for a0, a1), leaves gp at the activation. */
static inline struct aegis_result aegis_call(long number, unsigned long x0, unsigned long x1,
                                             unsigned long x2, unsigned long x3, unsigned long x4)
{
    register unsigned long a0 __asm__("a0") = x0;
    register unsigned long a1 __asm__("a1") = x1;
    register unsigned long a2 __asm__("a2") = x2;
    register unsigned long a3 __asm__("a3") = x3;
    register unsigned long a4 __asm__("a4") = x4;
    register long a7 __asm__("a7") = number;
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a7)
                     :
                     : "a5", "a6", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "memory");
    return (struct aegis_result){(long)a0, a1};
}

#define AEGIS_A0() 0, 0, 0, 0, 0
#define AEGIS_A1(a) a, 0, 0, 0, 0
#define AEGIS_A2(a, b) a, b, 0, 0, 0
#define AEGIS_A3(a, b, c) a, b, c, 0, 0
#define AEGIS_A4(a, b, c, d) a, b, c, d, 0
#define AEGIS_A5(a, b, c, d, e) a, b, c, d, e
#define CALL(number, name, count, arguments, errors, sentence)                                     \
    static inline __attribute__((unused)) struct aegis_result aegis_##name(                        \
        AEGIS_P##count arguments)                                                                  \
    {                                                                                              \
        return aegis_call(number, AEGIS_A##count arguments);                                       \
    }
#include <aegis/calls.def>
#undef CALL
#endif
