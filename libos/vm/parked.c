/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of a child in an environment that was a child of ours before (proc/park.h). Most of what
 * stands there is right as it is, so what differs is put right:
 *
 *     ours                              the parked one
 *     ledger  128 ...                   128 ...            claims that differ are released, shared anew
 *     nodes   entries ------ compared ----> entries        translations of what differs are dropped
 *     pages   that children write -- copied --> its own    written ahead of the fault: we stay their owner
 *     pinned data ------------- copied ---> pinned data    but what tells of its environment (PINNED_OWN)
 *
 * Its own pages are claimed by us too, in the same slots, and appear at MIRROR; its ledger, which we
 * lent, is read there. Whoever has nodes outside the window, or other ones than when the environment
 * was made, has it made anew. All of it is pinned and masked, in one go, as fork is.
 */
#include <aegis/aegis.h>
#include <aegis/exposed.h>

#include "../proc/space.h"
#include "fork.h"
#include "reset.h"

#define HOT           40 /* pages that children write, at most */
#define MIRROR        (SPACE_WINDOW + SPACE_WINDOW_PAGES * (uintptr_t)AEGIS_PAGE_SIZE)
#define MIRROR_PAGE(n) (MIRROR + (n) * (uintptr_t)AEGIS_PAGE_SIZE)
#define MIRROR_HOT    64  /* the window's pages come first */
#define MIRROR_LEDGER 104
#define MIRROR_PAGES  (MIRROR_LEDGER + SLOT_PARKED_PAGES)
#define SLOTS         (SLOT_PARKED_PAGES * AEGIS_CLAIMS_PER_PAGE)
#define WORD(e)       (*(const uint64_t __attribute__((may_alias)) *)(e))
#define SETTLED       ((uint64_t)(PAGE_COW | PAGE_SHARED) << 16) /* of an entry's word */

_Static_assert(MIRROR_HOT + HOT <= MIRROR_LEDGER, "places of the mirror");

extern char __pinned_data[], __pinned_own[];

/* A page that the parked environment has for itself, where we have another one. */
struct hot {
    uintptr_t va;
    unsigned slot;
};

static PINNED_OWN struct {
    bool kept;
    unsigned nodes; /* pager_memory_count when it was made */
    unsigned slots; /* of its ledger */
    unsigned hot_count;
    struct hot hot[HOT];
    uint64_t below; /* pages of the stack, from its top, that the last child wrote below our stack pointer */
    uint16_t window[WINDOW_END];
} parked;
static PINNED_OWN uint64_t ours_only[SLOTS / 64]; /* slots that it shall not have */
static PINNED_OWN struct marking marking;

/* ---- places ---- */

static inline const volatile struct aegis_env_record *its_record(void)
{
    return &AEGIS_EXPOSED_STATE->env[AEGIS_WHAT_RESOURCE(slot_claim(SLOT_PARKED)->what)];
}

static inline void *mirrored(const void *pinned)
{
    return (void *)((uintptr_t)pinned - AEGIS_PINNED + MIRROR);
}

static inline const struct aegis_claim *its_claim(unsigned slot)
{
    return (const struct aegis_claim *)MIRROR_PAGE(MIRROR_LEDGER) + slot;
}

PINNED_CODE int parked_restore(uintptr_t va)
{
    unsigned n = (unsigned)((va - MIRROR) / AEGIS_PAGE_SIZE), rights = AEGIS_R | AEGIS_W, slot = 0;

    if (va - MIRROR >= MIRROR_PAGES * AEGIS_PAGE_SIZE || !parked.kept)
        return -1;
    if (n < WINDOW_END)
        slot = parked.window[n];
    else if (n - MIRROR_HOT < parked.hot_count)
        slot = parked.hot[n - MIRROR_HOT].slot;
    else if (n >= MIRROR_LEDGER) {
        slot = SLOT_PARKED_LEDGER + n - MIRROR_LEDGER;
        rights = AEGIS_R;
    }
    return slot && slot_claim(slot)->what && !page_enter(slot, va & -(uintptr_t)AEGIS_PAGE_SIZE, rights)
               ? 0
               : -1;
}

