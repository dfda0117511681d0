/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending. What is pending for a process stands in its entry of the process table, with a queue of
 * what came with it; what is pending for one thread, or what the process sends itself (timers too),
 * in the process.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "../session/session.h"
#include "state.h"

#define LOCAL 64 /* signals queued here */

struct local {
    struct thread *to; /* null: the process */
    uint64_t order;    /* 0: free */
    siginfo_t information;
};

static SELDOM_BSS struct local queue[LOCAL];
/* Pinned, for it is there then: a child that looks at it touches no page for it. */
static PINNED_BSS uint64_t order;
static PINNED_BSS uint32_t queue_taken;
PINNED_BSS uint64_t signals_local;
PINNED_DATA volatile uint64_t *signals_shared = &signals_local;

/* ---- in this process ---- */

static void queue_lock(void)
{
    while (__atomic_exchange_n(&queue_taken, 1, __ATOMIC_ACQUIRE))
        thread_yield();
}

static void queue_unlock(void)
{
    __atomic_store_n(&queue_taken, 0, __ATOMIC_RELEASE);
}

/* The oldest of a signal for `to`; `more`: there is another. */
static struct local *queue_find(const struct thread *to, int signal, bool *more)
{
    struct local *found = NULL;

    *more = false;
    for (struct local *q = queue; q < queue + LOCAL; q++) {
        if (!q->order || q->to != to || q->information.si_signo != signal)
            continue;
        *more = found != NULL;
        if (!found || q->order < found->order)
            found = q;
    }
    return found;
}

static struct local *queue_free(void)
{
    for (struct local *q = queue; q < queue + LOCAL; q++)
        if (!q->order)
            return q;
    return NULL;
}

void local_forget(void)
{
    if (order) /* else it was never touched */
        memset(queue, 0, sizeof queue);
    queue_taken = 0;
    signals_local = 0;
}

int signal_post_here(struct thread *to, const siginfo_t *information)
{
    int signal = information->si_signo, error = 0;
    uint64_t *word = to ? &to->pending : &signals_local;

    signals_defer();
    queue_lock();
    if (signal >= SIGRTMIN || !(*word & BIT(signal))) {
        struct local *q = queue_free();
        if (q) {
            q->to = to;
            q->information = *information;
            q->order = ++order;
        } else if (information->si_code == SI_QUEUE) {
            error = -EAGAIN;
        }
    }
    if (!error)
        __atomic_fetch_or(word, BIT(signal), __ATOMIC_SEQ_CST);
    queue_unlock();
    if (to && !error && (to->accepts | ~to->blocked) & BIT(signal)) {
        if (to == thread_self())
            to->attention |= THREAD_ATTENTION_SIGNAL;
        else
            thread_attend(to, THREAD_ATTENTION_SIGNAL);
    } else if (!to) {
        signals_check();
    }
    signals_allow();
    return error;
}

/* From a word of ours: its bit goes first, and comes back if there is more. */
static int take_here(struct thread *of, uint64_t *word, int signal, siginfo_t *information)
{
    bool more;

    queue_lock();
    __atomic_fetch_and(word, ~BIT(signal), __ATOMIC_SEQ_CST);
    struct local *q = queue_find(of, signal, &more);
    if (q) {
        *information = q->information;
        q->order = 0;
    } else if (of || !timer_take(signal, information)) {
        *information = (siginfo_t){.si_signo = signal, .si_code = SI_USER};
    }
    if (more)
        __atomic_fetch_or(word, BIT(signal), __ATOMIC_SEQ_CST);
    queue_unlock();
    return signal;
}

/* ---- in the session ---- */

static struct queued_signal **shared_find(struct process *p, int signal)
{
    struct queued_signal **at = &p->queue;

    while (*at && (*at)->information.si_signo != signal)
        at = &(*at)->next;
    return at;
}

static void shared_remove(struct process *p, struct queued_signal **at)
{
    struct queued_signal *q = *at;

    session_set(*at, q->next);
    session_set(p->queue_count, p->queue_count - 1);
    session_free(q, sizeof *q);
}

static int take_shared(int signal, siginfo_t *information)
{
    struct process *p = process_self;

    monitor_enter();
    if (!(p->pending & BIT(signal))) {
        monitor_leave();
        return 0;
    }
    __atomic_fetch_and(&p->pending, ~BIT(signal), __ATOMIC_SEQ_CST);
    struct queued_signal **at = shared_find(p, signal);
    *information = (siginfo_t){.si_signo = signal, .si_code = SI_USER};
    if (*at) {
        *information = (*at)->information;
        shared_remove(p, at);
    }
    if (*shared_find(p, signal))
        __atomic_fetch_or(&p->pending, BIT(signal), __ATOMIC_SEQ_CST);
    monitor_leave();
    return signal;
}

