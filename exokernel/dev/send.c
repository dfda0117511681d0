/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending: what the owner queued, entry by entry: copied, looked at, header copied, header matched, handed to the device. */
#include "../core/env.h"
#include "net.h"

/* Where a header goes when the device has no place for it, and a frame that is to stay on this machine: one a hart. */
static char bounce[AEGIS_HARTS][AEGIS_NET_BUFFER] __attribute__((aligned(64)));

enum outcome { SENT, REFUSED, FULL };

struct sending {
    struct env *env;
    struct endpoint *endpoint;
    const struct nic *nic;
    bool kick;
    /* frames without parts, in spare pages: handed to the device together, before any other */
    unsigned room;
    struct net_out *out, outs[AEGIS_TX_ENTRIES];
    /* the filter of the last frame, and the block in which the last part was found: looked up in this call */
    unsigned long filter;
    const struct program *program;
    unsigned long slot;
    struct aegis_page *head;
    uint64_t base, bytes;
};
#define NOT_YET (AEGIS_NONE + 1U)

/* The bytes in front of `to` may be written too: a header's begin 2 behind a multiple of 8, as buffers' frames do. */
static void header_copy(char *to, const char *from, uint32_t length)
{
    if (((uintptr_t)from & 7) == 2) {
        frame_copy(to, from, length);
        return;
    }
    for (uint32_t i = 0; i < length; i++)
        to[i] = ((const volatile char *)from)[i];
}

/* The filter that the entry names is bound here, for sending, and what it is bound by still holds. */
static COLD bool program_find(struct sending *s, unsigned long filter)
{
    const struct filter *f = &network.filter[filter];

    if (filter >= AEGIS_FILTERS || f->endpoint != s->endpoint || !f->may_send || f->check != exposed.net.filter[filter].check)
        return false;
    s->filter = filter;
    s->program = __atomic_load_n(&f->program, __ATOMIC_ACQUIRE);
    return s->program;
}

static COLD bool block_find(struct sending *s, unsigned long slot)
{
    struct aegis_page *head = s->endpoint->buffers_head;
    struct aegis_claim *c;

    s->base = (uint64_t)machine_page_of(s->endpoint->buffers) << AEGIS_PAGE_SHIFT;
    s->bytes = s->endpoint->buffers_bytes;
    s->slot = NOT_YET;
    if (slot != AEGIS_NONE) {
        if (ledger_use_page(s->env, slot, AEGIS_R, &c, &head) || head->flags & (PAGE_UNREAD | AEGIS_PAGE_IS_LENT))
            return false;
        s->base = (uint64_t)AEGIS_WHAT_RESOURCE(c->what) << AEGIS_PAGE_SHIFT;
        s->bytes = (uint64_t)PAGE_SIZE << AEGIS_WHAT_ORDER(c->what);
    }
    s->slot = slot;
    s->head = head;
    return true;
}

/* What follows the header. */
static bool parts_find(struct sending *s, struct nic_frame *f, const volatile uint64_t *part)
{
    struct nic_piece *piece = f->piece;
    uint64_t said, total = piece->length, length;

    f->pieces = 1;
    while (f->pieces <= AEGIS_TX_PARTS && (length = (said = *part++) >> 16 & 0xffff)) {
        if (((said & 0xffff) != s->slot && !block_find(s, said & 0xffff)) || (said >> 32) + length > s->bytes)
            return false;
        *++piece = (struct nic_piece){s->base + (said >> 32), length, s->head};
        total += length;
        f->pieces++;
    }
    f->length = total;
    return total <= AEGIS_NET_FRAME_MAX;
}

/* What the entry says, found and in bounds; each field is read once. `*header`: where its header lies. */
static bool frame_find(struct sending *s, struct nic_frame *f, const volatile struct aegis_tx *tx, unsigned long *header)
{
    unsigned long filter = tx->filter, length = tx->header_length;

    *header = tx->header;
    f->flags = tx->flags;
    f->piece[0].length = length;
    if ((filter != s->filter && !program_find(s, filter)) || length - 14 > AEGIS_NET_HEADER_MAX - 14 ||
        *header > s->endpoint->buffers_bytes - length || !parts_find(s, f, (const volatile uint64_t *)tx->part))
        return false;
    if (!f->flags)
        return true;
    f->checksum_start = tx->checksum_start;
    f->checksum_offset = tx->checksum_offset;
    return f->flags == AEGIS_TX_CHECKSUM && exposed.net.features & AEGIS_NET_TX_CHECKSUM &&
           (uint32_t)f->checksum_start + f->checksum_offset + 2 <= f->length &&
           /* nor over what the template has looked at */
           s->program->plain && (uint32_t)f->checksum_start + f->checksum_offset >= s->program->reach;
}

