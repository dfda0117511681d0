/* SPDX-License-Identifier: BSD-2-Clause */
/* A session apart, from inside: its link to the outside, and allocation by names, which the exposed records tell. */
#include "apart.h"

#include <errno.h>
#include <string.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/pager.h>

#include "../vm/vm.h"

#define LOOKS  512 /* at records in one call: it may be masked */
#define REAPED 16  /* pages cleared in one call, likewise */

/* ---- the link ---- */

PINNED_CODE bool session_is_apart(void)
{
    return AEGIS_WHAT_TYPE(slot_claim(AEGIS_SLOT_CONSOLE)->what) == AEGIS_PAGE;
}

PINNED_CODE int link_fault(uintptr_t va)
{
    return session_is_apart() && !page_map(AEGIS_SLOT_CONSOLE, PAGE_DOWN(va), AEGIS_R | AEGIS_W) ? 0 : -1;
}

/* Inherited by those whom we make. */
void link_open(void)
{
    const struct aegis_capability c = LINK->ring;
    aegis_claim(c.what, c.mac, AEGIS_SLOT_MACHINE);
}

bool link_is_cut(void)
{
    const volatile struct aegis_claim *c = slot_claim(AEGIS_SLOT_MACHINE);
    const volatile struct aegis_env_record *r = &AEGIS_EXPOSED_STATE->env[AEGIS_WHAT_RESOURCE(c->what) % AEGIS_ENVS];

    return r->check != c->check || (r->state != AEGIS_ENV_NEW && r->state != AEGIS_ENV_LIVE);
}

static void ring(void)
{
    uint32_t index = AEGIS_WHAT_RESOURCE(slot_claim(AEGIS_SLOT_MACHINE)->what);
    uint64_t hart = LINK->hart;

    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (index < AEGIS_ENVS && hart < AEGIS_HARTS && AEGIS_EXPOSED_STATE->env[index].sleeping[hart])
        aegis_slice_ring(AEGIS_SLOT_MACHINE, hart);
}

void link_end(unsigned status)
{
    __atomic_store_n(&LINK->status, LINK_ENDED | status, __ATOMIC_RELEASE);
    ring();
}

/* In the monitor, for all of the session write; the count is stored last. */
long link_send(unsigned channel, const void *bytes, size_t size)
{
    unsigned n = (channel - 1) & 1;

    monitor_enter();
    uint64_t at = LINK->channel[n].written, held = at - LINK->channel[n].read, room = held < LINK_BYTES ? LINK_BYTES - held : 0;
    size = size < room ? size : room;
    for (size_t i = 0; i < size; i++)
        LINK->bytes[n][(at + i) % LINK_BYTES] = ((const uint8_t *)bytes)[i];
    __atomic_store_n(&LINK->channel[n].written, at + size, __ATOMIC_RELEASE);
    monitor_leave();
    if (!size)
        return -EAGAIN;
    ring();
    return (long)size;
}

/* ---- pages of a part ---- */

PINNED_CODE static uint64_t root_of(unsigned slot)
{
    return slot_claim(slot)->what;
}

/* How many pages there are from a page to the end of its block, or to what is nobody's block; `free`: they can be had. */
PINNED_CODE static uint32_t block_at(uint32_t page, bool *free)
{
    const volatile struct aegis_exposed *e = AEGIS_EXPOSED_STATE;
    const volatile struct aegis_page *records = (const volatile struct aegis_page *)AEGIS_EXPOSED_PAGES;

    *free = false;
    for (unsigned order = 0; order <= AEGIS_ORDER_MAX; order++) {
        uint32_t head = page & -(1U << order);
        if (head - e->page_first >= e->page_count)
            return 1;
        const volatile struct aegis_page *p = &records[head - e->page_first];
        if (p->state == AEGIS_PAGE_TAIL)
            continue;
        *free = p->state == AEGIS_PAGE_FREE || p->state == AEGIS_PAGE_FREE_DIRTY;
        return (*free || p->state == AEGIS_PAGE_USED) && page - head < 1U << p->order ? (1U << p->order) - (page - head) : 1;
    }
    return 1;
}

/* What was freed in pieces joins when it has been cleared: the smallest first. False: nothing is left that could join. */
PINNED_CODE static bool pieces_join(unsigned order)
{
    for (unsigned o = 0; o < order; o++)
        if (AEGIS_EXPOSED_STATE->dirty_head[o])
            return aegis_reap(REAPED).value;
    return false;
}

/* Next fit. What another process of ours takes meanwhile is passed over. */
PINNED_CODE struct aegis_result page_of_part(unsigned order, unsigned slot, unsigned source)
{
    static PINNED_BSS uint64_t at, passed; /* where to look next; pages seen since one was had */
    uint64_t root = root_of(AEGIS_SLOT_PAGES), count = 1UL << AEGIS_WHAT_ORDER(root);
    uint32_t first = AEGIS_WHAT_RESOURCE(root);

    for (unsigned looks = 0; looks < LOOKS; looks++) {
        bool free;
        if (passed > count) {
            passed = 0;
            if (pieces_join(order))
                break;
            return (struct aegis_result){AEGIS_E_NO_MEMORY, 0};
        }
        uint64_t offset = at & (count - 1);
        uint32_t page = first + (uint32_t)offset, left = block_at(page, &free);
        if (free && left >= 1U << order && !(page & ((1U << order) - 1))) {
            struct aegis_result r = aegis_page_alloc(AEGIS_SLOT_PAGES, page, order, slot, source);
            if (r.error != AEGIS_E_NO_RESOURCE) {
                passed = r.error ? passed : 0;
                at = offset + (r.error ? 0 : 1UL << order);
                return r;
            }
        }
        /* a free block whose beginning is no multiple: its first multiple */
        uint32_t step = free && left >= 1U << order ? (1U << order) - (page & ((1U << order) - 1)) : left;
        passed += step;
        at = offset + step < count ? offset + step : 0;
    }
    return (struct aegis_result){AEGIS_E_AGAIN, 0};
}

uint64_t pages_free(void)
{
    uint64_t root = root_of(AEGIS_SLOT_PAGES), count = 1UL << AEGIS_WHAT_ORDER(root), sum = 0;
    bool free;

    if (AEGIS_WHAT_ORDER(root) == AEGIS_ROOT_ORDER)
        return AEGIS_EXPOSED_STATE->free_pages;
    for (uint64_t i = 0; i < count;) {
        uint64_t left = block_at(AEGIS_WHAT_RESOURCE(root) + (uint32_t)i, &free);
        left = left < count - i ? left : count - i;
        sum += free ? left : 0;
        i += left;
    }
    return sum;
}

/* ---- slots of time ---- */

bool slices_cover(unsigned hart)
{
    uint64_t root = root_of(AEGIS_SLOT_SLICES);
    unsigned order = AEGIS_WHAT_ORDER(root);

    return (hart << 8 ^ AEGIS_WHAT_RESOURCE(root)) >> 8 >> (order > 8 ? order - 8 : 0) == 0 || order >= AEGIS_ROOT_ORDER;
}

struct aegis_result slice_of_part(unsigned hart, unsigned slot)
{
    struct aegis_result r = {AEGIS_E_FULL, 0};

    for (unsigned p = 0; p < AEGIS_SLICES && r.error; p++)
        if (AEGIS_EXPOSED_STATE->slice[hart % AEGIS_HARTS][p].owner == AEGIS_ANY)
            r = aegis_alloc(AEGIS_SLOT_SLICES, hart << 8 | p, slot);
    return r.error ? (struct aegis_result){AEGIS_E_FULL, 0} : r;
}
