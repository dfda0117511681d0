/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames that are sent leave from the pbuf in which they lie, which is held until the device is
 * done with it; what is short, and headers, go by copy. To neighbours that frames went to within
 * the last second the Ethernet and IP headers are written straight into the entry's slot.
 */
#include <aegis/exposed.h>

#include "device.h"
#include "lwip/etharp.h"
#include "lwip/prot/ip4.h"
#include "netif/ethernet.h"

/* Bytes of a longer frame that go by copy: Ethernet, IP, TCP with options. */
#define HEADER_USUAL 96
#define NEIGHBOURS   64

enum { KIND_ARP, KIND_IP4, KIND_OTHER }; /* filters of the stack's endpoint */

struct pbuf *held[HELD];
uint64_t released;
static struct neighbour neighbours[NEIGHBOURS];
uint64_t packet_number;

void output_begin(void)
{
    released = NET_RING->completed;
    packet_number = stack_random();
}

/* ---- the ring ---- */

static void release(void)
{
    uint64_t done = __atomic_load_n(&NET_RING->completed, __ATOMIC_ACQUIRE);

    for (; released != done; released++) {
        struct pbuf **p = &held[released % HELD];
        if (*p)
            pbuf_drop(*p);
        *p = NULL;
    }
}

void device_flush(void)
{
    if (!device_there)
        return;
    if (NET_RING->queued != NET_RING->taken)
        stack_caller->send();
    release();
}

/* Both alike modulo 8, and aligned to 4; up to 7 bytes behind are written too: slots have whole
 * words. */
static inline void header_copy(uint8_t *to, const uint8_t *from, unsigned size)
{
    unsigned at = 0;

    if ((uintptr_t)to & 4) {
        *(uint32_t *)to = *(const uint32_t *)from;
        at = 4;
    }
    for (; at < size; at += 8)
        *(uint64_t *)(to + at) = *(const uint64_t *)(from + at);
}

static uint32_t words_sum(const uint8_t *p, unsigned count)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < count; i += 2)
        sum += (uint32_t)(p[i] << 8 | p[i + 1]);
    return sum;
}

/* What is not in one piece, as 16 bits in network order. */
static uint32_t pieces_sum(const uint8_t *header, unsigned size, const struct pbuf *p, unsigned skip)
{
    uint32_t sum = stack_checksum(header, (int)size);

    for (; p; p = p->next, skip = 0) {
        uint16_t part = stack_checksum((const uint8_t *)p->payload + skip, (int)(p->len - skip));
        sum += size & 1 ? __builtin_bswap16(part) : part;
        size += p->len - skip;
    }
    return __builtin_bswap16((uint16_t)sum_fold(sum));
}

/* Where the device is to put the checksum; the pseudo-header's sum goes there first. One that is not asked makes none over
 * IPv6: so it is made here. The frame's first `size` bytes are at `frame`; `p` has the rest, from `skip` on. */
static void checksum_prepare(uint8_t *frame, unsigned size, const struct pbuf *p, unsigned skip, struct aegis_tx *tx)
{
    unsigned whole = p ? size + p->tot_len - skip : size;
    unsigned at = 14, type = (unsigned)(frame[12] << 8 | frame[13]), protocol;
    uint32_t sum;

    if (type == ETHTYPE_IP && !((frame[20] << 8 | frame[21]) & 0x3fff)) {
        at += (frame[14] & 15U) * 4;
        protocol = frame[23];
        sum = words_sum(frame + 26, 8);
    } else if (type == ETHTYPE_IPV6) {
        at += 40;
        protocol = frame[20];
        sum = words_sum(frame + 22, 32);
    } else {
        return;
    }
    unsigned offset = protocol == IP_PROTO_TCP ? 16 : protocol == IP_PROTO_UDP ? 6 : 0;
    if (!offset || at + offset + 2 > size)
        return;
    if (protocol == IP_PROTO_UDP && (frame[at + 6] | frame[at + 7]))
        return; /* it has one */
    sum += protocol + whole - at;
    if (!device_asked) {
        frame[at + offset] = frame[at + offset + 1] = 0;
        sum = 0xffff ^ sum_fold(sum + pieces_sum(frame + at, size - at, p, skip));
        if (!sum && protocol == IP_PROTO_UDP)
            sum = 0xffff; /* 0 says that there is none */
    }
    sum = sum_fold(sum);
    frame[at + offset] = (uint8_t)(sum >> 8);
    frame[at + offset + 1] = (uint8_t)sum;
    tx->flags = device_asked ? AEGIS_TX_CHECKSUM : 0;
    tx->checksum_start = (uint16_t)at;
    tx->checksum_offset = (uint16_t)offset;
}

