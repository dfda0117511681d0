/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals of one thread to itself: a disposition and a mask; what comes while blocked stays
 * pending. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "../sched/thread.h"
#include "../upcall/upcall_asm.h"
#include "fault.h"
#include "process.h"
#include "signals.h"

#define BIT(signal)   (1UL << (signal))
#define VALID(signal) ((signal) > 0 && (signal) < NSIG)
#define UNBLOCKABLE   (BIT(SIGKILL) | BIT(SIGSTOP))

static struct sigaction actions[NSIG];
static unsigned long blocked, pending;

static int ignored_by_default(int signal)
{
    return signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH || signal == SIGCONT ||
           signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

static void information_fill(siginfo_t *information, int signal, const struct context *saved)
{
    memset(information, 0, sizeof *information);
    information->si_signo = signal;
    information->si_code = SI_USER;
    information->si_pid = getpid();
    if (!saved)
        return;
    information->si_addr =
        (void *)(signal == SIGSEGV || signal == SIGBUS ? saved->value : saved->pc);
    information->si_code = signal == SIGBUS    ? BUS_ADRALN
                           : signal == SIGILL  ? ILL_ILLOPC
                           : signal == SIGTRAP ? TRAP_BRKPT
                                               : SEGV_MAPERR;
}

static void handler_call(int signal, const struct sigaction *action, struct context *saved)
{
    siginfo_t information;

    if (action->sa_flags & SA_SIGINFO) {
        information_fill(&information, signal, saved);
        action->sa_sigaction(signal, &information, saved);
    } else {
        action->sa_handler(signal);
    }
}

static void deliver(int signal, struct context *saved)
{
    struct sigaction action = actions[signal];
    unsigned long before = blocked;

    if (action.sa_handler == SIG_IGN ||
        (action.sa_handler == SIG_DFL && ignored_by_default(signal)))
        return;
    if (action.sa_handler == SIG_DFL)
        process_end(START_SIGNALED, signal);
    if (action.sa_flags & SA_RESETHAND)
        actions[signal].sa_handler = SIG_DFL;
    blocked |= action.sa_mask | (action.sa_flags & SA_NODEFER ? 0 : BIT(signal));
    handler_call(signal, &action, saved);
    blocked = before;
}

static void deliver_pending(void)
{
    unsigned long now;

    while ((now = pending & ~blocked)) {
        int signal = __builtin_ctzl(now);
        pending &= ~BIT(signal);
        deliver(signal, NULL);
    }
}

void signal_raise(int signal)
{
    pending |= BIT(signal);
    deliver_pending();
}

void signal_interrupt(const struct context *saved, int signal)
{
    uint64_t fp[33];
    uint64_t live = aegis_activation_current()->fp_live;

    (void)saved;
    if (live)
        fp_save(fp);
    signal_raise(signal);
    if (live)
        fp_restore(fp);
}

/* A thread that has something to attend to. */
void attention_entry(struct context *saved, long unused)
{
    (void)unused;
    thread_self()->attention = 0;
    deliver_pending();
    thread_self()->deferred--;
    context_return(saved);
}

void signal_fault(struct context *saved, int signal)
{
    void (*handler)(int) = actions[signal].sa_handler;

    if (handler == SIG_DFL || handler == SIG_IGN || blocked & BIT(signal)) {
        fault_report(saved, signal);
        process_end(START_SIGNALED, signal);
    }
    deliver(signal, saved);
}

int signal_restarts(int signal)
{
    return actions[signal].sa_flags & SA_RESTART;
}

/* ---- the C library's face ---- */

int sigaction(int signal, const struct sigaction *restrict new, struct sigaction *restrict old)
{
    if (!VALID(signal) || (new &&UNBLOCKABLE &BIT(signal))) {
        errno = EINVAL;
        return -1;
    }
    if (old)
        *old = actions[signal];
    if (new)
        actions[signal] = *new;
    return 0;
}

_sig_func_ptr signal(int signal, _sig_func_ptr handler)
{
    struct sigaction new = {.sa_flags = SA_RESTART}, old;
    new.sa_handler = handler;
    return sigaction(signal, &new, &old) ? SIG_ERR : old.sa_handler;
}

int sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
    if (old)
        *old = blocked;
    if (!set)
        return 0;
    if (how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK) {
        errno = EINVAL;
        return -1;
    }
    blocked = how == SIG_BLOCK ? blocked | *set : how == SIG_UNBLOCK ? blocked & ~*set : *set;
    blocked &= ~UNBLOCKABLE;
    deliver_pending();
    return 0;
}

int sigpending(sigset_t *set)
{
    *set = pending;
    return 0;
}

int raise(int signal)
{
    if (signal < 0 || signal >= NSIG) {
        errno = EINVAL;
        return -1;
    }
    if (signal)
        signal_raise(signal);
    return 0;
}

int _kill(pid_t pid, int signal)
{
    if (pid == getpid() || pid == 0 || pid == -1)
        return raise(signal);
    errno = ESRCH;
    return -1;
}

static int set_check(int signal)
{
    if (VALID(signal))
        return 0;
    errno = EINVAL;
    return -1;
}

int sigaddset(sigset_t *set, const int signal)
{
    if (set_check(signal))
        return -1;
    *set |= BIT(signal);
    return 0;
}

int sigdelset(sigset_t *set, const int signal)
{
    if (set_check(signal))
        return -1;
    *set &= ~BIT(signal);
    return 0;
}

int sigismember(const sigset_t *set, int signal)
{
    return set_check(signal) ? -1 : (int)(*set >> signal & 1);
}

int sigemptyset(sigset_t *set)
{
    *set = 0;
    return 0;
}

int sigfillset(sigset_t *set)
{
    *set = ~0UL;
    return 0;
}
