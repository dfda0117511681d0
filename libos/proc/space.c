/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spaces. Pages that we lend stay claimed in slots of ours: when their environment has ended they
 * are ours again, mostly still cleared, and the next one is made of them.
 */
#include "space.h"

#include <errno.h>
#include <string.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/pager.h>

#include "../session/apart.h"
#include "../vm/vm.h"
#include "again.h"

#define PAIRS        (SLOT_LENDING + 20) /* blocks of two pages stand from here on */
#define PAIRS_END    SLOT_LENDING_END
#define FIRST_LEAVES 3 /* image, stack, session */

_Static_assert(PAIRS + 8 == PAIRS_END, "eight pairs");

/* A slot to begin looking at, for single pages and for pairs. */
static unsigned cursor[2] = {SLOT_LENDING, PAIRS};

static int error_of(long error)
{
    switch (error) {
    case 0:
        return 0;
    case AEGIS_E_FULL:
        return -EAGAIN;
    default:
        return -ENOMEM;
    }
}

static long release(unsigned slot)
{
    long error;
    do {
        error = aegis_release(AEGIS_SLOT_SELF, slot).error;
    } while (error == AEGIS_E_AGAIN);
    return error;
}

static long block_alloc(unsigned slot, unsigned order, unsigned source)
{
    long error;
    do {
        error = page_any(order, slot, source).error;
    } while (error == AEGIS_E_AGAIN);
    return error;
}

static bool is_lent(uint64_t what)
{
    const struct aegis_page *records = (const struct aegis_page *)AEGIS_EXPOSED_STATE->pages_va;
    const volatile struct aegis_page *p =
        &records[AEGIS_WHAT_RESOURCE(what) - AEGIS_EXPOSED_STATE->page_first];
    return p->pins != 0;
}

/* Slots whose blocks are about to be lent together: no other may have them meanwhile. */
static uint64_t promised;

static bool is_promised(unsigned slot)
{
    return promised >> (slot - SLOT_LENDING) & 1;
}

static unsigned cursor_next(unsigned order)
{
    unsigned slot = cursor[order];

    cursor[order] = order ? (slot + 1 == PAIRS_END ? PAIRS : slot + 1)
                          : (slot + 1 == PAIRS ? SLOT_LENDING : slot + 1);
    return slot;
}

/* A block of ours that is lent to nobody, in a slot; the cursor moves on. Negative error. */
static long block_to_lend(unsigned order)
{
    unsigned slots = order ? PAIRS_END - PAIRS : PAIRS - SLOT_LENDING, slot;

    for (unsigned n = 0; n < slots; n++) {
        slot = cursor_next(order);
        uint64_t what = slot_claim(slot)->what;
        if (is_promised(slot) || (what && is_lent(what)))
            continue;
        long error = what ? 0 : block_alloc(slot, order, AEGIS_NONE);
        return error ? error : (long)slot;
    }
    /* all are: one goes to the environment that it is lent to */
    do {
        slot = cursor_next(order);
    } while (is_promised(slot));
    release(slot);
    long error = block_alloc(slot, order, AEGIS_NONE);
    return error ? error : (long)slot;
}

static long table_lend(const struct space *s, unsigned slot, unsigned kind, uintptr_t va)
{
    long error;
    do {
        error = aegis_table_lend(s->slot, slot, kind, va).error;
    } while (error == AEGIS_E_AGAIN);
    return error;
}

static long lend(const struct space *s, unsigned kind, unsigned order, uintptr_t va)
{
    long slot = block_to_lend(order);
    return slot < 0 ? slot : table_lend(s, (unsigned)slot, kind, va);
}

void space_pages_give(void)
{
    for (unsigned slot = SLOT_MAKING; slot < SLOT_LENDING_END; slot++)
        if (slot_claim(slot)->what)
            release(slot);
}

int space_leaf(struct space *s)
{
    long error = lend(s, AEGIS_TABLE_LEAF, 1, 0);
    s->leaves += !error;
    return error_of(error);
}

int space_middle(struct space *s, uintptr_t va)
{
    return error_of(lend(s, AEGIS_TABLE_MIDDLE, 0, va));
}

/* Its ledger remains in our sight. */
static long ledger_lend_kept(const struct space *s)
{
    unsigned n = s->slots / AEGIS_CLAIMS_PER_PAGE;
    long error = n < SLOT_PARKED_PAGES ? block_alloc(SLOT_PARKED_LEDGER + n, 0, AEGIS_NONE) : AEGIS_E_NO_MEMORY;
    return error ? error : table_lend(s, SLOT_PARKED_LEDGER + n, AEGIS_TABLE_LEDGER, 0);
}

