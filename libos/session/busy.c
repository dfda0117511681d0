/* SPDX-License-Identifier: BSD-2-Clause */
/* Busy words: who holds one may copy and wait; dead, it holds it no more. */
#include <errno.h>

#include "monitor.h"
#include "session.h"

static uint64_t thread_number(void)
{
    uint64_t tp;
    __asm__("mv %0, tp" : "=r"(tp));
    return tp;
}

static bool owner_change(struct busy *b, uint64_t from)
{
    return __atomic_compare_exchange_n(&b->owner, &from, session_me, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

bool busy_try(struct busy *b)
{
    uint64_t owner = __atomic_load_n(&b->owner, __ATOMIC_RELAXED);

    if (owner && (owner == session_me || !owner_is_gone(owner)))
        return false;
    if (!owner_change(b, owner))
        return false;
    b->thread = thread_number();
    return true;
}

/* Who is dead wakes nobody: so we look again now and then. */
#define LOOK_AGAIN 100000 /* `time` */

static uint64_t soon(void)
{
    uint64_t now;
    __asm__ volatile("rdtime %0" : "=r"(now));
    return now + LOOK_AGAIN;
}

void busy_take(struct busy *b)
{
    for (;;) {
        uint64_t seen = channel_seen(&b->channel);
        __atomic_store_n(&b->wanted, 1, __ATOMIC_SEQ_CST); /* we wait, or may come to */
        if (busy_try(b))
            return;
        if (channel_wait(&b->channel, seen, soon()) == -EINTR)
            monitor_relax(0);
    }
}

void busy_wake(struct busy *b)
{
    __atomic_store_n(&b->wanted, 0, __ATOMIC_RELAXED);
    channel_wake(&b->channel);
}

void busy_give(struct busy *b)
{
    b->thread = 0;
    __atomic_store_n(&b->owner, 0, __ATOMIC_RELEASE);
    busy_wake(b);
}
