/* SPDX-License-Identifier: BSD-2-Clause */
/* Environments: made of lent pages, ended in steps. */
#pragma once

#include "ledger.h"

static inline bool env_is_live(const struct env *e)
{
    uint32_t state = exposed.env[e->index].state;
    return state == AEGIS_ENV_NEW || state == AEGIS_ENV_LIVE;
}

/* What the window's table part shows first. */
enum { WINDOW_ROOT, WINDOW_STLB, WINDOW_MIDDLE, WINDOW_PINNED };

/* Whether a claim may stand in e's ledger: nobody controls its controller. */
bool env_may_hold(const struct env *e, uint64_t what);
/* No claim on it is left: if it is dead, its index is free. table_lock is held. */
void env_free_index(uint32_t index);
/* A claim on it or on its entry went, or a position: reap sees whether that was the last. table_lock is held. */
void env_forsaken(uint32_t index);

/* At boot: the first environment, in pages of the kernel's, claims filled by the caller. */
struct env *env_boot_first(const pfn_t page[AEGIS_ENV_LENT]);
void env_boot_table(struct env *e, unsigned kind, pfn_t page, unsigned order);
/* Its activation on a hart, in a pair of pages whose lower is as its environment shall find it. */
struct activation *env_activate(struct env *e, pfn_t pair, struct hart *h);

/* ---- the end (destroy.c) ---- */

/* Marks it dying and stops it everywhere; reap does the rest. Its lock is held. */
void env_kill(struct env *e, enum aegis_end end);
/* The running environment's end by its own doing, told on the log. */
_Noreturn void env_end(struct env *e, enum aegis_end end);
/* It faulted in its nested-fault handler (entry.S). */
_Noreturn void env_doomed(void);
/* One step on the dying: true when there was something to do. */
bool env_reap(void);
static inline bool env_reap_wanted(void)
{
    return kernel.orphans || exposed.dying != AEGIS_ENVS;
}
/* This hart's part: its links to a dying activation are cut. Outside of every other kernel path. */
void env_unlink_here(struct hart *h);

/*
 * Lends a block of `order`, claimed once, by `c` alone, and mapped nowhere; whether it is all zero.
 * Errors: BAD_RANGE, LENT_PAGE, MAPPED.
 */
long lend_take(const struct aegis_claim *c, struct aegis_page *head, unsigned order, unsigned flags,
               bool *clean);
void lend_return(pfn_t page, bool clean);
