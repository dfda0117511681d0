/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of a child: claims are shared into the same slots, so that the pager's entries hold for
 * both; what is private becomes copy-on-write on both sides; what masked code needs (pinned data, the
 * pager's own pages) is copied now.
 *
 *     our ledger    128 ... | pinned data | nodes | ... pages ...   --share-->   the same slots there
 *                               |            |
 *                             copied, in new slots, which the child notes in its own arrays (patches)
 *
 * All of it happens masked, in one go: no fault of ours changes an entry between the sharing of its
 * claim and the copying of the node that names it.
 */
#include <errno.h>

#include <aegis/aegis.h>

#include "../proc/space.h"
#include "fork.h"

#define OWN_MAX     240 /* slots that the child does not share */
#define FORK_LEAVES 3   /* that its maker lent it (space_make) */

static PINNED_KEPT uint16_t own[OWN_MAX]; /* ascending */
static PINNED_OWN unsigned own_count;
/* Where the child finds its copies: by page of the window, of VM_META, of VM_REGIONS. */
static PINNED_KEPT uint16_t window_copy[WINDOW_END], meta_copy[VM_META_PAGES],
    region_copy[VM_REGION_PAGES];

/* ---- sharing claims ---- */

PINNED_CODE static void own_add(unsigned slot)
{
    unsigned i = own_count;

    if (!slot || own_count == OWN_MAX)
        return; /* one too many is shared, and kept for nothing until the child ends */
    for (; i && own[i - 1] > slot; i--)
        own[i] = own[i - 1];
    own[i] = (uint16_t)slot;
    own_count++;
}

PINNED_CODE static void own_find(void)
{
    own_count = 0;
    for (unsigned i = window_data(); i < WINDOW_PAGES; i++)
        own_add(window_slot[i]);
    for (unsigned i = 0; i < meta_count; i++)
        own_add(meta_slot[i]);
    for (unsigned i = 0; i < region_pages; i++)
        own_add(region_slot[i]);
    for (unsigned i = 0, slot; parked_has(i, &slot); i++)
        own_add(slot);
}

PINNED_CODE static long run_share(unsigned env, unsigned first, unsigned end)
{
    long error = 0;

    while (first < end && !error) {
        unsigned n = end - first < AEGIS_CLAIMS_PER_PAGE ? end - first : AEGIS_CLAIMS_PER_PAGE;
        do {
            error = aegis_share(env, first, n, PAGE_RIGHTS_GIVEN).error;
        } while (error == AEGIS_E_AGAIN);
        first += n;
    }
    return error;
}

PINNED_CODE static long claims_share(unsigned env)
{
    unsigned end = slots_used(), first = SLOT_START;
    long error = 0;

    for (unsigned i = 0; i < own_count && !error; i++) {
        error = run_share(env, first, own[i]);
        first = own[i] + 1U;
    }
    return error ? error : run_share(env, first, end);
}

/* ---- copy on write ---- */

PINNED_CODE static void run_protect(uintptr_t start, uintptr_t end, unsigned rights)
{
    if (start < end)
        rights_set(start, (end - start) / AEGIS_PAGE_SIZE, rights);
}

/* Superpages have one right for all: their translations go, and come back with less. */
PINNED_CODE static int is_large(unsigned slot)
{
    if (slot_order(slot) < 9)
        return 0;
    if (slot_claim(slot)->where & AEGIS_MAPPED)
        while (aegis_unmap(AEGIS_SLOT_SELF, slot).error == AEGIS_E_AGAIN)
            ;
    return 1;
}

static inline __attribute__((always_inline)) int mark(uintptr_t va, struct page_entry *e, void *run)
{
    struct marking *m = run;

    if (e->kind != PAGE_PRESENT || e->rights & (PAGE_SHARED | PAGE_COW))
        return 0;
    e->rights |= PAGE_COW;
    if (!(e->rights & AEGIS_W) || is_large(e->slot))
        return 0;
    if (va != m->end || m->rights != rights_mapped(e)) {
        run_protect(m->start, m->end, m->rights);
        m->start = va;
        m->rights = rights_mapped(e);
    }
    m->end = va + AEGIS_PAGE_SIZE;
    return 0;
}

PINNED_CODE void entry_mark(uintptr_t va, struct page_entry *e, struct marking *m)
{
    mark(va, e, m);
}

PINNED_CODE void marking_end(const struct marking *m)
{
    run_protect(m->start, m->end, m->rights);
}

PINNED_CODE static void private_mark(void)
{
    struct marking m = {0, 0, 0};

    entries_visit(pager_current, mark, &m);
    marking_end(&m);
}

/* ---- copies ---- */

/* A copy of a page of ours, made in a free slot, becomes the child's alone, or remains ours too. */
PINNED_CODE static long copy_give(unsigned env, unsigned source, unsigned slot, bool keep)
{
    struct aegis_result r;

    do {
        r = page_any(0, slot, source);
    } while (r.error == AEGIS_E_AGAIN);
    if (r.error)
        return r.error;
    r = aegis_share(env, slot, 1, PAGE_RIGHTS_GIVEN);
    while ((!keep || r.error) && aegis_release(AEGIS_SLOT_SELF, slot).error == AEGIS_E_AGAIN)
        ;
    return r.error;
}

/* Translations of the window never vanish, so they are all made now. */
PINNED_CODE static long window_give(unsigned env, bool keep)
{
    unsigned data = window_data();
    long error = 0;

    for (unsigned i = WINDOW_FIRST; i < WINDOW_END && !error; i++) {
        unsigned rights = i < data ? AEGIS_R | AEGIS_X : AEGIS_R | AEGIS_W;
        uintptr_t va = AEGIS_PINNED + i * (uintptr_t)AEGIS_PAGE_SIZE;
        if (!window_slot[i])
            continue;
        if (i >= data)
            error = copy_give(env, window_slot[i], window_copy[i], keep);
        if (!error)
            error = aegis_map(env, window_copy[i], va | rights).error;
    }
    return error;
}

/* Pages behind the window: the child maps them when it needs them. */
PINNED_CODE static long nodes_give(unsigned env, const uint16_t *slots, const uint16_t *copies,
                                   unsigned count)
{
    long error = 0;

    for (unsigned i = 0; i < count && !error; i++)
        error = copy_give(env, slots[i], copies[i], false);
    return error;
}

/* Where the copies will stand; so that what is copied says so already. */
PINNED_CODE static long plan_masked(long a, long b, long c, long d)
{
    unsigned data = window_data(), slot = 0;

    (void)a, (void)b, (void)c, (void)d;
    for (unsigned i = WINDOW_FIRST; i < WINDOW_END; i++)
        if (window_slot[i] && !(window_copy[i] = i < data ? window_slot[i] : (uint16_t)(slot = slot_after(slot + 1))))
            return -1;
    for (unsigned i = 0; i < meta_count; i++)
        if (!(meta_copy[i] = (uint16_t)(slot = slot_after(slot + 1))))
            return -1;
    for (unsigned i = 0; i < region_pages; i++)
        if (!(region_copy[i] = (uint16_t)(slot = slot_after(slot + 1))))
            return -1;
    return 0;
}

PINNED_CODE static long fork_masked(long env, long keep, long c, long d)
{
    pages_settle();
    own_find();
    long error = plan_masked(0, 0, c, d);
    if (!error)
        error = claims_share((unsigned)env);
    if (error)
        return error;
    private_mark();
    error = nodes_give((unsigned)env, meta_slot, meta_copy, meta_count);
    if (!error)
        error = nodes_give((unsigned)env, region_slot, region_copy, region_pages);
    if (!error)
        error = window_give((unsigned)env, keep);
    if (keep) /* also what is there of it when something failed: it will be forgotten */
        parked_keep(window_copy);
    return error;
}

/* Shared pages that nobody has touched yet would be filled twice. */
int shared_populate(void)
{
    struct region r;

    for (uintptr_t va = 0; pager_region_next(va, &r); va = r.end)
        if (r.flags & REGION_SHARED && r.kind == REGION_ZERO &&
            pager_populate(r.start, (r.end - r.start) / AEGIS_PAGE_SIZE, 0))
            return -ENOMEM;
    return 0;
}

int space_fork(struct space *child)
{
    int error = shared_populate();

    /* a first plan makes the ledger as long as it has to be, and then the child's */
    if (error || pager_call(plan_masked, 0, 0, 0, 0) ||
        space_share(child, AEGIS_EXPOSED_STATE->env[env_self()].pages * AEGIS_CLAIMS_PER_PAGE, 0, 0))
        return -ENOMEM;
    return pager_call(fork_masked, (long)child->slot, child->kept, 0, 0) ? -ENOMEM : 0;
}

PINNED_CODE void space_forked(void)
{
    tables_reset(FORK_LEAVES);
    parked_reset();
    for (unsigned i = 0; i < WINDOW_PAGES; i++)
        window_slot[i] = i < WINDOW_END ? window_copy[i] : 0;
    for (unsigned i = 0; i < meta_count; i++)
        meta_slot[i] = meta_copy[i];
    for (unsigned i = 0; i < region_pages; i++)
        region_slot[i] = region_copy[i];
}
