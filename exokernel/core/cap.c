/* SPDX-License-Identifier: BSD-2-Clause */
#include "cap.h"

#include "env.h"
#include "ledger.h"
#include "slice.h"

static bool slice_name(uint32_t r)
{
    return (r >> 8) < AEGIS_HARTS && (r & 0xff) < AEGIS_SLICES;
}

static bool root_check(unsigned type, uint64_t *check)
{
    if (type >= AEGIS_TYPES)
        return false;
    *check = kernel.root_check[type];
    return true;
}

bool resource_check(uint64_t what, uint64_t *check)
{
    uint32_t r = AEGIS_WHAT_RESOURCE(what);
    unsigned type = AEGIS_WHAT_TYPE(what);
    struct aegis_page *p;

    if (type & AEGIS_ROOT)
        return r == 0 && root_check(type & ~AEGIS_ROOT, check);
    switch (type) {
    case AEGIS_PAGE:
        p = page_valid(r) ? page_head(r) : NULL;
        return p && (*check = p->check, true);
    case AEGIS_SLICE:
        return slice_name(r) && (*check = exposed.slice[r >> 8][r & 0xff].check, true);
    case AEGIS_ENV:
        return r < AEGIS_ENVS && (*check = exposed.env[r].check, true);
    case AEGIS_ENTRY:
        return r < AEGIS_ENVS && (*check = kernel.entry_check[r], true);
    case AEGIS_IRQ:
        return r < AEGIS_IRQS && (*check = kernel.irq_check[r], true);
    case AEGIS_CONSOLE:
    case AEGIS_MACHINE:
        return r == 0 && (*check = kernel.single_check[type], true);
    }
    return false;
}

static bool hold_page(uint32_t page, uint64_t check)
{
    lock_take(&kernel.page_lock);
    struct aegis_page *p = page_head(page);
    bool ok = p && p->check == check && p->claims;
    if (ok)
        __atomic_fetch_add(&p->claims, 1, __ATOMIC_RELAXED);
    lock_give(&kernel.page_lock);
    return ok;
}

static bool hold_counted(struct lock *lock, const uint64_t *now, uint64_t check, uint32_t *count)
{
    lock_take(lock);
    bool ok = *now == check && check != 0;
    if (ok)
        ++*count;
    lock_give(lock);
    return ok;
}

bool resource_hold(uint64_t what, uint64_t check)
{
    uint32_t r = AEGIS_WHAT_RESOURCE(what);
    uint64_t now;

    switch (AEGIS_WHAT_TYPE(what)) {
    case AEGIS_PAGE:
        return hold_page(r, check);
    case AEGIS_SLICE:
        return hold_counted(&kernel.slice_lock, &exposed.slice[r >> 8][r & 0xff].check, check,
                            &kernel.slice_claims[r >> 8][r & 0xff]);
    case AEGIS_ENV:
        return hold_counted(&kernel.env_lock, &exposed.env[r].check, check,
                            &exposed.env[r].claims);
    case AEGIS_ENTRY:
        return hold_counted(&kernel.env_lock, &kernel.entry_check[r], check,
                            &exposed.env[r].entries);
    case AEGIS_IRQ:
        return hold_counted(&kernel.page_lock, &kernel.irq_check[r], check, &kernel.irq_claims[r]);
    }
    return resource_check(what, &now) && now == check;
}

static void drop_irq(uint32_t line)
{
    lock_take(&kernel.page_lock);
    if (--kernel.irq_claims[line] == 0) {
        kernel.irq_check[line] = 0;
        machine_irq_enable(line, false);
    }
    lock_give(&kernel.page_lock);
}

static void drop_entry(uint32_t index)
{
    lock_take(&kernel.env_lock);
    exposed.env[index].entries--;
    lock_give(&kernel.env_lock);
}

void resource_drop(uint64_t what)
{
    uint32_t r = AEGIS_WHAT_RESOURCE(what);

    switch (AEGIS_WHAT_TYPE(what)) {
    case AEGIS_PAGE:
        page_drop_claim(page_head(r));
        break;
    case AEGIS_SLICE:
        slice_drop(r >> 8, r & 0xff);
        break;
    case AEGIS_ENV:
        env_drop(r);
        break;
    case AEGIS_ENTRY:
        drop_entry(r);
        break;
    case AEGIS_IRQ:
        drop_irq(r);
        break;
    }
}

/* ---- calls ---- */

result_t call_claim(unsigned long what, unsigned long mac, unsigned long slot)
{
    uint64_t check = 0;
    struct aegis_claim *c;
    struct env *e = env_lock_self();
    long error = ledger_empty(e, slot, &c);

    if (!error) {
        /* the same steps whether or not there is such a resource */
        bool real = resource_check(what, &check);
        bool same = siphash(kernel.key, what, check) == mac;
        if (!(real & same) || !env_may_hold(e, what) || !resource_hold(what, check))
            error = AEGIS_E_BAD_CAPABILITY;
    }
    if (!error)
        claim_fill(e, c, what, check);
    env_unlock(e);
    return (result_t){error, 0};
}

static long capability_check(const struct aegis_claim *c, unsigned long slot, unsigned long rights,
                             unsigned long first, unsigned long order)
{
    unsigned type = AEGIS_WHAT_TYPE(c->what);

    if (rights & ~(unsigned long)AEGIS_WHAT_RIGHTS(c->what))
        return AEGIS_E_NO_RIGHT;
    /* nobody passes on control of itself: so nobody controls its controller */
    if (slot == AEGIS_SLOT_SELF && (rights & AEGIS_CONTROL))
        return AEGIS_E_NO_RIGHT;
    if (type != AEGIS_PAGE)
        return first || order ? AEGIS_E_BAD_RANGE : 0;
    if (order > AEGIS_WHAT_ORDER(c->what) || first >> AEGIS_WHAT_ORDER(c->what) ||
        (first & ((1UL << order) - 1)))
        return AEGIS_E_BAD_RANGE;
    return 0;
}

result_t call_capability_make(unsigned long slot, unsigned long rights, unsigned long first,
                              unsigned long order)
{
    struct aegis_claim *c;
    struct env *e = env_lock_self();
    unsigned long mac = 0;
    long error = ledger_any(e, slot, &c);

    if (!error)
        error = ledger_use(e, slot, AEGIS_WHAT_TYPE(c->what), 0, &c);
    if (!error)
        error = capability_check(c, slot, rights, first, order);
    if (!error)
        mac = siphash(kernel.key,
                      AEGIS_WHAT(AEGIS_WHAT_TYPE(c->what), rights, order,
                                 AEGIS_WHAT_RESOURCE(c->what) + first),
                      c->check);
    env_unlock(e);
    return (result_t){error, mac};
}
