/* SPDX-License-Identifier: BSD-2-Clause */
/* What is around ledger.c and map.c, for harnesses that do not care what it does; after scene.h. */
#pragma once

void page_soil(struct aegis_page *head)
{
    head->flags &= ~AEGIS_PAGE_IS_CLEAN & 15;
}

struct aegis_page *page_head_search(pfn_t page)
{
    (void)page;
    return NULL;
}

bool resource_check(uint64_t what, uint64_t *check)
{
    (void)what;
    *check = nondet_u64();
    return *check != 0;
}

void resource_drop(uint64_t what, const struct env *from)
{
    (void)what, (void)from;
}

void pct_forget(struct env *from, const struct env *gone)
{
    (void)from, (void)gone;
}

/* In a harness that has every table at hand none is looked up, or cleared. */
#define NO_TABLES                                       \
    void machine_clear(void *page)                      \
    {                                                   \
        (void)page;                                     \
        MUST(false, "a table is cleared");              \
    }                                                   \
    void *machine_direct(uint32_t page)                 \
    {                                                   \
        MUST(false, "a table is looked up");            \
        return &records[page];                          \
    }

/* The caller, with a root table and an STLB; it may run on any harts. */
static inline struct env *caller_begin(uint64_t *root, uint64_t *stlb, unsigned words)
{
    struct env *e = &env[0];

    e->ledger_pages = 1;
    e->ledger[0] = ledger[0];
    e->root = root;
    e->stlb = stlb;
    e->stlb_mask = words - 1;
    e->mask = nondet_u32();
    kernel.hart[0].bit = 1;
    activation[0].hart = &kernel.hart[0];
    activation[0].env = e;
    self = &activation[0];
    return e;
}