int signal_take(uint64_t mask, siginfo_t *information)
{
    struct thread *self = thread_self();
    uint64_t mine = self->pending & mask, local = signals_local & mask;
    uint64_t shared = process_self ? process_self->pending & mask : 0;
    uint64_t all = mine | local | shared;

    if (!all)
        return 0;
    int signal = __builtin_ctzl(all);
    if (mine & BIT(signal))
        return take_here(self, &self->pending, signal, information);
    if (local & BIT(signal))
        return take_here(NULL, &signals_local, signal, information);
    return take_shared(signal, information);
}

void signal_discard(int signal)
{
    siginfo_t information;

    for (struct thread *t = NULL; (t = thread_next(t));)
        while (t->pending & BIT(signal))
            take_here(t, &t->pending, signal, &information);
    while (signals_local & BIT(signal))
        take_here(NULL, &signals_local, signal, &information);
    while (process_self && process_self->pending & BIT(signal))
        take_shared(signal, &information);
}

/* Those that undo each other, and what a stopped process hears. */
static void post_effects(struct process *to, int signal)
{
    uint64_t undone = signal == SIGCONT ? STOPPING : BIT(signal) & STOPPING ? BIT(SIGCONT) : 0;

    if (to->pending & undone)
        __atomic_fetch_and(&to->pending, ~undone, __ATOMIC_SEQ_CST);
    if (to->state != PROCESS_STOPPED || (signal != SIGCONT && signal != SIGKILL))
        return;
    session_set(to->state, PROCESS_RUNNING);
    process_ring(to);
    channel_wake(&SESSION->keeper_channel);
    if (signal == SIGCONT) {
        session_set(to->status, 0xffff);
        session_set(to->report, 2);
        process_report(to, CLD_CONTINUED, SIGCONT);
    }
}

static bool queue_add(struct process *to, const siginfo_t *information)
{
    struct queued_signal *q = NULL, **at = &to->queue;

    if (to->queue_count < SIGNALS_QUEUED)
        q = session_alloc(sizeof *q);
    if (!q)
        return false;
    q->information = *information;
    q->next = NULL;
    while (*at)
        at = &(*at)->next;
    session_set(*at, q);
    session_set(to->queue_count, to->queue_count + 1);
    return true;
}

int signal_post(struct process *to, int signal, const siginfo_t *information)
{
    if (!signal || to->state == PROCESS_ZOMBIE)
        return 0;
    post_effects(to, signal);
    if (to->ignored & BIT(signal) && !(UNBLOCKABLE & BIT(signal)))
        return 0;
    if (information && (signal >= SIGRTMIN || !(to->pending & BIT(signal))) &&
        !queue_add(to, information) && information->si_code == SI_QUEUE)
        return -EAGAIN;
    __atomic_fetch_or(&to->pending, BIT(signal), __ATOMIC_SEQ_CST);
    channel_wake(&to->signal_channel);
    process_ring(to);
    if (BIT(signal) & UNBLOCKABLE && to != process_self)
        channel_wake(&SESSION->keeper_channel); /* which sees to it (proc/enforce.c) */
    if (to == process_self)
        thread_self()->attention |= THREAD_ATTENTION_SIGNAL;
    return 0;
}

void process_report(struct process *p, int code, int status)
{
    struct process *parent = process_find(p->parent);

    if (!parent)
        return;
    channel_wake(&parent->child_channel);
    if (code != CLD_EXITED && code != CLD_KILLED && parent->flags & PROCESS_NOCLDSTOP)
        return;
    siginfo_t information = {.si_signo = SIGCHLD, .si_code = code, .si_pid = p->pid,
                             .si_uid = p->uid, .si_status = status};
    signal_post(parent, SIGCHLD, &information);
}

void signals_end(struct process *p)
{
    monitor_enter();
    while (p->queue)
        shared_remove(p, &p->queue);
    monitor_leave();
}

int signal_self(const siginfo_t *information)
{
    if (!process_self)
        return signal_post_here(NULL, information);
    session_reserve(sizeof(struct queued_signal));
    monitor_enter();
    int error = signal_post(process_self, information->si_signo, information);
    monitor_leave();
    return error;
}
