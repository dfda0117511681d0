/* SPDX-License-Identifier: BSD-2-Clause */
#include "ledger.h"

#include "env.h"
#include "limbo.h"
#include "map.h"

long ledger_any(struct env *e, unsigned long slot, struct aegis_claim **claim)
{
    if (slot >= ledger_slots(e))
        return AEGIS_E_BAD_SLOT;
    *claim = ledger_at(e, slot);
    return (*claim)->what ? 0 : AEGIS_E_EMPTY_SLOT;
}

long ledger_empty(struct env *e, unsigned long slot, struct aegis_claim **claim)
{
    if (slot >= ledger_slots(e))
        return AEGIS_E_BAD_SLOT;
    *claim = ledger_at(e, slot);
    return (*claim)->what ? AEGIS_E_OCCUPIED : 0;
}

long ledger_use(struct env *e, unsigned long slot, unsigned type, unsigned rights,
                struct aegis_claim **claim)
{
    uint64_t check;
    long error = ledger_any(e, slot, claim);
    if (error)
        return error;
    struct aegis_claim *c = *claim;
    if (AEGIS_WHAT_TYPE(c->what) != type)
        return AEGIS_E_WRONG_TYPE;
    if (rights & ~AEGIS_WHAT_RIGHTS(c->what))
        return AEGIS_E_NO_RIGHT;
    if (!resource_check(c->what, &check) || check != c->check)
        return AEGIS_E_REVOKED;
    return c->where & CLAIM_UNSETTLED ? AEGIS_E_BUSY : 0;
}

static bool env_alive(uint32_t index)
{
    uint32_t state = __atomic_load_n(&exposed.env[index].state, __ATOMIC_ACQUIRE);
    return state == AEGIS_ENV_NEW || state == AEGIS_ENV_LIVE;
}

long env_lock_other(unsigned long slot, unsigned rights, struct env **env)
{
    struct env *self = env_lock_self();
    struct aegis_claim *c;
    long error = ledger_use(self, slot, AEGIS_ENV, rights, &c);
    uint32_t index = error ? 0 : AEGIS_WHAT_RESOURCE(c->what);
    uint64_t check = error ? 0 : c->check;

    if (!error && index == self->index) {
        *env = self;
        return 0;
    }
    env_unlock(self);
    if (error)
        return error;
    struct env *e = __atomic_load_n(&kernel.env[index], __ATOMIC_ACQUIRE);
    if (!e || !env_alive(index))
        return AEGIS_E_NO_ENV;
    lock_take(&e->lock);
    if (!env_alive(index) || e->check != check) { /* another hart gave the claim up, and its index is another's */
        env_unlock(e);
        return AEGIS_E_NO_ENV;
    }
    *env = e;
    return 0;
}

void env_lock_both(struct env *a, struct env *b)
{
    struct env *first = a->index < b->index ? a : b;
    lock_take(&first->lock);
    if (a != b)
        lock_take(&(first == a ? b : a)->lock);
}

void env_unlock_both(struct env *a, struct env *b)
{
    env_unlock(a);
    if (a != b)
        env_unlock(b);
}

/* ---- release ---- */

long ledger_release(struct env *e, unsigned long slot)
{
    struct aegis_claim *c = ledger_at(e, slot);

    if (!(c->where & AEGIS_LEAVING)) {
        if (c->where & AEGIS_MAPPED)
            map_drop(e, c, slot);
        /* in the middle of a re-key others still hold translations whose claims are gone */
        c->step = c->where & CLAIM_REKEY ? limbo_enter(kernel.online) : e->stamp;
        c->where |= AEGIS_LEAVING;
    }
    if (!limbo_over(c->where & CLAIM_REKEY ? kernel.online : e->mask, c->step))
        return AEGIS_E_AGAIN;
    uint64_t what = c->what;
    claim_empty(e, c);
    if (AEGIS_WHAT_TYPE(what) == AEGIS_ENTRY && slot < AEGIS_ENTRY_SLOTS)
        env_forget_entry(e, slot);
    resource_drop(what);
    return 0;
}

