/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual memory is the application's. The kernel holds translations as a cache, which may lose any
 * of them at any time (but those in the pinned window); the application's pager knows what lies
 * where, and a page fault asks it. An application replaces the libOS's by linking its own:
 *
 *     const struct pager *const aegis_pager = &mine;
 *
 * Addresses are below AEGIS_EXPOSED and outside the pinned window. `pages` counts pages of
 * AEGIS_PAGE_SIZE; `rights` are AEGIS_R, AEGIS_W, AEGIS_X. Functions return 0 or a positive errno,
 * where nothing else is said.
 *
 * Where they run: `fault` runs as an upcall on a pinned stack of 4 KiB, masked: it may not use the
 * C library nor wait, and should be done within the grace time (100 microseconds); what takes
 * longer is cut into steps that return 0, for the access then faults again. It and its data may
 * themselves lie in memory that is not pinned, if the default pager knows it: a fault inside
 * `fault` is resolved by pager_restore(), once. `fault` inside that ends the environment. All
 * others run in threads.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <aegis/types.h>
#include <aegis/upcall.h>

/* What a page-table structure holds for one page. */
struct page_entry {
    uint16_t slot;  /* claim that holds the page's block; meaningful if PRESENT */
    uint8_t rights; /* what accesses are allowed to */
    uint8_t kind;   /* enum page_kind */
    uint32_t data;  /* the pager's own */
};

enum page_kind {
    PAGE_NONE,
    PAGE_PRESENT, /* claimed, and mapped when it is touched */
    PAGE_PAGER,   /* from here on: the pager's own kinds (on disk, compressed, …) */
};

/* A range of addresses that may be touched, and what is there before the first touch. */
struct region {
    uintptr_t start, end;
    uint8_t rights;
    uint8_t kind; /* enum region_kind */
    uint16_t spare;
    uint32_t data;
};

enum region_kind {
    REGION_FREE,
    REGION_IMAGE, /* all pages are claimed from the start */
    REGION_ZERO,  /* zero-filled at first touch */
    REGION_GROW,  /* the same; blocks grow with the distance from `start` (the heap) */
    REGION_PAGER, /* from here on: the pager's own */
};

struct pager {
    const char *name;
    /* Once, before any other, with upcalls working but nothing populated: takes the pages that the
     * ledger says are mapped. */
    int (*init)(void);
    /*
     * A thread touched `va` with `access` (AEGIS_R, AEGIS_W or AEGIS_X) and no translation allowed
     * it. 0: try again (mapped now, or one step of several done). Else a signal number: SIGSEGV or
     * SIGBUS.
     */
    int (*fault)(uintptr_t va, unsigned access);
    /* Enters, or (kind PAGE_NONE) removes, the entry of one page; the translation is not touched.
     * ENOMEM. */
    int (*enter)(uintptr_t va, struct page_entry entry);
    /* The entry of one page. */
    struct page_entry (*find)(uintptr_t va);
    /* Makes a range touchable. EEXIST if part of it is; ENOMEM. */
    int (*map)(uintptr_t va, size_t pages, unsigned rights, unsigned region_kind);
    /* Forgets a range: translations, claims and entries go. Holes are passed over. ENOMEM. */
    int (*unmap)(uintptr_t va, size_t pages);
    /* Changes the rights of a range. ENOMEM if part of it is not mapped. */
    int (*protect)(uintptr_t va, size_t pages, unsigned rights);
    /* Calls `visit` for each PRESENT page, in order of address, until it returns non-zero, and
     * returns that. */
    int (*each)(int (*visit)(uintptr_t va, struct page_entry *entry, void *argument),
                void *argument);
};

extern const struct pager pager_radix;
extern const struct pager *const aegis_pager; /* weak: &pager_radix */

/*
 * What pagers are made of. All may be called in threads and in `fault`.
 */

/* A free ledger slot, not taken until something is claimed into it; the ledger is extended as
 * needed. 0: no memory. */
unsigned slot_find(void);
/* A cleared block claimed into a new slot, in one or more steps. 0: not yet, call again; else its
 * slot; or negative error. */
long page_get(unsigned order);
/* As page_get, but does all steps: for threads. */
long page_get_whole(unsigned order);
/* Releases a slot, all steps. */
void page_put(unsigned slot);
/* Enters the translation of the block of `slot`, va anywhere in it, and lends tables if they are
 * missing. 0, or a negative error. */
long page_map(unsigned slot, uintptr_t va, unsigned rights);
/* The claim in a slot, in place. */
static inline const volatile struct aegis_claim *slot_claim(unsigned slot)
{
    return &((const volatile struct aegis_claim *)AEGIS_LEDGER_VA)[slot];
}
/*
 * Maps again what the default pager's own bookkeeping needs in order to look at va, and va itself.
 * 0, or -1: nothing is known of it, or the access is not allowed.
 */
int pager_restore(uintptr_t va, unsigned access);
/* A page of zeros whose translation never vanishes, while the window has room; then one that
 * pager_restore brings back. Null: none. */
void *pager_memory(void);
