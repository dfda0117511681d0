/* SPDX-License-Identifier: BSD-2-Clause */
/* What unit tests begin with: a first environment `p` that runs on hart 0, harts that idle, and short ways to get things. */
#pragma once

#include <string.h>

#include "world.h"

#define ARGS 0x10000UL /* where p has a page for vectors */

static struct env *p;
static unsigned long *args;
static unsigned next_slot;

/* A call that answers AGAIN is made again, with the other harts taking their interrupts in between. */
#define AGAIN(call)                                                                                \
    ({                                                                                             \
        result_t r_;                                                                               \
        unsigned n_ = 0;                                                                           \
        while ((r_ = (call)).error == AEGIS_E_AGAIN && n_++ < 20000)                               \
            host_settle();                                                                         \
        r_;                                                                                        \
    })

static inline unsigned page_new(unsigned hart, unsigned order)
{
    unsigned slot = next_slot++;
    if (AGAIN(CALL5(hart, page_alloc, AEGIS_SLOT_PAGES, AEGIS_ANY, order, slot, AEGIS_NONE)).error)
        abort();
    return slot;
}

static inline pfn_t page_in(const struct env *e, unsigned slot)
{
    return AEGIS_WHAT_RESOURCE(ledger_at(e, slot)->what);
}

static inline void become(unsigned hart, struct env *e)
{
    host.self[hart] = e->activation[hart] ? e->activation[hart] : kernel.hart[hart].null;
}

static inline void scene(unsigned harts)
{
    host_boot(harts, HOST_PAGES);
    p = host_first(8, 4);
    next_slot = 20;
    for (unsigned h = 1; h < harts; h++)
        host_start(h);
    host_start(0);
    unsigned slot = page_new(0, 0);
    if (CALL3(0, map, 0, slot, ARGS | AEGIS_R | AEGIS_W).error)
        abort();
    args = machine_direct(page_in(p, slot));
}

/* p's activation on another hart, where it runs from now on. */
static inline void also_on(unsigned hart)
{
    if (CALL3(0, activation_lend, 0, page_new(0, 1), hart).error)
        abort();
    become(hart, p);
    exposed.hart[hart].idle = kernel.hart[hart].parked = 0;
}

/* A child of whoever runs on hart 0 as p: its slot; its lent pages stand in the six slots before. */
static inline unsigned child_new(void)
{
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++)
        args[i] = page_new(0, 0);
    unsigned slot = next_slot++;
    if (CALL3(0, env_create, AEGIS_SLOT_ENVS, ARGS, slot).error)
        abort();
    return slot;
}

static inline struct env *child_env(unsigned slot)
{
    return kernel.env[page_in(p, slot)];
}

static inline unsigned child_on(unsigned slot, unsigned hart)
{
    unsigned pair = page_new(0, 1);
    if (CALL3(0, activation_lend, slot, pair, hart).error)
        abort();
    return pair;
}

static inline void child_leaf(unsigned slot)
{
    if (CALL4(0, table_lend, slot, page_new(0, 1), AEGIS_TABLE_LEAF, 0).error)
        abort();
}

static inline unsigned child_full(unsigned hart)
{
    unsigned slot = child_new();
    child_on(slot, hart);
    child_leaf(slot);
    return slot;
}

/* A claim of p's, given to a child under the child's slot of the same number. */
static inline void give(unsigned child, unsigned slot, unsigned rights)
{
    if (CALL4(0, share, child, slot, 1, rights).error)
        abort();
}

static inline uint64_t mac_of(unsigned slot, unsigned rights, unsigned first, unsigned order)
{
    result_t r = CALL4(0, capability_make, slot, rights, first, order);
    if (r.error)
        abort();
    return r.value;
}

static inline struct aegis_page *record(pfn_t page)
{
    return page_head(page);
}
