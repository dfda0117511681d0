/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The usual course of monitor, log and busy words, in line: for paths that are counted. What is not
 * usual is done by the functions of the same names, which do all of it.
 */
#pragma once

#include "monitor.h"
#include "session.h"

#ifdef __riscv
#include "../signal/signals.h"

static inline bool word_claim(uint64_t *word)
{
    uint64_t none = 0;
    return __atomic_compare_exchange_n(word, &none, session_me, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

static inline void monitor_enter_inline(void)
{
    signals_defer();
    if (__builtin_expect(!word_claim(&SESSION->owner), 0))
        monitor_wait(session_me);
}

static inline void monitor_leave_inline(void)
{
    __atomic_store_n(&SESSION->log_count, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&SESSION->owner, 0, __ATOMIC_RELEASE);
    signals_allow();
}

static inline void session_log_inline(const volatile void *at)
{
    uint64_t *word = (uint64_t *)((uintptr_t)at & ~7UL), n = SESSION->log_count;

    if (__builtin_expect(n >= SESSION_LOG, 0))
        __builtin_trap();
    SESSION->log[n].word = word;
    SESSION->log[n].old = *word;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    *(volatile uint64_t *)&SESSION->log_count = n + 1;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline void busy_take_inline(struct busy *b)
{
    if (__builtin_expect(!word_claim(&b->owner), 0))
        busy_take(b);
}

/* The fence stands between what we give and what we look at: who waits says so before it looks. */
static inline void busy_give_inline(struct busy *b)
{
    __atomic_store_n(&b->owner, 0, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__builtin_expect(b->wanted, 0))
        busy_wake(b);
}

#define monitor_enter() monitor_enter_inline()
#define monitor_leave() monitor_leave_inline()
#define session_log(at) session_log_inline(at)
#define busy_take(b)    busy_take_inline(b)
#define busy_give(b)    busy_give_inline(b)
#endif
