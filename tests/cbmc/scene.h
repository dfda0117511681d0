/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small kernel in an arbitrary state: two environments of one ledger page each, a few physical pages. The layout's sizes
 * are made small here; the kernel's sources are what they are. What may be assumed of the state is what the harness proves
 * to hold again after each step (see the functions named ..._sane), so a proof of one step is one of all sequences.
 */
#pragma once

#include <aegis/layout.h>
#undef AEGIS_ENVS
#undef AEGIS_HARTS
#undef AEGIS_SLICES
#undef AEGIS_IRQS
#undef AEGIS_CLAIMS_PER_PAGE
#undef AEGIS_LEDGER_PAGES
#undef AEGIS_ENTRY_SLOTS
#undef AEGIS_ORDER_MAX
#define AEGIS_ENVS 2
#define AEGIS_HARTS 2
#define AEGIS_SLICES 2
#define AEGIS_IRQS 4
#ifndef CLAIMS
#define CLAIMS 4
#endif
#define AEGIS_CLAIMS_PER_PAGE CLAIMS
#define AEGIS_LEDGER_PAGES 1
#define AEGIS_ENTRY_SLOTS 2
#define AEGIS_ORDER_MAX 1

#include "core/env.h"

#define SLOTS AEGIS_CLAIMS_PER_PAGE
#define FIRST 1u  /* page numbers of memory: FIRST .. FIRST + COUNT - 1; page 0 is none */
#ifndef COUNT
#define COUNT 3u
#endif

struct kernel kernel;
struct aegis_exposed exposed;
struct aegis_page records[FIRST + COUNT], *pages = records;
struct activation activation[2], *self;
unsigned hart;
volatile uint32_t dev_waiting, dev_reap_wanted;
struct env env[2]; /* env[0] calls */
struct aegis_claim ledger[2][SLOTS];

/* Everything arbitrary, but where things stand. */
static inline void scene(void)
{
    __CPROVER_havoc_object(&kernel);
    __CPROVER_havoc_object(&exposed);
    __CPROVER_havoc_object(records);
    __CPROVER_havoc_object(ledger);
    exposed.page_first = FIRST;
    exposed.page_count = COUNT;
    exposed.device[0].kind = AEGIS_DEVICE_NONE;
    kernel.page_lock = kernel.table_lock = (struct lock){0, 0};
    for (unsigned i = 0; i < 2; i++) {
        env[i].index = i;
        env[i].check = exposed.env[i].check;
        env[i].ledger_pages = 1;
        env[i].ledger[0] = ledger[i];
        env[i].activation[0] = &activation[i];
        activation[i].env = &env[i];
        activation[i].hart = (uint64_t)&kernel.hart[0];
        kernel.env[i] = &env[i];
        kernel.hart[i].index = i;
        kernel.hart[i].bit = 1u << i;
    }
    self = &activation[0];
    hart = 0;
}

/* An allocated block's record: whole, aligned, with a check that no other has. */
static inline bool block_sane(pfn_t page)
{
    const struct aegis_page *p = &pages[page];
    if (p->state != AEGIS_PAGE_USED)
        return p->state <= AEGIS_PAGE_USED && !p->check;
    return p->check && p->order <= AEGIS_ORDER_MAX && !(page & ((1u << p->order) - 1)) && page + (1u << p->order) <= FIRST + COUNT;
}

static inline bool unlocked(void)
{
    bool free = kernel.page_lock.serving == kernel.page_lock.next && kernel.table_lock.serving == kernel.table_lock.next;
    for (unsigned i = 0; i < 2; i++)
        free &= env[i].lock.serving == env[i].lock.next;
    return free;
}

static inline bool same_claim(const struct aegis_claim *a, const struct aegis_claim *b)
{
    return a->what == b->what && a->check == b->check && a->where == b->where && a->tag == b->tag && a->step == b->step;
}

/* A slot of a ledger: all zero, or a claim that `claim`, `alloc` or `share` left; alive or not. */
static inline bool claim_sane(const struct aegis_claim *c)
{
    if (!c->what)
        return !c->check && !c->where && !c->tag && !c->step;
    if (AEGIS_WHAT_TYPE(c->what) != AEGIS_PAGE)
        return AEGIS_WHAT_ORDER(c->what) == 0 && c->check;
    pfn_t page = AEGIS_WHAT_RESOURCE(c->what);
    unsigned order = AEGIS_WHAT_ORDER(c->what);
    return c->check && order <= AEGIS_ORDER_MAX && !(page & ((1u << order) - 1)) && page >= FIRST && page + (1u << order) <= FIRST + COUNT;
}
