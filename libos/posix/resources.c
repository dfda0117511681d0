/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits and niceness, which the process's entry in the session's table keeps; the parts enforce
 * them. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <ulimit.h>
#include <unistd.h>

#include "../session/process.h"
#include "../signal/state.h"
#include "user.h"

static int fail(int error)
{
    errno = error;
    return -1;
}

int getrlimit(int resource, struct rlimit *to)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

    if (resource < 0 || resource >= RLIM_NLIMITS)
        return fail(EINVAL);
    if (process_self)
        limit = (struct rlimit){process_self->limits[resource].now,
                                process_self->limits[resource].most};
    return user_copy_out(to, &limit, sizeof limit) ? fail(EFAULT) : 0;
}

int setrlimit(int resource, const struct rlimit *from)
{
    struct rlimit limit;

    if (resource < 0 || resource >= RLIM_NLIMITS)
        return fail(EINVAL);
    if (user_copy_in(&limit, from, sizeof limit))
        return fail(EFAULT);
    if (limit.rlim_cur > limit.rlim_max)
        return fail(EINVAL);
    if (!process_self || (geteuid() && limit.rlim_max > process_self->limits[resource].most))
        return fail(EPERM);
    monitor_enter();
    session_set(process_self->limits[resource].now, limit.rlim_cur);
    session_set(process_self->limits[resource].most, limit.rlim_max);
    monitor_leave();
    if (resource == RLIMIT_CPU)
        timers_limit();
    return 0;
}

/* In blocks of 512 bytes. */
long ulimit(int command, ...)
{
    struct rlimit limit;
    va_list arguments;

    if (getrlimit(RLIMIT_FSIZE, &limit))
        return -1;
    if (command == UL_SETFSIZE) {
        va_start(arguments, command);
        long blocks = va_arg(arguments, long);
        va_end(arguments);
        limit.rlim_cur = (rlim_t)blocks > LONG_MAX / 512 ? RLIM_INFINITY : (rlim_t)blocks * 512;
        if (geteuid() == 0 || limit.rlim_max > limit.rlim_cur)
            limit.rlim_max = limit.rlim_cur;
        if (setrlimit(RLIMIT_FSIZE, &limit))
            return -1;
    } else if (command != UL_GETFSIZE) {
        return fail(EINVAL);
    }
    return limit.rlim_cur > LONG_MAX ? LONG_MAX : (long)(limit.rlim_cur / 512);
}

/* ---- niceness: -20 to 19 ---- */

struct priority_query {
    int which, set, value;
    id_t who;
    int best, found, refused;
};

static int query_matches(const struct priority_query *q, const struct process *p)
{
    switch (q->which) {
    case PRIO_PROCESS:
        return p->pid == (pid_t)q->who;
    case PRIO_PGRP:
        return p->group == (pid_t)q->who;
    default:
        return p->uid == q->who;
    }
}

static int query_visit(struct process *p, void *argument)
{
    struct priority_query *q = argument;
    uid_t me = process_self->euid;
    int now = (int32_t)p->nice;

    if (!query_matches(q, p) || p->state == PROCESS_ZOMBIE)
        return 0;
    q->found = 1;
    if (now < q->best)
        q->best = now;
    if (!q->set)
        return 0;
    if (me && me != p->uid && me != p->euid)
        q->refused = EPERM;
    else if (me && q->value < now)
        q->refused = EACCES;
    else
        session_set(p->nice, (uint32_t)q->value);
    return 0;
}

static int query_run(struct priority_query *q)
{
    if (q->which < PRIO_PROCESS || q->which > PRIO_USER)
        return fail(EINVAL);
    if (!process_self)
        return fail(ESRCH);
    if (!q->who)
        q->who = q->which == PRIO_PROCESS ? (id_t)process_self->pid
                 : q->which == PRIO_PGRP  ? (id_t)process_self->group
                                          : process_self->uid;
    q->best = NZERO;
    monitor_enter();
    process_each(query_visit, q);
    monitor_leave();
    if (!q->found)
        return fail(ESRCH);
    return q->refused ? fail(q->refused) : 0;
}

int getpriority(int which, id_t who)
{
    struct priority_query q = {.which = which, .who = who};
    return query_run(&q) ? -1 : q.best;
}

int setpriority(int which, id_t who, int value)
{
    value = value < PRIO_MIN ? PRIO_MIN : value > PRIO_MAX - 1 ? PRIO_MAX - 1 : value;
    struct priority_query q = {.which = which, .who = who, .set = 1, .value = value};
    return query_run(&q);
}

int nice(int step)
{
    int now = process_self ? (int32_t)process_self->nice : 0;

    step = step < -2 * NZERO ? -2 * NZERO : step > 2 * NZERO ? 2 * NZERO : step;
    if (setpriority(PRIO_PROCESS, 0, now + step)) {
        errno = errno == EACCES ? EPERM : errno;
        return -1;
    }
    return getpriority(PRIO_PROCESS, 0);
}
