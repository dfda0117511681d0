/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a generational collector wants of virtual memory (Appel and Li, 1991): which pages of the old
 * generation were written since the last collection? Three ways, the same stores; --icount makes a
 * nanosecond an instruction.
 *
 *     cards         the mutator marks a byte with each store
 *     protection    the old generation is read-only; a write fault notes the page and opens it
 *     dirty bits    nobody does anything: the page table, which the hardware writes, is read in place
 *
 *     aegis-cc -O2 -o barrier barrier.c
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <aegis/aegis.h>
#include <aegis/pager.h>

#define PAGE  4096UL
#define PAGES 256
#define RW    (PROT_READ | PROT_WRITE)

static char *old;
static unsigned char card[PAGES];
static unsigned found;

static unsigned long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (unsigned long)t.tv_sec * 1000000000 + (unsigned long)t.tv_nsec;
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
    unsigned long page = ((unsigned long)info->si_addr - (unsigned long)old) / PAGE;

    (void)signal, (void)context;
    card[page] = 1;
    mprotect(old + page * PAGE, PAGE, RW);
}

/* Stores that go to `touched` pages. */
static void mutate(unsigned stores, unsigned touched, int marks)
{
    unsigned seed = 1;

    for (unsigned i = 0; i < stores; i++) {
        seed = seed * 1103515245 + 12345;
        unsigned long at = (seed >> 8) % touched * (PAGES / touched) * PAGE + (seed >> 4) % PAGE;
        old[at] = (char)i;
        if (marks)
            card[at / PAGE] = 1;
    }
}

enum way { CARDS, PROTECTION, DIRTY_BITS, WAYS };

/* From one collection to the next. */
static unsigned long run(enum way way, unsigned stores, unsigned touched)
{
    mprotect(old, PAGES * PAGE, RW);
    unsigned long begin = now();
    if (way == DIRTY_BITS)
        aegis_map_clean(AEGIS_SLOT_SELF, (unsigned long)old, PAGES);
    else
        memset(card, 0, PAGES);
    if (way == PROTECTION)
        mprotect(old, PAGES * PAGE, PROT_READ);
    mutate(stores, touched, way == CARDS);
    for (unsigned i = found = 0; i < PAGES; i++)
        found += way == DIRTY_BITS ? (unsigned)aegis_page_dirty(old + i * PAGE) : card[i];
    return now() - begin;
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    static const unsigned plan[][2] = {{1000, 8}, {100000, 8}, {1000, 128}, {100000, 128}};

    sigaction(SIGSEGV, &action, 0);
    old = mmap(0, PAGES * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(old, 1, PAGES * PAGE);
    printf("%8s %6s %10s %12s %12s\n", "stores", "pages", "cards", "protection", "dirty bits");
    for (unsigned i = 0; i < sizeof plan / sizeof plan[0]; i++) {
        unsigned n = plan[i][0], pages = plan[i][1], good = 1;
        unsigned long cost[WAYS];
        for (enum way w = CARDS; w < WAYS; w++) {
            cost[w] = run(w, n, pages);
            good &= found == pages;
        }
        printf("%8u %6u %10lu %12lu %12lu%s\n", n, pages, cost[CARDS], cost[PROTECTION], cost[DIRTY_BITS],
               good ? "" : "  WRONG");
    }
    return 0;
}