/* ---- calls that are made until they are done ---- */

PINNED_CODE static long share(unsigned slot, unsigned rights)
{
    long error;
    do {
        error = aegis_share(SLOT_PARKED, slot, 1, rights).error;
    } while (error == AEGIS_E_AGAIN || error == AEGIS_E_BUSY);
    return error;
}

PINNED_CODE static void its_release(unsigned slot)
{
    while (aegis_release(SLOT_PARKED, slot).error == AEGIS_E_AGAIN)
        ;
}

PINNED_CODE static void its_unmap(unsigned slot)
{
    if (slot < parked.slots && its_claim(slot)->where & AEGIS_MAPPED)
        while (aegis_unmap(SLOT_PARKED, slot).error == AEGIS_E_AGAIN)
            ;
}

PINNED_CODE static void our_release(unsigned slot)
{
    while (slot_claim(slot)->what && aegis_release(AEGIS_SLOT_SELF, slot).error == AEGIS_E_AGAIN)
        ;
}

/* ---- pages that children write ---- */

PINNED_CODE static struct hot *hot_find(uintptr_t va)
{
    for (struct hot *h = parked.hot; h < parked.hot + parked.hot_count; h++)
        if (h->va == va)
            return h;
    return 0;
}

PINNED_CODE void words_copy(uint64_t *to, const uint64_t *from, const uint64_t *end)
{
    for (; end - from >= 16; from += 16, to += 16) {
        uint64_t a = from[0], b = from[1], c = from[2], d = from[3], e = from[4], f = from[5], g = from[6],
                 h = from[7];
        to[0] = a, to[1] = b, to[2] = c, to[3] = d, to[4] = e, to[5] = f, to[6] = g, to[7] = h;
        a = from[8], b = from[9], c = from[10], d = from[11], e = from[12], f = from[13], g = from[14], h = from[15];
        to[8] = a, to[9] = b, to[10] = c, to[11] = d, to[12] = e, to[13] = f, to[14] = g, to[15] = h;
    }
    while (from < end)
        *to++ = *(const volatile uint64_t *)from++;
}

PINNED_CODE void words_zero(uint64_t *to, const uint64_t *end)
{
    for (uint64_t *whole = to + (end - to) / 32 * 32; to < whole; to += 32)
#pragma GCC unroll 32
        for (unsigned i = 0; i < 32; i++)
            to[i] = 0;
    while (to < end)
        *(volatile uint64_t *)to++ = 0;
}

/* Stack below the stack pointer of the thread that forks: what stands there is nobody's any more. */
PINNED_CODE static bool is_below(uintptr_t va, const struct page_entry *e, uintptr_t sp)
{
    const struct region *r = region_quick(va);

    return r && r->flags & REGION_DOWN && sp - r->start < r->end - r->start && va + AEGIS_PAGE_SIZE <= sp &&
           e->kind == PAGE_NONE;
}

/* And by the one before it, too: the first one's way may have been longer than all others'. */
PINNED_CODE static bool was_below(uintptr_t va)
{
    uint64_t bit = 1UL << ((VM_STACK_TOP - 1 - va) / AEGIS_PAGE_SIZE & 63), then = parked.below & bit;

    parked.below |= bit;
    return then;
}

PINNED_CODE static void hot_copy(const struct hot *h, const struct page_entry *ours, uintptr_t sp)
{
    uintptr_t skip = sp - h->va < AEGIS_PAGE_SIZE ? (sp - h->va) & -64UL : 0;
    uintptr_t to = MIRROR_PAGE(MIRROR_HOT + (h - parked.hot));

    if (ours->kind == PAGE_NONE)
        words_zero((uint64_t *)to, (const uint64_t *)(to + AEGIS_PAGE_SIZE));
    else
        words_copy((uint64_t *)(to + skip), (const uint64_t *)(h->va + skip),
                   (const uint64_t *)(h->va + AEGIS_PAGE_SIZE));
}

