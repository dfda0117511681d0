/* SPDX-License-Identifier: BSD-2-Clause */
/* A store that faults and is skipped by an upcall of the program's own. The page's right to be written is the caller's to take. */
#pragma once

#include <stddef.h>

#include <aegis/layout.h>
#include <aegis/upcall.h>

#include "figure.h"

static char page[AEGIS_PAGE_SIZE] __attribute__((aligned(AEGIS_PAGE_SIZE)));

static inline void touch(void)
{
    __asm__ volatile(".option push\n.option norvc\nsb zero, 0(%0)\n.option pop" ::"r"(page) : "memory");
}

__attribute__((naked, section(".pinned.text"))) static void skip_upcall(void)
{
    __asm__ volatile(".option push\n.option norelax\n"
                     "ld sp, %0(gp)\n"
                     "addi sp, sp, 4\n"
                     "j aegis_upcall_return\n"
                     ".option pop" ::"i"(U_EXC_PC));
}

static unsigned long trap_figure(void)
{
    aegis_upcall_set(CAUSE_STORE_PAGE, skip_upcall);
    unsigned long n = FIGURE_MEAN(4, 16, touch());
    aegis_upcall_set(CAUSE_STORE_PAGE, NULL);
    return n;
}
