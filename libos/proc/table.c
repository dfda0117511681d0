/* SPDX-License-Identifier: BSD-2-Clause */
/* The process table: who is there, who comes, and our claims on the environments of others. */
#include "table.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/pager.h>

#include "../sched/thread.h"
#include "../vm/vm.h"

struct process *process_self;

/* ---- looking ---- */

struct process *process_find(pid_t pid)
{
    struct process *p = SESSION->processes, *end = p + SESSION->process_high;

    for (; p < end; p++)
        if (p->pid == pid && p->state != PROCESS_FREE)
            return p;
    return NULL;
}

int process_each(int (*visit)(struct process *, void *), void *argument)
{
    struct process *p = SESSION->processes, *end = p + SESSION->process_high;
    int result = 0;

    for (; p < end && !result; p++)
        if (p->state != PROCESS_FREE)
            result = visit(p, argument);
    return result;
}

/* One place for each index modulo their number; whoever stood there before goes. */
unsigned process_slot(const struct process *p)
{
    struct aegis_capability c = p->ring;
    uint32_t index = AEGIS_WHAT_RESOURCE(c.what);
    unsigned slot = SLOT_OTHERS + index % (SLOT_OTHERS_END - SLOT_OTHERS);
    const volatile struct aegis_claim *there = slot_claim(slot);

    if (AEGIS_WHAT_TYPE(c.what) != AEGIS_ENV)
        return 0;
    for (;;) {
        if (there->what == c.what && there->check == AEGIS_EXPOSED_STATE->env[index].check)
            return slot;
        while (there->what && aegis_release(AEGIS_SLOT_SELF, slot).error == AEGIS_E_AGAIN)
            ;
        long error = aegis_claim(c.what, c.mac, slot).error;
        if (error != AEGIS_E_OCCUPIED) /* by another thread of ours, meanwhile */
            return error ? 0 : slot;
    }
}

/* Once more if another thread of ours has made the slot another's meanwhile: that one was rung. */
bool process_ring_there(const struct process *p, unsigned hart)
{
    unsigned slot;
    long error;

    if (!AEGIS_EXPOSED_STATE->env[p->environment].sleeping[hart])
        return false;
    do {
        if (!(slot = process_slot(p)))
            return false;
        error = aegis_slice_ring(slot, hart).error;
    } while (slot_claim(slot)->what != p->ring.what);
    return !error;
}

void process_ring(const struct process *p)
{
    const volatile struct aegis_exposed *e = AEGIS_EXPOSED_STATE;

    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (unsigned h = 0; e->harts > 1 && h < e->harts; h++)
        if (e->hart[h].idle)
            process_ring_there(p, h);
}

/* Each process says itself by what it is rung, or yielded to. */
void process_ring_publish(void)
{
    static PINNED_KEPT struct aegis_capability ring; /* a copy of one's parent's is none of ours */
    uint64_t what = AEGIS_WHAT(AEGIS_ENV, AEGIS_RING, 0, env_self());

    if (ring.what != what)
        ring = (struct aegis_capability){what, aegis_capability_make(AEGIS_SLOT_SELF, AEGIS_RING, 0, 0).value};
    monitor_enter();
    session_store(&process_self->ring, &ring, sizeof ring);
    monitor_leave();
}

/* ---- coming ---- */

/* A name is taken while a process, a group or a session has it. */
static bool pid_taken(pid_t pid)
{
    const struct process *p = SESSION->processes, *end = p + SESSION->process_high;

    for (; p < end; p++)
        if (p->state != PROCESS_FREE && (p->pid == pid || p->group == pid || p->session == pid))
            return true;
    return false;
}

static pid_t pid_new(void)
{
    pid_t pid = SESSION->last_pid;

    do {
        pid = pid >= PID_MAX ? PID_FIRST : pid + 1;
    } while (pid_taken(pid));
    session_set(SESSION->last_pid, pid);
    return pid;
}

static struct process *entry_find(void)
{
    struct process *p = SESSION->processes, *end = p + SESSION->process_high;

    while (p < end && p->state != PROCESS_FREE)
        p++;
    if (p == end) {
        if (SESSION->process_high == PROCESSES)
            return NULL;
        session_set(SESSION->process_high, SESSION->process_high + 1);
    }
    return p;
}

static bool user_may(const struct process *parent)
{
    uint64_t limit = parent->limits[RLIMIT_NPROC].now, count = 0;
    const struct process *p = SESSION->processes, *end = p + SESSION->process_high;

    if (limit >= PROCESSES)
        return true;
    for (; p < end; p++)
        count += p->state != PROCESS_FREE && p->uid == parent->uid;
    return count < limit;
}

