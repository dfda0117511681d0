/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cadence GEM, the FU540's Ethernet; registers and descriptors as in the Zynq-7000 manual (UG585, chapter 16 and B.18), with
 * addresses of 64 bits. Two rings of descriptors. One for receiving is the device's while bit 0 of its address is 0. Those for
 * sending are the device's while their `used` bit is 0; of a frame it sets the first one's alone, so the others' are set here. The last
 * free one is never queued: there the device stops. What it says is read once, and believed only within bounds.
 *
 * It inserts checksums into all frames or into none, so into all (AEGIS_NET_TX_CHECKSUM_ALL): those of IPv4, and of TCP and UDP over it,
 * over what stands there, right or wrong; not TCP's and UDP's of fragments, nor (QEMU's) over IPv6.
 * The link's speed is as the firmware left it; there is no driver for its PHY but the question whether the link is up.
 */
#include "drivers.h"

#include "../riscv/machine.h"
#include "log.h"

/* registers, in words */
enum {
    CONTROL = 0x00 / 4, CONFIG = 0x04 / 4, STATUS = 0x08 / 4, DMA = 0x10 / 4, TX_STATUS = 0x14 / 4, RX_BASE = 0x18 / 4, TX_BASE = 0x1c / 4,
    RX_STATUS = 0x20 / 4, INTERRUPT = 0x24 / 4, INTERRUPT_ON = 0x28 / 4, INTERRUPT_OFF = 0x2c / 4, PHY = 0x34 / 4, HASH = 0x80 / 4,
    ADDRESS = 0x88 / 4, DESIGN = 0x294 / 4, TX_BASE_HIGH = 0x4c8 / 4, RX_BASE_HIGH = 0x4d4 / 4,
};
#define CONTROL_RUN (1U << 2 | 1U << 3 | 1U << 4) /* receive, send, talk to the PHY */
#define CONTROL_SEND (1U << 9)
/* Multicast by a hash that takes all, 1536 bytes, frames 2 behind a word, no FCS, MDC by 96, checksums looked at */
#define CONFIG_WANTED (1U << 6 | 1U << 8 | 2U << 14 | 1U << 17 | 5U << 18 | 1U << 24)
#define CONFIG_KEPT (1U | 1U << 1 | 1U << 10 | 3U << 21) /* speed, duplex, width of the bus */
#define DMA_WANTED (16U | 7U << 8 | 1U << 11 | RX_BYTES / 64 << 16 | 1U << 30) /* long bursts, all of its memory, checksums, 64 bits */
#define DESIGN_64 (1U << 23)
#define STATUS_PHY_IDLE 4
#define RX_STATUS_NONE 1 /* it found no buffer, and waits until it is told to look again */
#define INTERRUPT_RX 2
#define INTERRUPT_TX 0x80

#define RX_OURS 1U
#define RX_WRAP 2U
#define RX_WHOLE (3U << 14) /* a frame begins and ends here */
#define TX_USED (1U << 31)
#define TX_WRAP (1U << 30)
#define TX_LAST (1U << 15)

#define RING 256
#define RX_BYTES 1536U
#define HEADER 320 /* NIC_FRAME + AEGIS_NET_HEADER_MAX, in whole lines */
#define HEADERS_ORDER 5
#define PHY_POLLS 100000

struct desc { uint32_t address, control, high, spare; };

static volatile uint32_t *reg;
static volatile struct desc *rx, *tx; /* a page each */
static char *headers;
static char *rx_frame[NET_RECEIVE]; /* where a frame begins in the page that the device has */
static uint32_t rx_next;
static uint16_t tx_first, tx_next; /* descriptors [tx_first, tx_next) are the device's */
static uint8_t sent[RING]; /* descriptors of the frame that begins there */
static char *sent_page[RING]; /* ... the page that it is in; null: a header's buffer */

#define FENCE(before_, after_) __asm__ volatile("fence " #before_ ", " #after_ ::: "memory")

static uint64_t physical_of(const volatile void *direct)
{
    return (uint64_t)direct - MAP_DIRECT;
}

/* ---- receiving ---- */

static void rx_give(uint32_t id, char *frame)
{
    uint64_t at = physical_of(frame - 2);

    rx_frame[id] = frame;
    rx[id].control = 0;
    rx[id].high = (uint32_t)(at >> 32);
    FENCE(rw, w);
    rx[id].address = (uint32_t)at | (id == NET_RECEIVE - 1 ? RX_WRAP : 0);
}

static bool rx_waits(void)
{
    return rx[rx_next].address & RX_OURS;
}

static unsigned take(struct net_in *in, unsigned most)
{
    unsigned n = 0;

    for (; n < most && rx_waits(); rx_next = (rx_next + 1) % NET_RECEIVE) {
        FENCE(r, r);
        uint32_t control = rx[rx_next].control, length = control & 0x1fff;
        char *frame = rx_frame[rx_next];
        rx_frame[rx_next] = NULL; /* it is not the device's meanwhile */
        exposed.net.received++;
        exposed.net.received_bytes += length;
        if ((control & RX_WHOLE) != RX_WHOLE || length < 14 || length > AEGIS_NET_FRAME_MAX) {
            net_nonsense();
            length = 0; /* nobody's */
        }
        /* bit 23: TCP's or UDP's sum was right */
        in[n++] = (struct net_in){frame, length, control >> 23 & 1 ? NET_PAGED | AEGIS_RX_CHECKED : NET_PAGED, (uint16_t)rx_next};
    }
    return n;
}

static void give(const struct net_in *in, unsigned count)
{
    for (; count; count--, in++)
        rx_give(in->id, in->frame);
    if (reg[RX_STATUS] & RX_STATUS_NONE) {
        reg[RX_STATUS] = RX_STATUS_NONE;
        FENCE(w, o);
        reg[CONTROL] = CONTROL_RUN;
    }
}

static bool interrupts(bool on)
{
    if (!on) {
        reg[INTERRUPT_OFF] = INTERRUPT_RX;
        reg[INTERRUPT] = reg[INTERRUPT];
        return false;
    }
    reg[INTERRUPT_ON] = INTERRUPT_RX;
    FENCE(o, r);
    return rx_waits();
}

/* ---- sending ---- */

static char *header_buffer(uint16_t at)
{
    return headers + at % RING * HEADER + NIC_FRAME;
}

static char *tx_header(void)
{
    return (uint16_t)(tx_next - tx_first) + NIC_PIECES + 1 > RING ? NULL : header_buffer(tx_next);
}

static uint32_t tx_control(uint16_t at)
{
    return TX_USED | (at % RING == RING - 1 ? TX_WRAP : 0);
}

static void tx_send(const struct nic_frame *f)
{
    uint16_t first = tx_next % RING;
    uint32_t last = TX_LAST;

    sent[first] = (uint8_t)f->pieces;
    sent_page[first] = NULL;
    exposed.net.sent++;
    exposed.net.sent_bytes += f->length;
    for (unsigned i = f->pieces; i--; last = 0) { /* the first one, before which the device stands, comes last */
        uint16_t at = (uint16_t)(tx_next + i);
        volatile struct desc *d = &tx[at % RING];
        d->address = (uint32_t)f->piece[i].physical;
        d->high = (uint32_t)(f->piece[i].physical >> 32);
        FENCE(w, w);
        d->control = (tx_control(at) & ~TX_USED) | f->piece[i].length | last;
    }
    tx_next = (uint16_t)(tx_next + f->pieces);
    if (f->pieces > 1) {
        network.held = true;
        reg[INTERRUPT_ON] = INTERRUPT_TX; /* somebody may wait for these to be free */
    }
}

static unsigned tx_room(void)
{
    return RING - 1U - (uint16_t)(tx_next - tx_first);
}

static void tx_kick(void)
{
    FENCE(w, o);
    reg[CONTROL] = CONTROL_RUN | CONTROL_SEND;
}

static void tx_put(const struct net_out *out, unsigned count)
{
    struct nic_frame f;

    for (f.pieces = 1; count; count--, out++) {
        unsigned first = tx_next % RING;
        f.length = f.piece[0].length = out->length;
        f.piece[0].physical = physical_of(out->frame);
        tx_send(&f);
        sent_page[first] = out->frame;
    }
    tx_kick();
}

/* The oldest frame's descriptors are ours again. */
static void tx_free(void)
{
    unsigned first = tx_first % RING, count = sent[first];

    if (sent_page[first])
        frame_give(sent_page[first]);
    for (unsigned i = 0; i < count; i++, tx_first++)
        tx[tx_first % RING].control = tx_control(tx_first);
    frames_sent(count > 1);
}

static void complete(void)
{
    if (tx_first == tx_next)
        return;
    while (tx_first != tx_next && tx[tx_first % RING].control & TX_USED)
        tx_free();
    if (tx_first == tx_next) {
        reg[INTERRUPT_OFF] = INTERRUPT_TX;
        network.held = false;
    }
}

/* ---- starting ---- */

static COLD void run(void)
{
    const uint8_t *m = exposed.net.mac;

    reg[CONTROL] = 0;
    reg[INTERRUPT_OFF] = ~0U;
    reg[INTERRUPT] = reg[TX_STATUS] = reg[RX_STATUS] = ~0U;
    reg[CONFIG] = (reg[CONFIG] & CONFIG_KEPT) | CONFIG_WANTED;
    reg[DMA] = DMA_WANTED;
    reg[HASH] = reg[HASH + 1] = ~0U;
    reg[ADDRESS] = m[0] | (uint32_t)m[1] << 8 | (uint32_t)m[2] << 16 | (uint32_t)m[3] << 24;
    reg[ADDRESS + 1] = m[4] | (uint32_t)m[5] << 8;
    rx_next = tx_first = tx_next = 0;
    for (uint32_t i = 0; i < NET_RECEIVE; i++)
        rx_give(i, rx_frame[i] ? rx_frame[i] : frame_take());
    for (uint32_t i = 0; i < RING; i++)
        tx[i].control = tx_control((uint16_t)i);
    reg[RX_BASE_HIGH] = (uint32_t)(physical_of(rx) >> 32);
    reg[RX_BASE] = (uint32_t)physical_of(rx);
    reg[TX_BASE_HIGH] = (uint32_t)(physical_of(tx) >> 32);
    reg[TX_BASE] = (uint32_t)physical_of(tx);
    reg[INTERRUPT_ON] = INTERRUPT_RX;
    FENCE(w, o);
    reg[CONTROL] = CONTROL_RUN;
}

/* All that it had is given up. */
static COLD void reset(void)
{
    reg[CONTROL] = 0;
    while (tx_first != tx_next)
        tx_free();
    run();
}

/* Clause 22 of IEEE 802.3. */
static COLD uint32_t phy_read(uint32_t phy, uint32_t number)
{
    reg[PHY] = 1U << 30 | 2U << 28 | phy << 23 | number << 18 | 2U << 16;
    for (unsigned polls = PHY_POLLS; polls && !(reg[STATUS] & STATUS_PHY_IDLE); polls--)
        machine_relax();
    return reg[PHY] & 0xffff;
}

/* The first PHY that answers; a link that was down once says so in its first answer alone. */
static COLD bool link_is_up(void)
{
    for (uint32_t phy = 0; phy < 32; phy++)
        if (phy_read(phy, 2) - 1 < 0xfffe)
            return phy_read(phy, 1) & phy_read(phy, 1) & 4 || phy_read(phy, 1) & 4;
    return false;
}

COLD const struct nic *gem_start(const struct fdt_nic *at)
{
    static const struct nic driver = {tx_header, tx_send, tx_room, tx_put, tx_kick, complete, take, give, interrupts, reset};
    bool named = false;

    reg = map_device(at->reg.base);
    if (at->reg.size < 0x1000 || !(reg[DESIGN] & DESIGN_64)) {
        log_print("network: a GEM that cannot be used");
        return NULL;
    }
    for (unsigned i = 0; i < 6; i++)
        named |= at->mac[i];
    for (unsigned i = 0; i < 6 && named; i++)
        exposed.net.mac[i] = at->mac[i];
    rx = net_pages(0);
    tx = net_pages(0);
    frames_start();
    headers = net_pages(HEADERS_ORDER);
    run();
    exposed.net.up = link_is_up();
    exposed.net.device = AEGIS_NIC_GEM;
    exposed.net.features = AEGIS_NET_TX_CHECKSUM_ALL;
    exposed.net.pairs = 1;
    net_line = (int32_t)at->irq;
    return &driver;
}
