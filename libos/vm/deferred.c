/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults that the thread itself resolves: contents of files. */
#include <signal.h>

#include "vm.h"

int page_deferred(uintptr_t va, unsigned access)
{
    (void)va, (void)access;
    return PAGER_SIGNAL(SIGBUS, BUS_ADRERR);
}
