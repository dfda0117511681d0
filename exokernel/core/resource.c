/* SPDX-License-Identifier: BSD-2-Clause */
/* Allocation of everything, and re-keying: the calls that draw a check. */
#include "env.h"
#include "limbo.h"
#include "map.h"
#include "pct.h"
#include "slice.h"

#define RIGHTS_PAGE (AEGIS_RWX | AEGIS_REKEY | AEGIS_LEND)

/* Whether a root covers a block of 2^order by name. "Any" is a name of the whole root's only. */
static bool root_covers(uint64_t root, unsigned long name, unsigned long order)
{
    unsigned has = AEGIS_WHAT_ORDER(root);
    return has == AEGIS_ROOT_ORDER ||
           (name < AEGIS_ANY && order <= has && !((name ^ AEGIS_WHAT_RESOURCE(root)) >> has));
}

/* ---- pages ---- */

/* The first page of what is to be copied, or 0: nothing is. It is looked up each time, for it may go meanwhile. */
static long source_page(struct env *e, unsigned long source, unsigned long order, pfn_t *page)
{
    struct aegis_claim *s;
    struct aegis_page *head;

    *page = 0;
    if (source == AEGIS_NONE)
        return 0;
    TRY(ledger_use_page(e, source, AEGIS_R, &s, &head));
    *page = AEGIS_WHAT_RESOURCE(s->what);
    return AEGIS_WHAT_ORDER(s->what) != order || head->flags & PAGE_UNREAD ? AEGIS_E_BAD_RANGE : 0;
}

/* One page of a block is cleared or copied. */
static result_t block_step(struct aegis_claim *c, pfn_t source)
{
    pfn_t first = AEGIS_WHAT_RESOURCE(c->what);
    void *page = machine_direct(first + c->step);

    if (source)
        machine_copy(page, machine_direct(source + c->step));
    else
        machine_clear(page);
    if (++c->step < 1U << AEGIS_WHAT_ORDER(c->what))
        return (result_t){AEGIS_E_AGAIN, first};
    c->step = 0;
    c->where = 0;
    return OK_VALUE(first);
}

COLD result_t call_page_alloc_any(AEGIS_P5(root, name, order, slot, source));
CALL_SELF(page_alloc_any, 5, (root, name, order, slot, source))
{
    struct aegis_claim *c, *r;
    pfn_t from, page;
    bool clean;

    TRY_CALL(ledger_use(e, root, AEGIS_PAGE | AEGIS_ROOT, AEGIS_ALLOC, &r));
    TRY_CALL(source_page(e, source, order, &from));
    REFUSE_CALL_IF(from && name != AEGIS_ANY && page_is_device(name), BAD_RANGE);
    long error = ledger_empty(e, slot, &c);
    /* not one that leaves meanwhile: its `step` is a stamp then */
    if (error == AEGIS_E_OCCUPIED && (c->where & CLAIM_UNSETTLED) == AEGIS_CLEARING &&
        AEGIS_WHAT_ORDER(c->what) == order)
        return block_step(c, from);
    TRY_CALL(error);
    REFUSE_CALL_IF(!root_covers(r->what, name, order), NO_RIGHT);
    TRY_CALL(page_take(name, (unsigned)(order > 63 ? 63 : order), e->index, &page, &clean));
    claim_fill(e, c, AEGIS_WHAT(AEGIS_PAGE, RIGHTS_PAGE, order, page), pages[page].check);
    if (clean && !from)
        return OK_VALUE(page);
    c->where = AEGIS_CLEARING;
    return block_step(c, from);
}

/* Any one page, cleared, by a root that allows it, into an empty slot. 0: look closely, nothing was done. */
static pfn_t page_alloc_one(struct env *e, unsigned long root, unsigned long slot)
{
    uint64_t check;
    bool clean;

    if (root >= ledger_slots(e) || slot >= ledger_slots(e))
        return 0;
    struct aegis_claim *r = ledger_at(e, root), *c = ledger_at(e, slot);
    if ((r->what & AEGIS_WHAT(0xff, AEGIS_ALLOC, 0xff, 0)) !=
            AEGIS_WHAT(AEGIS_PAGE | AEGIS_ROOT, AEGIS_ALLOC, AEGIS_ROOT_ORDER, 0) ||
        r->check != kernel.root_check[AEGIS_PAGE] || r->where & CLAIM_UNSETTLED || c->what)
        return 0;
    pfn_t page = page_take_one(e->index, &check, &clean);
    if (!LIKELY(page))
        return 0;
    claim_fill(e, c, AEGIS_WHAT(AEGIS_PAGE, RIGHTS_PAGE, 0, page), check);
    if (!clean)
        machine_clear(machine_direct(page));
    return page;
}

