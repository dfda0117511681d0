/* SPDX-License-Identifier: BSD-2-Clause */
#include "slice.h"

#include "env.h"
#include "limbo.h"
#include "map.h"
#include "pct.h"

#define PCT_SLICES 16 /* default deadline of a synchronous transfer */
#define GRACE_AGAIN 8 /* times that grace begins anew, until an overrun is one all the same */
#define CHAIN 8       /* transfers through which a slot is followed */

/* ---- vectors; table_lock is held ---- */

void slice_boot(struct hart *h)
{
    h->shown = &exposed.hart[h->index];
    h->null->attention = ATTENTION_DIE;
    h->none = (struct slot){&h->none, h->null, 0};
    h->slot = h->ring = &h->none;
    for (unsigned i = 0; i < AEGIS_SLICES; i++) {
        h->slots[i] = (struct slot){&h->slots[i], h->null, 0};
        exposed.slice[h->index][i].owner = exposed.slice[h->index][i].runs = AEGIS_ANY;
    }
}

/* Links it behind the owned position before it, or takes it out. One that is owned no more keeps its `next`: the hart may stand on it. */
static __attribute__((noinline)) void ring_set(struct hart *h, int position, bool owned)
{
    struct slot *s = &h->slots[position], *before = s;

    __asm__("" : "+r"(s)); /* its address, once; an int is extended nowhere */
    s->linked = owned;
    h->shown->slices += owned ? 1 : -1;
    do
        before = before == h->slots ? &h->slots[AEGIS_SLICES - 1] : before - 1;
    while (!before->linked && before != s);
    if (owned)
        s->next = before == s ? s : before->next;
    __atomic_store_n(&before->next, owned ? s : s->next, __ATOMIC_RELEASE);
    h->ring = before->linked ? before : &h->none;
}

static void position_set(struct hart *h, unsigned position, struct activation *a)
{
    struct slot *s = &h->slots[position];

    if (a != h->null)
        exposed.env[a->index].positions++;
    if (s->runs != h->null) {
        exposed.env[s->runs->index].positions--;
        env_forsaken(s->runs->index);
    }
    *(uint32_t *)&exposed.slice[h->index][position].runs = a == h->null ? AEGIS_ANY : a->index;
    __atomic_store_n(&s->runs, a, __ATOMIC_RELEASE);
    __atomic_fetch_or(&a->attention, ATTENTION_LATER, __ATOMIC_SEQ_CST); /* it may be so: C looks, and knows */
    a->run = 0;
}

COLD void slice_forget(struct hart *h, struct activation *a)
{
    lock_take(&kernel.table_lock);
    for (unsigned i = 0; exposed.env[a->index].positions && i < AEGIS_SLICES; i++)
        if (h->slots[i].runs == a)
            position_set(h, i, h->null);
    lock_give(&kernel.table_lock);
}

static bool position_take(struct env *e, unsigned hart, unsigned position, uint64_t *check)
{
    struct aegis_slice *s = &exposed.slice[hart][position];
    struct hart *h = &kernel.hart[hart];

    if (s->owner != AEGIS_ANY || kernel.slice_claims[hart][position])
        return false;
    s->owner = e->index;
    s->check = *check = check_new();
    kernel.slice_claims[hart][position] = 1;
    ring_set(h, position, true);
    position_set(h, position, e->activation[hart] && env_is_live(e) ? e->activation[hart] : h->null);
    return true;
}

long slice_take(struct env *e, unsigned long name, uint32_t *resource, uint64_t *check)
{
    bool any = name == AEGIS_ANY, some = any || (name & 0xff) == 0xff, found = false;

    lock_take(&kernel.table_lock);
    for (unsigned h = 0; h < AEGIS_HARTS && !found; h++) {
        if (!(kernel.online >> h & 1) || (!any && name >> 8 != h))
            continue;
        for (unsigned p = some ? 0 : name & 0xff; p < AEGIS_SLICES && !found; p = some ? p + 1 : AEGIS_SLICES) {
            found = position_take(e, h, p, check);
            *resource = h << 8 | p;
        }
    }
    lock_give(&kernel.table_lock);
    if (found)
        return 0;
    return any || (some && name >> 8 < AEGIS_HARTS) ? REFUSED(FULL) : REFUSED(NO_RESOURCE);
}