static int ledger_grow(struct space *s, unsigned slots)
{
    long error = 0;

    while (s->slots < slots && !error) {
        error = s->kept ? ledger_lend_kept(s) : lend(s, AEGIS_TABLE_LEDGER, 0, 0);
        s->slots += AEGIS_CLAIMS_PER_PAGE;
    }
    return error_of(error);
}

static int environment_make(struct space *s)
{
    uint64_t lent[AEGIS_ENV_LENT];

    promised = 0;
    for (unsigned i = 0; s->kept && i < SLOT_PARKED_PAGES; i++)
        release(SLOT_PARKED_LEDGER + i);
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++) {
        long slot = s->kept && i == AEGIS_ENV_LEDGER
                        ? block_alloc(SLOT_PARKED_LEDGER, 0, AEGIS_NONE) ? -1 : SLOT_PARKED_LEDGER
                        : block_to_lend(0);
        if (slot < 0)
            return -ENOMEM;
        lent[i] = (uint64_t)slot;
        promised |= slot < SLOT_LENDING_END ? 1UL << (slot - SLOT_LENDING) : 0;
    }
    promised = 0;
    unsigned slot = s->kept ? SLOT_PARKED : s->again ? SLOT_AGAIN + s->again - 1 : SLOT_MAKING;
    release(slot);
    struct aegis_result r;
    do {
        r = aegis_env_create(AEGIS_SLOT_ENVS, (unsigned long)lent, slot);
    } while (r.error == AEGIS_E_FULL && aegis_reap(AEGIS_VECTOR).value);
    if (r.error)
        return error_of(r.error);
    s->slot = slot;
    s->index = (unsigned)r.value;
    s->slots = AEGIS_CLAIMS_PER_PAGE;
    s->identity = session_identity_of(s->index);
    return 0;
}

/* `how` says on which hart, and for what. */
static int make(struct space *s, unsigned slots, struct space how)
{
    *s = how;
    int error = environment_make(s);
    bool apart = s->apart;

    if (error)
        return error;
    error = ledger_grow(s, slots);
    if (!error)
        error = space_share(s, SLOT_INHERITED, SLOT_OWN - SLOT_INHERITED, SPACE_INHERITED);
    if (!error && !apart)
        error = space_share(s, SLOT_SESSION, 1, AEGIS_R | AEGIS_W);
    if (!error)
        error = space_middle(s, SESSION_VA);
    for (unsigned i = 0; i < FIRST_LEAVES && !error; i++)
        error = space_leaf(s);
    if (error)
        space_drop(s);
    return error;
}

int space_make(struct space *s, unsigned hart, unsigned slots, bool keep)
{
    return make(s, slots, (struct space){.hart = hart, .kept = keep});
}

int space_make_apart(struct space *s, unsigned hart, unsigned slots)
{
    return make(s, slots, (struct space){.hart = hart, .apart = true});
}

int space_make_again(struct space *s, unsigned hart, unsigned slots, unsigned again)
{
    return make(s, slots, (struct space){.hart = hart, .again = again});
}

int space_share(struct space *s, unsigned first, unsigned count, unsigned rights)
{
    int error = ledger_grow(s, first + count);

    while (count && !error) {
        unsigned n = count < AEGIS_CLAIMS_PER_PAGE ? count : AEGIS_CLAIMS_PER_PAGE;
        long result;
        do {
            result = aegis_share(s->slot, first, n, rights).error;
        } while (result == AEGIS_E_AGAIN || result == AEGIS_E_BUSY);
        error = error_of(result);
        first += n;
        count -= n;
    }
    return error;
}

int space_map(struct space *s, unsigned slot, uintptr_t va, unsigned rights)
{
    for (;;) {
        long error = aegis_map(s->slot, slot, va | rights).error;
        if (error == AEGIS_E_AGAIN || error == AEGIS_E_BUSY)
            continue;
        if (error != AEGIS_E_NO_TABLE)
            return error_of(error);
        error = va >> 30 ? lend(s, AEGIS_TABLE_MIDDLE, 0, va) : AEGIS_E_MAPPED;
        if (error == AEGIS_E_MAPPED && space_leaf(s))
            return -ENOMEM;
        if (error && error != AEGIS_E_MAPPED)
            return error_of(error);
    }
}

