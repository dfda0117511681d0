/* SPDX-License-Identifier: BSD-2-Clause */
/* Session memory as this process has it: which claim holds which chunk; page faults; identities. */
#include <errno.h>
#include <string.h>

#include <aegis/aegis.h>
#include <aegis/pager.h>
#include <aegis/scheduler.h>

#include "../proc/space.h"
#include "../proc/table.h"
#include "../sched/thread.h"
#include "../vm/reset.h"
#include "../vm/vm.h"
#include "apart.h"
#include "chunk.h"
#include "monitor.h"

#define NEAR         SESSION_CHUNKS_KEPT /* up to 64 MiB; further ones' slots have a page of the pager's */
#define FOUR(slots)  (*(const uint64_t __attribute__((may_alias)) *)(slots))
#define INDEX_BITS   10
#define FIRST_CHUNKS 4
#define KEPT_PAGES   64 /* chunks do not take the last ones */
#define SPINS        64
#define PATIENCE     500 /* slots of time that somebody waits for the monitor */
#define REAP_STEPS   4 /* more would clear pages that nobody wants yet */

_Static_assert(NEAR % 4 == 0, "four at a time");
_Static_assert(AEGIS_ENVS == 1 << INDEX_BITS, "an identity holds an index");
_Static_assert(sizeof(struct session) <= 15 * AEGIS_PAGE_SIZE, "the first chunk has room for it");

PINNED_BSS uint64_t session_me;
static PINNED_BSS uint16_t near_slot[NEAR] __attribute__((aligned(8)));
static PINNED_BSS uint16_t *far_slot;

/* ---- identities ---- */

static uint64_t identity_of(uint32_t environment, uint64_t lives)
{
    return ((AEGIS_EXPOSED_STATE->env[environment].check >> INDEX_BITS) + lives) << INDEX_BITS | environment;
}

uint64_t session_identity_of(uint32_t environment)
{
    return identity_of(environment, __atomic_load_n(&SESSION->lives[environment], __ATOMIC_ACQUIRE));
}

uint64_t session_identity(void)
{
    return session_me;
}

static uint32_t state_of(uint64_t identity)
{
    uint32_t index = identity & (AEGIS_ENVS - 1);
    const volatile struct aegis_env_record *r = &AEGIS_EXPOSED_STATE->env[index];

    return session_identity_of(index) == identity ? r->state : AEGIS_ENV_FREE;
}

bool session_alive(uint64_t identity)
{
    uint32_t state = state_of(identity);
    return state == AEGIS_ENV_NEW || state == AEGIS_ENV_LIVE;
}

/* While it is dying it may still run on another hart. */
bool owner_is_gone(uint64_t identity)
{
    if (session_alive(identity))
        return false;
    while (state_of(identity) == AEGIS_ENV_DYING)
        aegis_reap(REAP_STEPS);
    return true;
}

/* A stay takes microseconds. Whoever is still there when we have waited for seconds (none of which the machine itself stood
 * still) never leaves: the keeper, which controls everybody, ends it. */
static void patience(unsigned tries)
{
    static uint64_t waited, last;
    uint64_t slot = AEGIS_EXPOSED_STATE->slice_ticks, now = time_now(), passed = now - last;

    last = now;
    waited = tries <= SPINS ? 0 : waited + (passed < slot ? passed : slot);
    if (waited < PATIENCE * slot)
        return;
    waited = 0;
    if (session_me == SESSION->keeper)
        process_end_stuck(__atomic_load_n(&SESSION->owner, __ATOMIC_RELAXED));
    else
        channel_wake(&SESSION->keeper_channel); /* it enters the monitor too */
}

void monitor_relax(unsigned tries)
{
    if (tries % SPINS && AEGIS_EXPOSED_STATE->harts > 1)
        return;
    thread_yield();
    patience(tries);
}

/* ---- slots ---- */

PINNED_CODE static uint16_t *slot_place(unsigned chunk)
{
    if (chunk < NEAR)
        return &near_slot[chunk];
    if (!far_slot)
        far_slot = pager_memory();
    return far_slot ? &far_slot[chunk - NEAR] : 0;
}