PINNED_CODE static void hot_end(struct hot *h)
{
    struct hot *last = &parked.hot[--parked.hot_count];

    our_release(h->slot);
    if (h != last) { /* the last one moves, and appears there */
        *h = *last;
        while (aegis_unmap(AEGIS_SLOT_SELF, h->slot).error == AEGIS_E_AGAIN)
            ;
    }
}

/* A copy of the page becomes its own. Null: no memory, or no place; then it is shared as others are. */
PINNED_CODE static struct hot *hot_begin(uintptr_t va, unsigned source)
{
    unsigned slot = parked.hot_count < HOT ? slot_next() : 0;
    struct aegis_result r;

    if (!slot || slot >= parked.slots)
        return 0;
    do {
        r = page_any(0, slot, source);
    } while (r.error == AEGIS_E_AGAIN);
    if (r.error)
        return 0;
    if (its_claim(slot)->what)
        its_release(slot);
    if (share(slot, PAGE_RIGHTS_GIVEN)) {
        our_release(slot);
        return 0;
    }
    parked.hot[parked.hot_count] = (struct hot){va, slot};
    return &parked.hot[parked.hot_count++];
}

/* ---- entries ---- */

PINNED_CODE static bool is_copied(const struct page_entry *e)
{
    return e->kind == PAGE_PRESENT && e->rights & AEGIS_R && !(e->rights & PAGE_SHARED) &&
           e->slot < parked.slots && !slot_order(e->slot);
}

/* It wrote such a page itself the last time, or filled it. */
PINNED_CODE static bool was_written(const struct page_entry *its)
{
    return its->kind == PAGE_PRESENT && !(its->rights & (PAGE_COW | PAGE_SHARED)) && its->slot < parked.slots &&
           !AEGIS_WHAT_ORDER(its_claim(its->slot)->what);
}

static inline void keep_back(unsigned slot)
{
    ours_only[slot / 64] |= 1UL << slot % 64;
}

PINNED_CODE static struct page_entry hot_entry(const struct page_entry *ours, const struct hot *h)
{
    if (ours->kind == PAGE_NONE)
        return (struct page_entry){(uint16_t)h->slot, AEGIS_R | AEGIS_W, PAGE_PRESENT, 0};
    keep_back(ours->slot);
    return (struct page_entry){(uint16_t)h->slot, ours->rights & (uint8_t)~PAGE_COW, PAGE_PRESENT, ours->data};
}

PINNED_CODE static void entry_renew(uintptr_t va, struct page_entry *ours, struct page_entry *its, uintptr_t sp)
{
    struct page_entry old = *its, now = *ours;
    struct hot *h = hot_find(va);
    bool below = is_below(va, ours, sp), written = was_written(its) && (!below || was_below(va));

    if (h && !((below || is_copied(ours)) && its_claim(h->slot)->check == slot_claim(h->slot)->check)) {
        hot_end(h);
        h = 0;
    } else if (h) {
        hot_copy(h, ours, sp);
    } else if (written && (below || (is_copied(ours) && ours->rights & AEGIS_W))) {
        h = hot_begin(va, below ? AEGIS_NONE : ours->slot);
    }
    if (h) {
        now = hot_entry(ours, h);
    } else if (now.kind == PAGE_PRESENT) {
        entry_mark(va, ours, &marking);
        now = *ours;
    }
    if (old.kind == PAGE_PRESENT && (old.slot != now.slot || rights_mapped(&old) != rights_mapped(&now)))
        its_unmap(old.slot);
    *its = now;
}

static inline bool is_settled(uint64_t ours, uint64_t its)
{
    return ours == its && (!ours || ours & SETTLED);
}

