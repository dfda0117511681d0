/* SPDX-License-Identifier: BSD-2-Clause */
/* Which signals a thread takes, and waiting for them. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "../posix/clock.h"
#include "../posix/user.h"
#include "state.h"

static uint64_t pending_now(const struct thread *self)
{
    return self->pending | signals_local | *signals_shared;
}

/* With signals deferred. */
static void mask_set(struct thread *self, uint64_t mask)
{
    self->blocked = mask & ~UNBLOCKABLE;
    if (pending_now(self) & ~self->blocked)
        self->attention |= THREAD_ATTENTION_SIGNAL;
}

int pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
    struct thread *self = thread_self();
    sigset_t before = self->blocked, mask;

    if (set) {
        if (user_copy_in(&mask, set, sizeof mask))
            return EFAULT;
        if (how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK)
            return EINVAL;
        signals_defer();
        mask_set(self, how == SIG_BLOCK     ? before | mask
                       : how == SIG_UNBLOCK ? before & ~mask
                                            : mask);
        signals_allow();
    }
    return old && user_copy_out(old, &before, sizeof before) ? EFAULT : 0;
}

int sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
    int error = pthread_sigmask(how, set, old);

    if (!error)
        return 0;
    errno = error;
    return -1;
}

int sigpending(sigset_t *set)
{
    struct thread *self = thread_self();
    sigset_t pending = pending_now(self) & self->blocked;

    if (!user_copy_out(set, &pending, sizeof pending))
        return 0;
    errno = EFAULT;
    return -1;
}

bool signal_blocked(int signal)
{
    return thread_self()->blocked & BIT(signal);
}

/* ---- until a handler has run ---- */

int sigsuspend(const sigset_t *set)
{
    struct thread *self = thread_self();
    uint64_t before = self->blocked;
    uint32_t handled = self->handled;
    sigset_t mask;

    if (user_copy_in(&mask, set, sizeof mask)) {
        errno = EFAULT;
        return -1;
    }
    signals_point();
    signals_defer();
    mask_set(self, mask);
    while (self->handled == handled) {
        thread_wait_signal(NULL, 0, 0);
        signals_allow();
        signals_point();
        signals_defer();
    }
    mask_set(self, before);
    signals_allow();
    errno = EINTR;
    return -1;
}

int pause(void)
{
    sigset_t mask = thread_self()->blocked;
    return sigsuspend(&mask);
}

/* XSI's sigpause, by the name that newlib's header gives it: takes a signal out of the mask. */
int __xpg_sigpause(int signal);
int __xpg_sigpause(int signal)
{
    sigset_t mask = thread_self()->blocked & ~BIT(signal);

    if (VALID(signal))
        return sigsuspend(&mask);
    errno = EINVAL;
    return -1;
}

/* BSD's takes a mask, of signals 1 to 31. */
int sigpause(int mask)
{
    sigset_t set = (sigset_t)(unsigned)mask << 1;
    return sigsuspend(&set);
}

/* ---- without a handler ---- */

/* Until `deadline` (0: none). A signal of the set, -EAGAIN, or -EINTR when another was handled. */
static int accept(uint64_t set, siginfo_t *information, uint64_t deadline)
{
    struct thread *self = thread_self();
    uint32_t handled = self->handled;
    int signal;
    long why = 0;

    signals_point();
    for (;;) {
        signals_defer();
        self->attention &= ~(uint32_t)THREAD_ATTENTION_SIGNAL;
        signal = signal_take(set, information);
        if (!signal && why != AEGIS_WAKE_TIMEOUT) {
            self->accepts = set;
            signals_check();
            why = thread_wait_signal(NULL, 0, deadline);
            self->accepts = 0;
            signal = signal_take(set, information);
        }
        if (pending_now(self) & ~self->blocked)
            self->attention |= THREAD_ATTENTION_SIGNAL;
        signals_allow();
        if (signal)
            return signal;
        signals_point();
        if (why == AEGIS_WAKE_TIMEOUT)
            return -EAGAIN;
        if (self->handled != handled)
            return -EINTR;
    }
}

