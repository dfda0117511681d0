/* SPDX-License-Identifier: BSD-2-Clause */
/* The default scheduler: one queue, first in first out. */
#include <aegis/scheduler.h>

static PINNED_BSS struct thread *head;
static PINNED_BSS struct thread **tail;
static PINNED_BSS struct thread *running[AEGIS_HARTS];

static void round_robin_init(void)
{
    tail = &head;
}

PINNED_CODE static void round_robin_start(struct thread *thread)
{
    thread->state = THREAD_READY;
    thread->next = 0;
    *tail = thread;
    tail = &thread->next;
}

PINNED_CODE static void round_robin_stop(struct thread *thread)
{
    running[thread->hart] = 0;
    round_robin_start(thread);
}

PINNED_CODE static void round_robin_block(struct thread *thread)
{
    running[thread->hart] = 0;
    thread->state = THREAD_WAITING;
}

PINNED_CODE static struct thread *round_robin_pick(unsigned hart)
{
    struct thread *thread = running[hart];
    if (thread)
        return thread;
    thread = head;
    if (!thread)
        return 0;
    head = thread->next;
    if (!head)
        tail = &head;
    thread->state = THREAD_RUNNING;
    thread->hart = hart;
    running[hart] = thread;
    return thread;
}

PINNED_CONST const struct scheduler scheduler_round_robin = {
    .name = "round robin",
    .init = round_robin_init,
    .start = round_robin_start,
    .stop = round_robin_stop,
    .block = round_robin_block,
    .pick = round_robin_pick,
};
