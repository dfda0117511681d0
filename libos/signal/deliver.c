/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Delivery: a thread that has something to attend to finds itself here, above what it was doing (or
 * above what faulted), with its registers in a ucontext_t on its stack, and goes on with whatever
 * its handlers left there.
 */
#include <stddef.h>

#include "../posix/process.h"
#include "../thread/pthread_internal.h"
#include "../upcall/upcall_asm.h"
#include "fault.h"
#include "state.h"

_Static_assert(offsetof(mcontext_t, __fpregs) == sizeof(struct context), "context and mcontext_t");
_Static_assert(sizeof(fpregset_t) == 33 * sizeof(uint64_t), "FP state and fpregset_t");

static inline ucontext_t *ucontext_of(struct context *saved)
{
    return (ucontext_t *)((char *)saved - offsetof(ucontext_t, uc_mcontext));
}

static inline void fp_keep(ucontext_t *uc)
{
    uc->uc_flags = GP_ACTIVATION(thread_self()->context.gp)->fp_live != 0;
    if (uc->uc_flags)
        fp_save((uint64_t *)&uc->uc_mcontext.__fpregs);
}

static inline void fp_back(const ucontext_t *uc)
{
    if (uc->uc_flags)
        fp_restore((const uint64_t *)&uc->uc_mcontext.__fpregs);
}

/* ---- a handler ---- */

typedef void handler_function(int, siginfo_t *, void *);
void handler_on(int signal, siginfo_t *information, ucontext_t *uc, handler_function *handler,
                uint64_t sp);

/* With signals deferred, as it was called; a handler that leaves by longjmp finds them allowed. */
static inline __attribute__((always_inline)) void
handler_run(struct sigaction *a, int signal, siginfo_t *information, ucontext_t *uc)
{
    struct thread *self = thread_self();
    handler_function *handler = a->sa_sigaction;
    uint64_t here = (uint64_t)__builtin_frame_address(0), before = self->blocked;
    int flags = a->sa_flags;

    uc->uc_sigmask = before;
    self->blocked = before | a->sa_mask | (flags & SA_NODEFER ? 0 : BIT(signal));
    self->no_restart |= !(flags & SA_RESTART);
    self->handled++;
    if (__builtin_expect(flags & SA_RESETHAND, 0))
        a->sa_handler = SIG_DFL;
    self->deferred = 0;
    if (__builtin_expect(self->attention, 0))
        signals_deliver();
    if (__builtin_expect(flags & SA_ONSTACK, 0) && self->alternate_size &&
        here - self->alternate >= self->alternate_size)
        handler_on(signal, information, uc, handler,
                   (self->alternate + self->alternate_size) & ~15UL);
    else
        handler(signal, information, uc);
    self->deferred = 1;
    self->blocked = uc->uc_sigmask & ~UNBLOCKABLE;
}

static void act(int signal, siginfo_t *information, ucontext_t *uc)
{
    struct sigaction *a = &signal_actions[signal];

    if (signals_discarded & BIT(signal))
        return;
    if (a->sa_handler == SIG_DFL)
        signal_default(signal);
    else
        handler_run(a, signal, information, uc);
}

/* ---- attention ---- */

void attention_entry(struct context *saved, long unused)
{
    struct thread *self = thread_self();
    ucontext_t *uc = ucontext_of(saved);
    siginfo_t information;
    int signal;

    (void)unused;
    fp_keep(uc);
    do {
        self->deferred = 1;
        __atomic_store_n(&self->attention, 0, __ATOMIC_SEQ_CST);
        cancel_attend();
        while ((signal = signal_take(~self->blocked, &information)))
            act(signal, &information, uc);
        if ((signals_local | *signals_shared) & ~signals_discarded)
            signals_check(); /* what we block, others may take */
        self->deferred = 0;
    } while (self->attention);
    fp_back(uc);
    context_return(saved);
}

/* A thread's attention is looked at whenever it goes on. */
void signals_deliver(void)
{
    thread_attend(thread_self(), 0);
}

bool signal_restart(void)
{
    struct thread *self = thread_self();
    bool restart = !self->no_restart;

    self->no_restart = 0;
    return restart;
}

/* ---- faults ---- */

static int code_of(int signal, long argument)
{
    return argument >> 16 & 0xff ? (int)(argument >> 16 & 0xff)
           : signal == SIGILL    ? ILL_ILLOPC
           : signal == SIGTRAP   ? TRAP_BRKPT
           : signal == SIGBUS    ? BUS_ADRALN
                                 : SEGV_MAPERR;
}

static __attribute__((noreturn, noinline, cold)) void fault_fatal(struct context *saved, int signal)
{
    fault_report(saved, signal);
    process_end(START_SIGNALED, signal);
}

void fault_entry(struct context *saved, long argument)
{
    struct thread *self = thread_self();
    ucontext_t *uc = ucontext_of(saved);
    int signal = (int)(argument & 0xff);
    struct sigaction *a = &signal_actions[signal];

    if (__builtin_expect((uintptr_t)a->sa_handler <= (uintptr_t)SIG_IGN || /* SIG_DFL is 0 */
                             self->blocked & BIT(signal) || argument & FAULT_NO_STACK,
                         0))
        fault_fatal(saved, signal);
    siginfo_t information;
    information.si_signo = signal;
    information.si_errno = 0;
    information.si_code = code_of(signal, argument);
    information.si_addr =
        (void *)(signal == SIGSEGV || signal == SIGBUS ? saved->value : saved->pc);
    uint32_t deferred = self->deferred;
    fp_keep(uc);
    handler_run(a, signal, &information, uc);
    self->deferred = deferred;
    fp_back(uc);
    context_return(saved);
}