PINNED_CODE static void run_renew(uintptr_t va, struct page_entry *ours, size_t n, uintptr_t sp)
{
    struct page_entry *its = mirrored(ours), *end = ours + n;

    while (ours < end) {
        if (end - ours >= 8 && entries_empty(ours) && entries_empty(its)) {
            ours += 8, its += 8, va += 8 * AEGIS_PAGE_SIZE;
            continue;
        }
        struct page_entry *stop = end - ours < 8 ? end : ours + 8;
        for (; ours < stop; ours++, its++, va += AEGIS_PAGE_SIZE)
            if (!is_settled(WORD(ours), WORD(its)))
                entry_renew(va, ours, its, sp);
    }
}

PINNED_CODE static void range_renew(uintptr_t start, uintptr_t end, uintptr_t sp)
{
    for (uintptr_t va = start; va < end;) {
        size_t n, left = (end - va) / AEGIS_PAGE_SIZE;
        struct page_entry *e = pager_current->run(va, &n);
        n = n < left ? n : left;
        if (e)
            run_renew(va, e, n, sp);
        va += n * AEGIS_PAGE_SIZE;
    }
}

/* Most often they are. */
PINNED_CODE static bool regions_equal(void)
{
    const uint64_t *a = (const uint64_t *)regions, *end = a + region_count * (sizeof *regions / 8), *b = mirrored(a);

    if (*(const unsigned *)mirrored(&region_count) != region_count)
        return false;
    while (a < end && *a == *b)
        a++, b++;
    return a == end;
}

PINNED_CODE static void regions_renew(const struct region *r, unsigned count, uintptr_t sp)
{
    for (const struct region *end = r + count; r < end; r++)
        if (r->kind != REGION_ARCHIVE)
            range_renew(r->start, r->end, sp);
}

/* Entries stand in regions only: in ours, and in what it had besides. */
PINNED_CODE static void entries_renew(uintptr_t sp)
{
    marking = (struct marking){0, 0, 0};
    regions_renew(regions, region_count, sp);
    if (!regions_equal()) {
        regions_renew(mirrored(regions), *(const unsigned *)mirrored(&region_count), sp);
        words_copy(mirrored(regions), (const uint64_t *)regions, (const uint64_t *)(regions + region_count));
    }
    marking_end(&marking);
}

/* ---- claims ---- */

/* Parts of one block have one check. */
static inline bool is_same(const struct aegis_claim *a, const struct aegis_claim *b)
{
    return !((a->check ^ b->check) | (a->what ^ b->what) << 24);
}

PINNED_CODE static long claim_renew(unsigned slot, unsigned rights)
{
    bool wanted = slot_claim(slot)->what && !(ours_only[slot / 64] >> slot % 64 & 1);

    if (its_claim(slot)->what)
        its_release(slot);
    return wanted ? share(slot, rights) : 0;
}

PINNED_CODE static long claims_renew(unsigned first, unsigned end, unsigned rights)
{
    const struct aegis_claim *ours = (const struct aegis_claim *)AEGIS_LEDGER_VA + first, *its = its_claim(first),
                             *last = (const struct aegis_claim *)AEGIS_LEDGER_VA + end;
    long error = 0;

    while (ours < last && !error) {
        if (last - ours >= 4 && is_same(ours, its) && is_same(ours + 1, its + 1) && is_same(ours + 2, its + 2) &&
            is_same(ours + 3, its + 3)) {
            ours += 4, its += 4;
            continue;
        }
        if (!is_same(ours, its))
            error = claim_renew((unsigned)(ours - (const struct aegis_claim *)AEGIS_LEDGER_VA), rights);
        ours++, its++;
    }
    return error;
}

PINNED_CODE static long ledger_renew(void)
{
    unsigned its = *(const unsigned *)mirrored(&slots_top), end = slots_used() > its ? slots_used() : its;
    long error = end > parked.slots ? AEGIS_E_NO_MEMORY /* ours has become longer meanwhile */
                                    : claims_renew(SLOT_INHERITED, SLOT_OWN, SPACE_INHERITED);

    for (unsigned i = window_data(); i < window_next; i++)
        keep_back(window_slot[i]);
    for (unsigned i = WINDOW_END; i < WINDOW_PAGES && window_slot[i]; i++)
        keep_back(window_slot[i]);
    return error ? error : claims_renew(SLOT_START, end, PAGE_RIGHTS_GIVEN);
}

