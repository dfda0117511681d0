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
    return policy == SCHED_FIFO || policy == SCHED_RR ? 99 : policy == SCHED_OTHER ? 0 : fail(EINVAL);
}

int sched_get_priority_min(int policy)
{
    return policy == SCHED_FIFO || policy == SCHED_RR ? 1 : policy == SCHED_OTHER ? 0 : fail(EINVAL);
}

/* The calling process's first thread speaks for it. */
static struct pthread *of_process(pid_t pid)
{
    if (pid < 0) {
        errno = EINVAL;
        return NULL;
    }
    if (pid && pid != getpid()) {
        errno = process_self && process_find(pid) ? EPERM : ESRCH;
        return NULL;
    }
    return pthread_here();
}

int sched_getscheduler(pid_t pid)
{
    const struct pthread *t = of_process(pid);
    return t ? t->policy : -1;
}

int sched_getparam(pid_t pid, struct sched_param *p)
{
    const struct pthread *t = of_process(pid);

    if (!t)
        return -1;
    struct sched_param param = {.sched_priority = t->priority};
    if (!p)
        return fail(EINVAL);
    return user_copy_out(p, &param, sizeof param) ? fail(EFAULT) : 0;
}

int sched_setscheduler(pid_t pid, int policy, const struct sched_param *p)
{
    struct pthread *t = of_process(pid);

    if (!t)
        return -1;
    if (!p)
        return fail(EINVAL);
    int before = t->policy, error = pthread_setschedparam((pthread_t)t, policy, p);
    return error ? fail(error) : before;
}

int sched_setparam(pid_t pid, const struct sched_param *p)
{
    const struct pthread *t = of_process(pid);

    if (!t)
        return -1;
    return sched_setscheduler(pid, t->policy, p) < 0 ? -1 : 0;
}

int sched_rr_get_interval(pid_t pid, struct timespec *interval)
{
    if (!of_process(pid))
        return -1;
    if (!interval)
        return fail(EINVAL);
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
