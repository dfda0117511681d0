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

static inline long ledger_use_env(struct env *e, unsigned long slot, unsigned rights, struct aegis_claim **claim)
{
    if (LIKELY(slot < ledger_slots(e))) {
        struct aegis_claim *c = *claim = ledger_at(e, slot);
        if (LIKELY(AEGIS_WHAT_TYPE(c->what) == AEGIS_ENV && !(rights & ~(c->what >> 40)) && !(c->where & CLAIM_UNSETTLED) &&
                   exposed.env[AEGIS_WHAT_RESOURCE(c->what)].check == c->check))
            return 0;
    }
    return ledger_use(e, slot, AEGIS_ENV, rights, claim);
}

static bool env_alive(uint32_t index)
{
    uint32_t state = __atomic_load_n(&exposed.env[index].state, __ATOMIC_ACQUIRE);
    return state == AEGIS_ENV_NEW || state == AEGIS_ENV_LIVE;
}

long env_lock_pair(unsigned long slot, unsigned rights, struct env **env)
{
    struct env *self = env_lock_self();
    struct aegis_claim *c;
    long error = ledger_use_env(self, slot, rights, &c);

    *env = self;
    if (error)
        env_unlock(self);
    uint32_t index = error ? 0 : AEGIS_WHAT_RESOURCE(c->what);
    if (error || index == self->index)
        return error;
    uint64_t check = c->check;
    struct env *e = __atomic_load_n(&kernel.env[index], __ATOMIC_ACQUIRE);
    if (e && index < self->index) {
        env_unlock(self);
        env_lock_both(self, e);
    } else if (e) {
        lock_take(&e->lock);
    }
    *env = e;
    if (LIKELY(e && env_alive(index) && e->check == check)) /* else another hart gave the claim up, and its index is another's */
        return 0;
    if (e)
        env_unlock(e);
    env_unlock(self);
    return AEGIS_E_NO_ENV;
}