/* To somebody on this machine: whole, and through the filters. */
static void loop(char *header, const struct nic_frame *f)
{
    char *whole = bounce[machine_hart()] + AEGIS_NET_FRAME;
    uint32_t length = f->piece[0].length;

    if (f->pieces > 1 && header != whole)
        frame_copy(whole, header, length);
    for (unsigned i = 1; i < f->pieces; i++) {
        const volatile char *from = (const char *)machine_direct(0) + f->piece[i].physical;
        for (uint32_t n = 0; n < f->piece[i].length; n++)
            whole[length++] = from[n];
    }
    exposed.net.looped++;
    struct net_in in = {f->pieces > 1 ? whole : header, length, AEGIS_RX_CHECKED, 0};
    net_frames(&in, 1, true);
}

/* ---- what the device has ---- */

/*
 * Frames with parts, in the order in which they leave by a pair of queues and are given back: those that follow each other on an endpoint and
 * have their one part in the same block are one flight, whose block is pinned once, until the last of them is done.
 */
static struct flight {
    struct endpoint *endpoint;
    uint64_t last;             /* the number of its last frame there */
    uint32_t frames, parts;    /* that are not done; that one frame has */
    struct aegis_page *head[AEGIS_TX_PARTS];
} __attribute__((aligned(64))) flights[NIC_FLIGHTS];
/* Pairs have their flights in turn. */
static uint32_t flights_ended[NET_LANES] = {0, 1, 2, 3}, flights_begun[NET_LANES] = {0, 1, 2, 3};

/* Pins are taken before the device sees a part. */
static COLD struct flight *flight_begin(struct endpoint *p, const struct nic_frame *frame)
{
    struct flight *f = &flights[flights_begun[network.lane] % NIC_FLIGHTS];

    for (f->parts = 0; f->parts + 1 < frame->pieces; f->parts++)
        if (!pin_take(f->head[f->parts] = frame->piece[f->parts + 1].head)) {
            while (f->parts)
                pin_give(f->head[--f->parts]);
            return NULL;
        }
    f->endpoint = p;
    flights_begun[network.lane] += exposed.net.pairs;
    return f;
}

static bool frame_leaves(struct endpoint *p, const struct nic_frame *frame)
{
    struct flight *f = &flights[(flights_begun[network.lane] - exposed.net.pairs) % NIC_FLIGHTS];

    if ((!f->frames || f->endpoint != p || f->last != p->taken || f->parts != 1 || frame->pieces != 2 ||
         f->head[0] != frame->piece[1].head) && !(f = flight_begin(p, frame)))
        return false;
    f->frames++;
    f->last = p->taken + 1;
    p->flight++;
    return true;
}

/* In order: all of the endpoint's before the last of these are done too. */
static void flight_lands(struct flight *f, uint32_t frames)
{
    struct endpoint *p = f->endpoint;

    f->frames -= frames;
    p->flight -= frames;
    p->completed = p->flight ? f->last - f->frames : p->taken;
    p->ring->completed = p->completed;
}

void frames_sent(uint32_t count)
{
    network.news |= count;
    while (count) {
        struct flight *f = &flights[flights_ended[network.lane] % NIC_FLIGHTS];
        uint32_t frames = count < f->frames ? count : f->frames;
        count -= frames;
        flight_lands(f, frames);
        if (f->frames)
            return;
        for (unsigned i = 0; i < f->parts; i++)
            pin_give(f->head[i]);
        flights_ended[network.lane] += exposed.net.pairs;
    }
}

/* ---- the call ---- */

static void outs_begin(struct sending *s)
{
    unsigned room = s->nic ? s->nic->room() : 0;

    s->room = room < network.spares ? room : network.spares;
    s->out = s->outs;
}

