/* SPDX-License-Identifier: BSD-2-Clause */
/* The same with a page table of another kind (SOSP'95, Table 13), and the trap that comes before any of them is looked at. */
#define PREFIX "inverted."
#define FIRST  pager_inverted
#define main   memory_main
#include "memory.c"
#undef main

#include "trap.h"

int main(void)
{
    int status = memory_main();

    page[0] = 1;
    pager_protect((uintptr_t)page, 1, AEGIS_R);
    figure_report("inverted.trap", trap_figure());
    return status || pager_now() != &FIRST;
}