void slice_drop(unsigned hart, unsigned position, const struct env *from, uint32_t left)
{
    struct aegis_slice *s = &exposed.slice[hart][position];
    struct hart *h = &kernel.hart[hart];

    if (from && s->owner == from->index)
        s->owner = s->runs;
    if (left)
        return;
    s->owner = AEGIS_ANY;
    s->check = 0;
    position_set(h, position, h->null);
    ring_set(h, position, false);
}

/* Lets a hart that idles look at its vector again. */
static void hart_wake(unsigned hart)
{
    if (hart != machine_hart() && __atomic_load_n(&exposed.hart[hart].idle, __ATOMIC_SEQ_CST))
        machine_interrupt(hart);
}

static COLD result_t position_give(struct env *self, unsigned long slot, struct env *to)
{
    struct aegis_claim *c;

    REFUSE_CALL_IF(!env_is_live(to), NO_ENV);
    TRY_CALL(ledger_use(self, slot, AEGIS_SLICE, AEGIS_LEND, &c));
    uint32_t r = AEGIS_WHAT_RESOURCE(c->what);
    struct activation *a = to->activation[r >> 8];
    REFUSE_CALL_IF(!a, NO_RESOURCE);
    lock_take(&kernel.table_lock);
    position_set(&kernel.hart[r >> 8], r & 0xff, a);
    exposed.slice[r >> 8][r & 0xff].owner = self->index;
    lock_give(&kernel.table_lock);
    hart_wake(r >> 8);
    return OK_VALUE(0);
}

CALL_PAIR(slice_lend, AEGIS_RING, 2, (slot, env))
{
    return position_give(self, slot, to);
}

CALL_SELF(slice_recall, 1, (slot))
{
    return position_give(e, slot, e);
}

/* ---- who runs next ---- */

/* Somebody wants something of it, or a transfer of it is outstanding: C looks at its next slot. */
static COLD void heed(struct hart *h, struct activation *a)
{
    uint64_t over = (a->resume ? 0 : ATTENTION_COUNTED) | (h->again ? 0 : ATTENTION_LATER);
    uint64_t attention = __atomic_and_fetch(&a->attention, ~over, __ATOMIC_SEQ_CST);

    if (attention | a->resume)
        a->run = 0;
    if (attention & ATTENTION_REVOKE)
        machine_interrupt(h->index); /* delivered right after this entry */
}

/* Into an activation; the slot is the hart's already. Registers are zero but gp, a0 and t0. */
static inline __attribute__((always_inline)) _Noreturn void enter(struct hart *h, struct activation *a, uint64_t pc, uint64_t a0, uint64_t t0)
{
    if (h->shown->idle) {
        h->shown->idle = 0;
        limbo_acknowledge(h);
    }
    a->phase = 0;
    *a->sleeping = 0;
    a->run = a->satp; /* whoever asks for attention afterwards takes it back */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!LIKELY(!(a->attention | a->resume)))
        heed(h, a);
    machine_run(a, pc, a0, t0);
}

static bool upcall_pc(struct activation *a, uint64_t bit, const volatile uint64_t *at, uint64_t *pc)
{
    if (!(__atomic_fetch_and(&a->attention, ~bit, __ATOMIC_SEQ_CST) & bit && *at))
        return false;
    *pc = *at;
    return true;
}

