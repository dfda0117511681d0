/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-net over mmio (Virtual I/O Device 1.2: 2.7 split queues, 4.2 mmio, 5.1 network). Modern and legacy devices differ in how a
 * queue is handed over and in the length of the header before each frame. The device sees descriptors and rings in pages
 * of the kernel's, its receive buffers, header buffers, and parts of frames that are pinned. What it says (an index, a number, a
 * length) is read once and believed only within bounds.
 *
 * Merged receive buffers are not asked for: a frame fits into one. Interrupts are turned on and off by the rings' flags; those of
 * sending come only while the hart idles and frames with parts are under way.
 *
 * Here is what one pair of queues does; how a device begins, and several pairs, are virtio_start.c's.
 */
#include "virtio.h"

/* What the device writes, once, as it stands. */
static inline uint64_t read32(const volatile uint32_t *p)
{
    uint64_t value;

    __asm__ volatile("lwu %0, %1" : "=r"(value) : "m"(*p));
    return value;
}

struct virtio virtio;

/* ---- receiving ---- */

/* What was put into the ring becomes the device's. */
void virtio_notify(struct queue *q)
{
    FENCE(w, w);
    *(volatile uint16_t *)&q->avail->index = q->avail_index;
    FENCE(rw, rw); /* the index, before we look whether the device wants to hear of it; and before it hears */
    if (!(q->used->flags & NO_NOTIFY)) {
        FENCE(w, o);
        virtio.reg[NOTIFY] = q->number;
    }
}

void virtio_give(const struct net_in *in, unsigned count)
{
    unsigned long at = virtio.rx.avail_index, offset = virtio.before, mask = virtio.rx.size - 1UL;
    struct desc *desc = virtio.rx.desc;
    char **of = virtio.rx.frame;
    uint16_t *ring = virtio.rx.avail->ring;

    for (const struct net_in *end = in + count; in < end; in++) {
        of[in->id] = in->frame;
        desc[in->id].address = physical_of(in->frame) - offset;
        ring[at++ & mask] = in->id;
    }
    virtio.rx.avail_index = (uint16_t)at;
    if (virtio.rx.avail_index != virtio.rx.avail->index)
        virtio_notify(&virtio.rx);
}

/* What cannot be a frame is one of no length: nobody's. */
unsigned virtio_take(struct net_in *first, unsigned most)
{
    const unsigned long mask = virtio.rx.size - 1UL, offset = virtio.before;
    const volatile struct used_entry *ring = virtio.rx.used->ring;
    struct net_in *in = first;
    char **frames = virtio.rx.frame;
    unsigned long at = virtio.rx.used_index, count = (uint16_t)(virtio.rx.used->index - at), bytes = 0, flags, sums = 0;

    FENCE(r, r);
    for (const unsigned long end = at + (count < most ? count : most); at != end; at++) {
        const volatile struct used_entry *e = &ring[at & mask];
        __asm__("" : "+r"(e)); /* its address, once */
        unsigned long id = read32(&e->id), length = read32(&e->length) - offset;
        char **of = &frames[id], *frame = id <= mask ? *of : NULL;
        if (!LIKELY(frame && length - 14 <= AEGIS_NET_FRAME_MAX - 14)) {
            exposed.net.nonsense++;
            length = 0;
            if (!frame)
                continue;
        }
        *of = NULL; /* it is not the device's meanwhile, whatever that says */
        bytes += length;
        in->frame = frame;
        in->length = (uint32_t)length;
        in->id = (uint16_t)id;
        flags = ((const struct header *)(frame - offset))->flags;
        in->flags = flags & (HEADER_DATA_VALID | HEADER_NEEDS_CSUM) ? NET_PAGED | AEGIS_RX_CHECKED : NET_PAGED;
        sums |= flags;
        in++;
    }
    virtio.rx.used_index = (uint16_t)at;
    exposed.net.received_bytes += bytes;
    count = (unsigned long)(in - first);
    exposed.net.received += count;
    return LIKELY(!(sums & HEADER_NEEDS_CSUM)) ? (unsigned)count : virtio_sums(first, (unsigned)count);
}

bool virtio_interrupts(bool on)
{
    if (!on) {
        *(volatile uint16_t *)&virtio.rx.avail->flags = *(volatile uint16_t *)&virtio.tx.avail->flags = NO_INTERRUPT;
        virtio.reg[ACKNOWLEDGE] = virtio.reg[INTERRUPT];
        return false;
    }
    *(volatile uint16_t *)&virtio.rx.avail->flags = 0;
    if (network.held)
        *(volatile uint16_t *)&virtio.tx.avail->flags = 0;
    FENCE(rw, rw);
    return virtio.rx.used->index != virtio.rx.used_index || (network.held && virtio.tx.used->index != virtio.tx.used_index);
}

