/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-net over mmio (Virtual I/O Device 1.2: 2.7 split queues, 4.2 mmio, 5.1 network). Modern and legacy devices differ in how a
 * queue is handed over and in the length of the header before each frame. The device sees descriptors and rings in pages
 * of the kernel's, its receive buffers, header buffers, and parts of frames that are pinned. What it says (an index, a number, a
 * length) is read once and believed only within bounds.
 *
 * Merged receive buffers are not asked for: a frame fits into one. Interrupts are turned on and off by the rings' flags; those of
 * sending come only while the hart idles and frames with parts are under way.
 */
#include "drivers.h"

#include "../riscv/machine.h"
#include "log.h"

/* mmio registers, in words */
enum {
    MAGIC = 0x00 / 4, VERSION = 0x04 / 4, DEVICE = 0x08 / 4, FEATURES = 0x10 / 4, FEATURES_SELECT = 0x14 / 4, ACCEPTED = 0x20 / 4,
    ACCEPTED_SELECT = 0x24 / 4, LEGACY_PAGE_SIZE = 0x28 / 4, QUEUE_SELECT = 0x30 / 4, QUEUE_MAX = 0x34 / 4, QUEUE_SIZE = 0x38 / 4,
    LEGACY_ALIGN = 0x3c / 4, LEGACY_PAGE = 0x40 / 4, QUEUE_READY = 0x44 / 4, NOTIFY = 0x50 / 4, INTERRUPT = 0x60 / 4,
    ACKNOWLEDGE = 0x64 / 4, STATUS = 0x70 / 4, QUEUE_DESC = 0x80 / 4, QUEUE_AVAIL = 0x90 / 4, QUEUE_USED = 0xa0 / 4, CONFIG = 0x100 / 4,
};
#define MAGIC_VALUE 0x74726976
#define DEVICE_NET 1
#define STATUS_ACKNOWLEDGE 1
#define STATUS_DRIVER 2
#define STATUS_OK 4
#define STATUS_FEATURES_OK 8

#define F_CSUM (1UL << 0)
#define F_GUEST_CSUM (1UL << 1)
#define F_MAC (1UL << 5)
#define F_STATUS (1UL << 16)
#define F_ANY_LAYOUT (1UL << 27)
#define F_VERSION_1 (1UL << 32)

#define QUEUE 256 /* entries at most; a power of two, as each queue's size is */
#define QUEUE_ORDER 2 /* pages of a queue, of 256 entries: descriptors 4096 bytes, avail 518, used (from the next page on) 2054 */
#define HEADER 320  /* buffer of a header to be sent: NIC_FRAME + AEGIS_NET_HEADER_MAX, in whole lines */
#define HEADERS_ORDER 5
#define DESC_NEXT 1
#define DESC_WRITE 2
#define NO_INTERRUPT 1
#define NO_NOTIFY 1
#define HEADER_NEEDS_CSUM 1
#define HEADER_DATA_VALID 2

struct desc { uint64_t address; uint32_t length; uint16_t flags, next; };
struct avail { uint16_t flags, index, ring[QUEUE]; };
struct used { uint16_t flags, index; struct { uint32_t id, length; } ring[QUEUE]; };
struct header { uint8_t flags, gso_type; uint16_t header_length, gso_size, checksum_start, checksum_offset, buffers; };

struct queue {
    struct desc *desc;
    struct avail *avail;
    volatile struct used *used;
    uint16_t number, size;
    uint16_t avail_index, used_index;
};

static volatile uint32_t *reg;
static bool legacy;
static uint64_t features;
static unsigned long before; /* bytes of the header in front of a frame */
static struct queue rx, tx;
static char *headers;
static char *rx_out[NET_RECEIVE]; /* by descriptor: where a frame begins in the page that the device has; null: it has none */
/* Descriptors of the frame that begins there, which the device has, or, with DONE, had; 0: none does. */
static uint8_t sent[QUEUE];
#define DONE 0x80
static char *sent_page[QUEUE]; /* ... the page that the frame is in; null: a header's buffer */
static unsigned long tx_first, tx_next; /* descriptors [tx_first, tx_next) are the device's */

#define FENCE(before_, after_) __asm__ volatile("fence " #before_ ", " #after_ ::: "memory")

/* What the device writes, once, as it stands. */
static inline uint64_t read32(const volatile uint32_t *p)
{
    uint64_t value;

    __asm__ volatile("lwu %0, %1" : "=r"(value) : "m"(*p));
    return value;
}

static uint64_t physical_of(const void *direct)
{
    return (uint64_t)direct - MAP_DIRECT;
}

