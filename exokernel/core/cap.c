/* SPDX-License-Identifier: BSD-2-Clause */
#include "cap.h"

#include "env.h"
#include "ledger.h"
#include "siphash.h"
#include "slice.h"

/* Where the check and the number of claims stand; null: there is no such thing. Not for pages. */
static uint64_t *check_at(uint64_t what, uint32_t **count)
{
    static uint32_t uncounted;
    uint32_t r = AEGIS_WHAT_RESOURCE(what), low = r & 0xff, high = r >> 8;
    unsigned type = AEGIS_WHAT_TYPE(what);

    *count = &uncounted;
    switch (type) {
    case AEGIS_SLICE:
        if (high >= AEGIS_HARTS || low >= AEGIS_SLICES)
            return NULL;
        *count = &kernel.slice_claims[high][low];
        return &exposed.slice[high][low].check;
    case AEGIS_ENV:
    case AEGIS_ENTRY:
        if (r >= AEGIS_ENVS)
            return NULL;
        *count = type == AEGIS_ENV ? &exposed.env[r].claims : &exposed.env[r].entries;
        return type == AEGIS_ENV ? &exposed.env[r].check : &kernel.entry_check[r];
    case AEGIS_IRQ:
        *count = &kernel.irq_claims[r % AEGIS_IRQS];
        return r < AEGIS_IRQS ? &kernel.irq_check[r] : NULL;
    case AEGIS_FILTER:
        *count = &kernel.filter_claims[r % AEGIS_FILTERS];
        return r < AEGIS_FILTERS ? &exposed.net.filter[r].check : NULL;
    case AEGIS_ENDPOINT:
        *count = &kernel.endpoint_claims[r % AEGIS_ENDPOINTS];
        return r < AEGIS_ENDPOINTS ? &exposed.net.endpoint[r].check : NULL;
    case AEGIS_CONSOLE:
    case AEGIS_MACHINE:
        return r ? NULL : &kernel.single_check[type];
    default:
        type ^= AEGIS_ROOT;
        return type >= AEGIS_TYPES ? NULL : &kernel.root_check[type];
    }
}

bool resource_check(uint64_t what, uint64_t *check)
{
    uint32_t r = AEGIS_WHAT_RESOURCE(what), *count;
    const uint64_t *at;

    if (AEGIS_WHAT_TYPE(what) == AEGIS_PAGE) {
        const struct aegis_page *p = page_valid(r) || page_is_device(r) ? page_head(r) : NULL;
        at = p ? &p->check : NULL;
    } else {
        at = check_at(what, &count);
    }
    *check = at ? *at : 0;
    return *check != 0;
}

/* One claim more on a block whose check is still `check`: it is neither free nor re-keyed. */
static inline bool hold_page(struct aegis_page *head, uint64_t check)
{
    lock_take(&kernel.page_lock);
    bool ok = head->check == check && check;
    if (ok)
        __atomic_fetch_add(&head->claims, 1, __ATOMIC_RELAXED);
    lock_give(&kernel.page_lock);
    return ok;
}

bool resource_hold(uint64_t what, uint64_t check)
{
    uint32_t *count;

    if (AEGIS_WHAT_TYPE(what) == AEGIS_PAGE) {
        struct aegis_page *p = page_head(AEGIS_WHAT_RESOURCE(what));
        return p && hold_page(p, check);
    }
    lock_take(&kernel.table_lock);
    const uint64_t *at = check_at(what, &count);
    bool ok = at && *at == check;
    *count += ok;
    lock_give(&kernel.table_lock);
    return ok;
}

uint64_t resource_rekey(uint64_t what)
{
    uint32_t *count;

    return *check_at(what, &count) = check_new();
}

void resource_drop(uint64_t what, const struct env *from)
{
    uint32_t r = AEGIS_WHAT_RESOURCE(what), *count;

    if (AEGIS_WHAT_TYPE(what) == AEGIS_PAGE) {
        page_drop_claim(page_head(r));
        return;
    }
    lock_take(&kernel.table_lock);
    uint64_t *check = check_at(what, &count);
    --*count;
    switch (AEGIS_WHAT_TYPE(what)) {
    case AEGIS_SLICE:
        slice_drop(r >> 8, r & 0xff, from, *count);
        break;
    case AEGIS_ENV:
    case AEGIS_ENTRY:
        env_forsaken(r);
        env_free_index(r);
        break;
    case AEGIS_IRQ:
        if (!*count) {
            kernel.irq_check[r] = 0;
            machine_irq_enable(r, false);
        }
        break;
    case AEGIS_FILTER:
    case AEGIS_ENDPOINT:
        if (!*count) { /* dev_reap finds it */
            *check = 0;
            dev_reap_wanted = 1;
        }
        break;
    }
    lock_give(&kernel.table_lock);
}

/* ---- calls ---- */

static result_t __attribute__((noinline)) claim_any(uint64_t what, uint64_t mac, unsigned long slot)
{
    uint64_t check;
    struct aegis_claim *c;
    bool real = resource_check(what, &check);
    bool same = siphash(kernel.key, what, check) == mac;
    struct env *e = env_lock_self();
    long error = ledger_empty(e, slot, &c);

    if (!error && !(real & same && env_may_hold(e, what) && resource_hold(what, check)))
        error = AEGIS_E_BAD_CAPABILITY;
    if (!error)
        claim_fill(e, c, what, check);
    env_unlock(e);
    return (result_t){error, 0};
}

/*
 * A whole block, in few instructions: nothing is called, so no register is saved. Anything else, and a block that
 * does not exist, takes the same steps in claim_any. The MAC is computed before anything is locked.
 */
result_t call_claim(unsigned long what, unsigned long mac, unsigned long slot)
{
    struct aegis_page *p = &pages[(pfn_t)what];
    struct env *e = env_self();
    struct aegis_claim *c;

    if (AEGIS_WHAT_TYPE(what) != AEGIS_PAGE || !page_valid((pfn_t)what) || p->state != AEGIS_PAGE_USED)
        return claim_any(what, mac, slot);
    uint64_t check = p->check;
    bool same = siphash_inline(kernel.key, what, check) == mac;
    lock_take(&e->lock);
    long error = ledger_empty(e, slot, &c);
    if (!error && !(same && hold_page(p, check)))
        error = AEGIS_E_BAD_CAPABILITY;
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
    if (type != AEGIS_PAGE && !(type & AEGIS_ROOT))
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
