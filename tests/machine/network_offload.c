/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the device makes checksums: where it may write them. Booted with such a device only (tests/net/offload.py). */
#include "packets.h"

#define ROOT AEGIS_SLOT_NETWORK
#define PORT 9000

static unsigned refused_of(struct socket *s, unsigned filter, unsigned start, unsigned offset)
{
    struct aegis_tx *t = socket_queue(s, filter, 2, 106);
    unsigned before = s->ring->refused;
    t->flags = AEGIS_TX_CHECKSUM;
    t->checksum_start = (unsigned short)start;
    t->checksum_offset = (unsigned short)offset;
    DONE(aegis_net_send(S(2)));
    EQUAL(s->ring->taken, s->ring->queued);
    return (unsigned)s->ring->refused - before;
}

/* Over what the template of the filter has looked at, or behind the frame: no. Where UDP has it: yes. */
static void checksums_are_made_beside_the_template(void)
{
    struct packet_filter f = udp_ports(PORT, PORT, 0);
    struct socket s;

    CHECK(EXPOSED->net.features & AEGIS_NET_TX_CHECKSUM);
    page_get(S(4), 6);
    DONE(UNTIL_DONE(aegis_filter_lend(ROOT, S(4))));
    page_put(S(4));
    given_pages = 1UL << 6;
    given_cells = EXPOSED->net.memory;
    socket_open(&s, ROOT, S(0), AREA, 2);
    struct aegis_result r = filter_make(ROOT, &f, S(3));
    DONE(r);
    DONE(aegis_filter_bind(S(3), S(2), PORT));
    udp_frame(s.buffers + 2, 106, PORT, PORT, 1);
    s.buffers[2] ^= 2; /* to another machine */
    for (unsigned at = 0; at < 36; at++) {
        EQUAL(refused_of(&s, (unsigned)r.value, at, 0), 1);
        EQUAL(refused_of(&s, (unsigned)r.value, 0, at), 1);
    }
    EQUAL(refused_of(&s, (unsigned)r.value, 34, 6), 0);
    EQUAL(refused_of(&s, (unsigned)r.value, 34, 70), 0);
    EQUAL(refused_of(&s, (unsigned)r.value, 34, 71), 1);
    EQUAL(refused_of(&s, (unsigned)r.value, 65535, 65535), 1);
    page_put(S(3));
    socket_close(&s);
}

const struct test tests[] = {{"checksums_are_made_beside_the_template", checksums_are_made_beside_the_template, 1}};
const unsigned test_count = 1;
