/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual memory is the application's. The kernel holds translations as a cache, which may lose any
 * of them at any time (but those in the pinned window); the application's pager knows what lies
 * where, and a page fault asks it. An application replaces the libOS's by linking its own,
 *
 *     const struct pager *const aegis_pager = &mine;
 *
 * or puts it in place while it runs, pager_set(&mine): what lies where is carried over.
 *
 *     load, store, jump --> no translation --> upcall --> fault()  0: the access is made again
 *                                                            |---- PAGER_DEFER --> deferred(), in the
 *                                                            |                     thread itself
 *                                                            '---- a signal --> the thread's handler
 *
 * Two things are apart, and a pager may replace either or both:
 *   the page table   which page lies where: find, next, enter
 *   the policy       what a fault does: fault, deferred
 * What may be touched at all, and with which rights, the libOS keeps in a sorted list of regions.
 *
 * Where they run: all but `deferred` run masked, on a pinned stack of 4 KiB, one at a time also on
 * several harts. They may not use the C library nor wait, and should be done within the grace time
 * (100 microseconds); `fault` may cut what takes longer into steps that return 0, for the access
 * then faults again. Their code and data are pinned (PINNED_CODE, PINNED_DATA, PINNED_BSS), or lie in
 * memory that the pager itself knows: then a fault inside is resolved by pager_restore().
 * `deferred` runs in the thread that faulted, unmasked, and may do what a signal handler may, and wait.
 *
 * A pager that is wrong harms its own environment only: one that never maps anything spins in its own
 * slots, one that faults ends with its last words, one that loops loses its slots by force.
 *
 * `pages` counts pages of AEGIS_PAGE_SIZE; `rights` are AEGIS_R, AEGIS_W, AEGIS_X. Functions return 0
 * or a positive errno, where nothing else is said.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <aegis/exposed.h>
#include <aegis/types.h>
#include <aegis/upcall.h>

/* What a page table holds for one page. */
struct page_entry {
    uint16_t slot;  /* claim that holds the page's block; meaningful if PRESENT */
    uint8_t rights; /* what accesses are allowed to, and the marks below */
    uint8_t kind;   /* enum page_kind */
    uint32_t data;  /* the pager's own */
} __attribute__((aligned(8)));
_Static_assert(sizeof(struct page_entry) == 8, "page entry");

#define PAGE_COW    0x10 /* private, but perhaps shared with another process: copied before it is written */
#define PAGE_SHARED 0x20 /* remains shared after fork */
#define PAGE_LOCKED 0x40 /* mlock */
#define PAGE_RIGHTS AEGIS_RWX

enum page_kind {
    PAGE_NONE,    /* nothing is known but what its region says */
    PAGE_PRESENT, /* claimed, and mapped when it is touched */
    PAGE_LATER,   /* not touched yet; `rights` are other than its region's */
    PAGE_PAGER,   /* from here on: the pager's own kinds (on disk, compressed, …) */
};

/* A range of addresses that may be touched, and what is there before the first touch. */
struct region {
    uintptr_t start, end;
    void *object;    /* REGION_FILE: its node */
    uint64_t offset; /* of `start` in it, in bytes */
    uint8_t rights;
    uint8_t most;    /* rights that `protect` may give */
    uint8_t kind;    /* enum region_kind */
    uint8_t flags;   /* REGION_SHARED, REGION_LOCKED */
    uint32_t data;   /* a pager's own */
    uint64_t spare;
};

enum region_kind {
    REGION_IMAGE, /* all pages are claimed from the start */
    REGION_ZERO,  /* zero-filled at first touch */
    REGION_GROW,  /* the same; blocks grow with the distance from `start` (the heap) */
    REGION_FILE,  /* a file's contents: `deferred` fetches them */
    REGION_ARCHIVE, /* the boot archive, at VM_ARCHIVE + physical address; claims below SLOT_OWN */
    REGION_PAGER, /* from here on: a pager's own */
};

