/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Protected control transfer (SOSP'95 5.2). A call number in [-64, -1] is a synchronous transfer to entry slot
 * -1 - a7, one in [-128, -65] an asynchronous one to slot -65 - a7; activation.entry[128 + a7] is the partner. The
 * fast paths are riscv/entry.S's; here is what they leave: resolving, refusing, and what death does to a transfer.
 *
 *     caller                                        callee
 *       run = 0     no slot of it begins              gate = 0    nobody else enters
 *       resume      where it goes on                  caller      to whom pct_return goes
 *
 * Links are read and written on their own hart only. While resume is set the caller's slots go to the callee.
 */
#pragma once

#include "kernel.h"

/* A transfer that the fast path did not make; a7 as given. 0: resolved, try again; else the error for t0. */
long pct_slow(struct activation *a, long number);
/* pct_return without a caller: opens the gate and leaves the slot; or, never entered, an error. */
result_t call_pct_return(void);
/* Who serves a's outstanding transfer, or null. */
struct activation *pct_callee(const struct activation *a);
/* Ends a's outstanding transfer from outside: the callee hears that its caller has gone. */
void pct_cut(struct activation *a);
/* A dying activation's links go: its caller gets DEAD, its callee caller_gone. */
void pct_unlink(struct activation *a);
/* Partners of e that were resolved to activations of `gone` are the null activation again. */
void pct_forget(struct env *e, const struct env *gone);
