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

#define SBI_TIME 0x54494d45
#define SBI_IPI 0x735049

static inline void sbi_timer(uint64_t when)
{
    sbi_call(SBI_TIME, 0, when, 0, 0);
}

static inline void sbi_interrupt(uint64_t hartid)
{
    sbi_call(SBI_IPI, 0, 1, hartid, 0);
}

/* Is the extension there? */
bool sbi_has(unsigned long extension);
/* Starts a hart at a physical address with a1 = opaque; false: the firmware refused. */
bool sbi_hart_start(uint64_t hartid, uint64_t physical, uint64_t opaque);
/* The oldest console, for what must be said before a UART is known. */
void sbi_putchar(char c);
/* A cold reboot (QEMU with -no-reboot ends) or a shutdown; whatever works. Returns when nothing does. */
void sbi_reset(bool reboot);