/* What follows the header, in place. False: too many pieces. */
static bool parts_fill(struct aegis_tx *tx, const struct pbuf *p, unsigned skip)
{
    unsigned n = 0;

    for (; p; p = p->next, skip = 0) {
        if (p->len == skip)
            continue;
        uintptr_t at = (uintptr_t)p->payload + skip;
        if (n == AEGIS_TX_PARTS || at - NET_CHUNK >= NET_BUFFERS - NET_CHUNK + (512UL << 10))
            return false;
        tx->part[n++] = (struct aegis_tx_part){stack_caller->chunk_slot, (uint16_t)(p->len - skip),
                                               (uint32_t)(at - NET_CHUNK)};
    }
    if (n < AEGIS_TX_PARTS)
        tx->part[n].length = 0;
    return true;
}

/* The entry of the frame in its slot: `header` bytes of it, then what `p` has from `skip` on. */
static bool entry_fill(unsigned kind, unsigned header, struct pbuf *p, unsigned skip)
{
    uint64_t n = NET_RING->queued;
    struct aegis_tx *tx = &NET_RING->tx[n % AEGIS_TX_ENTRIES];
    uint8_t *frame = ring_slot(NET_RING->queued) + PADDING;

    if (!parts_fill(tx, p, skip))
        return false;
    tx->filter = NETWORK->filter[kind];
    tx->header_length = (uint16_t)header;
    tx->header = (uint32_t)((uintptr_t)frame - NET_BUFFERS);
    tx->flags = 0;
    if (device_asked || (device_offloads && kind == KIND_OTHER))
        checksum_prepare(frame, header, p, skip, tx);
    held[n % HELD] = p;
    if (p)
        pbuf_ref(p);
    __atomic_store_n(&NET_RING->queued, n + 1, __ATOMIC_RELEASE);
    return true;
}

/* ---- whole frames ---- */

static unsigned kind_of(const uint8_t *frame)
{
    unsigned type = (unsigned)(frame[12] << 8 | frame[13]);
    return type == ETHTYPE_ARP ? KIND_ARP : type == ETHTYPE_IP ? KIND_IP4 : KIND_OTHER;
}

static bool frame_send(struct pbuf *p)
{
    unsigned whole = p->tot_len - PADDING, header = whole;
    uint8_t *frame = ring_slot(NET_RING->queued) + PADDING;

    if (whole > HEADER_MOST)
        header = p->len - PADDING < HEADER_USUAL ? p->len - PADDING : HEADER_USUAL;
    pbuf_copy_partial(p, frame, (u16_t)header, PADDING);
    return entry_fill(kind_of(frame), header, header < whole ? p : NULL, header + PADDING);
}

err_t device_output(struct netif *n, struct pbuf *p)
{
    (void)n;
    if (!ring_room())
        return ERR_MEM;
    if (frame_send(p))
        return ERR_OK;
    struct pbuf *whole = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
    if (!whole)
        return ERR_MEM;
    bool sent = frame_send(whole);
    pbuf_free(whole);
    return sent ? ERR_OK : ERR_BUF;
}

/* ---- neighbours ---- */

static struct neighbour *neighbour_of(uint32_t to)
{
    return &neighbours[(to ^ to >> 24) % NEIGHBOURS];
}

void neighbours_forget(void)
{
    for (unsigned i = 0; i < NEIGHBOURS; i++)
        neighbours[i].known = 0;
}

