/* SPDX-License-Identifier: BSD-2-Clause */
/* A service that holds the TCP ports 8000 to 8099, and nothing else of the network: an environment with one filter. */
#include "packets.h"
#include "parts.h"

#define ROOT AEGIS_SLOT_NETWORK
#define T(n) (120UL + (n)) /* slots that a child has too */
#define RANGE T(0)
#define RING T(1) /* then its buffers */
#define MADE T(3) /* the child's own */
#define SERVED 8042
#define OTHER 8100 /* the neighbour's */

static volatile unsigned long said[16], told, done;

static struct packet_filter tcp_ports(unsigned low, unsigned high, unsigned limit)
{
    struct packet_filter f = udp_ports(low, high, limit);
    f.atom[2].low = f.atom[6].low = 6;
    return f;
}

static void tcp_frame(unsigned char *at, unsigned from, unsigned to)
{
    udp_frame(at, 60, from, to, 0);
    at[23] = 6;
}

/* What it may not: each with its error. */
static void attacks(void)
{
    struct packet_filter inside = tcp_ports(SERVED, SERVED, 0), f = tcp_ports(OTHER, OTHER, 0);

    said[0] = (unsigned long)filter_make(RANGE, &f, MADE + 2).error;
    f = tcp_ports(8000, OTHER, 0);
    said[1] = (unsigned long)filter_make(RANGE, &f, MADE + 2).error;
    f = udp_ports(SERVED, SERVED, 0);
    said[2] = (unsigned long)filter_make(RANGE, &f, MADE + 2).error;
    f = inside, f.atom[7] = atom_eq(34, 2, OTHER);
    said[3] = (unsigned long)filter_make(RANGE, &f, MADE + 2).error;
    f = inside, f.head.send = 0, f.head.flags = AEGIS_FILTER_SEND_ANY;
    said[4] = (unsigned long)filter_make(RANGE, &f, MADE + 2).error;
    said[5] = (unsigned long)filter_make(ROOT, &inside, MADE + 2).error;
    said[6] = (unsigned long)aegis_endpoint_create(ROOT, RING, RING + 1, MADE + 2).error;
    said[7] = (unsigned long)aegis_claim(AEGIS_WHAT(AEGIS_FILTER, AEGIS_R | AEGIS_W | AEGIS_ALLOC, 0, told), 0x1234, MADE + 2).error;
}

/* What it may; then it sends what is queued whenever it is asked. */
static void service(long unused)
{
    struct packet_filter inside = tcp_ports(SERVED, SERVED, 0);

    (void)unused;
    attacks();
    struct aegis_result r = filter_make(RANGE, &inside, MADE);
    said[8] = (unsigned long)r.error;
    said[9] = r.value;
    r = aegis_endpoint_create(RANGE, RING, RING + 1, MADE + 1);
    said[10] = (unsigned long)r.error;
    said[11] = r.value;
    said[12] = (unsigned long)aegis_filter_bind(MADE, MADE + 1, 0).error;
    for (unsigned long n = 1;; n++) {
        done = n;
        while (told != n)
            up_yield();
        said[13] = aegis_net_send(MADE + 1).value;
    }
}

static void service_sends(unsigned long n)
{
    told = n;
    CHECK(wait_word(&done, n + 1));
    EQUAL(said[13], 1);
}

static void answers_are(void)
{
    static const long errors[] = {AEGIS_E_NOT_REFINED, AEGIS_E_NOT_REFINED, AEGIS_E_NOT_REFINED, AEGIS_E_NOT_REFINED,
                                  AEGIS_E_NOT_REFINED, AEGIS_E_EMPTY_SLOT,  AEGIS_E_EMPTY_SLOT,  AEGIS_E_BAD_CAPABILITY};
    for (unsigned i = 0; i < sizeof errors / sizeof errors[0]; i++)
        EQUAL(said[i], errors[i]);
    EQUAL(said[8], 0);
    EQUAL(said[10], 0);
    EQUAL(said[12], 0);
}

/* Ring and buffers of the child, which we see; `neighbour` has another port. */
static void frames_flow(struct socket *service_, struct socket *neighbour, unsigned number)
{
    unsigned filter = (unsigned)said[9];

    tcp_frame(service_->buffers + 2, SERVED, OTHER);
    tcp_frame(service_->buffers + 2050, OTHER, OTHER); /* somebody else's port */
    socket_post(neighbour, 1);
    socket_queue(service_, filter, 2, 60);
    service_sends(1);
    EQUAL(neighbour->ring->received, 1);
    socket_queue(service_, filter, 2050, 60);
    service_sends(2);
    EQUAL(service_->ring->refused, 1);
    socket_queue(service_, number, 2, 60); /* by the neighbour's filter */
    service_sends(3);
    EQUAL(service_->ring->refused, 2);
    EQUAL(neighbour->ring->received, 1);
    tcp_frame(neighbour->buffers + 2, OTHER, SERVED);
    socket_post(service_, 1);
    socket_queue(neighbour, number, 2, 60);
    EQUAL(aegis_net_send(neighbour->slot + 2).value, 1);
    EQUAL(service_->ring->received, 1); /* not the range's, which has as many atoms and is older */
}

static bool range_is_free(void *number)
{
    aegis_reap(64);
    return EXPOSED->net.filter[*(unsigned *)number].limit == 2;
}

void network_service_that_holds_a_range(void)
{
    struct packet_filter range = tcp_ports(8000, 8099, 2), other = tcp_ports(OTHER, OTHER, 0);
    struct socket neighbour, served = {.ring = (struct aegis_ring *)AREA, .buffers = (unsigned char *)AREA + 0x10000};
    struct child c;

    socket_open(&neighbour, ROOT, S(0), AREA + 0x40000, 0);
    struct aegis_result r = filter_make(ROOT, &other, S(3));
    DONE(r);
    unsigned number = (unsigned)r.value;
    DONE(aegis_filter_bind(S(3), S(2), 0));
    r = filter_make(ROOT, &range, RANGE);
    DONE(r);
    unsigned whole = (unsigned)r.value;
    page_get(RING, 0);
    page_get(RING + 1, 0);
    DONE(UNTIL_DONE(aegis_map(0, RING, AREA | AEGIS_R | AEGIS_W)));
    DONE(UNTIL_DONE(aegis_map(0, RING + 1, (AREA + 0x10000) | AEGIS_R | AEGIS_W)));
    child_make(&c, 0);
    DONE(aegis_share(c.slot, RANGE, 3, AEGIS_R | AEGIS_W | AEGIS_ALLOC));
    done = 0;
    told = number;
    child_on(&c, 0, service, 0);
    child_slice(&c, 0);
    CHECK(wait_word(&done, 1));
    answers_are();
    EQUAL(EXPOSED->net.filter[whole].limit, 0);
    frames_flow(&served, &neighbour, number);
    child_end(&c);
    settle();
    CHECK(wait_for(range_is_free, &whole, 1000)); /* what it made has gone with it */
    EQUAL(EXPOSED->net.filter[said[9]].check, 0);
    EQUAL(EXPOSED->net.endpoint[said[11]].check, 0);
    page_put(RANGE);
    page_put(RING);
    page_put(RING + 1);
    page_put(S(3));
    socket_close(&neighbour);
}
