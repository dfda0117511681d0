/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What virtual memory costs an application (SOSP'95, Table 10; Appel and Li, ASPLOS'91). POSIX calls
 * and touches; nothing is left out but the two readings of the counter.
 */
#include "figure.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <aegis/aegis.h>
#include <aegis/pager.h>

#ifndef PREFIX
#define PREFIX ""
#define FIRST  pager_radix
#endif

#define PAGE  4096UL
#define PAGES 100
#define ANY   (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW    (PROT_READ | PROT_WRITE)

static char *area;
static unsigned order_of[PAGES];
static volatile int faults;

/* A permutation, always the same. */
static void shuffle(void)
{
    unsigned long seed = 1;

    for (unsigned i = 0; i < PAGES; i++)
        order_of[i] = i;
    for (unsigned i = PAGES - 1; i; i--) {
        seed = seed * 6364136223846793005 + 1442695040888963407;
        unsigned k = (unsigned)(seed >> 33) % (i + 1), old = order_of[i];
        order_of[i] = order_of[k];
        order_of[k] = old;
    }
}

static char *page_of(unsigned i)
{
    return area + order_of[i] * PAGE;
}

/* ---- Appel and Li ---- */

/* appel1: a protected page is touched; the handler protects another one, and opens this. */
static volatile unsigned next_page;

static void on_fault_one(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    faults++;
    next_page = (next_page + 1) % PAGES;
    mprotect(page_of(next_page), PAGE, PROT_READ);
    mprotect((void *)((unsigned long)info->si_addr & -PAGE), PAGE, RW);
}

/* appel2: all are protected at once; the handler opens the one that was touched. */
static void on_fault_open(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    faults++;
    mprotect((void *)((unsigned long)info->si_addr & -PAGE), PAGE, RW);
}

static void handler_set(void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, 0);
}

static void touch_all(void)
{
    for (unsigned i = 0; i < PAGES; i++)
        *(volatile char *)page_of(i) = 1;
}

static void touch_in_turn(void)
{
    for (unsigned i = 0; i < PAGES; i++)
        *(volatile char *)page_of(next_page) = 1;
}

static void protect_and_touch(void)
{
    mprotect(area, PAGES * PAGE, PROT_READ);
    touch_all();
}

static void appel(void)
{
    handler_set(on_fault_one);
    next_page = 0;
    mprotect(page_of(0), PAGE, PROT_READ);
    faults = 0;
    unsigned long n = FIGURE_MEAN(1, 3, touch_in_turn());
    if (faults == 4 * PAGES)
        figure_report(PREFIX "appel1", n / PAGES);
    mprotect(area, PAGES * PAGE, RW);
    handler_set(on_fault_open);
    faults = 0;
    n = FIGURE_MEAN(1, 3, protect_and_touch());
    if (faults == 4 * PAGES)
        figure_report(PREFIX "appel2", n / PAGES);
}

/* ---- rights ---- */

static void rights(void)
{
    unsigned long off = 0, on = 0, n;

    for (int i = 0; i < 3; i++) {
        n = FIGURE_MEAN(0, 1, mprotect(area, PAGE, PROT_READ));
        mprotect(area, PAGE, RW);
    }
    figure_report(PREFIX "prot1", n);
    for (int i = 0; i < 3; i++) {
        off = FIGURE_MEAN(0, 1, mprotect(area, PAGES * PAGE, PROT_READ));
        on = FIGURE_MEAN(0, 1, mprotect(area, PAGES * PAGE, RW));
    }
    figure_report(PREFIX "prot100", off);
    figure_report(PREFIX "unprot100", on);
}

static void dirty(void)
{
    volatile int is = 0;
    char *page = page_of(7);

    *page = 1;
    is = aegis_page_dirty(page);
    unsigned long n = FIGURE_MEAN(3, 5, is = aegis_page_dirty(page));
    if (is)
        figure_report(PREFIX "dirty", n - 1); /* the store of the answer */
}

/* ---- faults ---- */

static void first_touch(void)
{
    char *p = mmap(0, 16 * PAGE, RW, ANY, -1, 0);
    unsigned i = 0;

    /* pages that others have used and given back, one by one, as in a machine that has run a while */
    memset(p, 1, 16 * PAGE);
    munmap(p, 16 * PAGE);
    p = mmap(0, 16 * PAGE, RW, ANY, -1, 0);
    unsigned long n = FIGURE_MEAN(4, 8, *(volatile char *)(p + i++ * PAGE) = 1);
    figure_report(PREFIX "first_touch", n);
    munmap(p, 16 * PAGE);
}

/* As fork leaves it: another one holds a claim, here we ourselves. Its slot. */
static unsigned share(char *page)
{
    struct page_entry e = pager_find((unsigned long)page);
    struct aegis_result mac = aegis_capability_make(e.slot, AEGIS_RWX, 0, 0);
    unsigned slot = slot_find();
    unsigned long what =
        AEGIS_WHAT(AEGIS_PAGE, AEGIS_RWX, 0, AEGIS_WHAT_RESOURCE(slot_claim(e.slot)->what));

    if (mac.error || aegis_claim(what, mac.value, slot).error)
        return 0;
    e.rights |= PAGE_COW;
    aegis_map_protect(AEGIS_SLOT_SELF, (unsigned long)page, 1, AEGIS_R);
    pager_enter((unsigned long)page, e);
    return slot;
}

static void cow_fault(void)
{
    unsigned long n = 0;
    unsigned slot = 0;

    for (int i = 0; i < 6; i++) {
        char *page = page_of((unsigned)i);
        *page = 42;
        if (!(slot = share(page)))
            return;
        n = FIGURE_MEAN(0, 1, *(volatile char *)(page + 1) = 1);
        if (*page != 42 || pager_find((unsigned long)page).rights & PAGE_COW)
            return;
        page_put(slot);
    }
    figure_report(PREFIX "cow_fault", n);
}

static void cycle(void)
{
    char *p = mmap(0, PAGE, RW, ANY, -1, 0);
    *(volatile char *)p = 1;
    munmap(p, PAGE);
}

/* ---- another pager, while it runs ---- */

static int count(uintptr_t va, struct page_entry *entry, void *pages)
{
    (void)va, (void)entry;
    ++*(int *)pages;
    return 0;
}

static void swap(void)
{
    if (pager_now() != &pager_radix)
        return;
    unsigned long n = 0;
    int pages = 0, after = 0;

    pager_each(count, &pages);
    munmap(area, ((unsigned long)pages - 100) * PAGE); /* with the program's own there are a hundred */
    pages = 0;
    pager_each(count, &pages);
    for (int i = 0; i < 3; i++) {
        n = FIGURE_MEAN(0, 1, pager_set(&pager_inverted));
        pager_each(count, &after);
        pager_set(&pager_radix);
    }
    if (pages == 100 && after >= 3 * pages)
        figure_report(PREFIX "policy_swap", n);
}

int main(void)
{
    if (pager_now() != &FIRST && pager_set(&FIRST))
        return 1;
    shuffle();
    area = mmap(0, PAGES * PAGE, RW, ANY, -1, 0);
    memset(area, 1, PAGES * PAGE);
    rights();
    dirty();
    first_touch();
    cow_fault();
    figure_report(PREFIX "mmap_cycle", FIGURE_MEAN(3, 3, cycle()));
    appel();
    swap();
    return 0;
}
