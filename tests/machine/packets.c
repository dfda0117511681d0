/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of the network share: endpoints with their memory, filters. */
#include "packets.h"

#include "calls.h"

#define ROOT AEGIS_SLOT_NETWORK

void filters_lend(unsigned long slot)
{
    page_get(slot, 6);
    DONE(UNTIL_DONE(aegis_filter_lend(ROOT, slot)));
    page_put(slot);
    given_pages = 1UL << 6;
    given_cells = EXPOSED->net.memory;
}

struct aegis_result filter_make(unsigned long root, const struct packet_filter *f, unsigned long slot)
{
    return UNTIL_DONE(aegis_filter_install(root, (unsigned long)f, slot));
}

void socket_open(struct socket *s, unsigned long root, unsigned long slot, unsigned long va, unsigned order)
{
    *s = (struct socket){.slot = slot, .ring = (struct aegis_ring *)va, .buffers = (unsigned char *)va + 0x10000};
    page_get(slot, 0);
    page_get(slot + 1, order);
    DONE(UNTIL_DONE(aegis_map(0, slot, va | AEGIS_R | AEGIS_W)));
    DONE(UNTIL_DONE(aegis_map(0, slot + 1, (va + 0x10000) | AEGIS_R | AEGIS_W)));
    struct aegis_result r = aegis_endpoint_create(root, slot, slot + 1, slot + 2);
    DONE(r);
    s->number = (unsigned)r.value;
}

void socket_close(struct socket *s)
{
    page_put(s->slot + 2);
    page_put(s->slot + 1);
    page_put(s->slot);
}

void socket_post(struct socket *s, unsigned buffer)
{
    s->ring->rx[s->ring->posted % AEGIS_RX_ENTRIES].buffer = (unsigned short)buffer;
    __atomic_store_n(&s->ring->posted, s->ring->posted + 1, __ATOMIC_RELEASE);
}

struct aegis_tx *socket_queue(struct socket *s, unsigned filter, unsigned offset, unsigned header)
{
    struct aegis_tx *t = &s->ring->tx[s->ring->queued % AEGIS_TX_ENTRIES];
    *t = (struct aegis_tx){.filter = (unsigned short)filter, .header_length = (unsigned short)header, .header = offset};
    __atomic_store_n(&s->ring->queued, s->ring->queued + 1, __ATOMIC_RELEASE);
    return t;
}

unsigned socket_bound(struct socket *s, unsigned long slot, unsigned long va, unsigned port)
{
    struct packet_filter f = udp_ports(port, port, 0);
    socket_open(s, ROOT, slot, va, 2);
    struct aegis_result r = filter_make(ROOT, &f, slot + 3);
    DONE(r);
    DONE(aegis_filter_bind(slot + 3, slot + 2, port));
    return (unsigned)r.value;
}
