/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Re-keying. A new check ends every other claim at each use. What was made of those claims (translations of a page, partners of an
 * entry) goes in a walk over all environments, a ledger page or an environment a step; then every hart lets go.
 */
#include "env.h"
#include "limbo.h"
#include "map.h"
#include "pct.h"

/* Dead claims on a re-keyed block go, with their translations: one ledger page of one environment. */
static void walk_page(struct env *e, unsigned n, struct aegis_page *head)
{
    for (unsigned i = 0; i < AEGIS_CLAIMS_PER_PAGE; i++) {
        struct aegis_claim *c = &e->ledger[n][i];
        if (AEGIS_WHAT_TYPE(c->what) != AEGIS_PAGE || c->check == head->check ||
            page_head(AEGIS_WHAT_RESOURCE(c->what)) != head)
            continue;
        if (c->where & AEGIS_MAPPED)
            map_drop(e, c, n * AEGIS_CLAIMS_PER_PAGE + i);
        claim_empty(e, c);
        __atomic_fetch_sub(&head->claims, 1, __ATOMIC_RELAXED);
    }
}

/* step: environment << 9 | ledger page; value: the next. The caller's own lock is not held: it takes one at a time. */
static uint32_t walk_step(uint32_t step, uint64_t what)
{
    uint32_t index = step >> 9, n = step & 511;
    struct env *e = kernel.env[index], *gone;
    bool more = false;

    if (e) {
        lock_take(&e->lock);
        if (AEGIS_WHAT_TYPE(what) == AEGIS_ENTRY) {
            gone = kernel.env[AEGIS_WHAT_RESOURCE(what)];
            if (gone && e != gone)
                pct_forget(e, gone);
        } else if (n < e->ledger_pages && env_is_live(e)) {
            walk_page(e, n, page_head(AEGIS_WHAT_RESOURCE(what)));
            more = n + 1 < e->ledger_pages;
        }
        lock_give(&e->lock);
    }
    return more ? step + 1 : (index + 1) << 9;
}

/* The new check; AGAIN when there may be something to walk for. */
static long rekey_start(struct aegis_claim *c, unsigned type)
{
    bool alone = type != AEGIS_ENTRY; /* nothing of the others outlives the comparison at each use */

    if (type == AEGIS_PAGE) {
        struct aegis_page *head = page_head(AEGIS_WHAT_RESOURCE(c->what));
        lock_take(&kernel.page_lock);
        bool held = head->pins || AEGIS_WHAT_ORDER(c->what) != head->order; /* lent, or only a part of the block */
        if (!held)
            c->check = head->check = check_new();
        alone = head->claims == 1;
        lock_give(&kernel.page_lock);
        REFUSE_IF(held, BUSY);
    } else {
        c->check = resource_rekey(c->what);
    }
    if (alone)
        return 0;
    c->step = 0;
    c->where |= AEGIS_REKEYING;
    return AEGIS_E_AGAIN;
}

static long rekey_step(struct env *e, struct aegis_claim *c)
{
    uint32_t step = c->step, next;
    uint64_t check = c->check, what = c->what;

    env_unlock(e);
    next = walk_step(step, what);
    lock_take(&e->lock);
    /* has another hart gone on with it, or given it up? */
    REFUSE_IF(c->check != check || c->step != step || (c->where & (AEGIS_REKEYING | AEGIS_LEAVING)) != AEGIS_REKEYING,
              AGAIN);
    c->step = next;
    if (next >> 9 >= AEGIS_ENVS ||
        (AEGIS_WHAT_TYPE(what) == AEGIS_PAGE && page_head(AEGIS_WHAT_RESOURCE(what))->claims == 1)) {
        c->where = (c->where & ~(uint64_t)AEGIS_REKEYING) | AEGIS_REKEYED;
        c->step = limbo_enter(kernel.online);
    }
    return AEGIS_E_AGAIN;
}

CALL_SELF(rekey, 1, (slot))
{
    struct aegis_claim *c;

    TRY_CALL(ledger_any(e, slot, &c));
    unsigned type = AEGIS_WHAT_TYPE(c->what);
    TRY_CALL(ledger_use(e, slot, type, AEGIS_REKEY, &c));
    REFUSE_CALL_IF(c->where & AEGIS_UNMAPPING, BUSY);
    if (c->where & AEGIS_REKEYING)
        TRY_CALL(rekey_step(e, c));
    if (!(c->where & AEGIS_REKEYED))
        return (result_t){rekey_start(c, type), 0};
    REFUSE_CALL_IF(!limbo_over(kernel.online, c->step), AGAIN);
    /* who pinned it by a claim that was good is not done with it */
    REFUSE_CALL_IF(type == AEGIS_PAGE && page_head(AEGIS_WHAT_RESOURCE(c->what))->pins, AGAIN);
    c->where &= ~(uint64_t)AEGIS_REKEYED;
    c->step = 0;
    return OK_VALUE(0);
}
