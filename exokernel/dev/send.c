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
    struct aegis_tx tx; /* the entry, as it was read */
    const struct nic *nic;
    bool kick;
};

static void entry_read(struct aegis_tx *to, const struct aegis_tx *from)
{
    const volatile uint64_t *s = (const volatile uint64_t *)from;
    uint64_t *d = (uint64_t *)to;

#pragma GCC unroll 6
    for (unsigned i = 0; i < sizeof *to / 8; i++)
        d[i] = s[i];
}

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
static const struct program *program_of(const struct sending *s)
{
    if (s->tx.filter >= AEGIS_FILTERS)
        return NULL;
    const struct filter *f = &network.filter[s->tx.filter];
    const struct program *p = __atomic_load_n(&f->program, __ATOMIC_ACQUIRE);
    return f->endpoint == s->endpoint && f->may_send && f->check == exposed.net.filter[s->tx.filter].check ? p : NULL;
}

/* A part, in a block that the caller may read; its whole length in *total. */
static bool part_find(const struct sending *s, unsigned i, struct nic_frame *f, uint32_t *total)
{
    const struct aegis_tx_part *part = &s->tx.part[i];
    struct aegis_page *head = s->endpoint->buffers_head;
    uint64_t base = (uint64_t)machine_page_of(s->endpoint->buffers) << AEGIS_PAGE_SHIFT, bytes = s->endpoint->buffers_bytes;
    struct aegis_claim *c;

    if (part->slot != AEGIS_NONE) {
        if (ledger_use_page(s->env, part->slot, AEGIS_R, &c, &head) || head->flags & (PAGE_UNREAD | AEGIS_PAGE_IS_LENT))
            return false;
        base = (uint64_t)AEGIS_WHAT_RESOURCE(c->what) << AEGIS_PAGE_SHIFT;
        bytes = (uint64_t)PAGE_SIZE << AEGIS_WHAT_ORDER(c->what);
    }
    *total += part->length;
    if (part->offset > bytes || part->length > bytes - part->offset)
        return false;
    f->part[i].physical = base + part->offset;
    f->part[i].length = part->length;
    f->part[i].head = head;
    return true;
}

/* What the entry says, found and in bounds. */
static bool frame_find(const struct sending *s, struct nic_frame *f)
{
    const struct aegis_tx *tx = &s->tx;
    uint32_t total = tx->header_length;

    f->header_length = tx->header_length;
    f->flags = tx->flags & (exposed.net.features & AEGIS_NET_TX_CHECKSUM ? AEGIS_TX_CHECKSUM : 0);
    f->checksum_start = tx->checksum_start;
    f->checksum_offset = tx->checksum_offset;
    f->parts = 0;
    if (tx->header_length < 14 || tx->header_length > AEGIS_NET_HEADER_MAX || tx->flags != f->flags ||
        tx->header > s->endpoint->buffers_bytes - tx->header_length)
        return false;
    while (f->parts < AEGIS_TX_PARTS && tx->part[f->parts].length)
        if (!part_find(s, f->parts++, f, &total))
            return false;
    return total <= AEGIS_NET_FRAME_MAX && (!f->flags || (uint32_t)tx->checksum_start + tx->checksum_offset + 2 <= total);
}

/* To somebody on this machine: whole, and through the filters. */
static void loop(const char *header, const struct nic_frame *f)
{
    char *whole = bounce[machine_hart()] + AEGIS_NET_FRAME;
    uint32_t length = f->header_length;

    if (f->parts && header != whole)
        frame_copy(whole, header, length);
    for (unsigned i = 0; i < f->parts; i++) {
        const volatile char *from = (const char *)machine_direct((pfn_t)(f->part[i].physical >> AEGIS_PAGE_SHIFT)) +
                                    f->part[i].physical % PAGE_SIZE;
        for (uint32_t n = 0; n < f->part[i].length; n++)
            whole[length++] = from[n];
    }
    exposed.net.looped++;
    net_frame(f->parts ? whole : header, length, AEGIS_RX_CHECKED | NET_SENDING);
}

/* Pins are taken before the device sees a part. */
static bool parts_pin(struct sending *s, struct nic_frame *f)
{
    for (unsigned i = 0; i < f->parts; i++)
        if (!pin_take(f->part[i].head)) {
            while (i--)
                pin_give(f->part[i].head);
            return false;
        }
    if (f->parts) {
        f->endpoint = s->endpoint;
        f->sequence = s->endpoint->taken + 1;
        s->endpoint->flight++;
    }
    return true;
}

static enum outcome send_one(struct sending *s)
{
    struct nic_frame f;
    char *place = s->nic ? s->nic->header() : NULL, *header = place ? place : bounce[machine_hart()] + AEGIS_NET_FRAME;
    const struct program *p = program_of(s);

    if (!p || !frame_find(s, &f))
        return REFUSED;
    header_copy(header, s->endpoint->buffers + s->tx.header, f.header_length);
    if (!filter_allows(p, header, f.header_length))
        return REFUSED;
    if (net_is_ours(header)) {
        loop(header, &f);
        return SENT;
    }
    if (!place)
        return s->nic ? FULL : REFUSED;
    if (!parts_pin(s, &f))
        return REFUSED;
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
    for (; count; count--) {
        entry_read(&s->tx, &p->ring->tx[p->taken % AEGIS_TX_ENTRIES]);
        outcome = send_one(s);
        if (outcome == FULL)
            break;
        p->taken++;
        p->refused += outcome == REFUSED;
    }
    return outcome != FULL;
}

result_t call_net_send(unsigned long endpoint)
{
    struct sending s = {.env = env_lock_self(), .nic = network.nic};
    struct aegis_claim *c;
    long error = ledger_use(s.env, endpoint, AEGIS_ENDPOINT, AEGIS_W, &c);

    if (error) {
        env_unlock(s.env);
        return (result_t){error, 0};
    }
    struct endpoint *p = s.endpoint = &network.endpoint[AEGIS_WHAT_RESOURCE(c->what)];
    lock_take(&p->send_lock);
    uint64_t before = p->taken;
    lock_take(&network.send_lock);
    if (s.nic)
        s.nic->complete();
    bool all = p->state != ENDPOINT_LIVE || queue_send(&s);
    counts_show(p, !p->flight);
    network.unsent |= s.kick;
    net_kick();
    lock_give(&network.send_lock);
    unsigned long done = p->taken - before;
    lock_give(&p->send_lock);
    env_unlock(s.env);
    return !all && !done ? FAIL(AGAIN) : OK_VALUE(done);
}

/* In order, since the device's slots are given back in order: all before it are done too. */
void endpoint_sent(const struct nic_frame *f)
{
    struct endpoint *p = f->endpoint;

    if (!p) {
        handler_sent();
        return;
    }
    for (unsigned i = 0; i < f->parts; i++)
        pin_give(f->part[i].head);
    p->flight--;
    p->completed = p->flight ? f->sequence : p->taken;
    p->ring->completed = p->completed;
}
