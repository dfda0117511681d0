/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for children. */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <aegis/exposed.h>

#include "../sched/thread.h"
#include "table.h"
#include "../posix/clock.h"
#include "../posix/user.h"
#include "../signal/signals.h"
#include "waiting.h"
#include "../session/monitor.h"

#define REPORT_STOP     1
#define REPORT_CONTINUE 2
#define TRIES           64 /* for a child to take its last steps */

struct wanted {
    idtype_t type;
    id_t id;
    int options;
    bool any;               /* there is such a child at all */
    struct process *found;
    /* what was found, copied in the monitor */
    pid_t pid;
    uid_t uid;
    int code, status;
    uint64_t identity, ticks, ticks_children;
};

static bool is_wanted(const struct process *p, const struct wanted *w)
{
    if (p->parent != process_self->pid || p->pid == PID_INIT || p->state == PROCESS_NASCENT)
        return false;
    return w->type == P_ALL || (id_t)(w->type == P_PID ? p->pid : p->group) == w->id;
}

static int found(struct wanted *w, struct process *p, int code, int status)
{
    w->found = p;
    w->pid = p->pid;
    w->uid = p->uid;
    w->code = code;
    w->status = status;
    w->identity = p->identity;
    w->ticks = p->time_user;
    w->ticks_children = p->time_children;
    return 1;
}

static int look(struct process *p, void *argument)
{
    struct wanted *w = argument;

    if (!is_wanted(p, w))
        return 0;
    w->any = true;
    if (p->state == PROCESS_ZOMBIE && w->options & WEXITED)
        return found(w, p, WIFEXITED(p->status) ? CLD_EXITED : CLD_KILLED, p->status);
    if (p->report & REPORT_STOP && w->options & WSTOPPED)
        return found(w, p, CLD_STOPPED, p->status);
    if (p->report & REPORT_CONTINUE && w->options & WCONTINUED)
        return found(w, p, CLD_CONTINUED, 0xffff);
    return 0;
}

static void take(const struct wanted *w)
{
    if (w->options & WNOWAIT)
        return;
    if (w->code == CLD_STOPPED || w->code == CLD_CONTINUED) {
        uint32_t bit = w->code == CLD_STOPPED ? REPORT_STOP : REPORT_CONTINUE;
        session_set(w->found->report, w->found->report & ~bit);
        return;
    }
    session_set(process_self->time_children,
                process_self->time_children + w->ticks + w->ticks_children);
    process_collect(w->found);
}

/* Its memory is to be back when it has been waited for: it has only to destroy itself. */
static void end_await(uint64_t identity)
{
    for (unsigned i = 0; i < TRIES && !owner_is_gone(identity); i++)
        thread_yield();
}

/* One look. 0: nothing yet; 1: found; or -ECHILD. */
static int wait_once(struct wanted *w, uint64_t *seen)
{
    monitor_enter();
    w->any = false;
    w->found = NULL;
    *seen = channel_seen(&process_self->child_channel);
    int result = process_each(look, w);
    if (result)
        take(w);
    monitor_leave();
    return result ? 1 : w->any ? 0 : -ECHILD;
}

/* A signal that has ended the wait may be the one that told of the end: then that is the answer. */
static int wait_for(struct wanted *w)
{
    int interrupted = 0;

    for (;;) {
        uint64_t seen;
        signals_point();
        int result = wait_once(w, &seen);
        if (result > 0 && (w->code == CLD_EXITED || w->code == CLD_KILLED))
            end_await(w->identity);
        if (result || w->options & WNOHANG)
            return result;
        if (interrupted)
            return interrupted;
        interrupted = call_wait(&process_self->child_channel, seen);
    }
}

static struct timeval time_of(uint64_t ticks)
{
    uint64_t hz = AEGIS_EXPOSED_STATE->time_hz;
    return (struct timeval){(time_t)(ticks / hz), (suseconds_t)(ticks % hz * 1000000 / hz)};
}

static int fail(int error)
{
    errno = error;
    return -1;
}

int waitid(idtype_t type, id_t id, siginfo_t *information, int options)
{
    struct wanted w = {.type = type, .id = id, .options = options};

    if (options & ~(WNOHANG | WEXITED | WSTOPPED | WCONTINUED | WNOWAIT) ||
        !(options & (WEXITED | WSTOPPED | WCONTINUED)) || type > P_PGID)
        return fail(EINVAL);
    if (type == P_PGID && id == 0)
        w.id = (id_t)process_self->group;
    int result = wait_for(&w);
    if (result < 0)
        return fail(-result);
    siginfo_t told = {0};
    if (result) {
        told.si_signo = SIGCHLD;
        told.si_code = w.code;
        told.si_pid = w.pid;
        told.si_uid = w.uid;
        told.si_status = w.code == CLD_EXITED      ? WEXITSTATUS(w.status)
                         : w.code == CLD_STOPPED   ? WSTOPSIG(w.status)
                         : w.code == CLD_CONTINUED ? SIGCONT
                                                   : WTERMSIG(w.status);
    }
    return information && user_copy_out(information, &told, sizeof told) ? fail(EFAULT) : 0;
}

pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
    struct wanted w = {.options = options | WEXITED};

    if (!process_self)
        return fail(ECHILD);
    if (options & ~(WNOHANG | WUNTRACED | WCONTINUED))
        return fail(EINVAL);
    w.type = pid == -1 ? P_ALL : pid > 0 ? P_PID : P_PGID;
    w.id = (id_t)(pid > 0 ? pid : pid == 0 ? process_self->group : -pid);
    int result = wait_for(&w);
    if (result <= 0)
        return result ? fail(-result) : 0;
    struct rusage used = {.ru_utime = time_of(w.ticks + w.ticks_children)};
    int32_t value = w.status;
    if ((status && user_copy_out(status, &value, sizeof value)) ||
        (usage && user_copy_out(usage, &used, sizeof used)))
        return fail(EFAULT);
    return w.pid;
}

pid_t waitpid(pid_t pid, int *status, int options)
{
    return wait4(pid, status, options, NULL);
}

pid_t wait3(int *status, int options, struct rusage *usage)
{
    return wait4(-1, status, options, usage);
}

pid_t _wait(int *status)
{
    return wait4(-1, status, 0, NULL);
}

pid_t wait(int *status)
{
    return wait4(-1, status, 0, NULL);
}