/* The first chunk is mapped again first: what we read there must not fault, for we may be nested. */
PINNED_CODE static unsigned chunk_claim(unsigned chunk, uint16_t *place)
{
    if (!near_slot[0] || page_map(SLOT_SESSION, SESSION_VA, AEGIS_R | AEGIS_W))
        return 0;
    if (chunk >= __atomic_load_n(&SESSION->chunk_count, __ATOMIC_ACQUIRE) && chunk != CHUNK_NETWORK)
        return 0;
    const struct aegis_capability *c = &SESSION->chunk[chunk];
    unsigned slot = slot_find();
    if (!slot || aegis_claim(c->what, c->mac, slot).error)
        return 0;
    *place = (uint16_t)slot;
    return slot;
}

PINNED_CODE static unsigned chunk_slot(unsigned chunk)
{
    uint16_t *place = slot_place(chunk);

    if (!place)
        return 0;
    return *place ? *place : chunk_claim(chunk, place);
}

PINNED_CODE int session_fault(uintptr_t va)
{
    uint64_t first;

    if (va - SESSION_VA >= SESSION_SIZE)
        return -1;
    if (va - SESSION_VA >= SESSION_SIZE - AEGIS_PAGE_SIZE) /* a large constant would be loaded from where nothing is pinned */
        return link_fault(va);
    unsigned slot = chunk_slot(chunk_of((va - SESSION_VA) / AEGIS_PAGE_SIZE, &first));
    return slot && !page_map(slot, va, AEGIS_R | AEGIS_W) ? 0 : -1;
}

unsigned session_slot(const volatile void *address, uint32_t *offset)
{
    uint64_t first, at = (uintptr_t)address - SESSION_VA;
    unsigned chunk = chunk_of(at / AEGIS_PAGE_SIZE, &first);

    *offset = (uint32_t)(at - first * AEGIS_PAGE_SIZE);
    return chunk_slot(chunk);
}

int session_capability(const void *pages, size_t count, unsigned rights,
                       struct aegis_capability *capability)
{
    uint32_t offset;
    unsigned slot = session_slot(pages, &offset), order = (unsigned)__builtin_ctzl(count);

    if (!slot)
        return -ENOMEM;
    uint64_t what = slot_claim(slot)->what, first = offset / AEGIS_PAGE_SIZE;
    struct aegis_result r = aegis_capability_make(slot, rights, first, order);
    if (r.error)
        return -EINVAL;
    capability->what = AEGIS_WHAT(AEGIS_PAGE, rights, order, AEGIS_WHAT_RESOURCE(what) + first);
    capability->mac = r.value;
    return 0;
}

PINNED_CODE void session_chunk_kept(unsigned n, unsigned slot)
{
    near_slot[n] = (uint16_t)slot;
}

PINNED_CODE void session_chunks_follow(uintptr_t distance)
{
    const uint16_t *ours = near_slot, *its = (const uint16_t *)((uintptr_t)ours + distance);

    for (unsigned n = 0; n < NEAR; n += 4) {
        if (FOUR(its + n) == FOUR(ours + n))
            continue;
        for (unsigned k = n; k < n + 4; k++)
            if (its[k] && !ours[k])
                chunk_slot(k);
    }
}

PINNED_CODE bool session_holds(unsigned slot)
{
    for (unsigned n = 0; n < NEAR; n++)
        if (near_slot[n] == slot)
            return true;
    for (unsigned n = 0; far_slot && n < SESSION_CHUNKS - NEAR; n++)
        if (far_slot[n] == slot)
            return true;
    return false;
}

/* ---- the keeper ---- */

static int chunk_make(unsigned chunk, struct aegis_capability *capability)
{
    unsigned order, slot = SLOT_SESSION;
    uintptr_t va = SESSION_VA + chunk_first(chunk, &order) * AEGIS_PAGE_SIZE;
    uint16_t *place = slot_place(chunk);
    struct aegis_result r;

    if (!place || pages_free() < (1UL << order) + KEPT_PAGES)
        return -ENOMEM;
    if (chunk && !(slot = slot_find()))
        return -ENOMEM;
    do {
        r = page_any(order, slot, AEGIS_NONE);
    } while (r.error == AEGIS_E_AGAIN);
    if (r.error)
        return -ENOMEM;
    capability->what = AEGIS_WHAT(AEGIS_PAGE, AEGIS_RWX, order, r.value);
    r = aegis_capability_make(slot, AEGIS_RWX, 0, order);
    capability->mac = r.value;
    if (r.error || page_map(slot, va, AEGIS_R | AEGIS_W)) {
        page_put(slot);
        return -ENOMEM;
    }
    *place = (uint16_t)slot;
    return 0;
}

