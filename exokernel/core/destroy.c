/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of an environment, in steps that anybody may make (reap) and that may stop between any two.
 *
 *   STOP     each hart cuts its links to the activation there: transfers, FP unit, slice positions
 *   STOPPED  every hart has let go: nothing runs it, nothing caches its translations
 *   CLAIMS   its claims go, a few at a time
 *   ENTRIES  resolved transfers into it are cut, an environment at a time, if anybody claims its entry
 *   PAGES    every hart has let go again: the lent pages go back, kernel halves scrubbed
 */
#include "env.h"
#include "limbo.h"
#include "pct.h"
#include "slice.h"

#define SLOTS_A_STEP 128 /* empty ones; a claim counts as several */
#define SLOTS_A_CLAIM 8
#define PAGES_A_STEP 64
#define RECORDS_A_STEP 64

void env_kill(struct env *e, enum aegis_end end)
{
    struct aegis_env_record *r = &exposed.env[e->index];

    if (!env_is_live(e))
        return;
    r->end = end;
    __atomic_store_n(&r->state, AEGIS_ENV_DYING, __ATOMIC_SEQ_CST);
    e->phase = 0;
    e->step = 0;
    FOR_ACTIVATIONS(e, h, a) {
        __atomic_fetch_or(&a->attention, ATTENTION_DIE, __ATOMIC_SEQ_CST);
        __atomic_store_n(&a->run, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&a->gate, 0, __ATOMIC_RELAXED);
    }
    lock_take(&kernel.table_lock);
    kernel.dying[e->index] = e;
    kernel.env_next[e->index] = exposed.dying;
    exposed.dying = e->index;
    lock_give(&kernel.table_lock);
}

/* ---- who is left alone ---- */

/* Nobody can give it time or end it any more: no position, no claim but its own, none on its entry. */
static bool is_alone(uint32_t index)
{
    const struct aegis_env_record *r = &exposed.env[index];
    return (r->state == AEGIS_ENV_NEW || r->state == AEGIS_ENV_LIVE) && index && r->claims <= 1 &&
           !r->entries && !r->positions;
}

void env_forsaken(uint32_t index)
{
    if (is_alone(index) && index >= kernel.orphans)
        kernel.orphans = index + 1;
}

/* Looks at some, and ends the first of them, unless somebody has claimed it meanwhile. */
static bool orphan_end(void)
{
    struct env *e = NULL;

    if (!kernel.orphans)
        return false;
    lock_take(&kernel.table_lock);
    for (unsigned i = 0; i < RECORDS_A_STEP && kernel.orphans && !e; i++)
        e = is_alone(--kernel.orphans) ? kernel.env[kernel.orphans] : NULL;
    lock_give(&kernel.table_lock);
    if (!e)
        return true;
    lock_take(&e->lock);
    if (is_alone(e->index))
        env_kill(e, AEGIS_END_ORPHAN);
    lock_give(&e->lock);
    return true;
}

/* ---- steps; reap_lock is held, and nobody else looks at e but to see that it is dying ---- */

void env_unlink_here(struct hart *h)
{
    struct activation *a = h->work;

    if (!a)
        return;
    a->gate = 0;
    a->run = 0;
    pct_unlink(a);
    slice_forget(h, a);
    if (h->fp == a)
        h->fp = NULL;
    __atomic_store_n(&h->work, NULL, __ATOMIC_RELEASE);
}

/* A hart has one place for such work: when it is taken, another step comes back. */
static bool stop_hart(struct env *e, unsigned hart)
{
    struct hart *h = &kernel.hart[hart];
    struct activation *none = NULL;

    if (e->activation[hart] == machine_self()) {
        machine_interrupt(hart); /* our caller: it leaves before anything is taken from under it */
        return false;
    }
    if (!__atomic_compare_exchange_n(&h->work, &none, e->activation[hart], false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_RELAXED))
        return false;
    if (hart == machine_hart())
        env_unlink_here(h);
    else
        machine_interrupt(hart);
    return true;
}