/* After a second a frame goes by lwIP's table again, which so knows that it is used, and asks anew
 * in time. */
const struct neighbour *neighbour_find(uint32_t to)
{
    const struct neighbour *k = neighbour_of(to);
    return k->to == to && device_time() - k->known < AEGIS_EXPOSED_STATE->time_hz ? k : NULL;
}

static void neighbour_learn(const ip4_addr_t *to)
{
    const ip4_addr_t *hop = to, *found;
    struct neighbour *k = neighbour_of(to->addr);
    struct eth_addr *address;
    uint64_t at[2] = {0};

    if (!ip4_addr_net_eq(to, netif_ip4_addr(&device), netif_ip4_netmask(&device)) &&
        !ip4_addr_islinklocal(to))
        hop = netif_ip4_gw(&device);
    if (etharp_find_addr(&device, hop, &address, &found) < 0)
        return;
    memcpy((uint8_t *)at + PADDING, address, 6);
    memcpy((uint8_t *)at + PADDING + 6, device.hwaddr, 6);
    at[1] |= (uint64_t)lwip_htons(ETHTYPE_IP) << 48;
    *k = (struct neighbour){.known = device_time(), .front = {at[0], at[1]}, .to = to->addr};
}

err_t device_output4(struct netif *n, struct pbuf *p, const ip4_addr_t *to)
{
    err_t error = etharp_output(n, p, to);
    if (error == ERR_OK)
        neighbour_learn(to);
    return error;
}

/* ---- packets ---- */

uint8_t *packet_begin(const struct neighbour *k, uint32_t from, unsigned size,
                      unsigned ttl_protocol, unsigned tos)
{
    if (!ring_room())
        return NULL;
    uint64_t *at = (uint64_t *)ring_slot(NET_RING->queued);
    uint64_t first = 0x45 | (uint64_t)tos << 8 | (uint64_t)lwip_htons((u16_t)size) << 16 |
                     (packet_number++ & 0xffff) << 32;
    uint64_t second = ttl_protocol | (uint64_t)from << 32;
    uint64_t sum = (first & 0xffffffff) + (first >> 32) + (second & 0xffffffff) + from + k->to;

    at[0] = k->front[0];
    at[1] = k->front[1];
    at[2] = first;
    at[3] = second | (uint64_t)(uint16_t)~sum_fold(sum) << 16;
    *(uint32_t *)&at[4] = k->to;
    return (uint8_t *)&at[4] + 4;
}

bool packet_end(unsigned header, struct pbuf *p, unsigned skip)
{
    return entry_fill(KIND_IP4, header, p, skip);
}

/* A segment of TCP, whose header begins at p->payload, for a neighbour that is known. False: it is
 * sent as any other. */
static bool segment_send(struct pbuf *p, uint32_t from, const struct neighbour *k, unsigned ttl,
                         unsigned tos)
{
    const uint8_t *tcp = p->payload;
    unsigned header = tcp[12] / 16U * 4, size = p->tot_len, whole = 14 + IP_HLEN + size;

    if ((uintptr_t)tcp % 8 != 4 || header > p->len || !from || whole > AEGIS_NET_FRAME_MAX)
        return false;
    uint8_t *at = packet_begin(k, from, IP_HLEN + size, ttl | IP_PROTO_TCP << 8, tos);
    if (!at)
        return false;
    bool one = p->len == size && whole <= HEADER_MOST;
    header_copy(at, tcp, one ? size : header);
    return packet_end(one ? whole : 14 + IP_HLEN + header, one ? NULL : p, header);
}

err_t segment_output(struct pbuf *p, const ip_addr_t *from, const ip_addr_t *to, u8_t ttl, u8_t tos,
                     u8_t protocol, struct netif *n)
{
    const struct neighbour *k =
        n == &device && IP_IS_V4(to) ? neighbour_find(ip_2_ip4(to)->addr) : NULL;

    if (k && segment_send(p, ip_2_ip4(from)->addr, k, ttl, tos))
        return ERR_OK;
    return ip_output_if(p, from, to, ttl, tos, protocol, n);
}
