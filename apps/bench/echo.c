/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first environment of udp_echo_raw: a UDP echo straight on the ring, with no stack at all. It answers what comes to port
 * 7 of 10.0.0.2 and, after enough frames, says how many instructions the machine executed for each, everything included
 * but idling; scripts/aegis/bench.py is the other side.
 */
#include <stddef.h>

#include "bench.h"

#define RING_VA 0x30200000UL
#define BUFFERS_VA 0x30240000UL
#define OTHER_VA 0x30300000UL /* a slot for each entry of the send ring */
#define ORDER 6
#define OTHER_ORDER 4
#define WARM 256
#define FRAMES 4096

#define RING ((struct aegis_ring *)RING_VA)

static struct {
    struct aegis_filter head;
    struct aegis_atom atom[8];
} filter = {
    .head = {.receive = 4, .send = 4, .over = {AEGIS_NONE, AEGIS_NONE, AEGIS_NONE, AEGIS_NONE}},
    .atom = {
#define EQ(offset_, width_, mask_, value) {.kind = AEGIS_ATOM_EQ, .width = width_, .offset = offset_, .mask = mask_, .low = value}
        EQ(12, 4, 0xffffff00, 0x08004500), EQ(23, 1, 0xff, 17), EQ(30, 4, 0xffffffff, 0x0a000002), EQ(36, 2, 0xffff, 7),
        EQ(12, 4, 0xffffff00, 0x08004500), EQ(23, 1, 0xff, 17), EQ(26, 4, 0xffffffff, 0x0a000002), EQ(34, 2, 0xffff, 7),
    },
};

static uint16_t number, posted_last, buffers_slot, other_slot;

/* Destination and source change places: Ethernet's, IP's, UDP's. No checksum changes by that. */
static inline void turn(unsigned char *frame)
{
    uint16_t *h = (uint16_t *)frame;
    uint32_t *ip = (uint32_t *)(frame + 26), from = ip[0];
    uint16_t a = h[0], b = h[1], c = h[2], port = h[17];

    h[0] = h[3], h[1] = h[4], h[2] = h[5];
    h[3] = a, h[4] = b, h[5] = c;
    ip[0] = ip[1], ip[1] = from;
    h[17] = h[18], h[18] = port;
}

static inline void post(unsigned buffer)
{
    RING->rx[posted_last++ % AEGIS_RX_ENTRIES].buffer = (uint16_t)buffer;
}

/* Where the rest of a longer frame is sent from: its buffer, by one name or the other, or another block. */
static unsigned parts_fill(struct aegis_tx *t, uint32_t offset, uint16_t length, uint64_t n)
{
    uint32_t other = n % AEGIS_TX_ENTRIES * AEGIS_NET_BUFFER;

    t->part[0] = (struct aegis_tx_part){AEGIS_NONE, length, offset};
    t->part[1].length = 0;
    if (n % 4 == 1) {
        t->part[0] = (struct aegis_tx_part){other_slot, length, other};
        for (unsigned i = 0; i < length; i++)
            ((char *)OTHER_VA)[other + i] = ((const char *)BUFFERS_VA)[offset + i];
    } else if (n % 4 == 3 && length) {
        t->part[0].length = 1;
        t->part[1] = (struct aegis_tx_part){buffers_slot, (uint16_t)(length - 1), offset + 1};
    }
    return length;
}

/* Pins of the blocks that are not the endpoint's own: none, when all has been sent. */
static unsigned pins(void)
{
    const volatile struct aegis_page *record = (const volatile struct aegis_page *)AEGIS_EXPOSED_PAGES;
    const struct aegis_claim *ledger = (const struct aegis_claim *)AEGIS_LEDGER_VA;
    uint64_t first = AEGIS_EXPOSED_STATE->page_first;

    return record[AEGIS_WHAT_RESOURCE(ledger[buffers_slot].what) - first].pins - 1U +
           record[AEGIS_WHAT_RESOURCE(ledger[other_slot].what) - first].pins;
}

/* What has come, as far as the send ring goes; their buffers are given back when net_send has copied
   them, or the device has sent them. */