/* Begins the slot in an activation that may run: what it hears first. */
static inline __attribute__((always_inline)) _Noreturn void begin(struct hart *h, struct activation *a)
{
    volatile struct aegis_activation *u = activation_user(a);
    uint64_t pc = u->up_slice_begin, a0 = 0;

    machine_timer(machine_time() + h->slice_ticks);
    if (!LIKELY(!a->attention)) {
        if (upcall_pc(a, ATTENTION_GONE, &u->up_caller_gone, &pc))
            a0 = a->gone;
        else
            upcall_pc(a, ATTENTION_EMERGENCY, &u->up_emergency, &pc);
    }
    enter(h, a, pc, a0, 0);
}

/* The caller of a transfer goes on behind it, with an error. */
static _Noreturn void resume_with(struct hart *h, struct activation *a, long error)
{
    uint64_t pc = (a->resume & ~1UL) + 4;

    a->resume = a->age = 0;
    __atomic_fetch_and(&a->attention, ~(uint64_t)ATTENTION_DEAD, __ATOMIC_SEQ_CST);
    machine_timer(machine_time() + h->slice_ticks);
    enter(h, a, pc, 0, (uint64_t)error);
}

/* A slot of a caller whose transfer is outstanding: its callee's, unless the transfer is over. Null: nobody's. */
static struct activation *outstanding(struct hart *h, struct activation *a)
{
    uint64_t limit = activation_user(a)->pct_slices;

    if (a->attention & ATTENTION_DEAD)
        resume_with(h, a, AEGIS_E_DEAD);
    if (!(a->resume & 1)) { /* a new one since we last looked */
        a->resume |= 1;
        __atomic_fetch_or(&a->attention, ATTENTION_COUNTED, __ATOMIC_SEQ_CST);
        a->age = 0;
    }
    if (++a->age > (limit ? limit : PCT_SLICES)) {
        pct_cut(a);
        resume_with(h, a, AEGIS_E_TIMEOUT);
    }
    return pct_callee(a);
}

static bool may_run(struct activation *a)
{
    if (a->attention & ATTENTION_DIE) /* as the null activation's is */
        return false;
    if (a->forfeits) {
        a->forfeits--;
        return false;
    }
    return !*a->sleeping || wait_over(a);
}

/* Who runs in the slot: `a`, whoever serves the transfer that it has outstanding, or (null) nobody. */
static COLD struct activation *runner(struct hart *h, struct slot *s, struct activation *a)
{
    for (unsigned depth = 0; depth < CHAIN && a && a->resume && !(a->attention & ATTENTION_DIE); depth++) {
        h->slot = s;
        a->phase = 0;
        a = outstanding(h, a);
    }
    return a && !a->resume && may_run(a) ? a : NULL;
}

static inline __attribute__((always_inline)) void try_slot(struct hart *h, struct slot *s)
{
    struct activation *a = __atomic_load_n(&s->runs, __ATOMIC_ACQUIRE);

    bool unhindered = LIKELY(!(a->attention | a->resume | a->forfeits)); /* but that it may sleep */

    if (unhindered ? *a->sleeping && !wait_over(a) : !(a = runner(h, s, a)))
        return;
    h->slot = s;
    begin(h, a);
}

static COLD void try_others(struct hart *h, struct slot *first)
{
    struct slot *s = first->next;

    for (unsigned n = 1; n < AEGIS_SLICES && s != first; n++, s = s->next)
        try_slot(h, s);
}

/* Tries every position once, from the one behind the present. Returns when nobody can run. */
static inline void try_all(struct hart *h)
{
    struct slot *first = h->slot->linked ? h->slot->next : h->ring;

    try_slot(h, first);
    if (first->next != first)
        try_others(h, first);
}

/* Another hart asked for it; what it asks for beside stands in `work` before it interrupts. */
static void let_go(struct hart *h)
{
    machine_interrupt_clear();
    if (h->work)
        env_unlink_here(h);
    limbo_acknowledge(h);
}

static COLD void idle_interrupts(struct hart *h, unsigned long pending)
{
    if (pending & MACHINE_EXTERNAL)
        dev_interrupt();
    if (pending & MACHINE_TIMER)
        machine_timer(~0UL);
    if (pending & MACHINE_SOFTWARE)
        let_go(h);
}

