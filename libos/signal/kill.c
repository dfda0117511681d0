/* SPDX-License-Identifier: BSD-2-Clause */
/* kill and its kin: to whom, and whether that is allowed. */
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "../session/session.h"
#include "state.h"

struct sending {
    const siginfo_t *information;
    pid_t group; /* 0: all */
    unsigned found, sent;
    int error;
};

static bool allowed(const struct process *to, int signal)
{
    const struct process *p = process_self;

    return p->euid == 0 || p->uid == to->uid || p->euid == to->uid || p->uid == to->suid ||
           p->euid == to->suid || (signal == SIGCONT && p->session == to->session);
}

static void send(struct process *to, struct sending *s)
{
    s->found++;
    int error = allowed(to, s->information->si_signo)
                    ? signal_post(to, s->information->si_signo, s->information)
                    : -EPERM;
    s->sent += !error;
    s->error = error ? error : s->error;
}

static int visit(struct process *to, void *argument)
{
    struct sending *s = argument;

    if (s->group ? to->group == s->group : to->pid > 1 && to != process_self)
        send(to, s);
    return 0;
}

/* One stay in the monitor sends to at most PROCESSES processes. */
static int send_all(pid_t pid, const siginfo_t *information)
{
    struct sending s = {.information = information,
                        .group = pid == 0 ? process_self->group : pid == -1 ? 0 : -pid};

    session_reserve(8 * sizeof(struct queued_signal));
    monitor_enter();
    if (pid > 0) {
        struct process *to = process_find(pid);
        if (to)
            send(to, &s);
    } else {
        process_each(visit, &s);
    }
    monitor_leave();
    return s.sent ? 0 : s.found ? s.error : -ESRCH;
}

/* Without a session there is nobody else. */
static int send_alone(pid_t pid, const siginfo_t *information)
{
    if (pid != getpid() && pid != 0 && pid != -1)
        return -ESRCH;
    return information->si_signo ? signal_post_here(NULL, information) : 0;
}

static int result(int error)
{
    if (!error)
        return 0;
    errno = -error;
    return -1;
}

static int send_to(pid_t pid, siginfo_t *information)
{
    if (information->si_signo < 0 || information->si_signo >= NSIG)
        return result(-EINVAL);
    information->si_pid = getpid();
    information->si_uid = getuid();
    return result(process_self ? send_all(pid, information) : send_alone(pid, information));
}

int kill(pid_t pid, int signal)
{
    siginfo_t information = {.si_signo = signal, .si_code = SI_USER};
    return send_to(pid, &information);
}

int _kill(pid_t pid, int signal)
{
    return kill(pid, signal);
}

int killpg(pid_t group, int signal)
{
    if (group < 0)
        return result(-EINVAL);
    return kill(group ? -group : 0, signal);
}

int signal_queue(pid_t pid, int signal, int code, union sigval value)
{
    siginfo_t information = {.si_signo = signal, .si_code = code, .si_value = value};
    return send_to(pid, &information);
}

int sigqueue(pid_t pid, int signal, const union sigval value)
{
    return pid <= 0 ? result(-ESRCH) : signal_queue(pid, signal, SI_QUEUE, value);
}

int raise(int signal)
{
    if (signal < 0 || signal >= NSIG)
        return result(-EINVAL);
    siginfo_t information = {
        .si_signo = signal, .si_code = SI_USER, .si_pid = getpid(), .si_uid = getuid()};
    return signal ? result(signal_post_here(thread_self(), &information)) : 0;
}