static uint64_t answer(uint64_t seen, unsigned endpoint)
{
    uint64_t received = __atomic_load_n(&RING->received, __ATOMIC_ACQUIRE), queued = RING->queued, first = seen;
    unsigned parts = 0;

    for (; seen != received && seen - first < AEGIS_TX_ENTRIES; seen++) {
        const struct aegis_rx *r = &RING->rx[seen % AEGIS_RX_ENTRIES];
        uint32_t offset = (uint32_t)r->buffer * AEGIS_NET_BUFFER + AEGIS_NET_FRAME;
        struct aegis_tx *t = &RING->tx[queued++ % AEGIS_TX_ENTRIES];
        turn((unsigned char *)BUFFERS_VA + offset);
        t->filter = number;
        t->header_length = r->length <= AEGIS_NET_HEADER_MAX ? r->length : 42;
        t->header = offset;
        parts |= parts_fill(t, offset + 42, (uint16_t)(r->length - t->header_length), queued - 1);
    }
    __atomic_store_n(&RING->queued, queued, __ATOMIC_RELEASE);
    while (aegis_net_send(endpoint), RING->taken != queued || (parts && RING->completed != queued))
        if (parts) {
            struct aegis_predicate p = {.slot = (uint16_t)(endpoint - 2), .operation = AEGIS_NE, .width = 8,
                                        .offset = offsetof(struct aegis_ring, completed), .value = RING->completed};
            if (p.value != queued)
                leave((unsigned long)&p, 1, 0, AEGIS_CALL_slice_wait);
        }
    for (; first != seen; first++)
        post(RING->rx[first % AEGIS_RX_ENTRIES].buffer);
    __atomic_store_n(&RING->posted, RING->posted + (uint16_t)(posted_last - (uint16_t)RING->posted), __ATOMIC_RELEASE);
    return seen;
}

static unsigned start(void)
{
    unsigned ring = page_new(0), buffers = buffers_slot = (uint16_t)page_new(ORDER), endpoint = slot_take(), slot = slot_take(), memory = page_new(6);

    ALL_STEPS(aegis_map(0, ring, RING_VA | AEGIS_R | AEGIS_W));
    ALL_STEPS(aegis_map(0, buffers, BUFFERS_VA | AEGIS_R | AEGIS_W));
    other_slot = (uint16_t)page_new(OTHER_ORDER);
    ALL_STEPS(aegis_map(0, other_slot, OTHER_VA | AEGIS_R | AEGIS_W));
    ALL_STEPS(aegis_filter_lend(AEGIS_SLOT_NETWORK, memory));
    must(aegis_endpoint_create(AEGIS_SLOT_NETWORK, ring, buffers, endpoint), "endpoint_create");
    number = (uint16_t)ALL_STEPS(aegis_filter_install(AEGIS_SLOT_NETWORK, (unsigned long)&filter, slot)).value;
    must(aegis_filter_bind(slot, endpoint, 0), "filter_bind");
    for (unsigned i = 0; i < AEGIS_RX_ENTRIES; i++)
        post(i);
    RING->posted = AEGIS_RX_ENTRIES;
    return endpoint;
}

int main(void)
{
    slot_next = 390;
    unsigned endpoint = start();
    struct aegis_predicate p = {.slot = (uint16_t)(endpoint - 2), .operation = AEGIS_NE, .width = 8};
    uint64_t seen = 0, begin = 0, from = 0, waits = 0;
    settle();
    report("ready", 1);
    while (seen < WARM + FRAMES) {
        if (seen >= WARM && !begin) {
            begin = instret();
            waits = 0;
            from = seen;
        }
        p.value = seen;
        if (RING->received == seen) {
            leave((unsigned long)&p, 1, 0, AEGIS_CALL_slice_wait);
            waits++;
        }
        seen = answer(seen, endpoint);
    }
    report("udp_echo_raw", (instret() - begin) / (seen - from));
    report("udp_echo_raw.frames_a_wait_x100", (seen - from) * 100 / (waits ? waits : 1));
    report("refused", RING->refused);
    report("pins", pins());
    report("nonsense", AEGIS_EXPOSED_STATE->net.nonsense);
    report("polls", AEGIS_EXPOSED_STATE->net.polls);
    end(0);
}
