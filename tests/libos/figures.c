/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Figures in which both the kernel and the libOS have a part, as the first environment: lines
 * `name<TAB>value`, in instructions of both modes. Wants user-mode `instret` (the kernel's option
 * `bench`) and --icount.
 */
#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/pager.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../apps/init/spawn.h"
#include "../../libos/posix/process.h"
#include "../../libos/vm/vm.h"

#define SHARED   2048 /* offset in the start block: what the child last read */
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
static void spin(void)
{
    volatile uint64_t *shared = (volatile uint64_t *)(VM_START + SHARED);
    for (;;)
        *shared = instret();
}

static void slice_switch(void)
{
    static const char name[] = "spin";
    struct strings arguments = {name, sizeof name, 1}, none = {"", 0, 0};
    struct elf_program program;
    struct cpio_file file;
    struct child child;
    uint64_t least = ~0UL, last, now;

    if (archive_file("init", &file) || elf_read(file.data, file.size, ~0UL, &program) ||
        child_make(&child, file.data, &program, &arguments, &none) || child_run(&child))
        return;
    volatile uint64_t *shared = (volatile uint64_t *)((char *)child.start + SHARED);
    for (int i = 0; i < SWITCHES; i++) {
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

int main(int argc, char **argv)
{
    if (argc && !strcmp(argv[0], "spin"))
        spin();
    fault_pager();
    slice_switch();
    console_print(3, "exit 0\n");
    for (;;)
        aegis_machine_end(AEGIS_SLOT_MACHINE, 0);
}
