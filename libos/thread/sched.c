/* SPDX-License-Identifier: BSD-2-Clause */
/* sched_*, and what threads send each other. Policies and priorities are kept and told; the
 * environment's slots are what decides. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <aegis/exposed.h>

#include "../posix/user.h"
#include "../session/process.h"
#include "../session/session.h"
#include "../signal/state.h"
#include "pthread_internal.h"

static int fail(int error)
{
    errno = error;
    return -1;
}

int sched_yield(void)
{
    thread_yield();
    return 0;
}

void pthread_yield(void)
{
    thread_yield();
}

int sched_get_priority_max(int policy)
{
    return policy == SCHED_FIFO || policy == SCHED_RR ? 99
           : policy == SCHED_OTHER                    ? 0
                                                      : fail(EINVAL);
}

int sched_get_priority_min(int policy)
{
    return policy == SCHED_FIFO || policy == SCHED_RR ? 1
           : policy == SCHED_OTHER                    ? 0
                                                      : fail(EINVAL);
}

/* What a process's first thread has stands in its entry, where others may set it; other threads are
 * none of theirs. */

/* Where it stands among those that wait for the same. */
void scheduling_rank(struct pthread *t)
{
    t->thread->rank = t->policy == SCHED_OTHER ? 0 : (uint16_t)t->priority;
}

void scheduling_fetch(struct pthread *t)
{
    if (!process_self || t != pthread_first)
        return;
    t->policy = (int)process_self->policy;
    t->priority = (int)process_self->priority;
    scheduling_rank(t);
}

static void scheduling_store(struct process *p, int policy, int priority)
{
    session_set(p->policy, (uint32_t)policy);
    session_set(p->priority, (uint32_t)priority);
}

/* Only the superuser may have more than there was. */
static bool may_have(const struct process *p, int policy, int priority)
{
    bool more = policy != SCHED_OTHER && (p->policy == SCHED_OTHER || priority > (int)p->priority);
    return !more || process_self->euid == 0;
}

int scheduling_set(struct process *p, int policy, int priority)
{
    uid_t me = process_self->euid;

    if (!scheduling_valid(policy, priority))
        return EINVAL;
    if ((me && me != p->uid && me != p->euid) || !may_have(p, policy, priority))
        return EPERM;
    scheduling_store(p, policy, priority);
    return 0;
}

int scheduling_give(struct pthread *t, int policy, int priority)
{
    int error = 0;

    if (process_self && t == pthread_first) {
        monitor_enter();
        error = scheduling_set(process_self, policy, priority);
        monitor_leave();
    } else if (process_self && !may_have(process_self, policy, priority)) {
        error = EPERM;
    }
    if (!error) {
        t->policy = policy;
        t->priority = priority;
        scheduling_rank(t);
    }
    return error;
}

/* Of a process: of the calling thread if it is our own. -1: errno says why. */
static int scheduling_of(pid_t pid, int *policy, int *priority)
{
    if (pid < 0)
        return fail(EINVAL);
    if (!pid || pid == getpid()) {
        struct sched_param own;
        pthread_getschedparam(pthread_self(), policy, &own);
        *priority = own.sched_priority;
        return 0;
    }
    if (!process_self)
        return fail(ESRCH);
    monitor_enter();
    const struct process *p = process_find(pid);
    if (p) {
        *policy = (int)p->policy;
        *priority = (int)p->priority;
    }
    monitor_leave();
    return p ? 0 : fail(ESRCH);
}

int sched_getscheduler(pid_t pid)
{
    int policy, priority;
    return scheduling_of(pid, &policy, &priority) ? -1 : policy;
}

int sched_getparam(pid_t pid, struct sched_param *p)
{
    int policy;
    struct sched_param param;

    if (scheduling_of(pid, &policy, &param.sched_priority))
        return -1;
    if (!p)
        return fail(EINVAL);
    return user_copy_out(p, &param, sizeof param) ? fail(EFAULT) : 0;
}

int sched_setscheduler(pid_t pid, int policy, const struct sched_param *p)
{
    int before, priority, error = ESRCH;
    struct sched_param wanted;

    if (scheduling_of(pid, &before, &priority))
        return -1;
    if (!p)
        return fail(EINVAL);
    if (user_copy_in(&wanted, p, sizeof wanted))
        return fail(EFAULT);
    if (!pid || pid == getpid()) {
        error = pthread_setschedparam(pthread_self(), policy, &wanted);
    } else {
        monitor_enter();
        struct process *to = process_find(pid);
        if (to)
            error = scheduling_set(to, policy, wanted.sched_priority);
        monitor_leave();
    }
    return error ? fail(error) : before;
}

int sched_setparam(pid_t pid, const struct sched_param *p)
{
    int policy = sched_getscheduler(pid);
    return policy < 0 || sched_setscheduler(pid, policy, p) < 0 ? -1 : 0;
}

/* For what is told of this process alone. */
static struct pthread *of_process(pid_t pid)
{
    int policy, priority;

    if (scheduling_of(pid, &policy, &priority))
        return NULL;
    if (pid && pid != getpid()) {
        errno = EPERM;
        return NULL;
    }
    return pthread_here();
}

int sched_rr_get_interval(pid_t pid, struct timespec *interval)
{
    if (sched_getscheduler(pid) < 0)
        return -1;
    uint64_t ns = AEGIS_EXPOSED_STATE->slice_ticks * 1000000000UL / AEGIS_EXPOSED_STATE->time_hz;
    struct timespec t = {(time_t)(ns / 1000000000UL), (long)(ns % 1000000000UL)};
    return user_copy_out(interval, &t, sizeof t) ? fail(EFAULT) : 0;
}

int sched_getcpu(void)
{
    return (int)thread_self()->hart;
}

int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
    struct pthread *t = of_process(pid);

    if (!t)
        return -1;
    int error = pthread_getaffinity_np((pthread_t)t, size, set);
    return error ? fail(error) : 0;
}

int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set)
{
    struct pthread *t = of_process(pid);

    if (!t)
        return -1;
    int error = pthread_setaffinity_np((pthread_t)t, size, set);
    return error ? fail(error) : 0;
}

int pthread_kill(pthread_t id, int signal)
{
    struct pthread *t = pthread_of(id);

    if (signal < 0 || signal >= NSIG)
        return EINVAL;
    if (!pthread_known(t))
        return ESRCH;
    if (!signal || t->gone)
        return 0;
    siginfo_t information = {
        .si_signo = signal, .si_code = SI_USER, .si_pid = getpid(), .si_uid = getuid()};
    return -signal_post_here(t->thread, &information);
}

/* ---- fork handlers ---- */

struct at_fork {
    struct at_fork *next;
    void (*prepare)(void), (*parent)(void), (*child)(void);
};
static struct at_fork *at_fork, **at_fork_last = &at_fork;

int pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
    struct at_fork *a = malloc(sizeof *a);

    if (!a)
        return ENOMEM;
    *a = (struct at_fork){NULL, prepare, parent, child};
    threads_lock();
    *at_fork_last = a;
    at_fork_last = &a->next;
    threads_unlock();
    return 0;
}

/* The last to be registered is the first to prepare. */
static void prepare(const struct at_fork *a)
{
    if (!a)
        return;
    prepare(a->next);
    if (a->prepare)
        a->prepare();
}

void atfork_prepare(void)
{
    prepare(at_fork);
}

void atfork_parent(void)
{
    for (const struct at_fork *a = at_fork; a; a = a->next)
        if (a->parent)
            a->parent();
}

void atfork_child(void)
{
    for (const struct at_fork *a = at_fork; a; a = a->next)
        if (a->child)
            a->child();
}
