/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking at the stack's frames (aegis/tap.h). Whoever is the stack, and finds that somebody looks, copies what lies in the
 * ring and was not copied yet: before the image takes it in, and before the kernel takes what is queued. The copies go into a
 * ring in session memory that is made once and stays: one writer, who has the stack's lock; readers who only read.
 */
#include <string.h>

#include <aegis/exposed.h>
#include <aegis/tap.h>

#include "inside.h"

#define TAP_PAGES 256
#define TAP_BYTES (TAP_PAGES * AEGIS_PAGE_SIZE - sizeof(struct stack_tap))
#define TAP_TIME  2 /* seconds that it stays open */
#define RECORD(captured) (sizeof(struct tap_frame) + ((captured) + 7UL) / 8 * 8)

static uint64_t seen, lost_before, lost_here; /* the reader's */

/* ---- writing; with the stack's lock ---- */

static void ring_put(struct stack_tap *t, const void *from, size_t size)
{
    const uint8_t *p = from;

    for (size_t n; size; p += n, size -= n, t->head += n) {
        size_t at = t->head % TAP_BYTES;
        n = size < TAP_BYTES - at ? size : TAP_BYTES - at;
        memcpy(t->bytes + at, p, n);
    }
}

static void frame_put(struct stack_tap *t, const uint8_t *bytes, uint32_t length, uint32_t captured, uint32_t sent)
{
    static const uint8_t zero[8];
    struct tap_frame f = {time_now(), length, captured, sent, 0};
    uint64_t head = t->head;

    /* who reads what is being overwritten sees `claimed` when he has copied it */
    __atomic_store_n(&t->claimed, head + RECORD(captured), __ATOMIC_SEQ_CST);
    ring_put(t, &f, sizeof f);
    ring_put(t, bytes, captured);
    ring_put(t, zero, (8 - captured % 8) % 8);
    __atomic_store_n(&t->published, t->head, __ATOMIC_RELEASE);
}

/* Was its buffer given away and filled again since? Then a later entry names it. */
static bool received_whole(uint64_t n, unsigned buffer)
{
    uint64_t now = __atomic_load_n(&NET_RING->received, __ATOMIC_ACQUIRE);

    if (now - n > AEGIS_RX_ENTRIES)
        return false;
    for (uint64_t i = n + 1; i < now; i++)
        if (NET_RING->rx[i % AEGIS_RX_ENTRIES].buffer % NET_BUFFER_COUNT == buffer)
            return false;
    return true;
}

static void received_put(struct stack_tap *t, uint64_t n)
{
    uint8_t frame[AEGIS_NET_FRAME_MAX];
    const volatile struct aegis_rx *e = &NET_RING->rx[n % AEGIS_RX_ENTRIES];
    unsigned buffer = e->buffer % NET_BUFFER_COUNT, length = e->length;

    length = length < sizeof frame ? length : sizeof frame;
    memcpy(frame, (uint8_t *)NET_BUFFERS + buffer * AEGIS_NET_BUFFER + AEGIS_NET_FRAME, length);
    if (received_whole(n, buffer))
        frame_put(t, frame, length, length, 0);
    else
        t->lost++;
}

/* The bytes of a part, if it is one that the stack may have made. */
static const uint8_t *part_bytes(const struct aegis_tx_part *p)
{
    size_t chunk = 0x200000; /* NET_CHUNK's */
    uintptr_t base = p->slot == AEGIS_NONE ? NET_BUFFERS : NET_CHUNK;

    return p->offset < chunk && base - NET_CHUNK + p->offset + p->length <= chunk ? (uint8_t *)base + p->offset : NULL;
}

static void sent_put(struct stack_tap *t, uint64_t n)
{
    uint8_t frame[AEGIS_NET_FRAME_MAX];
    const struct aegis_tx e = NET_RING->tx[n % AEGIS_TX_ENTRIES];
    const struct aegis_tx_part header = {AEGIS_NONE, e.header_length, e.header};
    size_t length = 0, captured = 0;

    for (int i = -1; i < AEGIS_TX_PARTS; i++) {
        const struct aegis_tx_part *p = i < 0 ? &header : &e.part[i];
        const uint8_t *bytes = part_bytes(p);
        if (!p->length)
            break;
        if (bytes && captured == length && length + p->length <= sizeof frame) {
            memcpy(frame + length, bytes, p->length);
            captured += p->length;
        }
        length += p->length;
    }
    frame_put(t, frame, (uint32_t)length, (uint32_t)captured, 1);
}

/* 0: the stack has begun anew meanwhile. */
static uint64_t passed(uint64_t from, uint64_t to)
{
    return (int64_t)(to - from) > 0 ? to - from : 0;
}

