/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical pages: blocks of 2^order, by name or any (DESIGN: allocation by physical name).
 * Free blocks stand on exposed lists by order, cleared ones apart from those to clear. Cleared buddies merge when
 * they come together; the others do so when they have been cleared, by `page_reap`.
 */
#pragma once

#include "kernel.h"

/* What the kernel does not read for anybody: its own halves, and registers. */
#define PAGE_UNREAD (AEGIS_PAGE_IS_PRIVATE | AEGIS_PAGE_IS_DEVICE)

/* Of the claim that comes with a new block. */
#define PAGE_RIGHTS (AEGIS_RWX | AEGIS_REKEY | AEGIS_LEND)

/* At boot, one hart. Records start as AEGIS_PAGE_NONE. */
void page_boot(pfn_t first, uint64_t count, struct aegis_page *records);
void page_boot_free(pfn_t first, uint64_t count);
/* Of the largest block that may begin at `first` and has at most `count` pages. */
unsigned page_order_at(pfn_t first, uint64_t count);

/* The record that speaks for a page: its block's first. Null for what is not allocated. */
struct aegis_page *page_head_search(pfn_t page);

static inline struct aegis_page *page_head(pfn_t page)
{
    struct aegis_page *p = &pages[page];
    return p->state == AEGIS_PAGE_USED ? p : page_head_search(page);
}

/* The same if its block is still what it was when a claim on it was given this check; else null. */
static inline struct aegis_page *page_live(pfn_t page, uint64_t check)
{
    struct aegis_page *p = &pages[page];
    if (__builtin_expect(p->check == check, 1)) /* a check that is not 0 stands in used blocks' first records only */
        return p;
    p = page_head_search(page);
    return p && p->check == check ? p : NULL;
}

static inline bool page_valid(pfn_t page)
{
    return page - exposed.page_first < exposed.page_count;
}

/* A page of registers that applications may have: it has a record, but is no memory. */
bool page_is_device(unsigned long page);

/* Takes a free block for `owner`, claimed once. Error: AGAIN, NO_MEMORY, NO_RESOURCE, BAD_RANGE. */
long page_take(unsigned long name, unsigned order, uint32_t owner, pfn_t *page, bool *clean);

/* The same for any one page, in fewer steps. 0: none is at hand. */
pfn_t page_take_one(uint32_t owner, uint64_t *check, bool *clean);

/* One claim less; with neither claim nor pin the block is free. */
void page_drop_claim(struct aegis_page *head);
/* A lent block goes back: its pin and its marks go; `clean` as AEGIS_PAGE_IS_CLEAN says. */
void page_return(struct aegis_page *head, bool clean);
/* Somebody is about to be able to write it. */
void page_soil(struct aegis_page *head);

/* Clears one page of a free block. False: there is none to clear. */
bool page_reap(void);
/* The same by an idle hart, if more are to be kept cleared; one hart at a time, for the others would only wait for each other. */
bool page_reap_ahead(void);

/* Clears the kernel's own, whole words. */
void wipe(void *from, size_t size);

/* Never the same value twice. */
uint64_t check_new(void);
