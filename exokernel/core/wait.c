/* SPDX-License-Identifier: BSD-2-Clause */
#include "slice.h"

#include "ledger.h"
#include "user.h"

/* ---- binding ---- */

static long bind_claim(struct env *e, struct condition *c, const struct aegis_predicate *p)
{
    struct aegis_claim *claim;
    struct aegis_page *head;

    TRY(ledger_use_page(e, p->slot, AEGIS_R, &claim, &head));
    REFUSE_IF(head->flags & PAGE_UNREAD, BAD_RANGE);
    REFUSE_IF(p->offset > ((uint64_t)PAGE_SIZE << AEGIS_WHAT_ORDER(claim->what)) - p->width, BAD_RANGE);
    c->what = claim->what;
    c->check = claim->check;
    c->word = (const char *)machine_direct(AEGIS_WHAT_RESOURCE(c->what)) + p->offset;
    return 0;
}

/* Every comparison as one: LT 0 alone, which never holds, needs another word. */
static void interval_set(struct condition *c, unsigned operation, uint64_t value)
{
    static const uint64_t zero;

    c->low = operation == AEGIS_NE ? value + 1 : operation == AEGIS_LT ? 0 : value;
    c->last = operation == AEGIS_EQ ? 0 : operation == AEGIS_NE ? ~1UL : operation == AEGIS_LT ? value - 1 : ~value;
    if (operation == AEGIS_LT && !value) {
        c->word = &zero;
        c->low = 1;
        c->last = 0;
    }
}

static long bind(struct env *e, struct condition *c, const struct aegis_predicate *p)
{
    REFUSE_IF(p->width != 4 && p->width != 8, BAD_RANGE);
    REFUSE_IF(p->offset % p->width || p->operation > AEGIS_GE, BAD_RANGE);
    c->slot = p->slot;
    c->width = p->width;
    c->quick = p->width == 8 && p->slot == AEGIS_NONE;
    c->word = (const char *)&exposed + p->offset;
    if (p->slot != AEGIS_NONE)
        TRY(bind_claim(e, c, p));
    else if (p->offset > sizeof exposed - p->width)
        return REFUSED(BAD_RANGE);
    interval_set(c, p->operation, p->value);
    return 0;
}

/* ---- looking ---- */

static inline bool still_bound(const struct env *e, const struct condition *bound)
{
    const struct aegis_claim *c = ledger_at(e, bound->slot);
    const struct aegis_page *head = page_live(AEGIS_WHAT_RESOURCE(bound->what), bound->check);
    return c->what == bound->what && c->check == bound->check && head && !(head->flags & PAGE_UNREAD) &&
           !(c->where & CLAIM_UNSETTLED);
}

/* The claim is looked at after the word. */
long wait_look(const struct activation *a, unsigned from)
{
    for (unsigned i = from; i < a->predicates; i++) {
        const struct condition *c = &a->condition[i];
        bool yes = interval_holds(c, c->width == 8 ? __atomic_load_n((const uint64_t *)c->word, __ATOMIC_ACQUIRE)
                                                   : __atomic_load_n((const uint32_t *)c->word, __ATOMIC_ACQUIRE));
        if (c->slot != AEGIS_NONE && !still_bound(a->env, c))
            return AEGIS_WAKE_REVOKED;
        if (yes)
            return i;
    }
    return a->deadline != ~0UL && machine_time() >= a->deadline ? AEGIS_WAKE_TIMEOUT : WAIT_ON;
}

uint64_t wait_next(struct hart *h)
{
    uint64_t look = machine_time() + h->slice_ticks, first = h->again - 1;
    struct slot *s = h->ring;

    for (unsigned n = 0; n < AEGIS_SLICES; n++, s = s->next) {
        const struct activation *a = s->runs;
        if (a != h->null) { /* who does not sleep has forfeited the slot, or waits for a transfer: its slots are counted */
            uint64_t due = *a->sleeping ? a->deadline : look;
            first = due < first ? due : first;
        }
        if (s->next == h->ring)
            break;
    }
    return look < first && exposed.dying != AEGIS_ENVS ? look : first; /* who dies waits for another hart: look again */
}

/* ---- the call ---- */

static long wait_bind(struct activation *a, unsigned long va, unsigned long count)
{
    struct aegis_predicate p[AEGIS_PREDICATES];
    long error = 0;

    REFUSE_IF(count > AEGIS_PREDICATES, BAD_RANGE);
    TRY(user_read(a->env, p, va, count * sizeof p[0]));
    lock_take(&a->env->lock);
    for (unsigned i = 0; i < count && !error; i++)
        error = bind(a->env, &a->condition[i], &p[i]);
    lock_give(&a->env->lock);
    a->predicates = error ? 0 : (uint32_t)count;
    return error;
}

result_t call_slice_wait(unsigned long predicates, unsigned long count, unsigned long deadline)
{
    struct activation *a = machine_self();

    TRY_CALL(wait_bind(a, predicates, count));
    a->deadline = deadline ? deadline : ~0UL;
    if (!LIKELY(!dev_waiting))
        dev_poll(false);
    /* the sleeper's order: say so, fence, look, sleep; the writer's: store, fence, see it sleep, ring */
    __atomic_store_n(a->sleeping, 1, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    long why = wait_look(a, 0);
    if (why == WAIT_ON) {
        a->run = 0;
        slice_leave();
    }
    __atomic_store_n(a->sleeping, 0, __ATOMIC_RELAXED);
    a->predicates = 0;
    a->deadline = ~0UL;
    REFUSE_CALL_IF(why == AEGIS_WAKE_TIMEOUT, TIMEOUT);
    return why == AEGIS_WAKE_REVOKED ? FAIL(REVOKED) : OK_VALUE(why);
}
