/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Figures in which both the kernel and the libOS have a part: lines
 * `name<TAB>value`, in instructions of both modes. Wants user-mode `instret` (the kernel's option
 * `bench`) and --icount.
 */
#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/pager.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../libos/posix/process.h"
#include "../../libos/session/session.h"
#include "../../libos/vm/vm.h"

#define SWITCHES 16

static inline uint64_t instret(void)
{
    uint64_t x;
    __asm__ volatile("rdinstret %0" : "=r"(x) : : "memory");
    return x;
}

static void print(const char *name, uint64_t value)
{
    char line[64];
    snprintf(line, sizeof line, "%s\t%lu\n", name, (unsigned long)value);
    console_print(1, line);
}

/* A claimed page whose translation is gone is read. */
static void fault_pager(void)
{
    volatile char *p = (char *)PAGE_UP((uintptr_t)malloc(3 * AEGIS_PAGE_SIZE));
    uint64_t least = ~0UL;

    *p = 1;
    for (int i = 0; i < 4; i++) {
        while (aegis_unmap(AEGIS_SLOT_SELF, pager_find((uintptr_t)p).slot).error ==
               AEGIS_E_AGAIN)
            ;
        uint64_t before = instret();
        (void)*p;
        uint64_t after = instret();
        least = after - before - 2 < least ? after - before - 2 : least;
    }
    print("fault_pager", least);
}

enum { PARENT_AT, LEAST, SWITCHED, WORDS };

/* The child, whose slot comes right behind ours, says how far our last word lies back whenever it begins. */
static void switches_see(volatile uint64_t *shared)
{
    uint64_t last = instret(), now;

    for (;;) {
        now = instret();
        uint64_t since = now - shared[PARENT_AT];
        /* our last reading and its store, and the child's own reading, are not of the switch */
        if (now - last > 1000) {
            shared[LEAST] = since - 2 < shared[LEAST] ? since - 2 : shared[LEAST];
            shared[SWITCHED]++;
        }
        last = instret();
    }
}

static void slice_switch(void)
{
    if (session_reserve(WORDS * 8))
        return;
    monitor_enter();
    volatile uint64_t *shared = session_alloc(WORDS * 8);
    monitor_leave();
    shared[LEAST] = ~0UL;
    pid_t child = fork();
    if (child == 0)
        switches_see(shared);
    while (child > 0 && shared[SWITCHED] < SWITCHES)
        shared[PARENT_AT] = instret();
    print("slice_switch", shared[LEAST]);
}

/* The session ends with us, and the child with it. */
int main(void)
{
    fault_pager();
    slice_switch();
    return 0;
}
