/* SPDX-License-Identifier: BSD-2-Clause */
/* The session's network is its keeper's: the chunk, the endpoint and its filters outlive whoever
 * wanted them. */
#include <errno.h>
#include <string.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>

#include "../session/apart.h"
#include "../session/chunk.h"
#include "../session/inline.h"
#include "../vm/vm.h"
#include "network.h"
#include "stack.h"

#define ETHER_TYPE 12 /* where it stands in a frame */

static const uint16_t kinds[NET_FILTERS] = {0x0806, 0x0800, 0x86dd};

struct program {
    struct aegis_filter head;
    struct aegis_atom receive, send[2];
};

/* Frames of one kind; what is sent is of that kind, from our own address. */
static long filter_make(unsigned kind, unsigned slot)
{
    uint64_t mac = 0;
    struct program p = {.head = {.receive = 1, .send = 2, .limit = AEGIS_FILTERS / 4}};

    for (unsigned i = 0; i < AEGIS_FILTER_OVER; i++)
        p.head.over[i] = AEGIS_NONE;
    for (unsigned i = 0; i < 6; i++)
        mac = mac << 8 | AEGIS_EXPOSED_STATE->net.mac[i];
    p.receive = (struct aegis_atom){
        .kind = AEGIS_ATOM_EQ, .width = 2, .offset = ETHER_TYPE, .mask = 0xffff, .low = kinds[kind]};
    p.send[0] = p.receive;
    p.send[1] = (struct aegis_atom){.kind = AEGIS_ATOM_EQ, .width = 8, .offset = 6,
                                    .mask = ~0xffffUL, .low = mac << 16};
    struct aegis_result r;
    do {
        r = aegis_filter_install(AEGIS_SLOT_NETWORK, (unsigned long)&p, slot);
    } while (r.error == AEGIS_E_AGAIN);
    return r.error ? r.error : (long)r.value;
}

static int capability_of(unsigned slot, unsigned type, unsigned long number, unsigned rights,
                         struct aegis_capability *c)
{
    struct aegis_result r = aegis_capability_make(slot, rights, 0, 0);

    c->mac = r.value;
    c->what = r.error ? 0 : AEGIS_WHAT(type, rights, 0, number);
    return r.error ? -EIO : 0;
}

/* The one that was given is led to the endpoint as it is. Its slot is `slot`. */
static int filter_given(unsigned slot, unsigned endpoint)
{
    struct network *n = NETWORK;

    if (aegis_filter_bind(slot, endpoint, 0).error)
        return -EIO;
    for (unsigned i = 0; i < NET_FILTERS; i++) {
        n->filter[i] = (uint16_t)AEGIS_WHAT_RESOURCE(slot_claim(slot)->what);
        n->filter_capability[i] = n->given.filter;
    }
    return 0;
}

static int filters_make(unsigned endpoint)
{
    struct network *n = NETWORK;

    for (unsigned i = 0; i < NET_FILTERS; i++) {
        unsigned slot = slot_find();
        long number = slot ? filter_make(i, slot) : -1;
        if (number < 0 || aegis_filter_bind(slot, endpoint, 0).error ||
            capability_of(slot, AEGIS_FILTER, (unsigned long)number,
                          AEGIS_R | AEGIS_W | AEGIS_ALLOC, &n->filter_capability[i]))
            return -EIO;
        n->filter[i] = (uint16_t)number;
    }
    return 0;
}

/* A claim on a part of the chunk. 0: none. */
static unsigned part_claim(const void *at, size_t pages)
{
    struct aegis_capability c;
    unsigned slot = slot_find();

    if (!slot || session_capability(at, pages, AEGIS_R | AEGIS_W, &c) ||
        aegis_claim(c.what, c.mac, slot).error)
        return 0;
    return slot;
}

