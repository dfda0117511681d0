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

/* The child says where it is, again and again; ours say when we are back. */
static void slice_switch(void)
{
    uint64_t least = ~0UL, last, now;

    if (session_reserve(8))
        return;
    monitor_enter();
    volatile uint64_t *shared = session_alloc(8);
    monitor_leave();
    pid_t child = fork();
    while (child == 0)
        *shared = instret();
    for (int i = 0; child > 0 && i < SWITCHES; i++) {
        last = now = instret();
        while (now - last < 1000) {
            last = now;
            now = instret();
        }
        /* the child's last reading and its store, and our own reading, are not of the switch */
        if (*shared > last && now - *shared - 2 < least)
            least = now - *shared - 2;
    }
    print("slice_switch", least);
}

/* The session ends with us, and the child with it. */
int main(void)
{
    fault_pager();
    slice_switch();
    return 0;
}
