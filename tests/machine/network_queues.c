/* SPDX-License-Identifier: BSD-2-Clause */
/* A device with several pairs of queues that takes nothing more until it is reset: what it had of each pair is given up, and each pair is used
 * again. Booted with such a one only (tests/net/resets.py), whose other end asks, spoils the device meanwhile, and asks again. */
#include "packets.h"

#define PORT 9000
#define SOCKETS 4 /* each sends by the pair of its endpoint's number */
#define BUFFERS 8 /* of a socket */
#define PART (AREA + 0x200000)
#define PART_SLOT S(4 * SOCKETS)

static struct socket sockets[SOCKETS];
static unsigned filters[SOCKETS];

static unsigned pins(unsigned long slot)
{
    return RECORDS[AEGIS_WHAT_RESOURCE(LEDGER[slot].what) - EXPOSED->page_first].pins;
}

static void serve(unsigned i)
{
    filters[i] = socket_bound(&sockets[i], S(4 * i), AREA + 0x40000 * i, PORT + i);
    for (unsigned n = 0; n < BUFFERS; n++)
        socket_post(&sockets[i], n);
}

static void serve_no_more(unsigned i)
{
    page_put(S(4 * i + 3));
    socket_close(&sockets[i]);
}

static bool completed(void *socket)
{
    struct socket *s = socket;

    aegis_net_send(s->slot + 2);
    return s->ring->completed == s->ring->queued;
}

static bool all_completed(void *unused)
{
    bool all = true;

    (void)unused;
    for (unsigned i = 0; i < SOCKETS; i++)
        all &= completed(&sockets[i]);
    return all;
}

/* ---- asked ---- */

static void swap(unsigned char *a, unsigned char *b, unsigned count)
{
    while (count--) {
        unsigned char was = *a;
        *a++ = *b;
        *b++ = was;
    }
}

/* Back to where it came from: the header, and the rest as a part, so that the device has pinned pages. */
static void answer(unsigned i, unsigned buffer, unsigned length)
{
    struct socket *s = &sockets[i];
    unsigned at = buffer * AEGIS_NET_BUFFER + AEGIS_NET_FRAME;
    unsigned char *frame = s->buffers + at;

    swap(frame, frame + 6, 6);
    swap(frame + 26, frame + 30, 4);
    swap(frame + 34, frame + 36, 2);
    frame[40] = frame[41] = 0; /* without a checksum */
    struct aegis_tx *t = socket_queue(s, filters[i], at, 42);
    t->part[0] = (struct aegis_tx_part){.slot = NONE, .length = (unsigned short)(length - 42), .offset = at + 42};
    CHECK(wait_for(completed, s, 1000));
}

/* Answers what comes to each, until one that says so has come: its first byte. */
static unsigned char answer_all(void)
{
    uint64_t seen[SOCKETS];

    for (unsigned i = 0; i < SOCKETS; i++)
        seen[i] = 0;
    for (unsigned i = 0;; i = (i + 1) % SOCKETS) {
        struct socket *s = &sockets[i];
        if (!i)
            up_yield();
        for (; seen[i] != __atomic_load_n(&s->ring->received, __ATOMIC_ACQUIRE); seen[i]++) {
            struct aegis_rx *entry = &s->ring->rx[seen[i] % AEGIS_RX_ENTRIES];
            unsigned buffer = entry->buffer, length = entry->length;
            unsigned char first = s->buffers[buffer * AEGIS_NET_BUFFER + AEGIS_NET_FRAME + 42];
            if (first < ' ')
                return first;
            answer(i, buffer, length);
            socket_post(s, buffer);
        }
    }
}

/* ---- spoiled ---- */

/* To another machine. */
static void send_on(unsigned i)
{
    struct socket *s = &sockets[i];

    udp_frame(s->buffers + AEGIS_NET_FRAME, 1442, PORT + i, PORT + i, 1);
    s->buffers[AEGIS_NET_FRAME] ^= 2;
    struct aegis_tx *t = socket_queue(s, filters[i], AEGIS_NET_FRAME, 42);
    t->part[0] = (struct aegis_tx_part){.slot = (unsigned short)PART_SLOT, .length = 1400, .offset = 0};
    aegis_net_send(s->slot + 2);
}

static bool unpinned(void *unused)
{
    (void)unused;
    aegis_reap(8);
    return !pins(PART_SLOT) && EXPOSED->net.endpoints == SOCKETS - 1;
}

static void all_pairs_come_back_after_a_reset(void)
{
    filters_lend(PART_SLOT);
    page_get(PART_SLOT, 0);
    DONE(UNTIL_DONE(aegis_map(0, PART_SLOT, PART | AEGIS_R | AEGIS_W)));
    for (unsigned i = 0; i < SOCKETS; i++) {
        serve(i);
        EQUAL(sockets[i].number % SOCKETS, i);
    }
    unsigned pairs = EXPOSED->net.pairs;
    CHECK(pairs > 1);
    EQUAL(answer_all(), 1);
    unsigned rounds = 0;
    do
        for (unsigned i = 0; i < SOCKETS; i++)
            send_on(i);
    while (wait_for(all_completed, 0, 20) && rounds++ < 100);
    for (unsigned i = 0; i < SOCKETS; i++) { /* on each pair some are under way now */
        send_on(i);
        CHECK(sockets[i].ring->completed < sockets[i].ring->taken);
        EQUAL(sockets[i].ring->taken, sockets[i].ring->queued);
    }
    CHECK(pins(PART_SLOT) > 0);
    EQUAL(EXPOSED->net.resets, 0);
    serve_no_more(0);
    CHECK(wait_for(unpinned, 0, 1000));
    EQUAL(EXPOSED->net.resets, 1);
    EQUAL(EXPOSED->net.pairs, pairs);
    for (unsigned i = 1; i < SOCKETS; i++) { /* those of the others were given up too, and are counted */
        EQUAL(sockets[i].ring->completed, sockets[i].ring->queued);
        serve_no_more(i);
    }
    for (unsigned i = 0; i < SOCKETS; i++)
        serve(i);
    EQUAL(answer_all(), 2);
    EQUAL(EXPOSED->net.resets, 1);
    EQUAL(EXPOSED->net.nonsense, 0);
    for (unsigned i = 0; i < SOCKETS; i++)
        serve_no_more(i);
    page_put(PART_SLOT);
}

const struct test tests[] = {{"all_pairs_come_back_after_a_reset", all_pairs_come_back_after_a_reset, 1}};
const unsigned test_count = 1;