/* A free entry need not be logged, but its words that others may still look at only grow. */
static void inherit(struct process *p, const struct process *parent)
{
    struct channel signals = p->signal_channel, children = p->child_channel;

    *p = *parent;
    p->state = PROCESS_FREE;
    p->signal_channel = signals;
    p->child_channel = children;
    p->parent = parent->pid;
    p->environment = 0;
    p->identity = 0;
    p->control = p->ring = (struct aegis_capability){0, 0};
    p->maker = session_identity();
    p->next_identity = 0;
    p->next_control = (struct aegis_capability){0, 0};
    p->next_image = NULL;
    p->status = 0;
    p->report = 0;
    p->flags = 0;
    p->exec_done = 0;
    p->arguments = NULL;
    p->arguments_size = 0;
    p->started = (int64_t)time_now();
    p->time_user = p->time_children = p->faults = 0;
    p->pending = parent->pending & 1UL << SIGKILL; /* all, or all but those to come: none comes while they are killed */
    p->queue = NULL;
    p->queue_count = 0;
    p->semaphore = 0;
    memset(p->interval_timers, 0, sizeof p->interval_timers);
    p->descriptors = NULL;
}

struct process *process_new(const struct process *parent, int *error)
{
    struct process *p = user_may(parent) ? entry_find() : NULL;

    *error = EAGAIN;
    if (!p)
        return NULL;
    inherit(p, parent);
    p->pid = pid_new();
    session_set(p->state, PROCESS_NASCENT);
    *error = -descriptors_fork(p, parent);
    if (*error)
        return NULL;
    directories_fork(p, parent);
    return p;
}

int process_bind(struct process *p, struct space *s)
{
    struct aegis_capability control;
    int error = space_control(s, &control);

    if (error)
        return error;
    monitor_enter();
    session_store(&p->control, &control, sizeof control);
    session_set(p->environment, s->index);
    session_set(p->identity, s->identity);
    monitor_leave();
    return 0;
}

/* Its maker says so, and it itself, whoever comes first; so it may have ended since. */
void process_begin(struct process *p, pid_t pid)
{
    monitor_enter();
    if (p->pid == pid && p->state == PROCESS_NASCENT)
        session_set(p->state, PROCESS_RUNNING);
    monitor_leave();
}

static void limits_fill(struct process *p)
{
    for (unsigned i = 0; i < sizeof p->limits / sizeof p->limits[0]; i++)
        p->limits[i] = (struct process_limit){RLIM_INFINITY, RLIM_INFINITY};
    p->limits[RLIMIT_STACK].now = 8 << 20;
    p->limits[RLIMIT_NOFILE].now = p->limits[RLIMIT_NOFILE].most = 1024;
    p->limits[RLIMIT_NPROC].now = p->limits[RLIMIT_NPROC].most = PROCESSES;
    p->limits[RLIMIT_CORE].now = 0;
}

/* The table, and ourselves in it. */
int processes_create(void)
{
    size_t pages = (PROCESSES * sizeof(struct process) + AEGIS_PAGE_SIZE - 1) / AEGIS_PAGE_SIZE;

    if (session_reserve(pages * AEGIS_PAGE_SIZE))
        return -ENOMEM;
    struct aegis_result ring = aegis_capability_make(AEGIS_SLOT_SELF, AEGIS_RING, 0, 0);
    monitor_enter();
    struct process *p = session_pages_raw(pages);
    monitor_leave();
    if (!p)
        return -ENOMEM;
    memset(p, 0, pages * AEGIS_PAGE_SIZE);
    p->state = PROCESS_RUNNING;
    p->pid = p->group = p->session = PID_INIT;
    p->identity = session_identity();
    p->environment = (uint32_t)(p->identity & (AEGIS_ENVS - 1));
    /* who wakes it from another hart rings it; nobody is to end it */
    p->control = (struct aegis_capability){AEGIS_WHAT(AEGIS_ENV, AEGIS_RING, 0, p->environment),
                                           ring.value};
    p->mask = 022;
    p->started = (int64_t)time_now();
    memcpy(p->name, "init", 5);
    limits_fill(p);
    SESSION->last_pid = PID_INIT;
    SESSION->process_high = 1;
    SESSION->processes = p;
    process_self = p;
    process_ring_publish();
    return 0;
}
