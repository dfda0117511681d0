/* SPDX-License-Identifier: BSD-2-Clause */
#include "ledger.h"

#include "env.h"
#include "limbo.h"
#include "map.h"
#include "pct.h"

long ledger_any(struct env *e, unsigned long slot, struct aegis_claim **claim)
{
    REFUSE_IF(slot >= ledger_slots(e), BAD_SLOT);
    *claim = ledger_at(e, slot);
    return (*claim)->what ? 0 : REFUSED(EMPTY_SLOT);
}

long ledger_use(struct env *e, unsigned long slot, unsigned type, unsigned rights,
                struct aegis_claim **claim)
{
    uint64_t check;

    TRY(ledger_any(e, slot, claim));
    struct aegis_claim *c = *claim;
    REFUSE_IF(AEGIS_WHAT_TYPE(c->what) != type, WRONG_TYPE);
    REFUSE_IF(rights & ~AEGIS_WHAT_RIGHTS(c->what), NO_RIGHT);
    if (LIKELY(type == AEGIS_ENV) ? exposed.env[AEGIS_WHAT_RESOURCE(c->what)].check != c->check
                                  : !resource_check(c->what, &check) || check != c->check)
        return REFUSED(REVOKED);
    return c->where & CLAIM_UNSETTLED ? REFUSED(BUSY) : 0;
}

/* Those with a lower index first. */
long env_lock_pair(unsigned long slot, unsigned rights, struct env **env)
{
    struct env *self = *env = env_lock_self(), *e;
    struct aegis_claim *c;
    long error = ledger_use(self, slot, AEGIS_ENV, rights, &c);
    uint32_t index = error ? self->index : AEGIS_WHAT_RESOURCE(c->what);

    if (!error && index == self->index)
        return 0;
    if (!error && (e = __atomic_load_n(&kernel.env[index], __ATOMIC_ACQUIRE))) {
        uint64_t check = c->check;
        if (index < self->index)
            env_unlock(self);
        lock_take(&e->lock);
        if (index < self->index)
            lock_take(&self->lock);
        *env = e;
        if (LIKELY(env_is_live(e) && e->check == check)) /* else its index is another's by now */
            return 0;
        env_unlock(e);
    }
    env_unlock(self);
    return error ? error : REFUSED(NO_ENV);
}

long env_lock_other(unsigned long slot, unsigned rights, struct env **env)
{
    TRY(env_lock_pair(slot, rights, env));
    if (*env != env_self())
        env_unlock(env_self());
    return 0;
}

result_t COLD env_call(unsigned long env, unsigned long slot, unsigned long x, env_step_t step)
{
    struct env *e;

    TRY_CALL(env_lock(env, &e));
    long error = step(e, slot, x);
    env_unlock(e);
    return (result_t){error, 0};
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
    REFUSE_IF(!limbo_over(c->where & CLAIM_REKEY ? kernel.online : e->mask, c->step), AGAIN);
    uint64_t what = c->what;
    claim_empty(e, c);
    if (AEGIS_WHAT_TYPE(what) == AEGIS_ENTRY && kernel.env[AEGIS_WHAT_RESOURCE(what)])
        pct_forget(e, kernel.env[AEGIS_WHAT_RESOURCE(what)]);
    resource_drop(what, e);
    return 0;
}

static long release(struct env *e, unsigned long slot, AEGIS_P1(unused))
{
    struct aegis_claim *c;

    TRY(ledger_any(e, slot, &c));
    return slot == AEGIS_SLOT_SELF ? REFUSED(NO_RIGHT) : ledger_release(e, slot);
}

/* A page's live claim that no translation stands under, here or elsewhere; its block. Null: look closely. */
static inline struct aegis_page *release_quick(struct env *e, unsigned long slot)
{
    if (slot >= ledger_slots(e) || !limbo_only_here(e->mask))
        return NULL;
    struct aegis_claim *c = ledger_at(e, slot);
    struct aegis_page *p = &pages[AEGIS_WHAT_RESOURCE(c->what)];
    if (AEGIS_WHAT_TYPE(c->what) != AEGIS_PAGE || p->check != c->check ||
        c->where & (AEGIS_MAPPED | AEGIS_UNMAPPING | CLAIM_UNSETTLED | CLAIM_REKEY))
        return NULL;
    claim_empty(e, c);
    return p;
}

result_t call_release(unsigned long env, unsigned long slot)
{
    if (LIKELY(!env)) {
        struct env *e = env_lock_self();
        struct aegis_page *p = release_quick(e, slot);
        env_unlock(e);
        if (LIKELY(p)) {
            page_drop_claim(p);
            return OK_VALUE(0);
        }
    }
    return env_call(env, slot, 0, release);
}

static long slot_tag(struct env *e, unsigned long slot, unsigned long tag)
{
    struct aegis_claim *c;

    TRY(ledger_any(e, slot, &c));
    c->tag = (uint32_t)tag;
    return 0;
}