long env_lock_other(unsigned long slot, unsigned rights, struct env **env)
{
    long error = env_lock_pair(slot, rights, env);

    if (!error && *env != env_self())
        env_unlock(env_self());
    return error;
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
    resource_drop(what, e);
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

static COLD result_t release_slow(unsigned long env, unsigned long slot)
{
    return env_call(env, slot, 0, release);
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
    return release_slow(env, slot);
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
    unsigned long done;
};

/* Any claim but an empty slot's. */
static COLD long share_claim(const struct sharing *s, const struct aegis_claim *c, struct aegis_claim *d)
{
    uint64_t what = c->what, keep = ~((uint64_t)(uint16_t)~s->rights << 40), check;

    if (d->what)
        return AEGIS_E_OCCUPIED;
    if (AEGIS_WHAT_TYPE(what) == AEGIS_PAGE ? !page_live(AEGIS_WHAT_RESOURCE(what), c->check)
                                            : !resource_check(what, &check) || check != c->check)
        return AEGIS_E_REVOKED;
    if (!env_may_hold(s->to, what & keep))
        return AEGIS_E_NO_RIGHT;
    if (c->where & CLAIM_UNSETTLED)
        return AEGIS_E_BUSY;
    if (!resource_hold(what, c->check))
        return AEGIS_E_REVOKED;
    claim_fill(s->to, d, what & keep, c->check);
    d->tag = c->tag;
    return 0;
}

/* What the copying of pages' claims has at hand. `claims`: of record 0; `record`: a record's size, kept from the compiler,
 * which would make five instructions of one multiplication. */
struct share_constants {
    char *claims;
    uint64_t record, keep;
    uint32_t one;
};

/* A page's settled claim into an empty slot, which is all zero. */
static inline bool share_page(const struct aegis_claim *c, struct aegis_claim *d, const struct share_constants k)
{
    uint64_t what = c->what, check = c->check;

    if (!LIKELY(AEGIS_WHAT_TYPE(what) == AEGIS_PAGE))
        return false;
    uint32_t *count = (uint32_t *)(k.claims + (uint32_t)what * k.record);
    const struct aegis_page *p = (void *)((char *)count - offsetof(struct aegis_page, claims));
    if (!LIKELY(!d->what) || !LIKELY(!(c->where & CLAIM_UNSETTLED)) || !LIKELY(p->check == check))
        return false;
    __atomic_fetch_add(count, k.one, __ATOMIC_RELAXED); /* our own claim keeps it meanwhile */
    d->check = check;
    d->tag = c->tag;
    d->what = what & k.keep;
    return true;
}

/* As far as it goes. */
static const struct aegis_claim *share_pages(const struct aegis_claim *c, const struct aegis_claim *end, struct aegis_claim *d,
                                             uint64_t keep)
{
    struct share_constants k = {(char *)&pages->claims, sizeof(struct aegis_page), keep, 1};

    __asm__("" : "+r"(k.record), "+r"(k.one));
    for (; end - c >= 4; c += 4, d += 4) {
        unsigned n = 0;
        if (LIKELY(share_page(c, d, k)) && (n = 1, LIKELY(share_page(c + 1, d + 1, k))) &&
            (n = 2, LIKELY(share_page(c + 2, d + 2, k))) && (n = 3, LIKELY(share_page(c + 3, d + 3, k))))
            continue;
        return c + n;
    }
    while (c != end && share_page(c, d, k))
        c++, d++;
    return c;
}

/* `count` slots of one ledger page each. Sets how many were looked at; value: the error at the next one. */
static long share_run(struct sharing *s, const struct aegis_claim *c, struct aegis_claim *d, unsigned long count,
                      unsigned long *looked)
{
    const struct aegis_claim *first = c, *end = c + count, *from;
    uint64_t keep = ~((uint64_t)(uint16_t)~s->rights << 40);
    long error = 0;

    while (c != end) {
        from = c;
        c = share_pages(c, end, d, keep);
        s->done += (unsigned long)(c - from);
        s->to->held[AEGIS_PAGE] += (uint32_t)(c - from);
        d += c - from;
        if (c == end)
            break;
        if (c->what && (error = share_claim(s, c, d)))
            break;
        s->done += c->what != 0;
        c++, d++;
    }
    *looked = (unsigned long)(c - first);
    return error;
}

/* A call that fails has changed nothing. */
static COLD void share_undo(const struct sharing *s, unsigned long end)
{
    for (unsigned long i = s->first; i < end; i++) {
        struct aegis_claim *d = ledger_at(s->to, i);
        uint64_t what = d->what;
        if (ledger_at(s->from, i)->what) {
            claim_empty(s->to, d);
            resource_drop(what, NULL);
        }
    }
}

static long share_all(struct sharing *s)
{
    unsigned long i = s->first, end = s->first + s->count, looked;

    while (i < end) {
        unsigned long n = AEGIS_CLAIMS_PER_PAGE - i % AEGIS_CLAIMS_PER_PAGE;
        n = n < end - i ? n : end - i;
        long error = share_run(s, ledger_at(s->from, i), ledger_at(s->to, i), n, &looked);
        i += looked;
        if (error) {
            share_undo(s, i);
            return error;
        }
    }
    return 0;
}

result_t call_share(unsigned long env, unsigned long first, unsigned long count,
                    unsigned long rights)
{
    struct sharing s = {env_self(), NULL, first, count, (unsigned)rights, 0};

    if (count > AEGIS_CLAIMS_PER_PAGE)
        return FAIL(BAD_RANGE);
    if (rights & ~(unsigned long)AEGIS_RIGHTS)
        return FAIL(NO_RIGHT);
    long error = env_lock_pair(env, AEGIS_CONTROL, &s.to);
    if (error)
        return (result_t){error, 0};
    if (s.from == s.to)
        error = AEGIS_E_OCCUPIED;
    else if (first >= ledger_slots(s.from) || first + count > ledger_slots(s.from) ||
             first + count > ledger_slots(s.to))
        error = AEGIS_E_BAD_SLOT;
    else
        error = share_all(&s);
    env_unlock_both(s.from, s.to);
    return (result_t){error, error ? 0 : s.done};
}