static long release(struct env *e, unsigned long slot, unsigned long unused)
{
    struct aegis_claim *c;
    long error = ledger_any(e, slot, &c);

    (void)unused;
    if (error)
        return error;
    return slot == AEGIS_SLOT_SELF ? AEGIS_E_NO_RIGHT : ledger_release(e, slot);
}

result_t call_release(unsigned long env, unsigned long slot)
{
    return env_call(env, slot, 0, release);
}

static long slot_tag(struct env *e, unsigned long slot, unsigned long tag)
{
    struct aegis_claim *c;
    long error = ledger_any(e, slot, &c);

    if (!error)
        c->tag = (uint32_t)tag;
    return error;
}

result_t call_slot_tag(unsigned long env, unsigned long slot, unsigned long tag)
{
    return env_call(env, slot, tag, slot_tag);
}

/* ---- share ---- */

struct sharing {
    struct env *from, *to;
    unsigned long first, count;
    unsigned rights;
};

static long share_check(const struct sharing *s)
{
    for (unsigned long i = s->first; i < s->first + s->count; i++) {
        struct aegis_claim *c = ledger_at(s->from, i);
        uint64_t what = c->what, check;
        if (!what)
            continue;
        if (ledger_at(s->to, i)->what)
            return AEGIS_E_OCCUPIED;
        if (AEGIS_WHAT_TYPE(what) == AEGIS_PAGE) {
            struct aegis_page *p = page_head(AEGIS_WHAT_RESOURCE(what));
            if (!p || p->check != c->check)
                return AEGIS_E_REVOKED;
        } else if (!resource_check(what, &check) || check != c->check) {
            return AEGIS_E_REVOKED;
        } else if (!env_may_hold(s->to, what & ~((uint64_t)~s->rights << 40 & 0xffff0000000000))) {
            return AEGIS_E_NO_RIGHT;
        }
        if (c->where & CLAIM_UNSETTLED)
            return AEGIS_E_BUSY;
    }
    return 0;
}

static unsigned long share_commit(const struct sharing *s)
{
    uint64_t keep = ~((uint64_t)(uint16_t)~s->rights << 40);
    unsigned long done = 0;

    for (unsigned long i = s->first; i < s->first + s->count; i++) {
        const struct aegis_claim *c = ledger_at(s->from, i);
        struct aegis_claim *d = ledger_at(s->to, i);
        uint64_t what = c->what;
        if (!what)
            continue;
        /* our own claim keeps the resource while we count one more */
        if (AEGIS_WHAT_TYPE(what) == AEGIS_PAGE)
            __atomic_fetch_add(&page_head(AEGIS_WHAT_RESOURCE(what))->claims, 1, __ATOMIC_RELAXED);
        else if (!resource_hold(what, c->check))
            continue; /* re-keyed since it was checked */
        d->check = c->check;
        d->where = 0;
        d->tag = c->tag;
        d->step = 0;
        d->what = what & keep;
        s->to->held[AEGIS_WHAT_TYPE(what) & 15]++;
        done++;
    }
    return done;
}

result_t call_share(unsigned long env, unsigned long first, unsigned long count,
                    unsigned long rights)
{
    struct sharing s = {env_self(), NULL, first, count, (unsigned)rights};

    if (count > AEGIS_CLAIMS_PER_PAGE)
        return FAIL(BAD_RANGE);
    if (rights & ~(unsigned long)AEGIS_RIGHTS)
        return FAIL(NO_RIGHT);
    long error = env_lock(env, &s.to);
    if (error)
        return (result_t){error, 0};
    env_unlock(s.to);
    env_lock_both(s.from, s.to);
    if (s.from == s.to)
        error = AEGIS_E_OCCUPIED;
    else if (!env_is_live(s.to))
        error = AEGIS_E_NO_ENV;
    else if (first >= ledger_slots(s.from) || first + count > ledger_slots(s.from) ||
             first + count > ledger_slots(s.to))
        error = AEGIS_E_BAD_SLOT;
    else
        error = share_check(&s);
    unsigned long done = error ? 0 : share_commit(&s);
    env_unlock_both(s.from, s.to);
    return (result_t){error, done};
}