/* Waits for interrupts, and returns those that are pending. One of a device, and nothing else, is dealt with here: if it concerned nobody who
   sleeps, it waits on. Only while parked is set do others count us as having let go. */
static inline unsigned long rest(struct hart *h)
{
    unsigned long pending;

    machine_timer(wait_next(h));
    do {
        uint64_t before = machine_time();
        __atomic_store_n(&h->parked, 1, __ATOMIC_SEQ_CST);
        pending = machine_idle();
        __atomic_store_n(&h->parked, 0, __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_SEQ_CST); /* before we follow anything that somebody took away meanwhile */
        h->shown->idle_ticks += machine_time() - before;
        if (pending != MACHINE_EXTERNAL)
            return pending;
    } while (!dev_interrupt());
    return 0;
}

/* While idle is set others wake us. */
static COLD void idle_begin(struct hart *h)
{
    machine_enter_null(h);
    __atomic_store_n(&h->shown->idle, 1, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* before we look at what others change and then look at it */
}

/* The hart's life, while nobody runs. */
_Noreturn void slice_leave(void)
{
    struct hart *h = machine_self()->hart;

    machine_self()->phase = 0;
    for (;;) {
        if (!LIKELY(!(dev_waiting | h->again)))
            dev_poll(h->shown->idle);
        try_all(h);
        bool busy = true;
        if (!h->shown->idle)
            idle_begin(h);
        else
            busy = dev_waiting || (env_reap_wanted() && env_reap()) || ((dev_reap_wanted | dev_unsettled) && dev_reap()) || page_reap_ahead();
        unsigned long pending = busy ? machine_pending() : rest(h);
        if (pending)
            idle_interrupts(h, pending);
    }
}

COLD void slice_wake(uint32_t harts)
{
    for (unsigned h = 0; harts; h++, harts >>= 1)
        if (harts & 1)
            hart_wake(h);
}

result_t call_slice_yield(void)
{
    slice_leave();
}

result_t call_slice_yield_to(unsigned long env)
{
    struct hart *h = machine_self()->hart;
    struct env *to;

    TRY_CALL(env_lock_other(env, AEGIS_RING, &to));
    struct activation *a = to->activation[h->index];
    env_unlock(to);
    /* in grace there is no slot to give: two could pass the hart between them for ever */
    REFUSE_CALL_IF(!a || a->resume || machine_self()->phase || !may_run(a), BUSY);
    enter(h, a, activation_user(a)->up_slice_begin, 0, 0);
}

CALL_SELF(slice_ring, 2, (env, hart))
{
    struct aegis_claim *c;

    REFUSE_CALL_IF(hart >= AEGIS_HARTS, BAD_RANGE);
    TRY_CALL(ledger_use(e, env, AEGIS_ENV, AEGIS_RING, &c));
    const struct aegis_env_record *r = &exposed.env[AEGIS_WHAT_RESOURCE(c->what)];
    REFUSE_CALL_IF(r->state != AEGIS_ENV_LIVE && r->state != AEGIS_ENV_NEW, NO_ENV);
    if (r->sleeping[hart])
        hart_wake((unsigned)hart);
    return OK_VALUE(0);
}

/* ---- interrupts that the fast paths left ---- */

static void frame_upcall(struct activation *a, struct frame *f, uint64_t pc)
{
    activation_user(a)->slice_pc = f->pc;
    f->pc = pc;
}

/* Grace is over: the state is saved by force, the next slot forfeited; who does it again and again is ended. */
static _Noreturn void overrun(struct hart *h, struct activation *a, const struct frame *f)
{
    volatile struct aegis_activation *u = activation_user(a);
    uint64_t now = machine_time();

    if (!u->forced) { /* else it has not taken up what was saved last: that goes on */
        for (unsigned i = 0; i < 32; i++)
            u->forced_save[i] = i ? f->x[i] : f->pc;
        u->forced_save[3] = u->masked; /* in gp's place */
        u->masked = 1; /* a slice end at the next slot's first instruction would take slice_pc and masked */
    }
    u->forced = 1;
    a->forfeits++;
    a->run = 0; /* C must look at it: the fast path knows of no forfeits */
    /* in a row: the forfeited slot, and its own, lie between */
    uint64_t row = 3 * (h->shown->slices + 1) * (h->slice_ticks + h->grace_ticks);
    a->overruns = now - a->overrun_time > row ? 1 : a->overruns + 1;
    a->overrun_time = now;
    if (a->overruns >= OVERRUNS_DEADLY)
        env_end(a->env, AEGIS_END_OVERRUN);
    slice_leave();
}

/*
 * The slot's time is over, or its grace. Grace that ends where it began was none (an emulator's hart can be away for
 * long): it begins anew, a few times.
 */
static void tick(struct hart *h, struct activation *a, struct frame *f)
{
    volatile struct aegis_activation *u = activation_user(a);
    uint64_t stood = a->phase & 1 ? u->up_slice_end : a->grace_pc;

    if (a->phase && (f->pc != stood || (a->phase += 2) > 2 * GRACE_AGAIN))
        overrun(h, a, f);
    machine_timer(machine_time() + h->grace_ticks);
    if (!a->phase && u->masked) {
        u->held |= AEGIS_HELD_SLICE_END;
        a->phase = 2;
        a->grace_pc = f->pc;
    } else if (!a->phase) {
        a->phase = 1;
        frame_upcall(a, f, u->up_slice_end);
    }
}

static void attend(struct hart *h, struct activation *a, struct frame *f)
{
    volatile struct aegis_activation *u = activation_user(a);

    let_go(h);
    if (a->attention & ATTENTION_DIE)
        slice_leave();
    if (!(a->attention & ATTENTION_REVOKE))
        return;
    if (u->masked)
        u->held |= AEGIS_HELD_REVOKE;
    if (u->masked || a->phase)
        return; /* at the next slice begin */
    __atomic_fetch_and(&a->attention, ~(uint64_t)ATTENTION_REVOKE, __ATOMIC_SEQ_CST);
    frame_upcall(a, f, u->up_revoke);
    u->masked = 1; /* a slice end before its first instruction would take slice_pc */
}

/* A hit that the refill path left to us, or it is the application's after all. */
static void page_fault(struct activation *a, struct frame *f)
{
    volatile struct aegis_activation *u = activation_user(a);
    uint32_t cause;
    uint64_t pc, value;

    machine_trap_read(&cause, &pc, &value);
    if (map_refill(a->env, value, (unsigned)f->x[0]))
        return;
    u->exc_cause = f->x[0] - 8;
    u->exc_pc = f->pc;
    u->exc_value = value;
    if (u->masked == AEGIS_MASKED_NESTED)
        env_doomed();
    f->pc = u->masked ? u->up_nested : u->up_exception;
    u->masked = u->masked ? AEGIS_MASKED_NESTED : 0;
}

void slice_interrupt(struct frame *f)
{
    struct activation *a = machine_self();
    struct hart *h = a->hart;
    volatile struct aegis_activation *u = activation_user(a);
    uint64_t first = u->return_begin;

    if (f->pc - first < u->return_end - first)
        f->pc = first; /* gp is not kept over an interrupt */

    switch ((int64_t)f->x[0]) {
    case INT64_MIN + 5:
        tick(h, a, f);
        break;
    case INT64_MIN + 1:
        attend(h, a, f);
        break;
    case INT64_MIN + 9:
        if (a->phase) /* grace is the application's: devices wait */
            dev_put_off(h);
        else
            dev_interrupt();
        break;
    case 8: /* a transfer: refused, and behind it, or resolved, and once more */
        f->x[5] = (uint64_t)pct_slow(a, (long)f->x[17]);
        f->x[6] = f->x[7] = 0;
        f->pc += f->x[5] ? 4 : 0;
        break;
    default:
        page_fault(a, f);
    }
}
