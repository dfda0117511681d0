/* SPDX-License-Identifier: BSD-2-Clause */
/* A frame put into an endpoint's ring. */
#include "net.h"

void frame_copy(char *to, const char *from, uint32_t length)
{
    uint64_t *d = (uint64_t *)(to - 2);
    const volatile uint64_t *s = (const volatile uint64_t *)(from - 2);
    unsigned long bytes = length + 2UL, words = bytes / 8 - 1, rest = bytes % 8 * 8;

    *d++ = *s++ & ~0xffffUL;
    for (; words >= 8; words -= 8, s += 8, d += 8) {
        uint64_t w0 = s[0], w1 = s[1], w2 = s[2], w3 = s[3], w4 = s[4], w5 = s[5], w6 = s[6], w7 = s[7];
        d[0] = w0, d[1] = w1, d[2] = w2, d[3] = w3, d[4] = w4, d[5] = w5, d[6] = w6, d[7] = w7;
    }
    if (words & 4) {
        uint64_t w0 = s[0], w1 = s[1], w2 = s[2], w3 = s[3];
        d[0] = w0, d[1] = w1, d[2] = w2, d[3] = w3;
        s += 4, d += 4;
    }
    for (words &= 3; words; words--)
        *d++ = *s++;
    if (rest)
        *d = *s & ((1UL << rest) - 1);
}

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

/* `posted` is read once, the buffer's number once; the counts that are believed are ours. */
void endpoint_deliver(struct endpoint *p, unsigned filter, const char *frame, uint32_t length, unsigned flags)
{
    struct aegis_ring *ring = p->ring;

    lock_take(&p->lock);
    uint64_t n = p->received, posted = __atomic_load_n(&ring->posted, __ATOMIC_ACQUIRE);
    if (p->state != ENDPOINT_LIVE || posted - n - 1 >= AEGIS_RX_ENTRIES) {
        if (p->state == ENDPOINT_LIVE)
            ring->dropped = exposed.net.endpoint[p->number].dropped = ++p->dropped;
        exposed.net.dropped++;
        lock_give(&p->lock);
        return;
    }
    volatile struct aegis_rx *entry = &ring->rx[n % AEGIS_RX_ENTRIES];
    uint32_t buffer = entry->buffer & p->buffers_mask;
    frame_copy(p->buffers + buffer * AEGIS_NET_BUFFER + AEGIS_NET_FRAME, frame, length);
    entry->buffer = (uint16_t)buffer;
    entry->length = (uint16_t)length;
    entry->filter = (uint16_t)filter;
    entry->flags = (uint16_t)flags;
    entry->tag = network.filter[filter].tag;
    exposed.net.endpoint[p->number].received = p->received = n + 1;
    __atomic_store_n(&ring->received, n + 1, __ATOMIC_RELEASE);
    lock_give(&p->lock);
}
