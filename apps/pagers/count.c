/* SPDX-License-Identifier: BSD-2-Clause */
/* The smallest pager of one's own: it counts faults, and leaves the rest to the default. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <aegis/pager.h>

static struct pager mine;
static PINNED_BSS volatile unsigned long faults;

PINNED_CODE static int fault(uintptr_t va, unsigned access)
{
    faults++;
    return page_fault(va, access);
}

int main(void)
{
    mine = pager_radix;
    mine.name = "count";
    mine.fault = fault;
    if (pager_set(&mine))
        return 1;
    unsigned long before = faults;
    char *p = malloc(100000);
    memset(p, 1, 100000);
    printf("%lu faults for 100,000 bytes\n", faults - before);
    return 0;
}
