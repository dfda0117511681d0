/* SPDX-License-Identifier: BSD-2-Clause */
/* Dispositions, and sets of signals. */
#include <errno.h>
#include <stddef.h>

#include "../posix/user.h"
#include "state.h"

struct sigaction signal_actions[NSIG];
PINNED_DATA uint64_t signals_discarded = IGNORED_BY_DEFAULT;
PINNED_BSS uint64_t signals_onstack;

static int fail(int error)
{
    errno = error;
    return -1;
}

static int wrong(void)
{
    return fail(EINVAL);
}

/* What senders and upcalls want to know of an action without asking. */
static void action_note(int signal, const struct sigaction *a)
{
    uint64_t bit = BIT(signal);
    bool ignored = a->sa_handler == SIG_IGN;
    bool discarded = ignored || (a->sa_handler == SIG_DFL && IGNORED_BY_DEFAULT & bit);

    signals_discarded = discarded ? signals_discarded | bit : signals_discarded & ~bit;
    signals_onstack = a->sa_flags & SA_ONSTACK ? signals_onstack | bit : signals_onstack & ~bit;
    if (!process_self)
        return;
    struct process *p = process_self;
    bool caught = !ignored && a->sa_handler != SIG_DFL;
    p->ignored = ignored ? p->ignored | bit : p->ignored & ~bit;
    p->caught = caught ? p->caught | bit : p->caught & ~bit;
    if (signal == SIGCHLD) {
        uint32_t flags = p->flags & ~(uint32_t)(PROCESS_NOCLDWAIT | PROCESS_NOCLDSTOP);
        flags |= ignored || a->sa_flags & SA_NOCLDWAIT ? PROCESS_NOCLDWAIT : 0;
        p->flags = flags | (a->sa_flags & SA_NOCLDSTOP ? PROCESS_NOCLDSTOP : 0);
    }
}

static void action_set(int signal, const struct sigaction *new)
{
    signals_defer();
    signal_actions[signal] = *new;
    signal_actions[signal].sa_mask &= ~UNBLOCKABLE;
    action_note(signal, new);
    if (signals_discarded & BIT(signal))
        signal_discard(signal);
    signals_allow();
}

int sigaction(int signal, const struct sigaction *restrict new, struct sigaction *restrict old)
{
    struct sigaction wanted;

    if (!VALID(signal) || (new && UNBLOCKABLE & BIT(signal)))
        return wrong();
    if (new && user_copy_in(&wanted, new, sizeof wanted))
        return fail(EFAULT);
    struct sigaction before = signal_actions[signal];
    if (new)
        action_set(signal, &wanted);
    return old && user_copy_out(old, &before, sizeof before) ? fail(EFAULT) : 0;
}

_sig_func_ptr signal(int signal, _sig_func_ptr handler)
{
    struct sigaction new = {.sa_flags = SA_RESTART}, old;

    new.sa_handler = handler;
    return handler == SIG_ERR ? (wrong(), SIG_ERR) : sigaction(signal, &new, &old) ? SIG_ERR : old.sa_handler;
}

int siginterrupt(int signal, int interrupts)
{
    struct sigaction a;

    if (sigaction(signal, NULL, &a))
        return -1;
    a.sa_flags = interrupts ? a.sa_flags & ~SA_RESTART : a.sa_flags | SA_RESTART;
    return sigaction(signal, &a, NULL);
}

bool signal_ignored(int signal)
{
    return signal_actions[signal].sa_handler == SIG_IGN;
}

/* ---- sets ---- */

int sigaddset(sigset_t *set, const int signal)
{
    if (!VALID(signal))
        return wrong();
    *set |= BIT(signal);
    return 0;
}

int sigdelset(sigset_t *set, const int signal)
{
    if (!VALID(signal))
        return wrong();
    *set &= ~BIT(signal);
    return 0;
}

int sigismember(const sigset_t *set, int signal)
{
    return VALID(signal) ? (int)(*set >> signal & 1) : wrong();
}

int sigemptyset(sigset_t *set)
{
    *set = 0;
    return 0;
}

int sigfillset(sigset_t *set)
{
    *set = ~1UL;
    return 0;
}
