/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <aegis/aegis.h>



/* What QEMU's counter makes of an instruction that traps: ecall and ebreak count; a load does not until it is done. */
#define TRAPPED 1
#define FAULTED 0
#define LOADED 1

static inline unsigned long instret(void)
{
    unsigned long n;
    __asm__ volatile("rdinstret %0" : "=r"(n)::"memory");
    return n;
}

static inline unsigned long time_now(void)
{
    unsigned long n;
    __asm__ volatile("rdtime %0" : "=r"(n)::"memory");
    return n;
}

/* paths.S: each returns the difference of the readings. */
unsigned long count_nothing(void);
unsigned long count_null(void);
unsigned long count_call(unsigned long a, unsigned long b, unsigned long c, unsigned long d, unsigned long e,
                         unsigned long number, struct aegis_result *result);
unsigned long count_exception(void);
unsigned long count_fault(unsigned long address);
unsigned long count_load(unsigned long before, unsigned long address);
unsigned long count_yield(void);
unsigned long count_slice_end(unsigned long from);
unsigned long count_revoke(unsigned long root, unsigned long env, unsigned long count, unsigned long deadline);
long count_pct(long number, unsigned long counts[2]);
long leave(unsigned long a, unsigned long b, unsigned long c, unsigned long number);
void lost(void);
void partner_begin(void);
void partner_entry(void);
extern char writable[]; /* bench.ld: data starts here */
extern unsigned long boot_count;

void report(const char *name, unsigned long value);
_Noreturn void fail(const char *what, long value);
_Noreturn void main_lost(void);
void partner_main(void);
int main(void);
