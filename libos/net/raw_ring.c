/* SPDX-License-Identifier: BSD-2-Clause */
/* The stack that is none: ring, buffers, filters. */
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>

#include <aegis/pager.h>

#include "../proc/park.h"
#include "network.h"
#include "raw.h"

#define ORDER 6 /* of the buffers' block */
#define BYTES (AEGIS_PAGE_SIZE << ORDER)

_Static_assert(RAW_BUFFERS * AEGIS_NET_BUFFER == BYTES && RAW_BUFFERS <= AEGIS_RX_ENTRIES,
               "every buffer may be posted");

struct raw raw;

/* ---- memory ---- */

/* Addresses for a block, aligned to its size. 0: none. */
static uintptr_t addresses_find(size_t size)
{
    void *p = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED || munmap(p, 2 * size))
        return 0;
    return ((uintptr_t)p + size - 1) & ~(size - 1);
}

int raw_block(unsigned order, void *to)
{
    size_t pages = 1UL << order;
    uintptr_t va = addresses_find(pages * AEGIS_PAGE_SIZE);
    const struct region r = {.start = va, .end = va + pages * AEGIS_PAGE_SIZE, .kind = REGION_ZERO,
                             .rights = AEGIS_R | AEGIS_W, .most = AEGIS_R | AEGIS_W,
                             .flags = REGION_SHARED};
    long slot = va ? page_get_whole(order) : -1;

    if (slot <= 0)
        return -ENOMEM;
    if (pager_map_region(&r)) {
        page_put((unsigned)slot);
        return -ENOMEM;
    }
    const struct page_entry e = {.slot = (uint16_t)slot, .rights = AEGIS_R | AEGIS_W | PAGE_SHARED,
                                 .kind = PAGE_PRESENT};
    for (size_t i = 0; i < pages; i++)
        if (pager_enter(va + i * AEGIS_PAGE_SIZE, e))
            return -ENOMEM; /* what was entered goes with the program */
    *(void **)to = (void *)va;
    return (int)slot;
}

/* ---- buffers ---- */

int raw_buffer(void)
{
    return raw.spare_count ? raw.spare[--raw.spare_count] : -ENOBUFS;
}

/* Half of them at least are there to be received into. */
void raw_give(unsigned buffer)
{
    struct aegis_ring *ring = raw.ring;

    if (raw.spare_count < RAW_BUFFERS / 4) {
        raw.spare[raw.spare_count++] = (uint8_t)buffer;
        return;
    }
    ring->rx[ring->posted % AEGIS_RX_ENTRIES].buffer = (uint16_t)buffer;
    __atomic_store_n(&ring->posted, ring->posted + 1, __ATOMIC_RELEASE);
}

static void released_take(void)
{
    uint64_t done = __atomic_load_n(&raw.ring->completed, __ATOMIC_ACQUIRE);

    for (; raw.released != done; raw.released++)
        raw_give(raw.sent[raw.released % sizeof raw.sent]);
}

/* ---- sending ---- */

/* Until a frame has left, or for ten milliseconds. */
static void completion_await(uint64_t seen)
{
    struct aegis_predicate p = {(uint16_t)raw.ring_slot, AEGIS_NE, 8,
                                offsetof(struct aegis_ring, completed), seen};
    channel_wait_with(NULL, 0, &p, 1, time_now() + AEGIS_EXPOSED_STATE->time_hz / 100);
}

void raw_flush(void)
{
    struct aegis_ring *ring = raw.ring;

    if (raw.owner != session_me)
        return;
    while (ring->queued != ring->taken) {
        uint64_t seen = __atomic_load_n(&ring->completed, __ATOMIC_ACQUIRE);
        if (aegis_net_send(raw.endpoint_slot).error)
            completion_await(seen); /* the device has no room */
    }
    released_take();
}

static void room_make(void)
{
    struct aegis_ring *ring = raw.ring;

    if (ring->queued - ring->taken == AEGIS_TX_ENTRIES)
        raw_flush();
    while (ring->queued - raw.released == sizeof raw.sent) {
        uint64_t seen = raw.released;
        raw_flush();
        if (seen == raw.released)
            completion_await(seen);
    }
}

int raw_queue(unsigned filter, unsigned buffer, unsigned size, unsigned checksum_offset)
{
    struct aegis_ring *ring = raw.ring;
    uint32_t at = (uint32_t)(raw_frame(buffer) - raw.buffers);
    unsigned head = size <= AEGIS_NET_HEADER_MAX ? size : RAW_HEADERS;

    room_make();
    struct aegis_tx *t = &ring->tx[ring->queued % AEGIS_TX_ENTRIES];
    *t = (struct aegis_tx){.filter = (uint16_t)filter,
                           .header_length = (uint16_t)head,
                           .header = at,
                           .part[0] = {AEGIS_NONE, (uint16_t)(size - head), at + head}};
    if (checksum_offset) {
        t->flags = AEGIS_TX_CHECKSUM;
        t->checksum_start = RAW_HEADERS - 8;
        t->checksum_offset = (uint16_t)checksum_offset;
    }
    raw.sent[ring->queued % sizeof raw.sent] = (uint8_t)buffer;
    __atomic_store_n(&ring->queued, ring->queued + 1, __ATOMIC_RELEASE);
    return 0;
}

