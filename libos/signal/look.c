/* SPDX-License-Identifier: BSD-2-Clause */
/* Who has to attend to what is pending. Looked at whenever a slot begins and before the environment
 * sleeps; masked and pinned. */
#include <aegis/aegis.h>

#include "../proc/give.h"
#include "../session/session.h"
#include "state.h"

/* What is ignored goes, unless all block it (one may wait for it) or one does. */
PINNED_CODE static uint64_t discard(uint64_t all)
{
    uint64_t gone = all & signals_discarded, blocked = ~0UL, accepted = 0;

    if (!gone)
        return all;
    for (struct thread *t = 0; (t = thread_next(t));) {
        blocked &= t->blocked;
        accepted |= t->accepts;
    }
    gone &= ~blocked & ~accepted;
    __atomic_fetch_and(&signals_local, ~gone, __ATOMIC_SEQ_CST);
    __atomic_fetch_and(signals_shared, ~gone, __ATOMIC_SEQ_CST);
    return all & ~gone;
}

/* Each signal for one thread that takes it. */
PINNED_CODE static bool assign(uint64_t left)
{
    bool some = false;

    for (struct thread *t = 0; left && (t = thread_next(t));) {
        uint64_t here = left & (t->accepts | ~t->blocked);
        if (!here || t->state == THREAD_ENDED)
            continue;
        left &= ~here;
        attend(t, THREAD_ATTENTION_SIGNAL);
        some = true;
    }
    return some;
}

/* What wakes the environment counts the signals: a bit that was taken and is pending again looks as
 * it did. */
static PINNED_DATA const struct channel *channel;

PINNED_CODE bool signals_look(void)
{
    if (channel)
        signal_hooks.wake.value = channel_seen(channel) + 1; /* before we look at what is pending */
    if (signal_hooks.deadline && (int64_t)(time_now() - signal_hooks.deadline) >= 0)
        signal_hooks.deadline = timers_fire(time_now());
    if (*signals_shared & PENDING_GIVE) {
        __atomic_fetch_and(signals_shared, ~PENDING_GIVE, __ATOMIC_SEQ_CST);
        memory_give();
    }
    uint64_t all = __atomic_load_n(signals_shared, __ATOMIC_SEQ_CST) | signals_local;
    if (!all)
        return false;
    if (all & BIT(SIGKILL))
        for (;;)
            aegis_env_destroy(AEGIS_SLOT_SELF);
    return assign(discard(all));
}

static void look_call(struct context *c, void *unused, struct aegis_activation *a)
    __attribute__((section(".pinned.text")));
static void look_call(struct context *c, void *unused, struct aegis_activation *a)
{
    (void)unused;
    signals_look();
    thread_go_on((struct thread *)c, a);
}

void signals_check(void)
{
    context_call(&thread_self()->context, look_call, 0);
}

void signals_bind(void)
{
    uint32_t offset;

    signals_shared = &signals_local;
    signal_hooks.wake.slot = NO_PREDICATE;
    channel = NULL;
    if (process_self) {
        unsigned slot = session_slot(&process_self->signal_channel.word, &offset);
        channel = &process_self->signal_channel;
        signal_hooks.wake = (struct aegis_predicate){(uint16_t)slot, AEGIS_GE, 8, offset,
                                                     channel_seen(channel) + 1};
        signals_shared = &process_self->pending;
    }
    signal_hooks.look = signals_look;
}