int sigwait(const sigset_t *restrict set, int *restrict signal)
{
    siginfo_t information;
    sigset_t wanted;
    int found;

    if (user_copy_in(&wanted, set, sizeof wanted))
        return EFAULT;
    while ((found = accept(wanted, &information, 0)) == -EINTR)
        ;
    return user_copy_out(signal, &found, sizeof found) ? EFAULT : 0;
}

static int result(int signal)
{
    if (signal > 0)
        return signal;
    errno = -signal;
    return -1;
}

int sigwaitinfo(const sigset_t *restrict set, siginfo_t *restrict information)
{
    return sigtimedwait(set, information, NULL);
}

int sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict information,
                 const struct timespec *restrict timeout)
{
    siginfo_t taken;
    sigset_t wanted;
    struct timespec time;

    if (user_copy_in(&wanted, set, sizeof wanted) ||
        (timeout && user_copy_in(&time, timeout, sizeof time)))
        return result(-EFAULT);
    uint64_t deadline = timeout ? deadline_after(&time) : 0;
    if (timeout && !deadline)
        return result(-EINVAL);
    int signal = accept(wanted, &taken, deadline);
    if (signal > 0 && information && user_copy_out(information, &taken, sizeof taken))
        return result(-EFAULT);
    return result(signal);
}

/* ---- alternate stacks ---- */

static bool on_alternate(const struct thread *self)
{
    uintptr_t sp;
    __asm__ volatile("mv %0, sp" : "=r"(sp));
    return sp - self->alternate < self->alternate_size;
}

int sigaltstack(const stack_t *restrict user, stack_t *restrict old)
{
    struct thread *self = thread_self();
    bool on = on_alternate(self);
    stack_t wanted, *new = user ? &wanted : NULL;
    stack_t before = {(void *)self->alternate,
                      on                     ? SS_ONSTACK
                      : self->alternate_size ? 0
                                             : SS_DISABLE,
                      self->alternate_size};

    if (new && user_copy_in(new, user, sizeof *new))
        return result(-EFAULT);
    if (new && on)
        return result(-EPERM);
    if (new && new->ss_flags & ~SS_DISABLE)
        return result(-EINVAL);
    if (new && !(new->ss_flags & SS_DISABLE) && new->ss_size < MINSIGSTKSZ)
        return result(-ENOMEM);
    if (new) {
        self->alternate_size = 0;
        self->alternate = new->ss_flags & SS_DISABLE ? 0 : (uint64_t)new->ss_sp;
        self->alternate_size = new->ss_flags & SS_DISABLE ? 0 : new->ss_size;
    }
    return old && user_copy_out(old, &before, sizeof before) ? result(-EFAULT) : 0;
}

/* ---- XSI's older calls ---- */

static int mask_one(int how, int signal)
{
    sigset_t set = BIT(signal);

    if (VALID(signal) && !(UNBLOCKABLE & BIT(signal)))
        return sigprocmask(how, &set, NULL);
    return result(-EINVAL);
}

int sighold(int signal)
{
    return mask_one(SIG_BLOCK, signal);
}

int sigrelse(int signal)
{
    return mask_one(SIG_UNBLOCK, signal);
}

int sigignore(int signal)
{
    struct sigaction a = {.sa_flags = 0};
    a.sa_handler = SIG_IGN;
    return sigaction(signal, &a, NULL);
}

_sig_func_ptr sigset(int signal, _sig_func_ptr handler)
{
    struct sigaction a = {.sa_flags = 0}, old;
    bool held;

    if (sigaction(signal, NULL, &old))
        return SIG_ERR;
    held = signal_blocked(signal);
    a.sa_handler = handler;
    if (handler != SIG_HOLD && sigaction(signal, &a, NULL))
        return SIG_ERR;
    if (mask_one(handler == SIG_HOLD ? SIG_BLOCK : SIG_UNBLOCK, signal))
        return SIG_ERR;
    return held ? SIG_HOLD : old.sa_handler;
}
