/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-net: its beginning, and what is more where it has several pairs of queues. */
#include "virtio.h"

#include "../riscv/machine.h"
#include "log.h"

static uint64_t features;
/* As the device numbers them: of each pair the one for receiving, then the one for sending. */
static struct queue queues[2 * NET_LANES + 1];
#define COMMANDS (2 * NET_LANES) /* and the one for commands */
static uint32_t rx_at; /* of which virtio.rx is in use; virtio.tx: network.lane */
static char *headers;

/*
 * ---- several pairs ----
 *
 * `rx` and `tx` are those in use, the others stand in `queues`: changed when another pair is looked at. Each endpoint sends by one pair, so
 * that its frames stay in order; what a handler answers goes out by the pair by which the question came.
 */
static __attribute__((noinline)) void queue_change(struct queue *in_use, unsigned from, unsigned to)
{
    queues[from] = *in_use;
    *in_use = queues[to];
}

static void rx_next(void)
{
    unsigned from = rx_at;

    rx_at = (rx_at + 2) % (2 * exposed.net.pairs);
    queue_change(&virtio.rx, from, rx_at);
}

static void lane_take(unsigned lane)
{
    queue_change(&virtio.tx, 2 * network.lane + 1, 2 * lane + 1);
    network.lane = lane;
}

static unsigned lane_room(void)
{
    lane_take((network.sender ? network.sender : rx_at / 2) % exposed.net.pairs);
    return virtio_room();
}

static void lanes_complete(void)
{
    bool held = false;

    for (unsigned n = 0; n < exposed.net.pairs; n++) { /* back to where it began */
        lane_take((network.lane + 1) % exposed.net.pairs);
        held |= virtio_lane_complete();
        queues[2 * network.lane + 1].used_index = virtio.tx.used_index; /* lanes_interrupts looks there */
    }
    network.held &= held;
}

/* A pair in turn, so that who floods one fills that one. */
static unsigned lanes_take(struct net_in *in, unsigned most)
{
    unsigned count = 0;

    for (unsigned n = exposed.net.pairs; n && !(count = virtio_take(in, most)); n--)
        rx_next();
    return count;
}

static void lanes_give(const struct net_in *in, unsigned count)
{
    virtio_give(in, count);
    rx_next();
}

static bool lanes_interrupts(bool on)
{
    bool more = false;

    queues[rx_at] = virtio.rx;
    if (!on)
        virtio_interrupts(false); /* acknowledged */
    const struct queue *q = queues;
    for (unsigned n = 0; n < 2 * exposed.net.pairs; n++, q++) {
        bool wanted = on && (network.held || n % 2 == 0);
        *(volatile uint16_t *)&q->avail->flags = !wanted;
        FENCE(rw, rw);
        more |= wanted && q->used->index != q->used_index;
    }
    return more;
}

unsigned virtio_sums(const struct net_in *in, unsigned count)
{
    for (const struct net_in *end = in + count; in < end && network.handlers; in++) {
        const struct header *h = (const struct header *)(in->frame - virtio.before);
        if (h->flags & HEADER_NEEDS_CSUM)
            frame_sum(in->frame, in->length, h->checksum_start, h->checksum_offset);
    }
    return count;
}

/* ---- starting ---- */

static __attribute__((noinline)) void address_hand_over(unsigned at, const void *part)
{
    virtio.reg[at] = (uint32_t)physical_of(part);
    virtio.reg[at + 1] = (uint32_t)(physical_of(part) >> 32);
}

static void queue_hand_over(struct queue *q)
{
    virtio.reg[QUEUE_SELECT] = q->number;
    virtio.reg[QUEUE_SIZE] = q->size;
    if (virtio.legacy) {
        virtio.reg[LEGACY_ALIGN] = PAGE_SIZE;
        virtio.reg[LEGACY_PAGE] = (uint32_t)(physical_of(q->desc) >> AEGIS_PAGE_SHIFT);
        return;
    }
    address_hand_over(QUEUE_DESC, q->desc);
    address_hand_over(QUEUE_AVAIL, q->avail);
    address_hand_over(QUEUE_USED, (const void *)q->used);
    virtio.reg[QUEUE_READY] = 1;
}

