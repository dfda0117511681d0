/* SPDX-License-Identifier: BSD-2-Clause */
/* What the session's filters compare, told by those who installed them. */
#include "network.h"

#include <string.h>

#include <aegis/exposed.h>

#include "stack.h"

static uint64_t check_of(unsigned filter)
{
    return filter < AEGIS_FILTERS ? AEGIS_EXPOSED_STATE->net.filter[filter].check : 0;
}

/* It tells of a filter that is there. */
static bool is_true(const struct net_program *p)
{
    return p->check && p->check == check_of(p->filter) && p->count <= NET_PROGRAM_ATOMS;
}

/* The table, by the first who has something to say. */
static struct net_program *table_make(void)
{
    while (!NETWORK->programs) {
        monitor_enter();
        struct net_program *t = NETWORK->programs ? NULL : session_pages(NET_PROGRAMS_PAGES);
        if (t)
            session_set(NETWORK->programs, t);
        monitor_leave();
        if (!NETWORK->programs && session_reserve(NET_PROGRAMS_PAGES * AEGIS_PAGE_SIZE))
            return NULL;
    }
    return NETWORK->programs;
}

void program_publish(unsigned filter, const struct aegis_atom *atoms, unsigned count)
{
    struct net_program *t = count <= NET_PROGRAM_ATOMS ? table_make() : NULL,
                       *end = t + NET_PROGRAMS;

    if (!t)
        return;
    monitor_enter();
    while (t < end && is_true(t))
        t++;
    if (t < end) { /* whoever dies in the middle leaves one that is nobody's */
        __atomic_store_n(&t->check, 0, __ATOMIC_RELEASE);
        t->filter = (uint16_t)filter;
        t->count = (uint16_t)count;
        memcpy(t->atom, atoms, count * sizeof *atoms);
        __atomic_store_n(&t->check, check_of(filter), __ATOMIC_RELEASE);
    }
    monitor_leave();
}

/* The session's own three compare the frame's type. */
static unsigned kept_find(unsigned filter, struct aegis_atom *atom)
{
    static const uint16_t kinds[NET_FILTERS] = {0x0806, 0x0800, 0x86dd};

    for (unsigned i = 0; i < NET_FILTERS && NETWORK->endpoint.what; i++)
        if (NETWORK->filter[i] == filter) {
            *atom = (struct aegis_atom){
                .kind = AEGIS_ATOM_EQ, .width = 2, .offset = 12, .mask = 0xffff, .low = kinds[i]};
            return 1;
        }
    return 0;
}

unsigned program_find(unsigned filter, struct aegis_atom *atoms)
{
    if (__atomic_load_n(&SESSION->network_state, __ATOMIC_ACQUIRE) != NETWORK_THERE)
        return 0;
    const struct net_program *t = NETWORK->programs, *end = t ? t + NET_PROGRAMS : t;
    unsigned count = kept_find(filter, atoms);

    for (; t < end && !count; t++)
        if (t->filter == filter && is_true(t)) {
            count = t->count;
            memcpy(atoms, t->atom, count * sizeof *atoms);
            count = is_true(t) ? count : 0; /* it was written anew meanwhile */
        }
    return count;
}