void env_end(struct env *e, enum aegis_end end)
{
    lock_take(&e->lock);
    env_kill(e, end);
    lock_give(&e->lock);
    machine_death(e->index, &exposed.env[e->index]);
    if (e->depth == 0) /* nobody is left who could do anything */
        machine_panic("the first environment ended");
    slice_leave();
}

void env_doomed(void)
{
    struct env *e = machine_self()->env;
    struct aegis_env_record *r = &exposed.env[e->index];

    machine_trap_read(&r->end_cause, &r->end_pc, &r->end_value);
    env_end(e, AEGIS_END_FAULT);
}

static bool step_stop(struct env *e)
{
    for (; e->step < AEGIS_HARTS; e->step++)
        if (e->activation[e->step] && !stop_hart(e, e->step))
            return false;
    e->stamp = limbo_enter(kernel.online); /* all: it may have been re-keying */
    return true;
}

static bool step_stopped(struct env *e)
{
    FOR_ACTIVATIONS(e, h, a)
        if (kernel.hart[h].work == a)
            return false;
    if (!limbo_over(kernel.online, e->stamp))
        return false;
    machine_flush_env(e->asid); /* here; its number will be another's */
    return true;
}

static bool step_claims(struct env *e)
{
    unsigned passed = 0, left = 0;

    for (unsigned type = 0; type < sizeof e->held / sizeof e->held[0]; type++)
        left += e->held[type];
    e->mask = 0; /* nobody caches anything of it: claims go without a flush */
    for (; left && e->step < ledger_slots(e); e->step++) {
        struct aegis_claim *c = ledger_at(e, e->step);
        uint64_t what = c->what;
        if (passed >= SLOTS_A_STEP)
            return false;
        passed += what ? SLOTS_A_CLAIM : 1;
        if (!what)
            continue;
        claim_empty(e, c);
        resource_drop(what, e);
        left--;
    }
    return true;
}

static bool step_entries(struct env *e)
{
    if (exposed.env[e->index].entries && e->step < AEGIS_ENVS) {
        struct env *other = kernel.env[e->step++];
        if (other && other != e)
            pct_forget(other, e);
        return false;
    }
    __atomic_store_n(&kernel.env[e->index], NULL, __ATOMIC_SEQ_CST);
    e->stamp = limbo_enter(kernel.online);
    return true;
}

/* The tables' entries go, as far as they are known; which of the first tables are all zero then, a bit each. */
static unsigned tables_empty(struct env *e)
{
    uint64_t *middle = machine_direct(PTE_PAGE(e->root[0]));

    for (unsigned i = 0; i < e->leaf_count; i++)
        if (e->leaf[i].region < 512)
            middle[e->leaf[i].region] = 0;
    middle[AEGIS_PINNED >> 21] = 0;
    e->root[0] = 0;
    machine_root_set(e->root, false);
    return (!e->middles && !e->large) << WINDOW_ROOT | (e->leaf_count == 0) << WINDOW_STLB |
           !e->large << WINDOW_MIDDLE;
}

/*
 * What the window shows, but its own table, by which we find it; then the activations. From the last to the first:
 * a block's later pages are passed over while its first still holds it. A ledger without claims is all zero.
 */
static bool step_pages(struct env *e)
{
    uint32_t count = e->tables + e->ledger_pages, end = e->step + PAGES_A_STEP;

    if (!limbo_over(kernel.online, e->stamp))
        return false;
    if (e->step == 0)
        e->empty = tables_empty(e);
    for (; e->step < count; e->step++) {
        if (e->step == end)
            return false;
        uint32_t n = count - 1 - e->step;
        bool ledger = n >= e->tables;
        uint64_t *entry = &e->pinned[ledger ? AEGIS_PINNED_LEDGER + n - e->tables : AEGIS_PINNED_TABLES + n];
        pfn_t page = PTE_PAGE(*entry);
        *entry = 0;
        if (page != machine_page_of(e->pinned))
            lend_return(page, ledger || (n <= WINDOW_MIDDLE && e->empty >> n & 1));
    }
    FOR_ACTIVATIONS(e, h, a) {
        pfn_t page = a->page;
        e->activation[h] = NULL;
        wipe(a, sizeof *a);
        lend_return(page, false);
    }
    return true;
}

