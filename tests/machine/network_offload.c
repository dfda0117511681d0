/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the device makes checksums: where it may write them. Booted with such a device only (tests/net/offload.py). */
#include "packets.h"

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
    struct socket s;

    CHECK(EXPOSED->net.features & AEGIS_NET_TX_CHECKSUM);
    filters_lend(S(4));
    unsigned filter = socket_bound(&s, S(0), AREA, PORT);
    udp_frame(s.buffers + 2, 106, PORT, PORT, 1);
    s.buffers[2] ^= 2; /* to another machine */
    for (unsigned at = 0; at < 36; at++) {
        EQUAL(refused_of(&s, filter, at, 0), 1);
        EQUAL(refused_of(&s, filter, 0, at), 1);
    }
    EQUAL(refused_of(&s, filter, 34, 6), 0);
    EQUAL(refused_of(&s, filter, 34, 70), 0);
    EQUAL(refused_of(&s, filter, 34, 71), 1);
    EQUAL(refused_of(&s, filter, 65535, 65535), 1);
    page_put(S(3));
    socket_close(&s);
}

const struct test tests[] = {{"checksums_are_made_beside_the_template", checksums_are_made_beside_the_template, 1}};
const unsigned test_count = 1;