static void outs_put(struct sending *s)
{
    if (s->out != s->outs) {
        s->nic->put(s->outs, (unsigned)(s->out - s->outs));
        s->out = s->outs;
    }
}

/* Where the frame's header goes: null, the device has no room. `*whole`: that is all of it, in a page of its own. */
static char *place_find(struct sending *s, const struct nic_frame *f, bool *whole)
{
    *whole = f->pieces == 1 && !f->flags && s->room;
    if (LIKELY(*whole))
        return network.spare[network.spares - 1];
    if (!s->nic)
        return NULL;
    outs_put(s);
    s->room = s->room > NIC_PIECES ? s->room - NIC_PIECES : 0;
    return s->nic->header();
}

static enum outcome send_one(struct sending *s, const volatile struct aegis_tx *tx)
{
    struct nic_frame f;
    unsigned long from;
    bool whole;

    if (!frame_find(s, &f, tx, &from))
        return REFUSED;
    const uint32_t length = (uint32_t)f.piece[0].length;
    char *place = place_find(s, &f, &whole), *header = place ? place : bounce[machine_hart()] + AEGIS_NET_FRAME;
    header_copy(header, s->endpoint->buffers + from, length);
    if (whole)
        frame_foreign(header, length);
    if (!filter_allows(s->program, header, length))
        return REFUSED;
    if (net_is_ours(header)) {
        outs_put(s); /* a handler may send */
        loop(header, &f);
        outs_begin(s);
        return SENT;
    }
    if (LIKELY(whole)) {
        *s->out++ = (struct net_out){header, length};
        network.spares--;
        s->room--;
        return SENT;
    }
    if (!place)
        return s->nic ? FULL : REFUSED;
    if (f.pieces > 1 && !frame_leaves(s->endpoint, &f))
        return REFUSED;
    f.piece[0].physical = (uint64_t)place - MAP_DIRECT;
    s->nic->send(&f);
    s->kick = true;
    return SENT;
}

/* In order: with frames under way only the device's progress counts. */
static void counts_show(struct endpoint *p, bool landed)
{
    if (landed)
        p->ring->completed = p->completed = p->taken;
    p->ring->refused = exposed.net.endpoint[p->number].refused = p->refused;
    exposed.net.endpoint[p->number].sent = p->taken - p->refused;
    __atomic_store_n(&p->ring->taken, p->taken, __ATOMIC_RELEASE);
}

static bool queue_send(struct sending *s)
{
    struct endpoint *p = s->endpoint;
    uint64_t count = __atomic_load_n(&p->ring->queued, __ATOMIC_ACQUIRE) - p->taken;
    enum outcome outcome = SENT;

    if (count > AEGIS_TX_ENTRIES)
        return true; /* nobody could have queued as many */
    outs_begin(s);
    for (; count; count--) {
        outcome = send_one(s, &p->ring->tx[p->taken % AEGIS_TX_ENTRIES]);
        if (outcome == FULL)
            break;
        p->taken++;
        p->refused += outcome == REFUSED;
    }
    outs_put(s);
    return outcome != FULL;
}

result_t call_net_send(unsigned long endpoint)
{
    struct sending s;
    struct aegis_claim *c;
    s.env = env_lock_self();
    s.nic = network.nic;
    s.slot = s.filter = NOT_YET;
    s.kick = false;
    long error = ledger_use(s.env, endpoint, AEGIS_ENDPOINT, AEGIS_W, &c);

    if (error) {
        env_unlock(s.env);
        return (result_t){error, 0};
    }
    struct endpoint *p = &network.endpoint[AEGIS_WHAT_RESOURCE(c->what)];
    __asm__("" : "+r"(p)); /* the address, not its making, for each frame */
    s.endpoint = p;
    lock_take(&p->send_lock);
    uint64_t before = p->taken;
    lock_take(&network.send_lock);
    network.sender = p->number + NET_LANES; /* not 0 */
    if (s.nic)
        s.nic->complete();
    bool all = p->state != ENDPOINT_LIVE || queue_send(&s);
    counts_show(p, !p->flight);
    if (s.kick)
        s.nic->kick();
    network.sender = 0;
    lock_give(&network.send_lock);
    unsigned long done = p->taken - before;
    lock_give(&p->send_lock);
    env_unlock(s.env);
    return !all && !done ? FAIL(AGAIN) : OK_VALUE(done);
}