#define REGION_SHARED 1
#define REGION_LOCKED 2 /* pages are fetched when it is mapped */
#define REGION_DOWN   4 /* the stack: grows down as it is touched, to VM_STACK_SIZE */

/* A signal that `fault` and `deferred` may return: number and si_code. */
#define PAGER_SIGNAL(signal, code) ((signal) | (code) << 16)
#define PAGER_DEFER                (-1)

struct pager {
    const char *name;
    /* Once, before any other: the table is empty afterwards. ENOMEM. */
    int (*init)(void);
    /* Another pager has taken everything over: memory of its own can go. May be null. */
    void (*end)(void);
    /*
     * A thread touched `va` with `access` (AEGIS_R, AEGIS_W or AEGIS_X) and no translation allowed it.
     * 0: try again (mapped now, or one step of several done); PAGER_DEFER; or PAGER_SIGNAL.
     * page_fault() is the default.
     */
    int (*fault)(uintptr_t va, unsigned access);
    /* The same in the thread; `va` is a page's. page_deferred() is the default. */
    int (*deferred)(uintptr_t va, unsigned access);
    /* The entry of one page, to be read and changed in place; null: PAGE_NONE. */
    struct page_entry *(*find)(uintptr_t va);
    /* The first entry at or after *va, and below `end`, that is not PAGE_NONE; *va is moved to it.
     * Null: none. */
    struct page_entry *(*next)(uintptr_t *va, uintptr_t end);
    /* Entries of consecutive pages, in one array from va's on: how many. Null: *count pages (1 or
     * more) have none. May be null: then each page is looked for. */
    struct page_entry *(*run)(uintptr_t va, size_t *count);
    /* Sets an entry (kind PAGE_NONE: removes it). ENOMEM. */
    int (*enter)(uintptr_t va, struct page_entry entry);
    /* An entry of a kind of the pager's own is about to be removed by unmap. May be null. */
    void (*drop)(uintptr_t va, struct page_entry *entry);
};

extern const struct pager pager_radix;    /* a radix tree, 256 x 512 x 512; the default */
extern const struct pager pager_inverted; /* a hash table by address */
extern const struct pager *const aegis_pager; /* what is used from the start; weak: &pager_radix */

/* ---- for threads ---- */

/* The one in use. */
const struct pager *pager_now(void);
/* Another one from now on. All entries are carried over; on failure the old one stays. ENOMEM. */
int pager_set(const struct pager *pager);
/* The entry of one page. */
struct page_entry pager_find(uintptr_t va);
/* Enters, or removes, one page's entry. The translation is not touched, nor a claim. ENOMEM. */
int pager_enter(uintptr_t va, struct page_entry entry);
/* Makes a range touchable. EEXIST if part of it is; ENOMEM. */
int pager_map(uintptr_t va, size_t pages, unsigned rights, unsigned region_kind);
/* The same with everything that a region has. */
int pager_map_region(const struct region *region);
/* Forgets a range: translations, claims and entries go. Holes are passed over. ENOMEM. */
int pager_unmap(uintptr_t va, size_t pages);
/* Changes the rights of a range. ENOMEM: part of it is not mapped, or no room; EACCES: more than the
 * region may give. */
int pager_protect(uintptr_t va, size_t pages, unsigned rights);
/* The pages' contents are given up; they begin anew. */
int pager_forget(uintptr_t va, size_t pages);
/* Takes a page out of its place: the claim's slot, no longer mapped, or 0 (not PRESENT, or shared).
 * `entry` takes the place of what it was. */
unsigned pager_take(uintptr_t va, struct page_entry entry);
/* Puts the page of `slot` (claimed, mapped nowhere) in a place, if there is none. EEXIST, ENOMEM. */
int pager_put(uintptr_t va, unsigned slot, unsigned rights);
/* Calls `visit` for each PRESENT page, in order of address, until it returns non-zero, and returns
 * that. Entries are copies. */
