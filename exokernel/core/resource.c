/* SPDX-License-Identifier: BSD-2-Clause */
/* Allocation of everything. */
#include "env.h"
#include "map.h"
#include "slice.h"

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
    return AEGIS_WHAT_ORDER(s->what) != order || head->flags & PAGE_UNREAD ? REFUSED(BAD_RANGE) : 0;
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

/* Any one page that is at hand, by a claim on the whole root. 0: look closely. */
static inline pfn_t page_quick(struct env *e, unsigned long root, uint64_t *check, bool *clean)
{
    if (root >= ledger_slots(e))
        return 0;
    const struct aegis_claim *r = ledger_at(e, root);
    if ((r->what & AEGIS_WHAT(0xff, AEGIS_ALLOC, 0xff, 0)) !=
            AEGIS_WHAT(AEGIS_PAGE | AEGIS_ROOT, AEGIS_ALLOC, AEGIS_ROOT_ORDER, 0) ||
        r->check != kernel.root_check[AEGIS_PAGE] || r->where & CLAIM_UNSETTLED)
        return 0;
    return page_take_one(e->index, check, clean);
}

long page_by_root(struct env *e, unsigned long root, unsigned long name, unsigned long order, pfn_t from,
                  pfn_t *page, bool *clean)
{
    struct aegis_claim *r;
    uint64_t check;

    if (name == AEGIS_ANY && !order && (*page = page_quick(e, root, &check, clean)))
        return 0;
    TRY(ledger_use(e, root, AEGIS_PAGE | AEGIS_ROOT, AEGIS_ALLOC, &r));
    REFUSE_IF(!root_covers(r->what, name, order), NO_RIGHT);
    REFUSE_IF(from && name != AEGIS_ANY && page_is_device(name), BAD_RANGE);
    return page_take(name, (unsigned)(order > 63 ? 63 : order), e->index, page, clean);
}

COLD result_t call_page_alloc_any(AEGIS_P5(root, name, order, slot, source));
CALL_SELF(page_alloc_any, 5, (root, name, order, slot, source))
{
    struct aegis_claim *c;
    pfn_t from, page;
    bool clean;

    TRY_CALL(source_page(e, source, order, &from));
    long error = ledger_empty(e, slot, &c);
    /* not one that leaves meanwhile: its `step` is a stamp then */
    if (error == AEGIS_E_OCCUPIED && (c->where & CLAIM_UNSETTLED) == AEGIS_CLEARING &&
        AEGIS_WHAT_ORDER(c->what) == order)
        return block_step(c, from);
    TRY_CALL(error);
    TRY_CALL(page_by_root(e, root, name, order, from, &page, &clean));
    claim_fill(e, c, AEGIS_WHAT(AEGIS_PAGE, PAGE_RIGHTS, order, page), pages[page].check);
    if (clean && !from)
        return OK_VALUE(page);
    c->where = AEGIS_CLEARING;
    return block_step(c, from);
}

/* Any one page, cleared, into an empty slot. 0: look closely, nothing was done. */
static pfn_t page_alloc_one(struct env *e, unsigned long root, unsigned long slot)
{
    uint64_t check;
    bool clean;

    if (slot >= ledger_slots(e) || ledger_at(e, slot)->what)
        return 0;
    pfn_t page = page_quick(e, root, &check, &clean);
    if (!LIKELY(page))
        return 0;
    claim_fill(e, ledger_at(e, slot), AEGIS_WHAT(AEGIS_PAGE, PAGE_RIGHTS, 0, page), check);
    if (!clean)
        machine_clear(machine_direct(page));
    return page;
}

/* With nothing free: a dead one's pages may be what is wanted, whoever began with its end. */
static COLD result_t page_alloc_last(AEGIS_P5(root, name, order, slot, source))
{
    result_t r = call_page_alloc_any(root, name, order, slot, source);

    if (r.error == AEGIS_E_NO_MEMORY && env_reap())
        r.error = AEGIS_E_AGAIN;
    return r;
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
    return page_alloc_last(root, name, order, slot, source);
}

#define LONG_STEP 8 /* as many pages cleared: a step of what is not one */

result_t call_reap(unsigned long count)
{
    unsigned long done = 0, spent = 0;

    for (; done < count && spent < AEGIS_VECTOR; done++) {
        bool is_long = env_reap() || dev_reap();
        if (!is_long && !page_reap())
            break;
        spent += is_long ? LONG_STEP : 1;
    }
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
    return free ? 0 : REFUSED(NO_RESOURCE);
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
            return REFUSED(NO_RESOURCE);
        break;
    default:
        return REFUSED(WRONG_TYPE);
    }
    *what = AEGIS_WHAT(type, rights, 0, resource);
    return 0;
}

COLD result_t call_alloc(AEGIS_P3(root, name, slot));
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
