/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

#include <aegis/scheduler.h>

#define EXCEPTION_STACK 4096 /* bytes */
#define SLICE_STACK     2048

extern struct thread thread_main;

/* Puts upcalls and areas of the activation in order; from here on upcalls may come. */
void thread_boot(struct aegis_activation *activation);

/*
 * Makes a thread call `function(saved context, argument)` next, on its own stack, as if where it
 * stands. The function must leave by context_return(). Called masked. -1: the thread's stack cannot
 * take it.
 */
int context_push(struct context *context, void (*function)(struct context *, long), long argument);
/* Back to what context_push saved. Called by threads. */
void context_return(const struct context *saved) __attribute__((noreturn));

/* Looked at whenever a slot begins: the hook returns non-zero to have `function` pushed. Pinned
 * code. */
extern int (*slice_hook)(void);
extern void (*slice_hook_function)(struct context *, long);

static inline bool pc_within(uint64_t pc, const void *first, const void *end)
{
    return pc - (uint64_t)first < (uint64_t)end - (uint64_t)first;
}
