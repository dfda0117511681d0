/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of signal/ know of each other. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <ucontext.h>

#include "../sched/thread.h"
#include "../session/process.h"
#include "signals.h"

#define BIT(signal)   (1UL << (signal))
#define VALID(signal) ((signal) > 0 && (signal) < NSIG)
#define UNBLOCKABLE   (BIT(SIGKILL) | BIT(SIGSTOP))
#define STOPPING      (BIT(SIGSTOP) | BIT(SIGTSTP) | BIT(SIGTTIN) | BIT(SIGTTOU))
#define IGNORED_BY_DEFAULT (BIT(SIGCHLD) | BIT(SIGURG) | BIT(SIGWINCH) | BIT(SIGCONT))

extern struct sigaction signal_actions[NSIG];
extern uint64_t signals_discarded;        /* pinned: what is ignored, said or by default */
extern uint64_t signals_onstack;          /* pinned: SA_ONSTACK */

/* Marks who has to attend to what is pending. Masked; and for threads. */
bool signals_look(void);
void signals_check(void);
/* Fills the environment's wait, which counts signals, and the pending word in, for the process that this is now. */
void signals_bind(void);

/* One pending signal of the mask, the lowest: of the thread, else of the process. 0: none. */
int signal_take(uint64_t mask, siginfo_t *information);
/* Signals to a thread of this process, or (null) to this process without a session. -EAGAIN. */
int signal_post_here(struct thread *to, const siginfo_t *information);
/* As kill, with a code and a value. */
int signal_queue(pid_t pid, int signal, int code, union sigval value);
/* Forgets one signal, wherever it is pending in this process. */
void signal_discard(int signal);
void local_forget(void);
/* signal_post for oneself or through the monitor; to the calling process. */
int signal_self(const siginfo_t *information);

/* Timers that are due; masked. Returns the next deadline. */
uint64_t timers_fire(uint64_t now);
bool timer_take(int signal, siginfo_t *information);
void timers_forget(void);
/* setitimer's are noted for the next program; that finds them, and the limit of processor time. */
void timers_exec(void);
void timers_boot(void);
/* RLIMIT_CPU has changed. */
void timers_limit(void);

void signal_default(int signal);
void process_stop(int signal);
