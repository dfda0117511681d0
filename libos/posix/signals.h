/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <aegis/upcall.h>

/* A signal to this process, from itself. Returns when its handler has, or it is ignored or blocked.
 */
void signal_raise(int signal);
/* The same, from code that interrupted a thread: its floating-point state is kept. */
void signal_interrupt(const struct context *saved, int signal);
/* A fault: a handler runs, else (or if it is blocked or ignored) the process ends, with a report.
 */
void signal_fault(struct context *saved, int signal);
/* SA_RESTART: a call that this signal interrupted goes on. */
int signal_restarts(int signal);