static void finish(struct env *e)
{
    uint32_t index = e->index;
    struct aegis_env_record *r = &exposed.env[index];

    lock_take(&kernel.table_lock);
    uint32_t *link = &exposed.dying;
    while (*link != index)
        link = &kernel.env_next[*link];
    *link = kernel.env_next[index];
    kernel.dying[index] = NULL;
    r->harts = 0;
    r->pages = 0;
    __atomic_store_n(&r->state, AEGIS_ENV_DEAD, __ATOMIC_SEQ_CST);
    env_free_index(index);
    __atomic_fetch_add(&exposed.deaths, 1, __ATOMIC_SEQ_CST);
    lock_give(&kernel.table_lock);
    pfn_t pinned = machine_page_of(e->pinned), record = machine_page_of(e);
    wipe(e->leaf, e->leaf_count * sizeof e->leaf[0]); /* what the kernel wrote, and nothing of the lender's */
    wipe(e->ledger, e->ledger_pages * sizeof e->ledger[0]);
    wipe(e->pinned, AEGIS_PINNED_TABLES * sizeof e->pinned[0]);
    wipe(e, offsetof(struct env, leaf));
    lend_return(pinned, true);
    lend_return(record, false);
    slice_poke(); /* those who wait for its end */
}

static void env_step(struct env *e)
{
    static bool (*const steps[])(struct env *) = {step_stop, step_stopped, step_claims, step_entries, step_pages};

    if (!steps[e->phase](e))
        return;
    e->step = 0;
    if (++e->phase == sizeof steps / sizeof steps[0])
        finish(e);
}

/* Who finds another at it leaves it to that one. False: nothing to do, or nothing but to wait for other harts. */
bool env_reap(void)
{
    bool went_on = orphan_end();

    if (__atomic_load_n(&exposed.dying, __ATOMIC_ACQUIRE) == AEGIS_ENVS || !lock_try(&kernel.reap_lock))
        return went_on;
    uint32_t i = exposed.dying;
    if (i != AEGIS_ENVS) {
        struct env *e = kernel.dying[i];
        uint32_t phase = e->phase, step = e->step;
        env_step(e);
        went_on |= kernel.dying[i] != e || e->phase != phase || e->step != step;
    }
    lock_give(&kernel.reap_lock);
    return went_on;
}

/* Steps by a controller that waits for it: several at once, as long as nothing has to be waited for. */
static result_t destroy_steps(uint32_t index)
{
    lock_take(&kernel.reap_lock);
    for (unsigned i = 0; i < 8 && kernel.dying[index]; i++)
        env_step(kernel.dying[index]);
    bool over = !kernel.dying[index];
    lock_give(&kernel.reap_lock);
    return over ? OK_VALUE(0) : FAIL(AGAIN);
}

result_t call_env_destroy(unsigned long env)
{
    struct env *self = env_lock_self(), *e = NULL;
    struct aegis_claim *c;
    uint64_t check = 0;
    long error = ledger_use(self, env, AEGIS_ENV, AEGIS_CONTROL, &c);

    if (!error) {
        e = kernel.env[AEGIS_WHAT_RESOURCE(c->what)]; /* limbo keeps it while we are here */
        check = c->check;
    }
    uint32_t index = error ? 0 : AEGIS_WHAT_RESOURCE(c->what);
    env_unlock(self);
    TRY_CALL(error);
    if (e) {
        lock_take(&e->lock);
        if (e->check == check)
            env_kill(e, e == self ? AEGIS_END_SELF : AEGIS_END_CONTROLLER);
        env_unlock(e);
    }
    if (e == self)
        slice_leave();
    return destroy_steps(index);
}