result_t call_slot_tag(unsigned long env, unsigned long slot, unsigned long tag)
{
    return env_call(env, slot, tag, slot_tag);
}

/* ---- share ---- */

struct sharing {
    struct env *from, *to;
    unsigned long first, end, done;
    uint64_t keep; /* the bits of `what` that pass */
};

/* Any claim but an empty slot's. */
static COLD long share_claim(const struct sharing *s, const struct aegis_claim *c, struct aegis_claim *d)
{
    uint64_t what = c->what;

    REFUSE_IF(d->what, OCCUPIED);
    REFUSE_IF(c->where & CLAIM_UNSETTLED, BUSY);
    REFUSE_IF(!env_may_hold(s->to, what & s->keep), NO_RIGHT);
    REFUSE_IF(!resource_hold(what, c->check), REVOKED);
    claim_fill(s->to, d, what & s->keep, c->check);
    d->tag = c->tag;
    return 0;
}

/*
 * What the copying of pages' claims has at hand, kept from the compiler, which would make more instructions of it.
 * A record's offset is the high half of a product: one multiplication takes the number's 32 bits to their place.
 */
struct share_constants {
    char *claims; /* of record 0 */
    uint64_t record, keep;
    uint32_t one;
};

/* A page's settled claim into an empty slot, which is all zero. */
static inline bool share_page(const struct aegis_claim *c, struct aegis_claim *d,
                              const struct share_constants k)
{
    uint64_t what = c->what, check = c->check;
    uint32_t *count = (void *)(k.claims + (uint64_t)((unsigned __int128)(what << 32) * k.record >> 64));
    const uint64_t *present = (void *)((char *)count - offsetof(struct aegis_page, claims));

    if (!LIKELY(AEGIS_WHAT_TYPE(what) == AEGIS_PAGE) || !LIKELY(!d->what) ||
        !LIKELY(!(c->where & CLAIM_UNSETTLED)) || !LIKELY(*present == check))
        return false;
    __atomic_fetch_add(count, k.one, __ATOMIC_RELAXED); /* our own claim keeps it meanwhile */
    d->check = check;
    d->tag = c->tag;
    d->what = what & k.keep;
    return true;
}

/* As far as it goes: how many. */
static unsigned long share_pages(const struct aegis_claim *c, struct aegis_claim *d, unsigned long n,
                                 uint64_t keep)
{
    const struct aegis_claim *first = c, *end = c + n;
    struct share_constants k = {(char *)&pages->claims, sizeof(struct aegis_page) << 32, keep, 1};

    __asm__("" : "+r"(k.record), "+r"(k.one));
    for (; end - c >= 4; c += 4, d += 4) {
#pragma GCC unroll 4
        for (unsigned i = 0; i < 4; i++)
            if (!LIKELY(share_page(c + i, d + i, k)))
                return (unsigned long)(c - first) + i;
    }
    while (c != end && share_page(c, d, k))
        c++, d++;
    return (unsigned long)(c - first);
}

/* A call that fails has changed nothing. */
static COLD long share_undo(const struct sharing *s, unsigned long end, long error)
{
    for (unsigned long i = s->first; i < end; i++) {
        struct aegis_claim *d = ledger_at(s->to, i);
        uint64_t what = d->what;
        if (ledger_at(s->from, i)->what) {
            claim_empty(s->to, d);
            resource_drop(what, NULL);
        }
    }
    return error;
}

static long share_all(struct sharing *s)
{
    for (unsigned long i = s->first; i < s->end;) {
        const struct aegis_claim *c = ledger_at(s->from, i);
        struct aegis_claim *d = ledger_at(s->to, i);
        unsigned long room = AEGIS_CLAIMS_PER_PAGE - i % AEGIS_CLAIMS_PER_PAGE;
        room = room < s->end - i ? room : s->end - i;
        unsigned long n = share_pages(c, d, room, s->keep);
        s->to->held[AEGIS_PAGE] += (uint32_t)n;
        s->done += n;
        i += n;
        if (n == room)
            continue;
        long error = c[n].what ? share_claim(s, c + n, d + n) : 0;
        if (error)
            return share_undo(s, i, error);
        s->done += c[n].what != 0;
        i++;
    }
    return 0;
}

CALL_PAIR(share, AEGIS_CONTROL, 4, (env, first, count, rights))
{
    struct sharing s = {self, to, first, first + count, 0, ~((uint64_t)(uint16_t)~rights << 40)};

    REFUSE_CALL_IF(count > AEGIS_CLAIMS_PER_PAGE, BAD_RANGE);
    REFUSE_CALL_IF(rights & ~(unsigned long)AEGIS_RIGHTS, NO_RIGHT);
    REFUSE_CALL_IF(self == to, OCCUPIED);
    REFUSE_CALL_IF(first >= ledger_slots(self) || s.end > ledger_slots(self), BAD_SLOT);
    REFUSE_CALL_IF(s.end > ledger_slots(to), BAD_SLOT);
    TRY_CALL(share_all(&s));
    return OK_VALUE(s.done);
}
