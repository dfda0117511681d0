/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames put into an endpoint's ring. */
#include "net.h"

bool pin_take(struct aegis_page *head)
{
    lock_take(&kernel.page_lock);
    bool ok = head->check && !(head->flags & (AEGIS_PAGE_IS_LENT | PAGE_UNREAD));
    if (ok) {
        head->pins++;
        head->flags = 0;
    }
    lock_give(&kernel.page_lock);
    return ok;
}

/* `posted` is read once, a buffer's number once; the counts that are believed are ours. */
struct net_in *frames_deliver(struct endpoint *p, struct net_in *in, const struct net_in *end, uint64_t *found)
{
    const uint64_t mine = *found, filter = DPF_RESULT_NUMBER(mine) - 1UL;

    lock_take(&p->lock);
    const bool live = p->state == ENDPOINT_LIVE;
    struct aegis_ring *ring = p->ring;
    uint64_t n = p->received, posted = live ? __atomic_load_n(&ring->posted, __ATOMIC_ACQUIRE) : n, dropped = 0;
    if (posted - n > AEGIS_RX_ENTRIES)
        posted = n; /* nobody could have posted as many */
    do {
        if (LIKELY(n != posted)) {
            volatile struct aegis_rx *entry = &ring->rx[n++ % AEGIS_RX_ENTRIES];
            uint64_t buffer = entry->buffer & p->buffers_mask, length = in->length;
            frame_copy(p->buffers + buffer * AEGIS_NET_BUFFER + AEGIS_NET_FRAME, in->frame, in->length);
            *(volatile uint64_t *)entry = buffer | length << 16 | filter << 32 | (in->flags & (uint64_t)AEGIS_RX_CHECKED) << 48;
            entry->tag = network.filter[filter].tag;
        } else {
            dropped++;
        }
        if (LIKELY(in->flags & NET_PAGED))
            frame_foreign(in->frame, in->length);
    } while (++in < end && (*found = dpf_run((const uint8_t *)in->frame, in->length, &net_run)) == mine);
    exposed.net.dropped += dropped;
    network.news = true;
    if (live) {
        struct aegis_endpoint_record *shown = &exposed.net.endpoint[p->number];
        ring->dropped = shown->dropped = p->dropped += dropped;
        shown->received = p->received = n;
        __atomic_store_n(&ring->received, n, __ATOMIC_RELEASE);
    }
    lock_give(&p->lock);
    return in;
}
