/* SPDX-License-Identifier: BSD-2-Clause */
/* The default scheduler: one queue, first in first out. */
#include <aegis/scheduler.h>

static PINNED_BSS struct thread *head;
static PINNED_BSS struct thread **tail;

static void round_robin_init(void)
{
    head = 0;
    tail = &head;
}

PINNED_CODE static void round_robin_start(struct thread *thread)
{
    thread->next = 0;
    *tail = thread;
    tail = &thread->next;
}

/* Who runs is in no queue. */
PINNED_CODE static void round_robin_block(struct thread *thread)
{
    (void)thread;
}

PINNED_CODE static struct thread *round_robin_pick(unsigned hart)
{
    for (struct thread **at = &head, *t; (t = *at); at = &t->next) {
        if (!(t->affinity >> hart & 1))
            continue;
        *at = t->next;
        if (tail == &t->next)
            tail = at;
        return t;
    }
    return 0;
}

PINNED_CONST const struct scheduler scheduler_round_robin = {
    .name = "round robin",
    .init = round_robin_init,
    .start = round_robin_start,
    .stop = round_robin_start,
    .block = round_robin_block,
    .pick = round_robin_pick,
};