void tap_run(void)
{
    struct network *n = NETWORK;
    struct stack_tap *t = n->tap;

    if (!t || (int64_t)(time_now() - n->tap_until) > 0) {
        n->tap_until = 0;
        if (t)
            t->idle = true;
        return;
    }
    uint64_t received = __atomic_load_n(&NET_RING->received, __ATOMIC_ACQUIRE);
    if (t->idle) { /* whoever looked was late: what came and went meanwhile is lost */
        t->idle = false;
        t->lost += passed(t->received, received) + passed(t->sent, NET_RING->queued);
        t->received = received;
        t->sent = NET_RING->queued;
    }
    if (received - t->received > AEGIS_RX_ENTRIES) {
        t->lost += received - t->received - AEGIS_RX_ENTRIES;
        t->received = received - AEGIS_RX_ENTRIES;
    }
    while (t->received != received)
        received_put(t, t->received++);
    if (NET_RING->queued - t->sent > AEGIS_TX_ENTRIES)
        t->sent = NET_RING->queued; /* the stack has begun anew */
    while (t->sent != NET_RING->queued)
        sent_put(t, t->sent++);
}

/* ---- reading ---- */

static void renew(void)
{
    __atomic_store_n(&NETWORK->tap_until, time_now() + TAP_TIME * AEGIS_EXPOSED_STATE->time_hz, __ATOMIC_RELEASE);
}

/* The ring, by the first who looks. */
static int ring_make(void)
{
    while (!NETWORK->tap) {
        monitor_enter();
        struct stack_tap *t = NETWORK->tap ? NULL : session_pages(TAP_PAGES);
        if (t)
            session_set(NETWORK->tap, t);
        monitor_leave();
        if (!NETWORK->tap && session_reserve(TAP_PAGES * AEGIS_PAGE_SIZE))
            return -ENOMEM;
    }
    return 0;
}

int tap_begin(void)
{
    int error = stack_join();

    if (!error && !NETWORK->endpoint.what)
        error = -ENETDOWN;
    if (!error)
        error = ring_make();
    if (error)
        return error;
    struct stack_tap *t = NETWORK->tap;
    enter();
    if (!NETWORK->tap_until) { /* nobody looks: what was before is not asked for */
        t->received = NETWORK->received;
        t->sent = NET_RING->queued;
        t->idle = false;
    }
    renew();
    leave();
    seen = __atomic_load_n(&t->published, __ATOMIC_ACQUIRE);
    lost_before = t->lost;
    lost_here = 0;
    return 0;
}

static void ring_get(const struct stack_tap *t, uint64_t from, void *to, size_t size)
{
    uint8_t *p = to;

    for (size_t n; size; p += n, size -= n, from += n) {
        size_t at = from % TAP_BYTES;
        n = size < TAP_BYTES - at ? size : TAP_BYTES - at;
        memcpy(p, t->bytes + at, n);
    }
}

ssize_t tap_next(struct tap_frame *frame, void *bytes, size_t size)
{
    const struct stack_tap *t = NETWORK->tap;

    renew();
    while (seen != __atomic_load_n(&t->published, __ATOMIC_ACQUIRE)) {
        ring_get(t, seen, frame, sizeof *frame);
        bool sane = frame->captured <= AEGIS_NET_FRAME_MAX;
        size_t n = !sane ? 0 : frame->captured < size ? frame->captured : size;
        ring_get(t, seen + sizeof *frame, bytes, n);
        if (sane && __atomic_load_n(&t->claimed, __ATOMIC_SEQ_CST) - seen <= TAP_BYTES) {
            seen += RECORD(frame->captured);
            return (ssize_t)n;
        }
        lost_here++; /* at least */
        seen = __atomic_load_n(&t->published, __ATOMIC_ACQUIRE);
    }
    return -EAGAIN;
}

int tap_wait(uint64_t deadline)
{
    struct stack_tap *t = NETWORK->tap;
    uint64_t soon = time_now() + AEGIS_EXPOSED_STATE->time_hz / 2, until = deadline && (int64_t)(deadline - soon) < 0 ? deadline : soon;
    uint32_t offset;
    struct aegis_predicate p[2];

    renew();
    stack_run();
    if (seen != __atomic_load_n(&t->published, __ATOMIC_ACQUIRE))
        return 0;
    p[0] = (struct aegis_predicate){(uint16_t)session_slot(&t->published, &offset), AEGIS_NE, 8, 0, seen};
    p[0].offset = offset;
    unsigned n = 1 + stack_await(&p[1], &until);
    int error = channel_wait_with(NULL, 0, p, n, until);
    stack_run();
    return error == -ETIMEDOUT && until != deadline ? 0 : error;
}

uint64_t tap_lost(void)
{
    return NETWORK->tap->lost - lost_before + lost_here;
}