int space_block(unsigned slot, unsigned order)
{
    return error_of(block_alloc(slot, order, AEGIS_NONE));
}

int space_page(struct space *s, unsigned slot, unsigned source, uintptr_t va, unsigned rights)
{
    long error = block_alloc(slot, 0, source);

    if (error)
        return error_of(error);
    int result = space_share(s, slot, 1, AEGIS_RWX | AEGIS_LEND);
    if (!result)
        result = space_map(s, slot, va, rights);
    release(slot);
    return result;
}

/* ---- the window ---- */

static PINNED_DATA unsigned opened; /* the slot of what lies in the window, or 0 */

PINNED_CODE int space_fault(uintptr_t va)
{
    return opened && page_enter(opened, va, AEGIS_R | AEGIS_W) == 0 ? 0 : -1;
}

void *space_open(unsigned slot)
{
    if (page_map(slot, SPACE_WINDOW, AEGIS_R | AEGIS_W))
        return NULL;
    opened = slot;
    return (void *)SPACE_WINDOW;
}

void space_close(unsigned slot)
{
    opened = 0;
    while (aegis_unmap(AEGIS_SLOT_SELF, slot).error == AEGIS_E_AGAIN)
        ;
}

/* ---- running ---- */

/* The page may have been another one's activation: nothing of it stays. */
static void activation_fill(struct aegis_activation *a, uint64_t entry)
{
    memset(a, 0, sizeof *a);
    a->save_slot = AEGIS_NONE;
    a->up_slice_begin = entry;
    a->masked = 1;
}

int space_activate(struct space *s, uint64_t entry)
{
    long slot = block_to_lend(1), error;

    if (slot < 0)
        return -ENOMEM;
    struct aegis_activation *a = space_open((unsigned)slot);
    if (!a)
        return -ENOMEM;
    activation_fill(a, entry);
    space_close((unsigned)slot);
    do {
        error = aegis_activation_lend(s->slot, (unsigned long)slot, s->hart).error;
    } while (error == AEGIS_E_AGAIN);
    return error_of(error);
}

/*
 * It is ours for a moment: shared, lent and let go, it lives and dies with the child. One that is kept has its last slot when it lets
 * its own claim go, which says that it rests. Had we ours still when it did, it has had slots since, and may be in the midst of one:
 * nothing may be made of it.
 */
int space_run(struct space *s)
{
    unsigned slot = slot_claim(SLOT_SLICE)->what ? SLOT_SLICE_OTHER : SLOT_SLICE;

    release(slot);
    long error;
    do {
        error = aegis_alloc(AEGIS_SLOT_SLICES, s->hart << 8 | 0xff, slot).error;
        if (error == AEGIS_E_NO_RIGHT)
            error = slice_of_part(s->hart, slot).error;
    } while (error == AEGIS_E_FULL && aegis_reap(AEGIS_VECTOR).value);
    if (error)
        return error_of(error);
    int result = space_share(s, slot, 1, AEGIS_LEND);
    if (!result)
        result = error_of(aegis_slice_lend(slot, s->slot).error);
    release(slot);
    if (!result && !s->kept && !s->again)
        release(s->slot);
    else if (!result && session_identity_of(s->index) != s->identity)
        space_drop(s);
    return result;
}

void space_drop(struct space *s)
{
    if (s->slot) {
        while (aegis_env_destroy(s->slot).error == AEGIS_E_AGAIN)
            ;
        release(s->slot);
    }
    s->slot = 0;
    again_drop(s);
    if (s->kept)
        parked_forget();
}

int space_control(struct space *s, struct aegis_capability *c)
{
    unsigned rights = AEGIS_CONTROL | AEGIS_RING;

    if (!s->control.what) {
        struct aegis_result r = aegis_capability_make(s->slot, rights, 0, 0);
        if (r.error)
            return -ENOMEM;
        s->control = (struct aegis_capability){AEGIS_WHAT(AEGIS_ENV, rights, 0, s->index), r.value};
    }
    *c = s->control;
    return 0;
}

unsigned space_hart(void)
{
    const volatile struct aegis_exposed *e = AEGIS_EXPOSED_STATE;
    unsigned best = AEGIS_HARTS;

    for (unsigned h = 0; h < e->harts; h++)
        if (e->hart[h].online && slices_cover(h) && (best == AEGIS_HARTS || e->hart[h].slices < e->hart[best].slices))
            best = h;
    return best % AEGIS_HARTS;
}
