/* SPDX-License-Identifier: BSD-2-Clause */
/* Filters come and go on one hart while another's frames find theirs. */
#include "calls.h"
#include "packets.h"
#include "parts.h"

#define T(n) (120UL + (n)) /* slots that a child has too */
#define RANGE T(0)
#define MADE T(1) /* the child's own */
#define AT_ONCE 7 /* its slots: the last of its ledger */
#ifndef CHANGES /* where each call is traced fewer do: refusals */
#define CHANGES 1200
#endif

static volatile unsigned long changes, errors;

static void change(unsigned port)
{
    struct packet_filter f = udp_ports(port, port, 0);
    struct aegis_result r;

    while ((r = filter_make(RANGE, &f, MADE + port - 8000)).error == AEGIS_E_FULL)
        aegis_reap(64); /* those that went are not all taken out yet */
    errors += r.error != 0;
    changes++;
}

/* As many filters as a table is made and made larger for, and none again. */
static void changer(long unused)
{
    (void)unused;
    for (unsigned round = 0;; round++) {
        for (unsigned i = 0; i < AT_ONCE; i++)
            change(8000 + i);
        for (unsigned i = 0; i < AT_ONCE; i++)
            errors += UNTIL_DONE(aegis_release(0, MADE + i)).error != 0;
    }
}

static void frame_round(struct socket *s, unsigned filter, unsigned long round)
{
    unsigned buffer = 1 + round % 7;

    s->buffers[2 + 59] = (unsigned char)round;
    socket_post(s, buffer);
    socket_queue(s, filter, 2, 60);
    EQUAL(aegis_net_send(S(2)).value, 1);
    EQUAL(s->ring->received, round + 1);
    EQUAL(s->ring->rx[round % AEGIS_RX_ENTRIES].filter, filter);
    EQUAL(s->buffers[buffer * AEGIS_NET_BUFFER + 2 + 59], (unsigned char)round);
}

static bool range_is_free(void *number)
{
    aegis_reap(64);
    return EXPOSED->net.filter[*(unsigned *)number].limit == AT_ONCE;
}

void network_filters_come_and_go_while_frames_flow(void)
{
    struct packet_filter range = udp_ports(8000, 8099, AT_ONCE);
    struct socket s;
    struct child c;
    unsigned filter = socket_bound(&s, S(0), AREA, 9000);
    unsigned long round = 0;

    struct aegis_result r = filter_make(AEGIS_SLOT_NETWORK, &range, RANGE);
    DONE(r);
    unsigned whole = (unsigned)r.value;
    udp_frame(s.buffers + 2, 60, 9000, 9000, 0);
    changes = errors = 0;
    child_make(&c, 0);
    DONE(aegis_share(c.slot, RANGE, 1, AEGIS_R | AEGIS_W | AEGIS_ALLOC));
    child_on(&c, 1, changer, 0);
    child_slice(&c, 1);
    CHECK(wait_word(&changes, 1));
    while (changes < CHANGES && round < 2000000)
        frame_round(&s, filter, round++);
    CHECK(changes >= CHANGES && round > CHANGES);
    EQUAL(errors, 0);
    child_end(&c);
    settle();
    CHECK(wait_for(range_is_free, &whole, 1000));
    page_put(RANGE);
    page_put(S(3));
    socket_close(&s);
    settle();
}