/* ---- sending ---- */

char *virtio_header(void)
{
    return virtio.tx.next - virtio.tx.first + NIC_PIECES > virtio.tx.size ? NULL : virtio.tx.headers + virtio.tx.next % virtio.tx.size * HEADER + NIC_FRAME;
}

void virtio_send(const struct nic_frame *f)
{
    const struct nic_piece *piece = f->piece;
    unsigned long mask = virtio.tx.size - 1UL, first = virtio.tx.next & mask, n = first, left = f->pieces;
    uint64_t at = piece->physical - virtio.before;
    uint32_t length = piece->length + virtio.before;
    struct header *h = (struct header *)(at + MAP_DIRECT);
    struct desc *desc = virtio.tx.desc, *d;

    if (f->flags | h->flags) { /* else it is zero as it was */
        h->flags = f->flags ? HEADER_NEEDS_CSUM : 0;
        h->checksum_start = f->checksum_start;
        h->checksum_offset = f->checksum_offset;
    }
    virtio.tx.sent[first] = (uint8_t)left;
    virtio.tx.frame[first] = NULL;
    network.held |= left > 1;
    virtio.tx.next += left;
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
    virtio.tx.avail->ring[virtio.tx.avail_index++ & mask] = (uint16_t)first;
}

unsigned virtio_room(void)
{
    return (unsigned)(virtio.tx.size - (virtio.tx.next - virtio.tx.first));
}

void virtio_kick(void)
{
    if (network.held) {
        FENCE(w, w);
        dev_waiting = 1; /* somebody may wait for them */
    }
    virtio_notify(&virtio.tx);
}

/* At least one. */
void virtio_put(const struct net_out *out, unsigned count)
{
    const unsigned long mask = virtio.tx.size - 1UL, offset = virtio.before;
    unsigned long next = virtio.tx.next, avail = virtio.tx.avail_index, bytes = 0, left = count;
    struct desc *desc = virtio.tx.desc;
    uint8_t *sent = virtio.tx.sent;
    char **of = virtio.tx.frame;
    uint16_t *ring = virtio.tx.avail->ring;

    do {
        unsigned long first = next++ & mask, length = out->length;
        char *frame = out++->frame;
        struct desc *d = &desc[first];
        *(uint16_t *)(frame - 12) = *(uint16_t *)(frame - 2) = 0; /* its header asks for nothing: 10 or 12 bytes */
        *(uint64_t *)(frame - 10) = 0;
        sent[first] = 1;
        of[first] = frame;
        bytes += length;
        d->address = physical_of(frame) - offset;
        d->length = (uint32_t)(length + offset);
        d->flags = 0;
        ring[avail++ & mask] = (uint16_t)first;
    } while (--left);
    virtio.tx.next = next;
    virtio.tx.avail_index = (uint16_t)avail;
    exposed.net.sent += count;
    exposed.net.sent_bytes += bytes;
    virtio_kick();
}

/* From the oldest on: what is done, and all before it is. False: the device has none. */
bool virtio_free(void)
{
    const unsigned long mask = virtio.tx.size - 1UL;
    uint8_t *sent = virtio.tx.sent;
    char **frame = virtio.tx.frame;
    unsigned long first = virtio.tx.first, spares = network.spares, descriptors, at;
    uint32_t with_parts = 0;

    while ((descriptors = sent[at = first & mask]) >= DONE) {
        sent[at] = 0;
        first += descriptors - DONE;
        if (frame[at])
            network.spare[spares++] = frame[at];
        else
            with_parts += descriptors > DONE + 1;
    }
    network.spares = (uint32_t)spares;
    virtio.tx.first = first;
    frames_sent(with_parts);
    return first != virtio.tx.next;
}

bool virtio_lane_complete(void)
{
    const volatile struct used *used = virtio.tx.used;
    uint8_t *sent = virtio.tx.sent;
    unsigned long mask = virtio.tx.size - 1UL, at = virtio.tx.used_index, id;
    unsigned n = (uint16_t)(used->index - at);

    FENCE(r, r);
    for (; n; n--) {
        id = read32(&used->ring[at++ & mask].id);
        if (LIKELY(id <= mask && sent[id] - 1U < DONE)) {
            sent[id] |= DONE;
        } else {
            exposed.net.nonsense++;
            if (virtio.tx.first == virtio.tx.next || n > virtio.tx.size) { /* an index that runs ahead of all that it has: no more than one turn of it */
                at += n - 1;
                break;
            }
        }
    }
    virtio.tx.used_index = (uint16_t)at;
    return virtio_free();
}

void virtio_complete(void)
{
    network.held &= virtio_lane_complete();
}

