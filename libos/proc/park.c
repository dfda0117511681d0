/* SPDX-License-Identifier: BSD-2-Clause */
#include "park.h"

#include <errno.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/pager.h>

#include "../sched/thread.h"
#include "../session/apart.h"
#include "../session/monitor.h"
#include "../session/session.h"
#include "../vm/fork.h"


enum { FIRST_LIFE, KEPT, PARKED, GO = PARKED_GO };

static PINNED_OWN unsigned state; /* of this environment */
static PINNED_OWN uint64_t parent;
static PINNED_OWN unsigned nodes; /* pager_memory_count at birth */
bool park_never;
static PINNED_BSS bool keeps;     /* the child that is being made */

/* The parent's: what it keeps, and who that was in its last life. */
static PINNED_OWN struct space kept;

extern void fork_entry(void);

/* ---- the parent ---- */

static const volatile struct aegis_env_record *record(void)
{
    return &AEGIS_EXPOSED_STATE->env[kept.index];
}

static bool is_alive(void)
{
    return kept.slot && slot_claim(SLOT_PARKED)->check == record()->check && record()->state == AEGIS_ENV_LIVE;
}

/* It has said so, and has no slot of time any more. */
static bool is_parked(void)
{
    return is_alive() && session_identity_of(kept.index) != kept.identity && !record()->positions;
}

static void drop(void)
{
    if (is_parked() || !is_alive())
        space_drop(&kept);
    else
        parked_forget(); /* it lives, but not for us */
    kept.slot = 0;
}

bool park_take(struct space *s)
{
    keeps = false;
    if (!kept.slot || (is_alive() && !is_parked()))
        return false;
    if (!is_alive() || !parked_fits()) {
        drop();
        return false;
    }
    kept.identity = session_identity_of(kept.index);
    *s = kept;
    keeps = true;
    return true;
}

bool park_open(void)
{
    if (kept.slot && is_alive() && !is_parked() && parked_fits())
        return false; /* it is still in use, and will do again */
    if (kept.slot)
        drop();
    keeps = parked_possible() && !session_is_apart(); /* whose memory is scarce */
    return keeps;
}

void park_note(const struct space *s)
{
    kept = *s;
}

int park_fork(struct space *s)
{
    (void)s;
    if (parked_renew((uintptr_t)__builtin_frame_address(0), &state))
        return -ENOMEM;
    return 0;
}

/* ---- the child ---- */

PINNED_CODE bool park_begin(void)
{
    bool again = state == GO;

    while (state == PARKED)
        aegis_slice_yield();
    state = keeps ? KEPT : FIRST_LIFE;
    return again;
}

void park_forked(uint64_t by)
{
    parent = by;
    nodes = pager_memory_count;
    kept.slot = 0;
}

bool park_may(void)
{
    return state == KEPT && !park_never && session_alive(parent) && threads_alone() && nodes == pager_memory_count &&
           parked_possible() && AEGIS_EXPOSED_STATE->free_pages > PARK_FREE_PAGES &&
           SESSION->lives[env_self()] < PARK_LIVES;
}

/*
 * From the new identity on it is gone for others; without a position, and with nothing of its memory in
 * use but this stack, it may be made another process.
 */
PINNED_CODE void park_masked(struct aegis_activation *activation)
{
    unsigned slice = slot_claim(SLOT_SLICE)->what ? SLOT_SLICE : SLOT_SLICE_OTHER;

    activation->up_slice_begin = (uint64_t)fork_entry;
    state = PARKED;
    uint16_t *lives = &SESSION->lives[env_self()];
    __atomic_store_n(lives, *lives + 1, __ATOMIC_SEQ_CST);
    aegis_release(AEGIS_SLOT_SELF, slice);
    for (;;)
        aegis_slice_yield();
}

PINNED_CODE static void parking(struct context *context, void *unused, struct aegis_activation *activation)
{
    (void)context, (void)unused;
    park_masked(activation);
}

void park(void)
{
    if (!park_may())
        return;
    parked_forget();
    space_pages_give();
    context_call(&thread_self()->context, parking, 0);
}
