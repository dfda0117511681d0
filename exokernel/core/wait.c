/* SPDX-License-Identifier: BSD-2-Clause */
#include "wait.h"

#include "ledger.h"
#include "slice.h"
#include "user.h"

/* ---- binding ---- */

static long bind_claim(struct activation *a, unsigned i, const struct aegis_predicate *p)
{
    struct aegis_claim *c;
    struct aegis_page *head;
    long error = ledger_use_page(a->env, p->slot, AEGIS_R, &c, &head);

    if (error)
        return error;
    if (p->offset > ((uint64_t)PAGE_SIZE << AEGIS_WHAT_ORDER(c->what)) - p->width ||
        head->flags & AEGIS_PAGE_IS_PRIVATE)
        return AEGIS_E_BAD_RANGE;
    a->bound[i][0] = c->what;
    a->bound[i][1] = c->check;
    a->word[i] = (const char *)machine_direct(AEGIS_WHAT_RESOURCE(c->what)) + p->offset;
    return 0;
}

static long bind(struct activation *a, unsigned i, const struct aegis_predicate *p)
{
    if ((p->width != 4 && p->width != 8) || p->offset % p->width || p->operation > AEGIS_GE)
        return AEGIS_E_BAD_RANGE;
    a->predicate[i] = *p;
    if (p->slot != AEGIS_NONE)
        return bind_claim(a, i, p);
    a->word[i] = (const char *)&exposed + p->offset;
    return p->offset > sizeof exposed - p->width ? AEGIS_E_BAD_RANGE : 0;
}

/* ---- looking ---- */

static bool still_bound(const struct activation *a, unsigned i)
{
    const struct aegis_predicate *p = &a->predicate[i];
    const struct aegis_claim *c = ledger_at(a->env, p->slot);
    const struct aegis_page *head = page_head(AEGIS_WHAT_RESOURCE(a->bound[i][0]));
    return c->what == a->bound[i][0] && c->check == a->bound[i][1] && head &&
           head->check == c->check && !(head->flags & AEGIS_PAGE_IS_PRIVATE) && !(c->where & CLAIM_UNSETTLED);
}

static inline bool holds(const struct activation *a, unsigned i)
{
    const struct aegis_predicate *p = &a->predicate[i];
    uint64_t word = p->width == 8 ? __atomic_load_n((const uint64_t *)a->word[i], __ATOMIC_ACQUIRE)
                                  : __atomic_load_n((const uint32_t *)a->word[i], __ATOMIC_ACQUIRE);

    switch (p->operation) {
    case AEGIS_EQ:
        return word == p->value;
    case AEGIS_NE:
        return word != p->value;
    case AEGIS_LT:
        return word < p->value;
    default:
        return word >= p->value;
    }
}

/* The number of a comparison that holds, AEGIS_WAKE_*, or -3: none. The claim is looked at after the word. */
static long look(const struct activation *a)
{
    for (unsigned i = 0; i < a->predicates; i++) {
        bool yes = holds(a, i);
        if (a->predicate[i].slot != AEGIS_NONE && !still_bound(a, i))
            return AEGIS_WAKE_REVOKED;
        if (yes)
            return i;
    }
    return a->deadline != ~0UL && machine_time() >= a->deadline ? AEGIS_WAKE_TIMEOUT : -3;
}

bool wait_over(struct activation *a)
{
    long why = look(a);

    if (why == -3) {
        if (!(a->attention & (ATTENTION_REVOKE | ATTENTION_GONE | ATTENTION_EMERGENCY)))
            return false;
        why = AEGIS_WAKE_INTERRUPTED;
    }
    a->predicates = 0;
    a->deadline = ~0UL;
    activation_user(a)->wake = why;
    return true;
}

uint64_t wait_next(struct hart *h)
{
    bool reaping = exposed.dying != AEGIS_ENVS; /* it waits for another hart: look again */
    uint64_t first = reaping ? machine_time() + h->slice_ticks : ~0UL;
    struct slot *s = h->ring;

    for (unsigned n = 0; n < AEGIS_SLICES; n++, s = s->next) {
        const struct activation *a = s->runs;
        uint64_t slot = machine_time() + h->slice_ticks;
        if (a->resume && slot < first)
            first = slot; /* a transfer's deadline goes by slots: they are counted though nobody runs */
        if (a != h->null && a->deadline < first && exposed.env[a->index].sleeping[h->index])
            first = a->deadline;
        if (s->next == h->ring)
            break;
    }
    return first;
}

/* ---- the call ---- */

static long wait_bind(struct activation *a, unsigned long va, unsigned long count)
{
    struct aegis_predicate p[AEGIS_PREDICATES];
    long error = 0;

    if (count > AEGIS_PREDICATES)
        return AEGIS_E_BAD_RANGE;
    if (user_read(a->env, p, va, count * sizeof p[0]))
        return AEGIS_E_BAD_ADDRESS;
    lock_take(&a->env->lock);
    for (unsigned i = 0; i < count && !error; i++)
        error = bind(a, i, &p[i]);
    lock_give(&a->env->lock);
    a->predicates = error ? 0 : (uint32_t)count;
    return error;
}

result_t call_slice_wait(unsigned long predicates, unsigned long count, unsigned long deadline)
{
    struct activation *a = machine_self();
    uint32_t *sleeping = &exposed.env[a->index].sleeping[machine_hart()];
    long error = wait_bind(a, predicates, count);

    if (error)
        return (result_t){error, 0};
    a->deadline = deadline ? deadline : ~0UL;
    /* the sleeper's order: say so, fence, look, sleep; the writer's: store, fence, see it sleep, ring */
    __atomic_store_n(sleeping, 1, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    long why = look(a);
    if (why == -3) {
        a->run = 0;
        slice_leave();
    }
    __atomic_store_n(sleeping, 0, __ATOMIC_RELAXED);
    a->predicates = 0;
    a->deadline = ~0UL;
    if (why == AEGIS_WAKE_TIMEOUT)
        return FAIL(TIMEOUT);
    return why == AEGIS_WAKE_REVOKED ? FAIL(REVOKED) : OK_VALUE(why);
}
