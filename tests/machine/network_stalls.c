/* SPDX-License-Identifier: BSD-2-Clause */
/* A device that does not get rid of its frames: what it has of pages comes back all the same. Booted with such a one only (tests/network/run). */
#include "packets.h"

#define PORT 9000
#define PART (AREA + 0x40000)

static unsigned pins(unsigned slot)
{
    return RECORDS[AEGIS_WHAT_RESOURCE(LEDGER[S(slot)].what) - EXPOSED->page_first].pins;
}

static bool all_completed(void *ring)
{
    struct aegis_ring *r = ring;
    aegis_net_send(S(2));
    return r->completed == r->taken;
}

static bool unpinned(void *unused)
{
    (void)unused;
    aegis_reap(8);
    return !pins(5) && !EXPOSED->net.endpoints;
}

/* The endpoint ends with frames under way that never leave: within a bounded time the device is reset, and nothing is pinned. */
static void pins_end_though_the_device_stalls(void)
{
    struct socket s;

    filters_lend(S(4));
    unsigned filter = socket_bound(&s, S(0), AREA, PORT);
    page_get(S(5), 0);
    DONE(UNTIL_DONE(aegis_map(0, S(5), PART | AEGIS_R | AEGIS_W)));
    udp_frame(s.buffers + 2, 1442, PORT, PORT, 1);
    s.buffers[2] ^= 2; /* to another machine */
    do
        for (unsigned i = 0; i < AEGIS_TX_ENTRIES / 2; i++) {
            struct aegis_tx *t = socket_queue(&s, filter, 2, 42);
            t->part[0] = (struct aegis_tx_part){.slot = S(5), .length = 1400, .offset = 0};
            aegis_net_send(S(2));
        }
    while (wait_for(all_completed, s.ring, 20) && s.ring->taken < 100000);
    CHECK(s.ring->completed < s.ring->taken);
    CHECK(pins(5) > 0);
    EQUAL(EXPOSED->net.resets, 0);
    unsigned long begun = now();
    page_put(S(3));
    socket_close(&s);
    CHECK(wait_for(unpinned, 0, 1000));
    say("# %d ms", (now() - begun) / milliseconds(1));
    EQUAL(EXPOSED->net.resets, 1);
    page_put(S(5));
}

const struct test tests[] = {{"pins_end_though_the_device_stalls", pins_end_though_the_device_stalls, 1}};
const unsigned test_count = 1;
