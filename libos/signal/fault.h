/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <aegis/upcall.h>

extern uint64_t signals_onstack; /* pinned: SA_ONSTACK, bit n: signal n */

#define FAULT_NO_STACK 0x100 /* the thread's own stack could not take the context */

/* A thread goes on here after an exception that the pager did not resolve; `signal` is its number,
 * and FAULT_NO_STACK. */
void fault_entry(struct context *saved, long signal);
/* What happened, on standard error: registers, cause, callers. */
void fault_report(const struct context *context, int signal);