int pager_each(int (*visit)(uintptr_t va, struct page_entry *entry, void *argument), void *argument);
/* The region that holds va. false: none. */
bool pager_region(uintptr_t va, struct region *region);
/* The first region that ends behind va. false: none. */
bool pager_region_next(uintptr_t va, struct region *region);
/* Fetches [va, va + pages), as if it were touched. SIGSEGV or SIGBUS and code as PAGER_SIGNAL. */
int pager_populate(uintptr_t va, size_t pages, unsigned access);

/* A free ledger slot, not given to others until it was claimed and freed again; the ledger is
 * extended as needed. 0: no memory. */
unsigned slot_find(void);
/* A cleared block claimed into a new slot. Its slot, or a negative error. */
long page_get_whole(unsigned order);
/* Releases a slot, all steps. */
void page_put(unsigned slot);
/* Enters the translation of the block of `slot`, va anywhere in it, and lends tables if they are
 * missing. 0, or a negative error. */
long page_map(unsigned slot, uintptr_t va, unsigned rights);

/* Was this page (of our own address space) written since it was claimed, or since aegis_map_clean()?
 * No call: the page table and the ledger are read in place. */
static inline int aegis_page_dirty(const volatile void *page);

/* ---- for pagers, masked ---- */

int page_fault(uintptr_t va, unsigned access);
/* In threads. */
int page_deferred(uintptr_t va, unsigned access);
unsigned slot_next(void);
/* A cleared block claimed into a new slot, in one or more steps. 0: not yet, call again; else its
 * slot; or a negative error. */
long page_get(unsigned order);
void page_free(unsigned slot);
long page_enter(unsigned slot, uintptr_t va, unsigned rights);
struct region *region_at(uintptr_t va);
/* A page of zeros whose translation never vanishes, while the window has room; then one that
 * pager_restore brings back. Null: none. */
void *pager_memory(void);
void pager_memory_give(void *page);

/* ---- for upcalls ---- */

int pager_fault(uintptr_t va, unsigned access);
/*
 * Maps again what the pager's own bookkeeping needs in order to look at va, and va itself. 0, or -1:
 * nothing is known of it, or the access is not allowed.
 */
int pager_restore(uintptr_t va, unsigned access);
/* Where a thread goes on (context_push) after PAGER_DEFER: `argument` is the address, or-ed with the
 * access. */
void pager_deferred(struct context *saved, long argument);
/* Runs function masked, on a pinned stack, from a thread: its result. */
long masked_call(long a, long b, long c, long d, long (*function)(long, long, long, long));

/* The claim in a slot, in place. */
static inline const volatile struct aegis_claim *slot_claim(unsigned slot)
{
    return &((const volatile struct aegis_claim *)AEGIS_LEDGER_VA)[slot];
}

/* The exposed record of the block of a slot. */
static inline const volatile struct aegis_page *slot_page(unsigned slot)
{
    return &((const volatile struct aegis_page *)AEGIS_EXPOSED_PAGES)[(uint32_t)slot_claim(slot)->what -
                                                                      AEGIS_EXPOSED_STATE->page_first];
}

/* Where the last 2 MiB that were asked for have their leaf table in the window of tables. */
struct page_dirty {
    uintptr_t region;
    uintptr_t entries; /* + va >> 9: the page's entry */
    uintptr_t slots;   /* + va >> 11: its slot */
};
extern struct page_dirty page_dirty_last;
int page_dirty_look(uintptr_t va);

static inline int aegis_page_dirty(const volatile void *page)
{
    uintptr_t va = (uintptr_t)page;

    if (__builtin_expect(va >> 21 == page_dirty_last.region, 1)) {
        uint64_t entry = *(const volatile uint64_t *)(page_dirty_last.entries + (va >> 9 & -8UL));
        if (__builtin_expect(entry & 0x80, 1))
            return 1;
    }
    return page_dirty_look(va);
}
