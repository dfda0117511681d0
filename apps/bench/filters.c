/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first environment of dpf_10, dpf_1000 and dpf_insert_1000: connections' filters, installed by
 * the kernel, and a frame of the last one's, which stays on this machine since it goes to our own
 * address. It is sent, by the first one's right to send anything, with 10 filters and with 1,000;
 * scripts/aegis/bench.py finds in QEMU's log what each took from dpf_run on.
 */
#include "bench.h"

#define RING_VA      0x30200000UL
#define BUFFERS_VA   0x30240000UL
#define FEW          10
#define MANY         1000
#define INSERTIONS   16 /* counted, their mean; more than one, since tables grow */
#define LEDGER_PAGES ((MANY + INSERTIONS + 64) / AEGIS_CLAIMS_PER_PAGE + 1)
#define HOST_FIRST   0x0a000100U
#define PORT_FIRST   1024U

#define RING ((struct aegis_ring *)RING_VA)
#define EQ(offset_, width_, mask_, value)                                                          \
    {                                                                                              \
        .kind = AEGIS_ATOM_EQ, .width = width_, .offset = offset_, .mask = mask_, .low = value     \
    }

enum atom { TYPE, PROTOCOL, TO, FROM, LENGTH, FROM_PORT, TO_PORT, ATOMS };

/* TCP from one port of one host to port 80 of 10.0.0.1; IPv4's options are stepped over. */
static struct {
    struct aegis_filter head;
    struct aegis_atom atom[ATOMS];
} connection = {
    .head = {.receive = ATOMS,
             .flags = AEGIS_FILTER_SEND_ANY,
             .over = {AEGIS_NONE, AEGIS_NONE, AEGIS_NONE, AEGIS_NONE}},
    .atom =
        {
            [TYPE] = EQ(12, 2, 0xffff, 0x0800),
            [PROTOCOL] = EQ(23, 1, 0xff, 6),
            [TO] = EQ(30, 4, 0xffffffff, 0x0a000001),
            [FROM] = EQ(26, 4, 0xffffffff, 0),
            [LENGTH] = {.kind = AEGIS_ATOM_SHIFT, .width = 1, .left = 2, .offset = 14, .mask = 15},
            [FROM_PORT] = EQ(14, 2, 0xffff, 0),
            [TO_PORT] = EQ(16, 2, 0xffff, 80),
        },
};

static unsigned number, endpoint;

static unsigned long install(unsigned i, unsigned *filter)
{
    unsigned slot = slot_take();

    connection.atom[FROM].low = HOST_FIRST + i * 7;
    connection.atom[FROM_PORT].low = PORT_FIRST + i;
    unsigned long before = instret();
    struct aegis_result r =
        ALL_STEPS(aegis_filter_install(AEGIS_SLOT_NETWORK, (unsigned long)&connection, slot));
    unsigned long after = instret();
    *filter = (unsigned)r.value;
    return after - before;
}

static void put(unsigned char *at, unsigned width, uint64_t value)
{
    while (width--) {
        at[width] = (unsigned char)value;
        value >>= 8;
    }
}

/* A frame of connection i: its filter, and no other, counts it. */
static void frame_send(unsigned i, unsigned filter)
{
    unsigned char *frame = (unsigned char *)BUFFERS_VA + AEGIS_NET_FRAME;

    for (unsigned n = 0; n < 6; n++)
        frame[n] = AEGIS_EXPOSED_STATE->net.mac[n];
    put(frame + 12, 2, 0x0800);
    put(frame + 14, 1, 0x45);
    put(frame + 23, 1, 6);
    put(frame + 26, 4, HOST_FIRST + i * 7);
    put(frame + 30, 4, 0x0a000001);
    put(frame + 34, 2, PORT_FIRST + i);
    put(frame + 36, 2, 80);
    RING->tx[RING->queued % AEGIS_TX_ENTRIES] = (struct aegis_tx){
        .filter = (uint16_t)number, .header_length = 60, .header = AEGIS_NET_FRAME};
    RING->queued++;
    must(aegis_net_send(endpoint), "net_send");
    if (AEGIS_EXPOSED_STATE->net.filter[filter].frames != 1)
        fail("a frame went elsewhere", (long)filter);
}

static void start(void)
{
    for (unsigned i = 0; i < LEDGER_PAGES; i++)
        must(aegis_table_lend(0, page_new(0), AEGIS_TABLE_LEDGER, 0), "table_lend");
    unsigned ring = page_new(0), buffers = page_new(2), memory = page_new(10);
    ALL_STEPS(aegis_filter_lend(AEGIS_SLOT_NETWORK, memory));
    endpoint = slot_take();
    ALL_STEPS(aegis_map(0, ring, RING_VA | AEGIS_R | AEGIS_W));
    ALL_STEPS(aegis_map(0, buffers, BUFFERS_VA | AEGIS_R | AEGIS_W));
    must(aegis_endpoint_create(AEGIS_SLOT_NETWORK, ring, buffers, endpoint), "endpoint_create");
}

int main(void)
{
    unsigned filter, i = 0;
    unsigned long sum = 0;

    slot_next = 390;
    start();
    install(i++, &number);
    must(aegis_filter_bind(slot_next - 1, endpoint, 0), "filter_bind");
    while (i < FEW)
        install(i++, &filter);
    frame_send(i - 1, filter);
    while (i < MANY)
        install(i++, &filter);
    frame_send(i - 1, filter);
    for (unsigned n = 0; n < INSERTIONS; n++)
        sum += install(i++, &filter);
    report("dpf_insert_1000", sum / INSERTIONS);
    report("dpf_1000.cells", AEGIS_EXPOSED_STATE->net.memory - AEGIS_EXPOSED_STATE->net.memory_free);
    end(0);
}
