/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork, where no environment is parked that could be used again (park.h):
 *
 *     entry in the table, NASCENT (monitor)          killed from here on: init forgets the entry,
 *     environment, from pages lent by us             and ends its environment
 *     what it is called, in the entry (monitor)
 *     our thread's state into pinned memory          <- the child begins here
 *     memory: claims shared, pages copy-on-write
 *     activation, a slot of time: it runs            killed from here on: it lives
 *     RUNNING (monitor), by whoever comes first
 */
#include <errno.h>
#include <unistd.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/pager.h>

#include "../session/chunk.h"
#include "../signal/signals.h"
#include "../sched/thread.h"
#include "../thread/fork.h"
#include "../vm/vm.h"
#include "again.h"
#include "give.h"
#include "making.h"
#include "park.h"
#include "table.h"

#define FORK_PAGES 64 /* tables, pinned data and a stack */
#define ROOM 8192 /* of session memory: descriptors and the like */

PINNED_BSS uint32_t making; /* one environment at a time */

void making_begin(void)
{
    signals_defer();
    while (__atomic_exchange_n(&making, 1, __ATOMIC_ACQUIRE))
        thread_yield();
}

void making_end(void)
{
    __atomic_store_n(&making, 0, __ATOMIC_RELEASE);
    signals_allow();
}

int making_process(struct process **child)
{
    for (int tries = 0; tries < 8; tries++) {
        int error = session_reserve(ROOM);
        if (error)
            return error;
        monitor_enter();
        struct process *p = process_new(process_self, &error);
        if (p) {
            monitor_leave();
            *child = p;
            return 0;
        }
        monitor_abandon();
        if (error != ENOMEM)
            return -error;
    }
    return -ENOMEM;
}

/* On a pinned stack, masked, in the child's first slot. */
PINNED_CODE void fork_begin(uint64_t gp)
{
    struct aegis_activation *activation = GP_ACTIVATION(gp);

    if (!park_begin()) {
        space_forked();
        again_forked();
    }
    thread_boot_forked(activation);
    schedule(activation);
}

static unsigned ledger_slots(void)
{
    return AEGIS_EXPOSED_STATE->env[env_self()].pages * AEGIS_CLAIMS_PER_PAGE;
}

static int space_finish(struct space *s, struct process *child, bool again)
{
    extern void fork_entry(void);
    int error = process_bind(child, s);

    if (!error)
        error = again ? park_fork(s) : space_fork(s);
    if (!error && !again)
        error = space_activate(s, (uint64_t)fork_entry);
    if (!error && s->kept)
        park_note(s);
    if (!error)
        error = space_run(s);
    return error;
}

static __attribute__((noinline)) pid_t fork_here(struct process *child, struct space *s, bool again)
{
    static struct process
        *born; /* private data: the child reads what stood here when it was made */
    pid_t pid = child->pid;

    born = child;
    if (thread_fork_point()) {
        thread_forked();
        process_self = born;
        park_forked(session_identity());
        session_join();
        process_begin(born, born->pid);
        process_ring_publish();
        signals_forked();
        threads_forked();
        making_end();
        return 0;
    }
    int error = space_finish(s, child, again);
    if (error) {
        space_drop(s);
        return error;
    }
    process_begin(child, pid);
    return pid;
}

static pid_t fork_process(void)
{
    struct process *child;
    struct space space;
    int error = making_process(&child);

    if (error)
        return error;
    if (park_take(&space)) {
        pid_t pid = fork_here(child, &space, true);
        if (pid >= 0)
            return pid;
    }
    error = space_make(&space, space_hart(), ledger_slots(), park_open());
    if (error == -ENOMEM && (again_give() | memory_ask(ledger_slots() / AEGIS_CLAIMS_PER_PAGE + FORK_PAGES)))
        error = space_make(&space, space_hart(), ledger_slots(), false);
    if (error) {
        process_forget(child);
        return error;
    }
    pid_t pid = fork_here(child, &space, false);
    if (pid < 0)
        process_forget(child);
    return pid;
}

static pid_t result(pid_t pid)
{
    if (pid >= 0)
        return pid;
    errno = -pid;
    return -1;
}

pid_t _fork(void)
{
    if (!process_self)
        return result(-ENOSYS);
    atfork_prepare();
    locks_fork();
    making_begin();
    pid_t pid = fork_process();
    if (pid) {
        making_end();
        locks_forked_parent();
        atfork_parent();
    } else {
        locks_forked_child();
        atfork_child();
    }
    return result(pid);
}

pid_t fork(void)
{
    return _fork();
}

/* The child has a copy even so. */
pid_t vfork(void)
{
    return _fork();
}