/* The kernel keeps filters in memory that is lent for it: 1/128 of the machine's, or what there is. */
static int filters_memory(void)
{
    unsigned order = 10, slot = slot_find();
    struct aegis_result r = {0, 0};

    while (order > 6 && 1UL << order > AEGIS_EXPOSED_STATE->page_count / 128)
        order--;
    if (!slot || AEGIS_EXPOSED_STATE->net.memory)
        return 0;
    do {
        r = aegis_page_alloc(AEGIS_SLOT_PAGES, AEGIS_ANY, order, slot, AEGIS_NONE);
        order -= r.error == AEGIS_E_NO_MEMORY;
    } while (r.error == AEGIS_E_AGAIN || (r.error == AEGIS_E_NO_MEMORY && order >= 6));
    if (r.error)
        return -ENOMEM;
    do {
        r = aegis_filter_lend(AEGIS_SLOT_NETWORK, slot);
    } while (r.error == AEGIS_E_AGAIN);
    while (aegis_release(0, slot).error == AEGIS_E_AGAIN)
        ;
    return r.error ? -EIO : 0;
}

/* What an endpoint is made under: the network, or in a session apart the filter that was given. 0: neither. */
static unsigned parent_claim(void)
{
    struct network *n = NETWORK;

    if (!session_is_apart())
        return AEGIS_SLOT_NETWORK;
    n->given = LINK->given;
    unsigned slot = n->given.address ? slot_find() : 0;
    if (slot && !aegis_claim(n->given.filter.what, n->given.filter.mac, slot).error)
        return slot;
    n->given = (struct net_given){0};
    return 0;
}

static int endpoint_make(void)
{
    unsigned ring = part_claim((void *)NET_CHUNK, 1);
    unsigned buffers = ring ? part_claim((void *)NET_BUFFERS, 1UL << AEGIS_NET_BUFFER_ORDER) : 0;
    unsigned slot = buffers ? slot_find() : 0;
    unsigned parent = slot ? parent_claim() : 0;
    struct aegis_capability c;

    if (!parent || (parent == AEGIS_SLOT_NETWORK && filters_memory()))
        return -ENOMEM;
    struct aegis_result r = aegis_endpoint_create(parent, ring, buffers, slot);
    if (r.error || (parent == AEGIS_SLOT_NETWORK ? filters_make(slot) : filter_given(parent, slot)) ||
        capability_of(slot, AEGIS_ENDPOINT, r.value, AEGIS_W, &c))
        return -EIO;
    NETWORK->endpoint = c;
    return 0;
}

/* Without a device the stack has its loopback. */
void network_keep(void)
{
    if (!SESSION->network_wanted || SESSION->network_state)
        return;
    uint32_t state = NETWORK_NONE;
    if (!session_chunk_network()) {
        if (AEGIS_EXPOSED_STATE->net.device && endpoint_make())
            memset(&NETWORK->endpoint, 0, sizeof NETWORK->endpoint);
        state = NETWORK_THERE;
    }
    __atomic_store_n(&SESSION->network_state, state, __ATOMIC_RELEASE);
    channel_wake(&SESSION->chunk_channel);
}

bool network_is_left(void)
{
    return SESSION->network_state == NETWORK_THERE && __atomic_exchange_n(&NETWORK->left, 0, __ATOMIC_ACQUIRE);
}

int network_reserve(void)
{
    for (;;) {
        uint64_t seen = channel_seen(&SESSION->chunk_channel);
        uint32_t state = __atomic_load_n(&SESSION->network_state, __ATOMIC_ACQUIRE);
        if (state)
            return state == NETWORK_THERE ? 0 : -ENOBUFS;
        if (!session_alive(SESSION->keeper))
            return -ENOBUFS;
        __atomic_store_n(&SESSION->network_wanted, 1, __ATOMIC_RELEASE);
        channel_wake(&SESSION->keeper_channel);
        if (channel_wait(&SESSION->chunk_channel, seen, 0) == -EINTR)
            return -EINTR;
    }
}