/* ---- receiving ---- */

const volatile struct aegis_rx *raw_take(unsigned *buffer)
{
    if (raw.owner != session_me ||
        raw.received == __atomic_load_n(&raw.ring->received, __ATOMIC_ACQUIRE))
        return NULL;
    const volatile struct aegis_rx *e = &raw.ring->rx[raw.received++ % AEGIS_RX_ENTRIES];
    *buffer = e->buffer % RAW_BUFFERS;
    return e;
}

int raw_wait(uint64_t deadline)
{
    struct aegis_predicate p[2] = {{(uint16_t)raw.ring_slot, AEGIS_NE, 8,
                                    offsetof(struct aegis_ring, received), raw.received}};
    uint64_t until = deadline;

    if (raw.owner != session_me)
        return -EBADF;
    raw_flush();
    if (__atomic_load_n(&raw.ring->received, __ATOMIC_ACQUIRE) != raw.received)
        return 0;
    unsigned n = 1 + stack_await(&p[1], &until);
    int error = channel_wait_with(NULL, 0, p, n, until);
    stack_run(); /* who asks for our address is answered */
    return error == -ETIMEDOUT && until != deadline ? 0 : error;
}

/* ---- filters ---- */

void raw_atom(struct raw_program *p, bool sends, unsigned offset, unsigned width, uint64_t mask, uint64_t value)
{
    if (!p->head.receive)
        for (unsigned i = 0; i < AEGIS_FILTER_OVER; i++)
            p->head.over[i] = AEGIS_NONE;
    p->atom[p->head.receive + p->head.send] =
        (struct aegis_atom){.kind = AEGIS_ATOM_EQ, .width = (uint8_t)width, .offset = offset, .mask = mask, .low = value};
    p->head.receive += !sends;
    p->head.send += sends;
}

static int error_of_filter(long error)
{
    return error == AEGIS_E_DUPLICATE || error == AEGIS_E_NOT_OWNER            ? -EADDRINUSE
           : error == AEGIS_E_FULL || error == AEGIS_E_NO_MEMORY ? -ENOBUFS
                                                                  : -EACCES;
}

int raw_install(struct raw_program *p, unsigned kind, unsigned tag, unsigned *slot)
{
    struct aegis_result r;

    if (!(*slot = slot_find()))
        return -ENOMEM;
    do {
        r = aegis_filter_install(raw.parent_slot[kind], (unsigned long)p, *slot);
    } while (r.error == AEGIS_E_AGAIN);
    if (r.error)
        return error_of_filter(r.error);
    if (aegis_filter_bind(*slot, raw.endpoint_slot, tag).error) {
        raw_remove(*slot);
        return -EACCES;
    }
    program_publish((unsigned)r.value, p->atom, p->head.receive);
    return (int)r.value;
}

void raw_remove(unsigned slot)
{
    while (aegis_release(0, slot).error == AEGIS_E_AGAIN)
        ;
}

/* ---- the beginning ---- */

static int parents_claim(void)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct aegis_capability *c = &NETWORK->filter_capability[i];
        if (!(raw.parent_slot[i] = slot_find()))
            return -ENOMEM;
        if (aegis_claim(c->what, c->mac, raw.parent_slot[i]).error)
            return -EACCES;
    }
    return 0;
}

static int address_find(void)
{
    struct aegis_interface found;
    int error = -ENETDOWN;

    stack_configuration_await();
    for (unsigned i = 0; error; i++) {
        enter();
        int last = STACK_IMAGE->interface(i, &found);
        leave();
        if (last)
            return error;
        if (found.address4 && found.address4 != htonl(INADDR_LOOPBACK))
            error = 0;
    }
    raw.address = found.address4;
    raw.mask = found.mask4;
    raw.gateway = found.gateway4;
    memcpy(raw.mac, found.hardware, 6);
    return 0;
}

int raw_start(void)
{
    if (raw.owner == session_me)
        return 0;
    raw = (struct raw){0};
    park_never = true;
    int error = stack_join();
    if (!error && !NETWORK->endpoint.what)
        error = -ENETDOWN;
    if (!error)
        error = address_find();
    if (!error)
        error = parents_claim();
    int ring = error ? error : raw_block(0, &raw.ring), block = ring < 0 ? ring : raw_block(ORDER, &raw.buffers);
    raw.endpoint_slot = block < 0 ? 0 : slot_find();
    if (block < 0 || !raw.endpoint_slot)
        return block < 0 ? block : -ENOMEM;
    raw.ring_slot = (unsigned)ring;
    raw.buffers_slot = (unsigned)block;
    if (aegis_endpoint_create(raw.parent_slot[1], raw.ring_slot, raw.buffers_slot, raw.endpoint_slot).error)
        return -ENOBUFS;
    raw.offload = AEGIS_EXPOSED_STATE->net.features & (AEGIS_NET_TX_CHECKSUM | AEGIS_NET_TX_CHECKSUM_ALL);
    for (unsigned i = 0; i < RAW_BUFFERS; i++)
        raw_give(i);
    raw.owner = session_me;
    return 0;
}
