/* SPDX-License-Identifier: BSD-2-Clause */
#include "cap.h"

#include "env.h"
#include "ledger.h"
#include "siphash.h"
#include "slice.h"

/* Where the check and the number of claims stand of the first of each type, how far apart, and how many there are. */
static const struct kind {
    void *check, *count;
    uint16_t check_size, count_size, limit;
} kinds[AEGIS_TYPES] = {
    [AEGIS_SLICE] = {&exposed.slice[0][0].check, kernel.slice_claims, sizeof(struct aegis_slice), 4, AEGIS_HARTS << 8},
    [AEGIS_ENV] = {&exposed.env[0].check, &exposed.env[0].claims, sizeof(struct aegis_env_record),
                   sizeof(struct aegis_env_record), AEGIS_ENVS},
    [AEGIS_ENTRY] = {kernel.entry_check, &exposed.env[0].entries, 8, sizeof(struct aegis_env_record), AEGIS_ENVS},
    [AEGIS_IRQ] = {kernel.irq_check, kernel.irq_claims, 8, 4, AEGIS_IRQS},
    [AEGIS_FILTER] = {&exposed.net.filter[0].check, kernel.filter_claims, sizeof(struct aegis_filter_record), 4, AEGIS_FILTERS},
    [AEGIS_ENDPOINT] = {&exposed.net.endpoint[0].check, kernel.endpoint_claims, sizeof(struct aegis_endpoint_record), 4,
                        AEGIS_ENDPOINTS},
    [AEGIS_CONSOLE] = {&kernel.single_check[AEGIS_CONSOLE], &kernel.uncounted, 0, 0, 1},
    [AEGIS_MACHINE] = {&kernel.single_check[AEGIS_MACHINE], &kernel.uncounted, 0, 0, 1},
};

/* Where they stand of what `what` names; null: there is no such thing. */
static uint64_t *check_at(uint64_t what, uint32_t **count)
{
    uint32_t r = AEGIS_WHAT_RESOURCE(what);
    unsigned type = AEGIS_WHAT_TYPE(what);

    *count = &kernel.uncounted;
    if (type == AEGIS_PAGE) {
        struct aegis_page *p = page_valid(r) || page_is_device(r) ? page_head(r) : NULL;
        *count = p ? &p->claims : *count;
        return p ? &p->check : NULL;
    }
    if (type & AEGIS_ROOT)
        return type - AEGIS_ROOT < AEGIS_TYPES ? &kernel.root_check[type - AEGIS_ROOT] : NULL;
    if (type >= AEGIS_TYPES || r >= kinds[type].limit)
        return NULL;
    if (type == AEGIS_SLICE) { /* hart << 8 | position */
        if ((r & 0xff) >= AEGIS_SLICES)
            return NULL;
        r = (r >> 8) * AEGIS_SLICES + (r & 0xff);
    }
    *count = (uint32_t *)((char *)kinds[type].count + r * kinds[type].count_size);
    return (uint64_t *)((char *)kinds[type].check + r * kinds[type].check_size);
}

bool resource_check(uint64_t what, uint64_t *check)
{
    uint32_t *count;
    const uint64_t *at = check_at(what, &count);

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
    struct lock *lock = AEGIS_WHAT_TYPE(what) == AEGIS_PAGE ? &kernel.page_lock : &kernel.table_lock;
    uint32_t *count;

    lock_take(lock);
    const uint64_t *at = check_at(what, &count);
    bool ok = at && *at == check && check;
    __atomic_fetch_add(count, ok, __ATOMIC_RELAXED);
    lock_give(lock);
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

/* `whole`: of a block that is there. The MAC is computed before anything is locked. */
static inline __attribute__((always_inline)) result_t claim_as(uint64_t what, uint64_t mac, unsigned long slot,
                                                               bool whole)
{
    struct aegis_page *p = &pages[(pfn_t)what];
    uint64_t check = whole ? p->check : 0;
    struct aegis_claim *c;
    bool real = whole || resource_check(what, &check);
    bool same = (whole ? siphash_inline : siphash)(kernel.key, what, check) == mac;
    struct env *e = env_lock_self();
    long error = ledger_empty(e, slot, &c);

    if (!error && !(real & same && (whole ? hold_page(p, check)
                                          : env_may_hold(e, what) && resource_hold(what, check))))
        error = REFUSED(BAD_CAPABILITY);
    if (!error)
        claim_fill(e, c, what, check);
    env_unlock(e);
    return (result_t){error, 0};
}

static COLD result_t claim_any(uint64_t what, uint64_t mac, unsigned long slot)
{
    return claim_as(what, mac, slot, false);
}

/* A whole block in few instructions: nothing is called, so no register is saved. */
result_t call_claim(unsigned long what, unsigned long mac, unsigned long slot)
{
    if (AEGIS_WHAT_TYPE(what) == AEGIS_PAGE && page_valid((pfn_t)what) &&
        pages[(pfn_t)what].state == AEGIS_PAGE_USED)
        return claim_as(what, mac, slot, true);
    return claim_any(what, mac, slot);
}

CALL_SELF(capability_make, 4, (slot, rights, first, order))
{
    struct aegis_claim *c;

    TRY_CALL(ledger_any(e, slot, &c));
    unsigned type = AEGIS_WHAT_TYPE(c->what), has = AEGIS_WHAT_ORDER(c->what);
    TRY_CALL(ledger_use(e, slot, type, 0, &c));
    /* nobody passes on control of itself: so nobody controls its controller */
    if (rights & ~(unsigned long)AEGIS_WHAT_RIGHTS(c->what) ||
        (slot == AEGIS_SLOT_SELF && (rights & AEGIS_CONTROL)))
        return FAIL(NO_RIGHT);
    if (type == AEGIS_PAGE || type & AEGIS_ROOT ? order > has || first >> has || first & ((1UL << order) - 1)
                                                : first || order)
        return FAIL(BAD_RANGE);
    return OK_VALUE(siphash(kernel.key, AEGIS_WHAT(type, rights, order, AEGIS_WHAT_RESOURCE(c->what) + first),
                            c->check));
}
