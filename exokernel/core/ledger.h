/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ledgers: an environment's claims, in pages that it lent and reads in place. A slot is written under its
 * environment's lock only. Slot 0 is the claim on oneself.
 */
#pragma once

#include "cap.h"
#include "page.h"

static inline unsigned long ledger_slots(const struct env *e)
{
    return (unsigned long)e->ledger_pages * AEGIS_CLAIMS_PER_PAGE;
}

static inline struct aegis_claim *ledger_at(const struct env *e, unsigned long slot)
{
    return &e->ledger[slot / AEGIS_CLAIMS_PER_PAGE][slot % AEGIS_CLAIMS_PER_PAGE];
}

#define CLAIM_UNSETTLED (AEGIS_CLEARING | AEGIS_LEAVING)
#define CLAIM_REKEY (AEGIS_REKEYING | AEGIS_REKEYED)

/*
 * The live claim of this type, with these rights. e->lock is held.
 * Errors: BAD_SLOT, EMPTY_SLOT, WRONG_TYPE, NO_RIGHT, REVOKED, BUSY (being cleared, or leaving).
 */
long ledger_use(struct env *e, unsigned long slot, unsigned type, unsigned rights,
                struct aegis_claim **claim);
/* The same for a page, in fewer steps; `head` is its block's record. */
static inline long ledger_use_page(struct env *e, unsigned long slot, unsigned rights,
                                   struct aegis_claim **claim, struct aegis_page **head)
{
    REFUSE_IF(slot >= ledger_slots(e), BAD_SLOT);
    struct aegis_claim *c = ledger_at(e, slot);
    uint64_t what = c->what;
    if (AEGIS_WHAT_TYPE(what) != AEGIS_PAGE)
        return what ? REFUSED(WRONG_TYPE) : REFUSED(EMPTY_SLOT);
    REFUSE_IF(rights & ~(what >> 40), NO_RIGHT);
    struct aegis_page *p = page_live(AEGIS_WHAT_RESOURCE(what), c->check);
    REFUSE_IF(!p, REVOKED);
    REFUSE_IF(c->where & CLAIM_UNSETTLED, BUSY);
    *claim = c;
    *head = p;
    return 0;
}

/* An empty slot to be filled. Errors: BAD_SLOT, OCCUPIED. */
static inline long ledger_empty(struct env *e, unsigned long slot, struct aegis_claim **claim)
{
    REFUSE_IF(slot >= ledger_slots(e), BAD_SLOT);
    *claim = ledger_at(e, slot);
    return (*claim)->what ? REFUSED(OCCUPIED) : 0;
}

/* Any claim, dead or alive. Errors: BAD_SLOT, EMPTY_SLOT. */
long ledger_any(struct env *e, unsigned long slot, struct aegis_claim **claim);

/* An empty slot is all zero. */
static inline void claim_fill(struct env *e, struct aegis_claim *c, uint64_t what, uint64_t check)
{
    e->held[AEGIS_WHAT_TYPE(what) & 15]++;
    c->check = check;
    c->what = what;
}

static inline void claim_empty(struct env *e, struct aegis_claim *c)
{
    e->held[AEGIS_WHAT_TYPE(c->what) & 15]--;
    c->what = 0;
    c->check = 0;
    c->where = 0;
    c->tag = 0;
    c->step = 0;
}

/*
 * A free block, in resource.c, by the claim on a root that covers its name; `from`: what is to be copied into it, or 0.
 * Errors: as ledger_use and page_take; NO_RIGHT: not the root's; BAD_RANGE: a copy into registers.
 */
long page_by_root(struct env *e, unsigned long root, unsigned long name, unsigned long order, pfn_t from,
                  pfn_t *page, bool *clean);

/* One step of giving a claim up, whoever asks. 0, or AGAIN. e->lock is held. */
long ledger_release(struct env *e, unsigned long slot);