/* ---- receiving ---- */

/* What was put into the ring becomes the device's. */
static void notify(struct queue *q)
{
    FENCE(w, w);
    *(volatile uint16_t *)&q->avail->index = q->avail_index;
    FENCE(rw, rw); /* the index, before we look whether the device wants to hear of it; and before it hears */
    if (!(q->used->flags & NO_NOTIFY)) {
        FENCE(w, o);
        reg[NOTIFY] = q->number;
    }
}

static void give(const struct net_in *in, unsigned count)
{
    unsigned long at = rx.avail_index, offset = before, mask = rx.size - 1UL;
    struct desc *desc = rx.desc;
    uint16_t *ring = rx.avail->ring;

    for (const struct net_in *end = in + count; in < end; in++) {
        rx_out[in->id] = in->frame;
        desc[in->id].address = physical_of(in->frame) - offset;
        ring[at++ & mask] = in->id;
    }
    rx.avail_index = (uint16_t)at;
    if (rx.avail_index != rx.avail->index)
        notify(&rx);
}

/* What cannot be a frame is one of no length: nobody's. */
static unsigned take(struct net_in *first, unsigned most)
{
    const unsigned long mask = rx.size - 1UL, offset = before;
    const volatile struct used *used = rx.used;
    struct net_in *in = first;
    unsigned long at = rx.used_index, bytes = 0;
    unsigned count = (uint16_t)(used->index - at);

    FENCE(r, r);
    for (count = count < most ? count : most; count; count--) {
        unsigned long id = read32(&used->ring[at & mask].id), length = read32(&used->ring[at++ & mask].length) - offset;
        char *frame = id <= mask ? rx_out[id] : NULL;
        if (!LIKELY(frame && length - 14 <= AEGIS_NET_FRAME_MAX - 14)) {
            exposed.net.nonsense++;
            length = 0;
            if (!frame)
                continue;
        }
        rx_out[id] = NULL; /* it is not the device's meanwhile, whatever that says */
        bytes += length;
        in->frame = frame;
        in->length = (uint32_t)length;
        in->id = (uint16_t)id;
        in->flags = ((const struct header *)(frame - offset))->flags & (HEADER_DATA_VALID | HEADER_NEEDS_CSUM) ? NET_PAGED | AEGIS_RX_CHECKED : NET_PAGED;
        in++;
    }
    rx.used_index = (uint16_t)at;
    exposed.net.received += (uint64_t)(in - first);
    exposed.net.received_bytes += bytes;
    return (unsigned)(in - first);
}

static bool interrupts(bool on)
{
    if (!on) {
        *(volatile uint16_t *)&rx.avail->flags = *(volatile uint16_t *)&tx.avail->flags = NO_INTERRUPT;
        reg[ACKNOWLEDGE] = reg[INTERRUPT];
        return false;
    }
    *(volatile uint16_t *)&rx.avail->flags = 0;
    if (network.held)
        *(volatile uint16_t *)&tx.avail->flags = 0;
    FENCE(rw, rw);
    return rx.used->index != rx.used_index || (network.held && tx.used->index != tx.used_index);
}

/* ---- sending ---- */

static char *tx_header(void)
{
    return tx_next - tx_first + NIC_PIECES > tx.size ? NULL : headers + tx_next % tx.size * HEADER + NIC_FRAME;
}

static void tx_send(const struct nic_frame *f)
{
    const struct nic_piece *piece = f->piece;
    unsigned long mask = tx.size - 1UL, first = tx_next & mask, n = first, left = f->pieces;
    uint64_t at = piece->physical - before;
    uint32_t length = piece->length + before;
    struct header *h = (struct header *)(at + MAP_DIRECT);
    struct desc *desc = tx.desc, *d;

    if (f->flags | h->flags) { /* else it is zero as it was */
        h->flags = f->flags ? HEADER_NEEDS_CSUM : 0;
        h->checksum_start = f->checksum_start;
        h->checksum_offset = f->checksum_offset;
    }
    sent[first] = (uint8_t)left;
    sent_page[first] = NULL;
    network.held |= left > 1;
    tx_next += left;
    exposed.net.sent++;
    exposed.net.sent_bytes += f->length;
    for (;; at = piece->physical, length = piece->length) {
        d = &desc[n++ & mask];
        d->address = at;
        d->length = length;
        d->flags = DESC_NEXT; /* `next` stands there from the start */
        if (!--left)
            break;
        piece++;
    }
    d->flags = 0;
    tx.avail->ring[tx.avail_index++ & mask] = (uint16_t)first;
}