/* ---- all of it ---- */

/* Shared pages that nobody has touched yet would be filled twice. */
PINNED_CODE static bool are_promised(void)
{
    for (const struct region *r = regions; r < regions + region_count; r++)
        if (r->flags & REGION_SHARED && r->kind == REGION_ZERO)
            return true;
    return false;
}

#define TO_POPULATE 1

PINNED_CODE static long renew_masked(long sp, long go, long populated, long d)
{
    (void)d;
    if (!populated && are_promised())
        return TO_POPULATE;
    if (parked.nodes != pager_memory_count)
        return AEGIS_E_NO_TABLE; /* what was filled just now has nodes that it lacks */
    pages_settle();
    session_chunks_follow(MIRROR - AEGIS_PINNED); /* what each child claims is claimed once */
    for (unsigned i = 0; i < SLOTS / 64; i++)
        ours_only[i] = 0;
    entries_renew((uintptr_t)sp);
    long error = ledger_renew();
    if (error)
        return error;
    words_copy(mirrored(__pinned_data), (const uint64_t *)__pinned_data, (const uint64_t *)__pinned_own);
    *(unsigned *)mirrored((const void *)go) = PARKED_GO;
    return 0;
}

int parked_renew(uintptr_t sp, unsigned *go)
{
    long error = pager_call(renew_masked, (long)sp, (long)go, false, 0);

    if (error == TO_POPULATE)
        error = shared_populate() ? -1 : pager_call(renew_masked, (long)sp, (long)go, true, 0);
    return error ? -1 : 0;
}

/* One that has lengthened its ledger itself has pages there that we do not see. */
bool parked_fits(void)
{
    return parked.kept && parked.nodes == pager_memory_count && parked_possible() && slots_used() <= parked.slots &&
           its_record()->pages * AEGIS_CLAIMS_PER_PAGE == parked.slots;
}

/* The radix table, whose nodes lie in the window, and the list of regions in pinned data. */
bool parked_possible(void)
{
    return !meta_count && !region_pages && pager_current->run == pager_radix.run &&
           AEGIS_EXPOSED_STATE->env[env_self()].pages <= SLOT_PARKED_PAGES;
}

void parked_keep(const uint16_t *window)
{
    parked.kept = true;
    parked.nodes = pager_memory_count;
    parked.slots = its_record()->pages * AEGIS_CLAIMS_PER_PAGE;
    parked.hot_count = 0;
    parked.below = 0;
    for (unsigned i = 0; i < WINDOW_END; i++)
        parked.window[i] = i < window_data() ? 0 : window[i];
}

PINNED_CODE static long forget_masked(long a, long b, long c, long d)
{
    (void)a, (void)b, (void)c, (void)d;
    for (unsigned i = 0; i < WINDOW_END; i++)
        if (parked.window[i])
            our_release(parked.window[i]);
    for (unsigned i = 0; i < parked.hot_count; i++)
        our_release(parked.hot[i].slot);
    for (unsigned i = 0; i < SLOT_PARKED_PAGES; i++)
        our_release(SLOT_PARKED_LEDGER + i);
    our_release(SLOT_PARKED);
    parked_reset();
    return 0;
}

PINNED_CODE void parked_forget(void)
{
    if (parked.kept || slot_claim(SLOT_PARKED)->what)
        pager_call(forget_masked, 0, 0, 0, 0);
}

PINNED_CODE void parked_reset(void)
{
    parked.kept = false;
    parked.hot_count = 0;
    for (unsigned i = 0; i < WINDOW_END; i++)
        parked.window[i] = 0;
}

PINNED_CODE bool parked_has(unsigned n, unsigned *slot)
{
    if (n < WINDOW_END)
        *slot = parked.window[n];
    else if (n - WINDOW_END < parked.hot_count)
        *slot = parked.hot[n - WINDOW_END].slot;
    else
        return false;
    return true;
}
