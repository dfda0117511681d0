/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A first environment on the libOS, for the figures that take the libOS's share in: what comes between two readings of
 * `instret` less the instructions of ours. Warm, as in bench.c.
 */
#include <stdint.h>
#include <stdio.h>

#include <aegis/aegis.h>
#include <aegis/pager.h>
#include <aegis/scheduler.h>

#define SWITCH 50 /* a round of the loop is 4; more than this was an upcall */

static char page[2 * AEGIS_PAGE_SIZE] __attribute__((aligned(AEGIS_PAGE_SIZE)));

static void report(const char *name, unsigned long value)
{
    printf("%s\t%lu\n", name, value);
    fflush(stdout);
}

/* A claimed page whose translation is gone from table and STLB is touched: upcall, default pager, and on. */
static unsigned long fault_count(void)
{
    struct page_entry entry = pager_find((uintptr_t)page);
    unsigned long n, end;

    while (aegis_unmap(0, entry.slot).error == AEGIS_E_AGAIN)
        ;
    __asm__ volatile("rdinstret %0\n\tlb zero, 0(%2)\n\trdinstret %1" : "=&r"(n), "=&r"(end) : "r"(page) : "memory");
    return end - n - 2;
}

/* A round reads the counter once; the round in which the slot ended, and the next began, is longer. */
static unsigned long switch_count(void)
{
    unsigned long last, now, n;

    __asm__ volatile("rdinstret %0\n"
                     "1: rdinstret %1\n\tsub %2, %1, %0\n\tmv %0, %1\n\tbltu %2, %3, 1b"
                     : "=&r"(last), "=&r"(now), "=&r"(n) : "r"((unsigned long)SWITCH) : "memory");
    return n - 4;
}

/* The mark stands on the first instruction of ours when the interrupt has ended the wait. */
static long input_wait(unsigned long bytes)
{
    struct aegis_predicate p = {AEGIS_NONE, AEGIS_GE, 8, AEGIS_EXPOSED_OFFSET(input_count), bytes};
    long why = thread_wait(&p, 1, 0);

    __asm__ volatile(".globl mark_interrupt_to_app\nmark_interrupt_to_app: nop" ::: "memory");
    return why;
}

int main(void)
{
    unsigned long n = 0;

    page[0] = 1;
    for (int i = 0; i < 3; i++)
        n = fault_count();
    report("fault_pager", n);
    for (int i = 0; i < 3; i++)
        n = switch_count();
    report("slice_switch", n);
    /* Nothing is there yet: the host hears that input is wanted, and may send some. */
    aegis_console_read(AEGIS_SLOT_CONSOLE, (unsigned long)page, 1);
    for (unsigned long i = 1; i <= 3; i++) {
        fputs("ready\n", stderr);
        input_wait(i);
    }
    aegis_console_write(AEGIS_SLOT_CONSOLE, 3, (unsigned long)"exit 0\n", 7);
    aegis_machine_end(AEGIS_SLOT_MACHINE, 0);
    return 1;
}