static unsigned tx_room(void)
{
    return (unsigned)(tx.size - (tx_next - tx_first));
}

static void tx_kick(void)
{
    if (network.held) {
        FENCE(w, w);
        dev_waiting = 1; /* somebody may wait for them */
    }
    notify(&tx);
}

/* At least one. */
static void tx_put(const struct net_out *out, unsigned count)
{
    const unsigned long mask = tx.size - 1UL, offset = before;
    unsigned long next = tx_next, avail = tx.avail_index, bytes = 0, left = count;
    struct desc *desc = tx.desc;
    uint16_t *ring = tx.avail->ring;

    do {
        unsigned long first = next++ & mask, length = out->length;
        char *frame = out++->frame;
        struct desc *d = &desc[first];
        *(uint16_t *)(frame - 12) = *(uint16_t *)(frame - 2) = 0; /* its header asks for nothing: 10 or 12 bytes */
        *(uint64_t *)(frame - 10) = 0;
        sent[first] = 1;
        sent_page[first] = frame;
        bytes += length;
        d->address = physical_of(frame) - offset;
        d->length = (uint32_t)(length + offset);
        d->flags = 0;
        ring[avail++ & mask] = (uint16_t)first;
    } while (--left);
    tx_next = next;
    tx.avail_index = (uint16_t)avail;
    exposed.net.sent += count;
    exposed.net.sent_bytes += bytes;
    tx_kick();
}

/* From the oldest on: what is done, and all before it is. */
static void tx_free(void)
{
    const unsigned long mask = tx.size - 1UL;
    unsigned long first = tx_first, spares = network.spares, descriptors, at;
    uint32_t with_parts = 0;

    while ((descriptors = sent[at = first & mask]) >= DONE) {
        sent[at] = 0;
        first += descriptors - DONE;
        if (sent_page[at])
            network.spare[spares++] = sent_page[at];
        else
            with_parts += descriptors > DONE + 1;
    }
    network.spares = (uint32_t)spares;
    tx_first = first;
    network.held = network.held && first != tx_next;
    frames_sent(with_parts);
}

static void complete(void)
{
    const volatile struct used *used = tx.used;
    unsigned long mask = tx.size - 1UL, at = tx.used_index, id;
    unsigned n = (uint16_t)(used->index - at);

    FENCE(r, r);
    for (; n; n--) {
        id = read32(&used->ring[at++ & mask].id);
        if (LIKELY(id <= mask && sent[id] - 1U < DONE)) {
            sent[id] |= DONE;
        } else {
            exposed.net.nonsense++;
            if (tx_first == tx_next || n > tx.size) { /* an index that runs ahead of all that it has: no more than one turn of it */
                at += n - 1;
                break;
            }
        }
    }
    tx.used_index = (uint16_t)at;
    tx_free();
}

/* ---- starting ---- */

static COLD void queue_hand_over(struct queue *q)
{
    reg[QUEUE_SELECT] = q->number;
    reg[QUEUE_SIZE] = q->size;
    if (legacy) {
        reg[LEGACY_ALIGN] = PAGE_SIZE;
        reg[LEGACY_PAGE] = (uint32_t)(physical_of(q->desc) >> AEGIS_PAGE_SHIFT);
        return;
    }
    const uint64_t at[3] = {physical_of(q->desc), physical_of(q->avail), physical_of((const void *)q->used)};
    static const uint32_t where[3] = {QUEUE_DESC, QUEUE_AVAIL, QUEUE_USED};
    for (unsigned i = 0; i < 3; i++) {
        reg[where[i]] = (uint32_t)at[i];
        reg[where[i] + 1] = (uint32_t)(at[i] >> 32);
    }
    reg[QUEUE_READY] = 1;
}