static int chunk_add(void)
{
    unsigned chunk = SESSION->chunk_count;
    struct aegis_capability capability;

    if (chunk == CHUNK_NETWORK || chunk_make(chunk, &capability))
        return -ENOMEM;
    monitor_enter();
    session_store(&SESSION->chunk[chunk], &capability, sizeof capability);
    session_set(SESSION->chunk_count, chunk + 1);
    allocator_add(chunk);
    monitor_leave();
    return 0;
}

int session_chunk_network(void)
{
    struct aegis_capability capability;

    if (chunk_make(CHUNK_NETWORK, &capability))
        return -ENOMEM;
    monitor_enter();
    session_store(&SESSION->chunk[CHUNK_NETWORK], &capability, sizeof capability);
    monitor_leave();
    return 0;
}

void session_keep(void)
{
    uint64_t wanted = __atomic_load_n(&SESSION->chunks_wanted, __ATOMIC_ACQUIRE);

    if (wanted <= SESSION->chunk_count)
        return;
    while (SESSION->chunk_count < wanted)
        if (chunk_add()) {
            __atomic_store_n(&SESSION->chunks_wanted, 0, __ATOMIC_RELEASE);
            __atomic_fetch_add(&SESSION->chunks_refused, 1, __ATOMIC_RELEASE);
            break;
        }
    channel_wake(&SESSION->chunk_channel);
}

int session_create(void)
{
    struct aegis_capability capability;

    session_me = identity_of(env_self(), 0);
    if (chunk_make(0, &capability))
        return -ENOMEM;
    SESSION->magic = SESSION_MAGIC;
    SESSION->abi = SESSION_ABI;
    SESSION->chunk_slot = SLOT_SESSION;
    SESSION->keeper = session_me;
    monitor_enter();
    SESSION->chunk[0] = capability;
    SESSION->chunk_count = 1;
    allocator_add(0);
    monitor_leave();
    for (unsigned i = 1; i < FIRST_CHUNKS; i++)
        if (chunk_add())
            return -ENOMEM;
    return 0;
}

/* Nothing in the session is where this program would look for it: it says so and ends before it touches any of it. */
static _Noreturn void session_refuse(void)
{
    static const char *const why[] = {"this program was linked for another layout of the session; ", "link it again with aegis-cc\n"};

    for (unsigned i = 0; i < 2; i++)
        aegis_console_write(AEGIS_SLOT_CONSOLE, 2, (unsigned long)why[i], strlen(why[i]));
    for (;;)
        aegis_env_destroy(AEGIS_SLOT_SELF);
}

bool session_join(void)
{
    if (near_slot[0]) {
        session_me = session_identity_of(env_self());
        return true;
    }
    uint64_t what = slot_claim(SLOT_SESSION)->what;
    if (AEGIS_WHAT_TYPE(what) != AEGIS_PAGE || AEGIS_WHAT_ORDER(what) != 4)
        return false;
    near_slot[0] = SLOT_SESSION;
    session_me = session_identity_of(env_self());
    if (SESSION->magic != SESSION_MAGIC || SESSION->abi != SESSION_ABI)
        session_refuse();
    return true;
}

/* ---- what others want of the keeper ---- */

/* False: there is none to be had. */
static bool chunk_want(void)
{
    uint64_t seen = channel_seen(&SESSION->chunk_channel), count = SESSION->chunk_count,
             refused = SESSION->chunks_refused;

    if (session_me == SESSION->keeper)
        return chunk_add() == 0;
    if (!session_alive(SESSION->keeper))
        return false;
    __atomic_store_n(&SESSION->chunks_wanted, count + 1, __ATOMIC_RELEASE);
    channel_wake(&SESSION->keeper_channel);
    while (channel_wait(&SESSION->chunk_channel, seen, 0) == -EINTR &&
           seen == channel_seen(&SESSION->chunk_channel))
        thread_yield();
    return refused == SESSION->chunks_refused || count < SESSION->chunk_count;
}

int session_reserve(size_t bytes)
{
    unsigned order = 0;

    while ((size_t)AEGIS_PAGE_SIZE << order < bytes)
        order++;
    if (order >= SESSION_ORDERS)
        return -ENOMEM;
    for (bool more = true; !allocator_has(order);) {
        if (more) {
            monitor_enter();
            more = allocator_settle();
            monitor_leave();
        } else if (!chunk_want()) {
            return -ENOMEM;
        }
    }
    return 0;
}
