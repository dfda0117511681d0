/* SPDX-License-Identifier: BSD-2-Clause */
/* A ring that its owner corrupts, beside one that is in order. */
#include "calls.h"
#include "packets.h"
#include "parts.h"

#define ROUNDS 400
#define CANARY_VA (AREA + 0x100000)
#define CANARIES 60
#define CANARY(i) S(10 + (i)) /* slots of theirs */
#define SONG 0x5a5a5a5a5a5a5a5aUL

static unsigned long state = 88172645463325252UL;

static unsigned long draw(unsigned long n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return n ? state % n : state;
}

/* Numbers that are right, nearly right, or anything. */
static unsigned long lie(unsigned long right)
{
    switch (draw(4)) {
    case 0:
        return right;
    case 1:
        return right + draw(200) - 100;
    case 2:
        return draw(0x10000);
    default:
        return draw(0);
    }
}

/* Up to three of its fields are not what they should be. */
static void entry_scribble(struct aegis_tx *t, unsigned filter)
{
    *t = (struct aegis_tx){.filter = (unsigned short)filter, .header_length = 60, .header = 2 + 300 * (unsigned)draw(50)};
    for (unsigned long n = draw(4); n; n--) {
        struct aegis_tx_part *part = &t->part[draw(AEGIS_TX_PARTS)];
        switch (draw(7)) {
        case 0:
            t->filter = (unsigned short)lie(filter);
            break;
        case 1:
            t->header_length = (unsigned short)lie(60);
            break;
        case 2:
            t->header = (unsigned)lie(2);
            break;
        case 3:
            t->flags = (unsigned short)draw(0);
            break;
        case 4:
            t->checksum_start = (unsigned short)lie(34);
            t->checksum_offset = (unsigned short)lie(6);
            break;
        default:
            *part = (struct aegis_tx_part){(unsigned short)(draw(4) ? S(draw(20)) : lie(NONE)), (unsigned short)lie(100), (unsigned)lie(3900)};
        }
    }
}

static void ring_scribble(struct aegis_ring *r, const struct aegis_endpoint_record *truth, unsigned filter)
{
    for (unsigned i = 0; i < 8; i++) /* what is the kernel's to write */
        ((volatile unsigned long *)r)[i] = lie(truth->received);
    for (unsigned i = 0; i < AEGIS_RX_ENTRIES; i++)
        r->rx[i] = (struct aegis_rx){.buffer = (unsigned short)draw(0), .length = (unsigned short)draw(0)};
    for (unsigned i = 0; i < AEGIS_TX_ENTRIES; i++)
        entry_scribble(&r->tx[i], filter);
    r->posted = lie(truth->received + draw(130));
    r->queued = lie(truth->sent + truth->refused + draw(34));
}

/* The neighbour sends itself a frame, which comes as it is. */
static void neighbour_round(struct socket *s, unsigned filter, unsigned round)
{
    unsigned length = 60 + round % 190; /* all of it a header */
    const unsigned char *got = s->buffers + 3 * AEGIS_NET_BUFFER + 2;

    udp_frame(s->buffers + 2, length, 9001, 9001, round);
    socket_post(s, 3);
    socket_queue(s, filter, 2, length);
    struct aegis_result r = aegis_net_send(S(6));
    DONE(r);
    EQUAL(r.value, 1);
    EQUAL(s->ring->received, round + 1);
    EQUAL(s->ring->completed, round + 1);
    EQUAL(s->ring->rx[round % AEGIS_RX_ENTRIES].length, length);
    for (unsigned i = 0; i < length; i++)
        EQUAL(got[i], s->buffers[2 + i]);
}

/* Pages of somebody's that lie behind the mad one's buffers, as many as are free. */
static unsigned canaries_take(void)
{
    unsigned behind = AEGIS_WHAT_RESOURCE(LEDGER[S(1)].what) + 4, count = 0;

    for (unsigned i = 0; i < CANARIES; i++) {
        if (UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, behind + i, 0, CANARY(count), NONE)).error)
            continue;
        DONE(UNTIL_DONE(aegis_map(0, CANARY(count), (CANARY_VA + count * 4096UL) | AEGIS_R | AEGIS_W)));
        count++;
    }
    for (unsigned i = 0; i < count * 512; i++)
        ((volatile unsigned long *)CANARY_VA)[i] = SONG;
    return count;
}

static void canaries_sing(unsigned count)
{
    for (unsigned i = 0; i < count * 512; i++)
        EQUAL(((volatile unsigned long *)CANARY_VA)[i], SONG);
    for (unsigned i = 0; i < count; i++) {
        EQUAL(RECORDS[AEGIS_WHAT_RESOURCE(LEDGER[CANARY(i)].what) - EXPOSED->page_first].pins, 0); /* parts of them were sent */
        page_put(CANARY(i));
    }
}

void network_corrupted_ring_hurts_its_owner_only(void)
{
    struct socket mad, neighbour;
    unsigned filter = socket_bound(&mad, S(0), AREA, 9000), other = socket_bound(&neighbour, S(4), AREA + 0x80000, 9001);
    unsigned canaries = canaries_take();

    CHECK(canaries > 20);
    for (unsigned at = 2; at + 300 < 4 * 4096; at += 300)
        udp_frame(mad.buffers + at, 298, 9000, 9000, at);
    const struct aegis_endpoint_record *truth = (const struct aegis_endpoint_record *)&EXPOSED->net.endpoint[mad.number];
    for (unsigned round = 0; round < ROUNDS; round++) {
        ring_scribble(mad.ring, truth, filter);
        aegis_net_send(S(2)); /* whatever it says */
        neighbour_round(&neighbour, other, round);
    }
    CHECK(truth->received > 100 && truth->refused > 100 && EXPOSED->net.filter[filter].frames >= truth->received); /* some of it was right */
    EQUAL(neighbour.ring->refused + neighbour.ring->dropped, 0);
    EQUAL(EXPOSED->net.endpoint[neighbour.number].received, ROUNDS);
    EQUAL(EXPOSED->net.endpoint[neighbour.number].dropped, 0);
    canaries_sing(canaries);
    for (unsigned i = 0; i < 8; i += 4) {
        page_put(S(i + 3));
        socket_close(i ? &neighbour : &mad);
    }
    settle();
}