static COLD bool queue_find(struct queue *q, uint16_t number, unsigned most)
{
    reg[QUEUE_SELECT] = number;
    uint32_t max = reg[QUEUE_MAX];
    if (max < 16)
        return false;
    *q = (struct queue){.number = number, .size = 16};
    while (q->size < most && q->size * 2U <= max)
        q->size *= 2;
    pfn_t page = net_pages(QUEUE_ORDER);
    for (unsigned i = 0; i < 1 << QUEUE_ORDER; i++)
        machine_clear(machine_direct(page + i));
    q->desc = machine_direct(page);
    q->avail = (struct avail *)(q->desc + q->size); /* where legacy devices look for them */
    q->used = (volatile struct used *)((char *)q->desc + (q->size * 18UL + 6 + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE);
    return true;
}

static COLD void queues_fill(void)
{
    rx.avail_index = rx.used_index = tx.avail_index = tx.used_index = 0;
    tx_first = tx_next = 0;
    *(volatile uint16_t *)&rx.avail->index = *(volatile uint16_t *)&tx.avail->index = 0;
    rx.used->index = tx.used->index = 0;
    tx.avail->flags = NO_INTERRUPT;
    queue_hand_over(&rx);
    queue_hand_over(&tx);
    for (uint16_t i = 0; i < tx.size; i++)
        tx.desc[i].next = (uint16_t)((i + 1) % tx.size);
    for (uint16_t i = 0; i < rx.size; i++) {
        if (!rx_out[i])
            rx_out[i] = frame_take();
        rx.desc[i] = (struct desc){physical_of(rx_out[i]) - before, before + AEGIS_NET_FRAME_MAX + 4, DESC_WRITE, 0};
        rx.avail->ring[rx.avail_index++] = i;
    }
}

static COLD bool negotiate(void)
{
    reg[STATUS] = 0;
    while (reg[STATUS]) /* it is reset */
        machine_relax();
    reg[STATUS] = STATUS_ACKNOWLEDGE;
    reg[STATUS] = STATUS_ACKNOWLEDGE | STATUS_DRIVER;
    uint64_t offered = 0;
    for (unsigned i = 0; i < 2; i++) {
        reg[FEATURES_SELECT] = i;
        offered |= (uint64_t)reg[FEATURES] << 32 * i;
    }
    features = offered & (F_CSUM | F_GUEST_CSUM | F_MAC | F_STATUS | (legacy ? F_ANY_LAYOUT : F_VERSION_1));
    if (!(features & (legacy ? F_ANY_LAYOUT : F_VERSION_1)))
        return false;
    for (unsigned i = 0; i < 2; i++) {
        reg[ACCEPTED_SELECT] = i;
        reg[ACCEPTED] = (uint32_t)(features >> 32 * i);
    }
    if (legacy) {
        reg[LEGACY_PAGE_SIZE] = PAGE_SIZE;
        return true;
    }
    reg[STATUS] = STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK;
    return reg[STATUS] & STATUS_FEATURES_OK;
}

static COLD void run(void)
{
    reg[STATUS] = STATUS_ACKNOWLEDGE | STATUS_DRIVER | (legacy ? 0 : STATUS_FEATURES_OK) | STATUS_OK;
    notify(&rx);
}

/* All that it had is given up: its queues begin anew. */
static COLD void reset(void)
{
    if (!negotiate())
        return; /* it answers no more: nothing is its */
    for (unsigned long at = tx_first; at != tx_next; at += sent[at % tx.size] & ~DONE)
        sent[at % tx.size] |= DONE;
    tx_free();
    queues_fill();
    run();
}

static COLD void config_read(void)
{
    const volatile uint8_t *config = (const volatile uint8_t *)&reg[CONFIG];

    for (unsigned i = 0; i < 6 && features & F_MAC; i++)
        exposed.net.mac[i] = config[i];
    exposed.net.up = !(features & F_STATUS) || config[6] & 1;
    exposed.net.features = (features & F_CSUM ? AEGIS_NET_TX_CHECKSUM : 0) | (features & F_GUEST_CSUM ? AEGIS_NET_RX_CHECKSUM : 0);
    exposed.net.device = legacy ? AEGIS_NIC_VIRTIO_LEGACY : AEGIS_NIC_VIRTIO;
}

COLD const struct nic *virtio_net_start(const struct fdt_nic *at)
{
    static const struct nic driver = {tx_header, tx_send, tx_room, tx_put, tx_kick, complete, take, give, interrupts, reset};

    reg = map_device(at->reg.base);
    if (at->reg.size < 0x200 || reg[MAGIC] != MAGIC_VALUE || reg[DEVICE] != DEVICE_NET || reg[VERSION] - 1 > 1)
        return NULL;
    legacy = reg[VERSION] == 1;
    before = legacy ? 10 : 12;
    if (!negotiate() || !queue_find(&rx, 0, NET_RECEIVE) || !queue_find(&tx, 1, QUEUE)) {
        log_print("network: a virtio device that cannot be used");
        return NULL;
    }
    frames_start();
    pfn_t page = net_pages(HEADERS_ORDER);
    headers = machine_direct(page);
    for (unsigned i = 0; i < 1 << HEADERS_ORDER; i++)
        machine_clear(machine_direct(page + i));
    config_read();
    queues_fill();
    run();
    net_line = (int32_t)at->irq;
    return &driver;
}
