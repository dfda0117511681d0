/* SPDX-License-Identifier: BSD-2-Clause */
#include "again.h"

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/pager.h>

#include "../sched/thread.h"
#include "../session/apart.h"
#include "../session/session.h"
#include "../vm/reset.h"
#include "../vm/vm.h"
#include "park.h"
#include "table.h"

#define LEDGER_MOST 8 /* pages: the next one's maker grows it no further */

/* ---- the maker ---- */

static PINNED_OWN struct kept {
    struct space space;
    const struct image *image;
    uint64_t serial; /* the image's */
    uint64_t used;   /* when it was last taken */
} kept[SLOT_AGAIN_COUNT];

static const volatile struct aegis_env_record *record(const struct kept *k)
{
    return &AEGIS_EXPOSED_STATE->env[k->space.index];
}

static bool is_alive(const struct kept *k)
{
    return k->image && slot_claim(k->space.slot)->check == record(k)->check &&
           record(k)->state == AEGIS_ENV_LIVE;
}

/* It has said so, and has no slot of time any more. */
static bool is_parked(const struct kept *k)
{
    return is_alive(k) && session_identity_of(k->space.index) != k->space.identity &&
           !record(k)->positions;
}

static void drop(struct kept *k)
{
    if (is_parked(k))
        while (aegis_env_destroy(k->space.slot).error == AEGIS_E_AGAIN)
            ;
    if (k->image)
        while (aegis_release(AEGIS_SLOT_SELF, k->space.slot).error == AEGIS_E_AGAIN)
            ;
    k->image = 0;
}

bool again_take(struct space *s, const struct image *image, unsigned hart)
{
    for (struct kept *k = kept; k < kept + SLOT_AGAIN_COUNT; k++) {
        if (k->image != image || k->serial != image->serial || k->space.hart != hart ||
            !is_parked(k))
            continue;
        k->space.identity = session_identity_of(k->space.index);
        k->space.slots = record(k)->pages * AEGIS_CLAIMS_PER_PAGE;
        *s = k->space;
        return true;
    }
    return false;
}

/* What is of no use goes first, then what has not been used for longest. */
unsigned again_open(void)
{
    struct kept *oldest = kept;

    if (session_is_apart() || pages_free() <= PARK_FREE_PAGES)
        return 0;
    for (struct kept *k = kept; k < kept + SLOT_AGAIN_COUNT; k++) {
        if (!is_alive(k))
            drop(k);
        if (oldest->image && (!k->image || k->used < oldest->used))
            oldest = k;
    }
    drop(oldest);
    return (unsigned)(oldest - kept) + 1;
}

void again_note(const struct space *s, const struct image *image)
{
    if (s->again)
        kept[s->again - 1] = (struct kept){*s, image, image->serial, time_now()};
}

bool again_holds(const struct space *s, const struct image *image)
{
    return !s->again || kept[s->again - 1].serial == image->serial;
}

void again_drop(const struct space *s)
{
    if (s->again)
        kept[s->again - 1].image = 0;
}

bool again_give(void)
{
    bool any = false;

    for (struct kept *k = kept; k < kept + SLOT_AGAIN_COUNT; k++) {
        any |= k->image != 0;
        drop(k);
    }
    return any;
}

/* ---- the program ---- */

static PINNED_OWN struct {
    uint64_t holder; /* its check */
    uint32_t holder_index;
    const struct image *image;
    uint64_t serial;
} born;

static PINNED_KEPT uint64_t inherited_first; /* of the first life; later ones have the same */

/* What it was given in the slots that all have alike: the next one gets no more and no less. */
static uint64_t inherited(void)
{
    uint64_t sum = 0;

    for (unsigned slot = SLOT_INHERITED; slot < SLOT_OWN; slot++) {
        const volatile struct aegis_claim *c = slot_claim(slot);
        if (c->what)
            sum = (sum << 7 | sum >> 57) ^ c->what ^ c->check ^ slot;
    }
    return sum;
}

void again_born(const struct start_block *start)
{
    born.holder = start->holder;
    born.holder_index = start->holder_index % AEGIS_ENVS;
    born.image = process_self->image;
    born.serial = born.image ? born.image->serial : 0;
    if (born.holder && !inherited_first)
        inherited_first = inherited();
}

PINNED_CODE void again_forked(void)
{
    born.holder = 0;
    inherited_first = 0;
    for (unsigned i = 0; i < SLOT_AGAIN_COUNT; i++)
        kept[i].image = 0;
}

static bool is_wanted(void)
{
    const volatile struct aegis_env_record *r = &AEGIS_EXPOSED_STATE->env[born.holder_index];
    return born.holder && born.serial && r->check == born.holder && r->state == AEGIS_ENV_LIVE;
}

static bool may(void)
{
    const volatile struct aegis_env_record *self = &AEGIS_EXPOSED_STATE->env[env_self()];

    return is_wanted() && !park_never && threads_alone() && reset_possible() && !self->entries &&
           self->pages <= LEDGER_MOST && AEGIS_EXPOSED_STATE->free_pages > PARK_FREE_PAGES &&
           SESSION->lives[env_self()] < PARK_LIVES && inherited() == inherited_first;
}

void again_park(void)
{
    if (!may())
        return;
    parked_forget();
    again_give();
    space_pages_give();
    reset(born.image, born.serial);
}
