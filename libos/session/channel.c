/* SPDX-License-Identifier: BSD-2-Clause */
/* Channels: sleeping until a shared word changes. The kernel looks at the words itself. */
#include <errno.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/scheduler.h>

#include "../sched/thread.h"
#include "process.h"
#include "session.h"

#define FITTING (AEGIS_PREDICATES - 2) /* the scheduler adds one for signals */

static void predicate_of(struct aegis_predicate *p, const uint64_t *word, uint8_t operation,
                         uint64_t value)
{
    uint32_t offset;
    unsigned slot = session_slot(word, &offset);

    *p = (struct aegis_predicate){(uint16_t)slot, operation, 8, offset, value};
}

/* Before the kernel looks: who wakes it later rings this hart. */
static void sleeper_note(struct channel *c, unsigned hart)
{
    if (!(__atomic_load_n(&c->word, __ATOMIC_RELAXED) & 1U << hart))
        __atomic_fetch_or(&c->word, 1U << hart, __ATOMIC_SEQ_CST);
}

static unsigned hart_here(void)
{
    return (unsigned)(((uintptr_t)aegis_activation_current() - AEGIS_PINNED) / AEGIS_PAGE_SIZE);
}

static void sleepers_note(const struct channel_entry *entries, size_t count)
{
    unsigned hart = hart_here();

    for (size_t i = 0; i < count; i++)
        sleeper_note(entries[i].channel, hart);
    if (process_self)
        sleeper_note(&process_self->signal_channel, hart);
}

static bool any_woken(const struct channel_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (channel_seen(entries[i].channel) != entries[i].seen)
            return true;
    return false;
}

static unsigned predicates_fill(struct aegis_predicate *p, const struct channel_entry *entries,
                                size_t count, size_t fitting, uint64_t wakes)
{
    unsigned n = 0;

    if (count > fitting)
        predicate_of(&p[n++], &SESSION->wakes, AEGIS_NE, wakes);
    for (size_t i = 0; i < count && count <= fitting; i++)
        predicate_of(&p[n++], &entries[i].channel->word, AEGIS_GE, entries[i].seen + 1);
    return n;
}

void channel_bind(struct channel *c, uint64_t seen, struct aegis_predicate *predicate)
{
    sleeper_note(c, hart_here());
    predicate_of(predicate, &c->word, AEGIS_GE, seen + 1);
}

int channel_wait_with(const struct channel_entry *entries, size_t count,
                      const struct aegis_predicate *more, unsigned more_count, uint64_t deadline)
{
    struct aegis_predicate p[AEGIS_PREDICATES];
    size_t fitting = FITTING - more_count;
    unsigned n;
    long why;

    if (AEGIS_EXPOSED_STATE->harts > 1)
        sleepers_note(entries, count);
    do {
        uint64_t wakes = __atomic_load_n(&SESSION->wakes, __ATOMIC_ACQUIRE);
        if (count > fitting && any_woken(entries, count))
            return 0;
        n = predicates_fill(p, entries, count, fitting, wakes);
        for (unsigned i = 0; i < more_count; i++)
            p[n + i] = more[i];
        why = thread_wait_signal(p, n + more_count, deadline);
    } while (why >= 0 && why < (long)n && count > fitting && !any_woken(entries, count));
    return why == THREAD_WAKE_SIGNAL ? -EINTR : why == AEGIS_WAKE_TIMEOUT ? -ETIMEDOUT : 0;
}

int channel_wait_any(const struct channel_entry *entries, size_t count, uint64_t deadline)
{
    return channel_wait_with(entries, count, NULL, 0, deadline);
}

int channel_wait(struct channel *c, uint64_t seen, uint64_t deadline)
{
    struct channel_entry entry = {c, seen};
    return channel_wait_any(&entry, 1, deadline);
}

/* ---- waking ---- */

/* A ring of any who sleeps on an idle hart has all of its positions looked at. */
static int ring_there(struct process *p, void *hart)
{
    return process_ring_there(p, *(unsigned *)hart);
}

/* A hart that does not idle yet looks once more when it comes to. */
static __attribute__((noinline)) void sleepers_ring(uint64_t harts)
{
    harts &= ~(1UL << hart_here());
    for (unsigned h = 0; harts; h++, harts >>= 1)
        if (harts & 1 && AEGIS_EXPOSED_STATE->hart[h].idle)
            process_each(ring_there, &h);
}

void channel_wake(struct channel *c)
{
    uint64_t was = __atomic_load_n(&c->word, __ATOMIC_RELAXED);

    while (!__atomic_compare_exchange_n(&c->word, &was, (was | CHANNEL_SLEEPERS) + 1, true,
                                        __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        ;
    __atomic_fetch_add(&SESSION->wakes, 1, __ATOMIC_SEQ_CST);
    if (was & CHANNEL_SLEEPERS)
        sleepers_ring(was & CHANNEL_SLEEPERS);
}
