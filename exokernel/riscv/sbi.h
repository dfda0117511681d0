/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The firmware's calls that the kernel uses (SBI 1.0: base, TIME, IPI, HSM, SRST; legacy as a last
 * resort).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct sbi_result {
    long error;
    long value;
};

static inline struct sbi_result sbi_call(unsigned long extension, unsigned long function,
                                         unsigned long x0, unsigned long x1, unsigned long x2)
{
    register unsigned long a0 __asm__("a0") = x0;
    register unsigned long a1 __asm__("a1") = x1;
    register unsigned long a2 __asm__("a2") = x2;
    register unsigned long a6 __asm__("a6") = function;
    register unsigned long a7 __asm__("a7") = extension;
    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a6), "r"(a7) : "memory");
    return (struct sbi_result){(long)a0, (long)a1};
}

#define SBI_BASE 0x10 /* function 3: is the extension x0 there? */
#define SBI_TIME 0x54494d45
#define SBI_IPI 0x735049
#define SBI_HSM 0x48534d
#define SBI_SRST 0x53525354 /* function 0: shut down, or (x0 = 1) reboot */
#define SBI_LEGACY_PUTCHAR 1
#define SBI_LEGACY_SHUTDOWN 8
