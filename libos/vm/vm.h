/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of vm/ know of each other. */
#pragma once

#include <aegis/aegis.h>
#include <aegis/pager.h>

#include "addresses.h"

#define SPARE_PAGES 32 /* that promises leave: tables, ledger pages */

unsigned env_self(void);

/* ---- masked ---- */

/*
 * All of vm/'s structures are touched masked, which is what keeps others out: a process runs on one
 * hart at a time. From a thread by masked_call(); who is on a pinned stack is masked already.
 */
static inline long pager_call(long (*function)(long, long, long, long), long a, long b, long c,
                              long d)
{
    uintptr_t sp;
    __asm__("mv %0, sp" : "=r"(sp));
    if (__builtin_expect(sp - AEGIS_PINNED - 1 < AEGIS_PINNED_SIZE, 0))
        return function(a, b, c, d);
    return masked_call(a, b, c, d, function);
}

/* A copy of the one in use: what masked code looks at is pinned. */
extern struct pager pager_in_use;
#define pager_current (&pager_in_use)

/* The first free slot at or behind `from`, not taken: for a plan of several. 0: no memory. */
unsigned slot_after(unsigned from);

/* A copy of the block of `source`, claimed into a new slot. Negative error. */
long page_copy(unsigned order, unsigned source);

/* Any block; a root of a part knows no "any" (session/apart.c). */
struct aegis_result page_of_part(unsigned order, unsigned slot, unsigned source);
static inline __attribute__((always_inline)) struct aegis_result page_any(unsigned order, unsigned slot, unsigned source)
{
    struct aegis_result r = aegis_page_alloc(AEGIS_SLOT_PAGES, AEGIS_ANY, order, slot, source);
    return __builtin_expect(r.error == AEGIS_E_NO_RIGHT, 0) ? page_of_part(order, slot, source) : r;
}
/* Pages that are free for us: the machine's, or our part's. */
uint64_t pages_free(void);

/* slot.c */
unsigned slots_used(void);      /* all slots of pages lie below */
void slot_adopt(unsigned slot); /* what a creator gave */
void pages_settle(void);        /* nothing is half cleared any more */
/* table.c: in a child, which was lent so many leaf tables, and uses none yet. */
void tables_reset(unsigned leaves);
/* Whether it has asked for few. */
bool tables_few(void);

/* memory.c: pages for the pager itself, which lie in the window or behind VM_META. */
#define WINDOW_FIRST AEGIS_PINNED_FREE
#define WINDOW_END   40 /* from here on: threads */
#define WINDOW_PAGES 63
extern unsigned window_next; /* what the pager has not used of it */
extern uint16_t window_slot[WINDOW_PAGES];      /* by page of the pinned window */
extern uint16_t meta_slot[VM_META_PAGES];     /* by page from VM_META on; 0: none */
extern unsigned meta_count;
extern uint16_t region_slot[VM_REGION_PAGES]; /* by page from VM_REGIONS on */
extern unsigned region_pages;
void memory_adopt(uintptr_t va, unsigned slot);
void memory_boot(void);
int memory_restore(uintptr_t va); /* -1: va is not the pager's own */
void memory_restore_all(void);
int memory_regions_grow(void); /* one more page at VM_REGIONS. ENOMEM */

extern unsigned pager_memory_count; /* how often nodes were given out or came back */
/* parked.c: a page of the environment that is kept for our next child. -1: va is none. */
int parked_restore(uintptr_t va);

/* regions.c: the sorted list. */
extern struct region *regions;
extern unsigned region_count, region_last; /* region_last: the one found last */
unsigned region_search(uintptr_t va); /* number of the first that ends behind va */
int region_room(unsigned more);       /* ENOMEM */
void region_insert(const struct region *r); /* there is room, and nothing in the way */
void region_insert_at(const struct region *r, unsigned at); /* region_search(r->start) */
int region_cut(uintptr_t start, uintptr_t end);
/* A region border at va, if va lies in one. ENOMEM. */
int region_split(uintptr_t va);

/* region_at, where it is often the same. */
static inline __attribute__((always_inline)) struct region *region_quick(uintptr_t va)
{
    struct region *r = &regions[region_last];
    return __builtin_expect(va - r->start < r->end - r->start, 1) ? r : region_at(va);
}

/* space.c */
int space_unmap(uintptr_t start, uintptr_t end);
long space_protect(long start, long end, long rights, long unused);
int space_forget(uintptr_t start, uintptr_t end);
int rights_set(uintptr_t va, size_t pages, unsigned rights);

static inline unsigned rights_mapped(const struct page_entry *e)
{
    return e->rights & PAGE_COW ? e->rights & (AEGIS_R | AEGIS_X) : e->rights & PAGE_RIGHTS;
}

static inline unsigned slot_order(unsigned slot)
{
    return AEGIS_WHAT_ORDER(slot_claim(slot)->what);
}

/* Eight of them, at a glance. */
static inline __attribute__((always_inline)) bool entries_empty(const struct page_entry *e)
{
    const uint64_t __attribute__((may_alias)) *w = (const void *)e;
    return !(w[0] | w[1] | w[2] | w[3] | w[4] | w[5] | w[6] | w[7]);
}

/* Visits all entries, region by region; to be inlined with its visitor. Until non-zero. */
static inline __attribute__((always_inline)) int entries_visit(
    const struct pager *p, int (*visit)(uintptr_t va, struct page_entry *e, void *argument),
    void *argument)
{
    for (const struct region *r = regions; r != regions + region_count; r++) {
        size_t n = 1;
        if (r->kind == REGION_ARCHIVE)
            continue;
        for (uintptr_t va = r->start; va < r->end; va += n * AEGIS_PAGE_SIZE) {
            struct page_entry *e = p->run ? p->run(va, &n) : p->find(va);
            size_t left = (r->end - va) / AEGIS_PAGE_SIZE;
            n = n < left ? n : left;
            uintptr_t page = va;
            for (struct page_entry *at = e, *end = e + n; e && at < end;) {
                struct page_entry *stop = end - at < 8 ? end : at + 8;
                if (end - at >= 8 && entries_empty(at)) {
                    at = stop;
                    page += 8 * AEGIS_PAGE_SIZE;
                }
                for (; at < stop; at++, page += AEGIS_PAGE_SIZE) {
                    int result = at->kind ? visit(page, at, argument) : 0;
                    if (result)
                        return result;
                }
            }
        }
    }
    return 0;
}

/* ---- for threads ---- */

/* The heap. */
void heap_boot(void);
/* On a pinned stack, before any thread runs: the pager and what the creator mapped. */
int pager_boot(void);