/* One of those that share so many entries. */
static bool queue_find(unsigned which, unsigned number, unsigned entries)
{
    static char *frame[NET_RECEIVE + QUEUE];
    static uint8_t sent[QUEUE];
    struct queue *q = &queues[which];
    unsigned at = which / 2 * entries;

    virtio.reg[QUEUE_SELECT] = number;
    uint32_t max = virtio.reg[QUEUE_MAX];
    if (max < 16)
        return false;
    *q = (struct queue){.number = (uint16_t)number, .size = 16, .frame = frame + at, .sent = sent + at, .headers = headers + at * HEADER};
    if (which % 2)
        q->frame += NET_RECEIVE;
    while (q->size < entries && q->size * 2U <= max)
        q->size *= 2;
    q->desc = net_pages(QUEUE_ORDER(q->size));
    q->avail = (struct avail *)(q->desc + q->size); /* where legacy devices look for them */
    q->used = (volatile struct used *)((char *)q->desc + (q->size * 18UL + 6 + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE);
    return true;
}

/* As many as both can have, a power of two. */
static bool queues_find(void)
{
    const uint32_t entries[2] = {NET_RECEIVE, QUEUE};
    unsigned most = *(volatile uint16_t *)&virtio.reg[CONFIG + 2];

    exposed.net.pairs = 1;
    if (features & F_PAIRS)
        while (2 * exposed.net.pairs <= most && 2 * exposed.net.pairs <= NET_LANES)
            exposed.net.pairs *= 2;
    for (unsigned n = 0; n < 2 * exposed.net.pairs; n++)
        if (!queue_find(n, n, entries[n % 2] / exposed.net.pairs))
            return false;
    return exposed.net.pairs == 1 || queue_find(COMMANDS, 2 * most, 16);
}

static void queue_begin(struct queue *q)
{
    q->avail_index = q->used_index = 0;
    q->first = q->next = 0;
    *(volatile uint16_t *)&q->avail->index = 0;
    *(volatile uint32_t *)q->used = 0; /* its flags too: the device may have wanted no notice when it was reset */
    queue_hand_over(q);
    for (uint16_t i = 0; i < q->size; i++)
        q->desc[i].next = (uint16_t)((i + 1) % q->size);
}

static void queues_fill(void)
{
    for (unsigned n = 0; n < 2 * exposed.net.pairs; n += 2) {
        struct queue *q = &queues[n];
        queue_begin(q);
        queue_begin(q + 1);
        q[1].avail->flags = NO_INTERRUPT;
        for (uint16_t i = 0; i < q->size; i++) {
            if (!q->frame[i])
                q->frame[i] = frame_take();
            q->desc[i] = (struct desc){physical_of(q->frame[i]) - virtio.before, virtio.before + AEGIS_NET_FRAME_MAX + 4, DESC_WRITE, 0};
            q->avail->ring[q->avail_index++] = i;
        }
    }
    if (exposed.net.pairs > 1)
        queue_begin(&queues[COMMANDS]);
    rx_at = network.lane = 0;
    virtio.rx = queues[0];
    virtio.tx = queues[1];
}

/* All pairs are to be used (5.1.6.5.5). A device that does not say yes uses the first alone. */
static void pairs_command(void)
{
    struct queue *q = &queues[COMMANDS];
    volatile struct { uint8_t class, command; uint16_t pairs; uint8_t refused; } *c = (volatile void *)(q->avail + 1);

    c->class = COMMAND_PAIRS;
    c->pairs = (uint16_t)exposed.net.pairs;
    c->refused = 1;
    q->desc[0] = (struct desc){physical_of((const void *)c), 4, DESC_NEXT, 1};
    q->desc[1] = (struct desc){physical_of((const void *)&c->refused), 1, DESC_WRITE, 0};
    q->avail_index = 1;
    virtio_notify(q);
    const uint64_t until = machine_time() + exposed.time_hz / COMMAND_PART;
    while (!q->used->index && machine_time() < until)
        ;
    FENCE(r, r);
    if (c->refused) /* by the device, or as we wrote it: it did not answer */
        exposed.net.pairs = 1;
}

static bool negotiate(void)
{
    virtio.reg[STATUS] = 0;
    while (virtio.reg[STATUS]) /* it is reset */
        machine_relax();
    virtio.reg[STATUS] = STATUS_ACKNOWLEDGE;
    virtio.reg[STATUS] |= STATUS_DRIVER;
    uint64_t offered = 0;
    for (unsigned i = 0; i < 2; i++) {
        virtio.reg[FEATURES_SELECT] = i;
        offered |= (uint64_t)virtio.reg[FEATURES] << 32 * i;
    }
    features = offered & (F_CSUM | F_GUEST_CSUM | F_MAC | F_STATUS | (virtio.legacy ? F_ANY_LAYOUT : F_VERSION_1 | F_COMMANDS | F_PAIRS));
    if (!(features & (virtio.legacy ? F_ANY_LAYOUT : F_VERSION_1)))
        return false;
    for (unsigned i = 0; i < 2; i++) {
        virtio.reg[ACCEPTED_SELECT] = i;
        virtio.reg[ACCEPTED] = (uint32_t)(features >> 32 * i);
    }
    if (virtio.legacy) {
        virtio.reg[LEGACY_PAGE_SIZE] = PAGE_SIZE;
        return true;
    }
    virtio.reg[STATUS] |= STATUS_FEATURES_OK;
    return virtio.reg[STATUS] & STATUS_FEATURES_OK;
}

static void run(void)
{
    virtio.reg[STATUS] |= STATUS_OK;
    for (unsigned n = 0; n < 2 * exposed.net.pairs; n += 2)
        virtio_notify(&queues[n]);
    if (exposed.net.pairs > 1)
        pairs_command();
}

/* All that it had is given up: its queues begin anew. */
static void reset(void)
{
    if (!negotiate())
        return; /* it answers no more: nothing is its */
    for (unsigned n = 0; n < exposed.net.pairs; n++) {
        lane_take(n);
        for (unsigned long at = virtio.tx.first; at != virtio.tx.next; at += virtio.tx.sent[at % virtio.tx.size] & ~DONE)
            virtio.tx.sent[at % virtio.tx.size] |= DONE;
        virtio_free();
    }
    queues_fill();
    run();
}

static void config_read(void)
{
    const volatile uint8_t *config = (const volatile uint8_t *)&virtio.reg[CONFIG];

    for (unsigned i = 0; i < 6 && features & F_MAC; i++)
        exposed.net.mac[i] = config[i];
    exposed.net.up = !(features & F_STATUS) || config[6] & 1;
    exposed.net.features = (features & F_CSUM ? AEGIS_NET_TX_CHECKSUM : 0) | (features & F_GUEST_CSUM ? AEGIS_NET_RX_CHECKSUM : 0);
    exposed.net.device = virtio.legacy ? AEGIS_NIC_VIRTIO_LEGACY : AEGIS_NIC_VIRTIO;
}

const struct nic *virtio_net_start(const struct fdt_nic *at)
{
    static const struct nic
        one = {virtio_header, virtio_send, virtio_room, virtio_put, virtio_kick, virtio_complete, virtio_take, virtio_give, virtio_interrupts, reset},
        several = {virtio_header, virtio_send, lane_room, virtio_put, virtio_kick, lanes_complete, lanes_take, lanes_give, lanes_interrupts, reset};

    virtio.reg = map_device(at->reg.base);
    if (at->reg.size < 0x200 || virtio.reg[MAGIC] != MAGIC_VALUE || virtio.reg[DEVICE] != DEVICE_NET || virtio.reg[VERSION] - 1 > 1)
        return NULL;
    virtio.legacy = virtio.reg[VERSION] == 1;
    virtio.before = virtio.legacy ? 10 : 12;
    headers = net_pages(HEADERS_ORDER);
    if (!negotiate() || !queues_find()) {
        log_print("network: a virtio device that cannot be used");
        return NULL;
    }
    config_read();
    frames_start();
    queues_fill();
    run();
    net_line = (int32_t)at->irq;
    if (exposed.net.pairs == 1)
        return &one;
    network.keep = 0; /* what came by one pair goes back before another is looked at */
    return &several;
}