/*
 * Locks the environment that a call names: 0 is the caller. Errors: as ledger_use, and NO_ENV (dying or dead).
 * What it returns stays in memory until this hart leaves the kernel (limbo).
 */
long env_lock_other(unsigned long slot, unsigned rights, struct env **env);

static inline struct env *env_self(void)
{
    return machine_self()->env;
}

static inline long env_lock(unsigned long slot, struct env **env)
{
    if (slot)
        return env_lock_other(slot, AEGIS_CONTROL, env);
    *env = env_self();
    lock_take(&(*env)->lock);
    return 0;
}

static inline struct env *env_lock_self(void)
{
    struct env *e = env_self();
    lock_take(&e->lock);
    return e;
}

static inline void env_unlock(struct env *e)
{
    lock_give(&e->lock);
}

/* The caller and the environment that it names, both locked; they may be one. Errors: as env_lock_other. */
long env_lock_pair(unsigned long slot, unsigned rights, struct env **env);

/* ---- how calls are made of checks, under whose locks ---- */

/* A check in what returns an error; in what returns a call's result. */
#define TRY_AS(check, result)                                                                      \
    do {                                                                                           \
        long try_error_ = (check);                                                                 \
        if (!LIKELY(!try_error_))                                                                  \
            return result;                                                                         \
    } while (0)
#define TRY(check) TRY_AS(check, try_error_)
#define TRY_CALL(check) TRY_AS(check, ((result_t){try_error_, 0}))

/* call_NAME: what follows, of `e`, the caller, locked; or (env) the one that the first argument names. */
#define CALL_OF(whose, name, declared, count, arguments)                                           \
    static inline result_t name(struct env *e, AEGIS_P##count arguments);                          \
    result_t call_##name declared                                                                  \
    {                                                                                              \
        struct env *e;                                                                             \
        TRY_CALL(env_lock(whose, &e));                                                             \
        result_t result = name(e, AEGIS_NAMES arguments);                                          \
        env_unlock(e);                                                                             \
        return result;                                                                             \
    }                                                                                              \
    static inline result_t name(struct env *e, AEGIS_P##count arguments)
#define CALL_SELF(name, count, arguments)                                                          \
    CALL_OF(0, name, (AEGIS_P##count arguments), count, arguments)
#define CALL_ENV(name, count, arguments)                                                           \
    CALL_OF(env, name, (unsigned long env, AEGIS_P##count arguments), count, arguments)
/* Of both, the caller and the one that the argument `env` names, over which it has `right`. */
#define CALL_PAIR(name, right, count, arguments)                                                   \
    static inline result_t name(struct env *self, struct env *to, AEGIS_P##count arguments);       \
    result_t call_##name(AEGIS_P##count arguments)                                                 \
    {                                                                                              \
        struct env *self = env_self(), *to;                                                        \
        TRY_CALL(env_lock_pair(env, right, &to));                                                  \
        result_t result = name(self, to, AEGIS_NAMES arguments);                                   \
        env_unlock(self);                                                                          \
        if (self != to)                                                                            \
            env_unlock(to);                                                                        \
        return result;                                                                             \
    }                                                                                              \
    static inline result_t name(struct env *self, struct env *to, AEGIS_P##count arguments)

/*
 * A step on a slot of an environment that a call names. Most steps are quick ones, on oneself: those that are not
 * (they have changed nothing then) are taken by the general way, and that alone needs a stack.
 */
typedef long (*env_step_t)(struct env *e, unsigned long slot, unsigned long x);
result_t env_call(unsigned long env, unsigned long slot, unsigned long x, env_step_t step);
static inline result_t env_call_quick(unsigned long env, unsigned long slot, unsigned long x,
                                      bool quick(struct env *, unsigned long, unsigned long), env_step_t step)
{
    if (LIKELY(!env)) {
        struct env *e = env_lock_self();
        bool done = quick(e, slot, x);
        env_unlock(e);
        if (LIKELY(done))
            return OK_VALUE(0);
    }
    return env_call(env, slot, x, step);
}