result_t call_page_alloc(unsigned long root, unsigned long name, unsigned long order,
                         unsigned long slot, unsigned long source)
{
    if (LIKELY(name == AEGIS_ANY && order == 0 && source == AEGIS_NONE)) {
        struct env *e = env_lock_self();
        pfn_t page = page_alloc_one(e, root, slot);
        env_unlock(e);
        if (LIKELY(page))
            return OK_VALUE(page);
    }
    return call_page_alloc_any(root, name, order, slot, source);
}

result_t call_reap(unsigned long count)
{
    unsigned long done = 0;

    while (done < count && done < AEGIS_VECTOR && (env_reap() || dev_reap() || page_reap()))
        done++;
    return OK_VALUE(done);
}

/* ---- what is not a page ---- */

static long irq_take(unsigned long line, uint64_t *check)
{
    REFUSE_IF(line >= AEGIS_IRQS || !machine_irq_valid((uint32_t)line), NO_RESOURCE);
    lock_take(&kernel.table_lock);
    bool free = kernel.irq_claims[line] == 0;
    if (free) {
        kernel.irq_claims[line] = 1;
        kernel.irq_check[line] = *check = check_new();
        machine_irq_enable((uint32_t)line, true);
    }
    lock_give(&kernel.table_lock);
    return free ? 0 : AEGIS_E_NO_RESOURCE;
}

/* What a root makes: the resource is taken, or one claim more on it. `what` comes with the type. */
static long alloc_take(struct env *e, unsigned long name, uint64_t *what, uint64_t *check)
{
    unsigned type = AEGIS_WHAT_TYPE(*what), rights = AEGIS_R | AEGIS_W | AEGIS_REKEY;
    uint32_t resource = (uint32_t)name;

    switch (type) {
    case AEGIS_SLICE:
        rights = AEGIS_LEND | AEGIS_REKEY;
        TRY(slice_take(e, name, &resource, check));
        break;
    case AEGIS_IRQ:
        TRY(irq_take(name, check));
        break;
    case AEGIS_CONSOLE:
    case AEGIS_MACHINE:
        resource = 0;
        *check = kernel.single_check[type];
        break;
    case AEGIS_ENTRY:
    case AEGIS_ENV: /* one that is there: whoever gave a part of the indices away may end what lives in it */
        rights = type == AEGIS_ENV ? AEGIS_CONTROL | AEGIS_RING : AEGIS_CALL | AEGIS_SEND | AEGIS_REKEY;
        *what = AEGIS_WHAT(type, rights, 0, resource);
        if (name >= AEGIS_ENVS || !resource_check(*what, check) || !env_may_hold(e, *what) ||
            !resource_hold(*what, *check))
            return AEGIS_E_NO_RESOURCE;
        break;
    default:
        return AEGIS_E_WRONG_TYPE;
    }
    *what = AEGIS_WHAT(type, rights, 0, resource);
    return 0;
}

CALL_SELF(alloc, 3, (root, name, slot))
{
    struct aegis_claim *r, *c;
    uint64_t check, what;
    unsigned type = AEGIS_ENTRY; /* one's own, by the claim on oneself */

    TRY_CALL(ledger_any(e, root, &r));
    if (root != AEGIS_SLOT_SELF) {
        type = AEGIS_WHAT_TYPE(r->what) & ~AEGIS_ROOT;
        TRY_CALL(ledger_use(e, root, type | AEGIS_ROOT, AEGIS_ALLOC, &r));
        bool any = type == AEGIS_SLICE && (name & 0xff) == 0xff;
        REFUSE_CALL_IF(!root_covers(r->what, name, any ? 8 : 0), NO_RIGHT);
    }
    TRY_CALL(ledger_empty(e, slot, &c));
    what = AEGIS_WHAT(type, 0, 0, 0);
    TRY_CALL(alloc_take(e, root == AEGIS_SLOT_SELF ? e->index : name, &what, &check));
    claim_fill(e, c, what, check);
    return OK_VALUE(AEGIS_WHAT_RESOURCE(what));
}

/*
 * ---- rekey ----
 *
 * A new check ends every other claim at each use. What was made of those claims (translations of a page, partners of an
 * entry) goes in a walk over all environments, a ledger page or an environment a step; then every hart lets go.
 */

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
        /* lent, or only a part of the block */
        REFUSE_IF(head->pins || AEGIS_WHAT_ORDER(c->what) != head->order, BUSY);
        lock_take(&kernel.page_lock);
        c->check = head->check = check_new();
        alone = head->claims == 1;
        lock_give(&kernel.page_lock);
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
    c->where &= ~(uint64_t)AEGIS_REKEYED;
    c->step = 0;
    return OK_VALUE(0);
}
