/* SPDX-License-Identifier: BSD-2-Clause */
/* Pagers that are wrong: each in a child, which it may ruin; nobody else may notice. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <aegis/exposed.h>
#include <aegis/pager.h>

#include "tap.h"

#define PAGE 4096UL
#define RW   (PROT_READ | PROT_WRITE)

static struct pager mine;
static PINNED_BSS uintptr_t area; /* where it is wrong; elsewhere nothing would get anywhere */
static PINNED_BSS volatile unsigned *wrongs; /* how often it was; the parent sees it */

PINNED_CODE static int wrong_here(uintptr_t va)
{
    return va - area < 16 * PAGE;
}

PINNED_CODE static int never_maps(uintptr_t va, unsigned access)
{
    return wrong_here(va) ? ++*wrongs, 0 : page_fault(va, access);
}

PINNED_CODE static int rubbish(uintptr_t va, unsigned access)
{
    return wrong_here(va) ? 0x7abcdef5 : page_fault(va, access);
}

PINNED_CODE static int faults_itself(uintptr_t va, unsigned access)
{
    return wrong_here(va) ? *(volatile int *)(va % PAGE + 8) : page_fault(va, access);
}

PINNED_CODE static int loops(uintptr_t va, unsigned access)
{
    while (wrong_here(va))
        ++*wrongs;
    return page_fault(va, access);
}

PINNED_CODE static struct page_entry *finds_nonsense(uintptr_t va)
{
    return wrong_here(va) ? (struct page_entry *)0x123456000 : pager_radix.find(va);
}

static struct page_entry lies = {77, AEGIS_RWX, PAGE_PRESENT, 0};

PINNED_CODE static struct page_entry *finds_others(uintptr_t va)
{
    return wrong_here(va) ? &lies : pager_radix.find(va);
}

static int no_deferred(uintptr_t va, unsigned access)
{
    (void)va, (void)access;
    return PAGER_SIGNAL(SIGBUS, BUS_ADRERR);
}

PINNED_CODE static int defers(uintptr_t va, unsigned access)
{
    return wrong_here(va) ? PAGER_DEFER : page_fault(va, access);
}

static void child(int (*fault)(uintptr_t, unsigned), struct page_entry *(*find)(uintptr_t))
{
    char *p = mmap(0, 16 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    area = (uintptr_t)p;
    mine = pager_radix;
    if (fault)
        mine.fault = fault;
    if (find)
        mine.find = find;
    mine.deferred = no_deferred;
    pager_set(&mine);
    *(volatile char *)p = 1;
    _exit(0);
}

/* A signal's number; 0: none. */
static int signal_of(pid_t pid)
{
    int status;
    return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* How the child ends by itself. */
static int ends(int (*fault)(uintptr_t, unsigned), struct page_entry *(*find)(uintptr_t))
{
    pid_t pid = fork();

    if (pid == 0)
        child(fault, find);
    return signal_of(pid);
}

/* Whether it was wrong a thousand times without an end, and then could be ended. */
static int goes_on(int (*fault)(uintptr_t, unsigned))
{
    unsigned before = *wrongs;
    pid_t pid = fork();

    if (pid == 0)
        child(fault, NULL);
    while (*wrongs - before < 1000)
        usleep(100);
    kill(pid, SIGKILL);
    return signal_of(pid) == SIGKILL;
}

static int well(void)
{
    char *p = malloc(20000);
    memset(p, 1, 20000);
    free(p);
    return p != 0;
}

/* Free pages, with the memory of a child that ended well kept for the next one, as always. */
static uint64_t settled(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    signal_of(pid);
    while (AEGIS_EXPOSED_STATE->dying != AEGIS_ENVS)
        usleep(100);
    return AEGIS_EXPOSED_STATE->free_pages;
}

int main(void)
{
    uint64_t before = settled();

    wrongs = mmap(0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    tap(goes_on(never_maps) && well(), "pager_that_never_maps");
    tap(ends(rubbish, 0) > 0 && well(), "pager_that_returns_rubbish");
    tap(ends(faults_itself, 0) > 0 && well(), "pager_that_faults");
    tap(goes_on(loops) && well(), "pager_that_loops");
    tap(ends(0, finds_nonsense) > 0 && well(), "pager_that_finds_nonsense");
    tap(ends(0, finds_others) > 0 && well(), "pager_that_names_the_slots_of_others");
    tap(ends(defers, 0) == SIGBUS && well(), "pager_whose_thread_gives_up");
    tap((long)(before - settled()) < 64, "wrong_pagers_leak_nothing");
    return tap_failed;
}
