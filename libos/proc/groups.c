/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of processes, process groups and sessions (POSIX's, not ours). */
#include <errno.h>
#include <unistd.h>

#include "../vm/vm.h"
#include "table.h"

static int fail(int error)
{
    errno = error;
    return -1;
}

pid_t _getpid(void)
{
    return process_self ? process_self->pid : (pid_t)env_self() + 1;
}

pid_t getppid(void)
{
    return process_self ? process_self->parent : 1;
}

pid_t getpgrp(void)
{
    return process_self ? process_self->group : getpid();
}

struct group_query {
    pid_t group, session;
};

/* Who has ended is in its group until it was waited for. */
static int is_member(struct process *p, void *argument)
{
    const struct group_query *q = argument;
    return p->group == q->group && p->session == q->session;
}

/* What POSIX's page on setpgid lists. In the monitor. */
static int group_check(const struct process *p, pid_t group)
{
    struct group_query q = {group, process_self->session};

    if (!p || (p != process_self && p->parent != process_self->pid))
        return ESRCH;
    if (p != process_self && p->exec_done)
        return EACCES;
    if (p->session != process_self->session || p->session == p->pid)
        return EPERM;
    return group != p->pid && !process_each(is_member, &q) ? EPERM : 0;
}

int setpgid(pid_t pid, pid_t group)
{
    if (group < 0 || !process_self)
        return fail(EINVAL);
    monitor_enter();
    struct process *p = pid ? process_find(pid) : process_self;
    group = group || !p ? group : p->pid;
    int error = group_check(p, group);
    if (!error)
        session_set(p->group, group);
    monitor_leave();
    return error ? fail(error) : 0;
}

int setpgrp(void)
{
    return setpgid(0, 0);
}

static pid_t name_of(pid_t pid, bool session)
{
    pid_t name = -1;

    if (!process_self)
        return pid && pid != getpid() ? fail(ESRCH) : getpid();
    monitor_enter();
    const struct process *p = pid ? process_find(pid) : process_self;
    if (p)
        name = session ? p->session : p->group;
    monitor_leave();
    return p ? name : fail(ESRCH);
}

pid_t getpgid(pid_t pid)
{
    return name_of(pid, false);
}

pid_t getsid(pid_t pid)
{
    return name_of(pid, true);
}

static int leads(struct process *p, void *group)
{
    return p->group == *(pid_t *)group;
}

pid_t setsid(void)
{
    if (!process_self)
        return fail(EPERM);
    pid_t pid = process_self->pid;
    monitor_enter();
    bool leader = process_each(leads, &pid);
    if (!leader) {
        session_set(process_self->session, pid);
        session_set(process_self->group, pid);
        session_set(process_self->terminal, 0);
    }
    monitor_leave();
    return leader ? fail(EPERM) : pid;
}
