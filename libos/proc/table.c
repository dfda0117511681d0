/* SPDX-License-Identifier: BSD-2-Clause */
/* The process table: who is there, and our claims on the environments of others. */
#include "table.h"

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/pager.h>

#include "space.h"

struct process *process_self;

struct process *process_find(pid_t pid)
{
    struct process *p = SESSION->processes;

    for (unsigned i = 0; p && i < PROCESSES; i++)
        if (p[i].state != PROCESS_FREE && p[i].pid == pid)
            return &p[i];
    return NULL;
}

int process_each(int (*visit)(struct process *, void *), void *argument)
{
    struct process *p = SESSION->processes;
    int result = 0;

    for (unsigned i = 0; p && i < PROCESSES && !result; i++)
        if (p[i].state != PROCESS_FREE)
            result = visit(&p[i], argument);
    return result;
}

/* One place for each index modulo their number; whoever stood there before goes. */
unsigned process_slot(const struct process *p)
{
    struct aegis_capability c = p->control;
    uint32_t index = AEGIS_WHAT_RESOURCE(c.what);
    unsigned slot = SLOT_OTHERS + index % (SLOT_OTHERS_END - SLOT_OTHERS);
    const volatile struct aegis_claim *there = slot_claim(slot);

    if (AEGIS_WHAT_TYPE(c.what) != AEGIS_ENV)
        return 0;
    if (there->what == c.what && there->check == AEGIS_EXPOSED_STATE->env[index].check)
        return slot;
    while (there->what && aegis_release(AEGIS_SLOT_SELF, slot).error == AEGIS_E_AGAIN)
        ;
    return aegis_claim(c.what, c.mac, slot).error ? 0 : slot;
}
