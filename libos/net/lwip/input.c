/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames that have come. Each stays in the buffer that the kernel has filled until it is read. What
 * is plain, an IPv4 packet for us, whole, with no options, with datagrams or segments in it, is
 * told by a few words and goes straight to whom it concerns; whatever is otherwise is lwIP's to
 * look at, from its Ethernet header on.
 *
 * Of acknowledgements that say nothing else only the last one of a run is believed: it says what
 * those before it said.
 */
#include "device.h"
#include "lwip/inet_chksum.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ethernet.h"
#include "lwip/prot/tcp.h"
#include "lwip/prot/udp.h"
#include "lwip/priv/tcp_priv.h"

#define RUN_MOST   64 /* acknowledgements that wait for those behind them */
#define POST_AGAIN 16 /* frames taken in, until buffers are given to the kernel anew */
#define PACKET_AT  16 /* where in a buffer an IP packet begins, and its payload */
#define PAYLOAD_AT (PACKET_AT + IP_HLEN)

/* Found by its number by a shift. */
struct buffer {
    struct pbuf_custom custom;
    struct buffer *next;
} __attribute__((aligned(64)));

static struct buffer buffers[RECEIVING];
static struct buffer *spare;
/* Acknowledgements of one run, the last one first: the others by `next`. All but the first that came are not checked yet. */
static struct buffer *run_last;
static unsigned run_length;
static uint32_t run_said; /* what the last one acknowledges */
static bool run_checked; /* the device vouches for their segments' sums */
static uint64_t our_front; /* pad and our Ethernet address, as a buffer begins with them */
/* 0: nothing is plain, since we have none or somebody wants all packets. */
static uint32_t our_address;
static uint32_t good_source; /* of a packet: it is no broadcast */

/* ---- buffers ---- */

static inline unsigned number_of(const struct buffer *b)
{
    return (unsigned)(b - buffers);
}

static inline const void *bytes_of(const struct buffer *b)
{
    return buffer_at(number_of(b));
}

static void posts(void)
{
    volatile struct aegis_ring *ring = NET_RING;
    uint64_t posted = ring->posted, first = posted;

    for (; spare && posted - NETWORK->received < AEGIS_RX_ENTRIES; posted++) {
        ring->rx[posted % AEGIS_RX_ENTRIES].buffer = (uint16_t)number_of(spare);
        spare = spare->next;
    }
    if (posted != first)
        __atomic_store_n(&NET_RING->posted, posted, __ATOMIC_RELEASE);
}

static void buffer_spare(struct buffer *b)
{
    b->next = spare;
    spare = b;
}

static void buffer_free(struct pbuf *p)
{
    buffer_spare((struct buffer *)p);
}

static bool buffers_short(void)
{
    return !spare && NET_RING->posted - NETWORK->received <= AEGIS_RX_ENTRIES / 2;
}

/* The frame in place, or copied when few buffers are left to receive into. */
static struct pbuf *frame_take(struct buffer *b, unsigned size)
{
    struct pbuf *p = pbuf_alloced_custom(PBUF_RAW, (u16_t)size, PBUF_REF, &b->custom,
                                         buffer_at(number_of(b)), AEGIS_NET_BUFFER);

    if (!buffers_short())
        return p;
    struct pbuf *copy = pbuf_clone(PBUF_RAW, PBUF_POOL, p);
    pbuf_free(p);
    return copy;
}

/* Buffers that are posted already are written whatever we think: they are not given twice. */
void input_begin(void)
{
    volatile struct aegis_ring *ring = NET_RING;

    for (unsigned i = 0; i < RECEIVING; i++) {
        buffers[i].custom.custom_free_function = buffer_free;
        buffer_spare(&buffers[i]);
    }
    NETWORK->received = ring->received;
    if (ring->posted - ring->received > AEGIS_RX_ENTRIES)
        ring->posted = ring->received;
    for (uint64_t i = ring->received; i != ring->posted; i++) {
        unsigned number = ring->rx[i % AEGIS_RX_ENTRIES].buffer;
        for (struct buffer **at = &spare; *at; at = &(*at)->next)
            if (number_of(*at) == number) {
                *at = (*at)->next;
                break;
            }
    }
    memcpy((uint8_t *)&our_front + PADDING, device.hwaddr, 6);
    posts();
}

/* ---- any frame ---- */

static void checks_set(bool check)
{
    u16_t both = NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP;

    device.chksum_flags = (u16_t)(check ? device.chksum_flags | both : device.chksum_flags & ~both);
}

static void any_input(struct buffer *b, unsigned length, bool checked)
{
    struct pbuf *p = frame_take(b, length + PADDING);

    if (*(const uint16_t *)(buffer_at(number_of(b)) + PACKET_AT - 2) == PP_HTONS(ETHTYPE_ARP))
        neighbours_forget();
    if (!p)
        return;
    checks_set(!checked);
    if (device.input(p, &device) != ERR_OK)
        pbuf_free(p);
    checks_set(false);
    good_source = 0; /* it may have told us another address */
    our_address = raw_sockets ? 0 : netif_ip4_addr(&device)->addr;
}

/* ---- plain packets ---- */

/*
 * A buffer's first words: pad and Ethernet header, then the packet: version to length, identification and offset; life,
 * protocol, checksum, source; destination and ports.
 */
struct packet {
    uint64_t front[2];
    uint64_t first, second, third;
};
#define LOW(x) ((x) & 0xffffffff)

static bool source_check(uint32_t from)
{
    ip4_addr_t source = {from};

    if (!from || ip4_addr_isbroadcast(&source, &device) || ip4_addr_ismulticast(&source))
        return false;
    good_source = from;
    return true;
}

static inline bool packet_is_whole(const struct packet *p)
{
    return sum_fold(LOW(p->first) + (p->first >> 32) + LOW(p->second) + (p->second >> 32) + LOW(p->third)) == 0xffff;
}

/* How many bytes the packet carries, whatever lies behind it in the frame; negative: it is not plain. */
static inline int packet_check(const struct packet *p, unsigned length)
{
    uint64_t a = p->first, b = p->second;
    uint32_t to = (uint32_t)p->third, from = (uint32_t)(b >> 32);
    unsigned size = __builtin_bswap16((uint16_t)(a >> 16));

    if (p->front[0] != our_front || p->front[1] >> 48 != PP_HTONS(ETHTYPE_IP) || (a & 0xff3f0000000000ff) != 0x45 ||
        size + 14 > length || to != our_address || !to)
        return -1;
    if (!packet_is_whole(p) || (from != good_source && !source_check(from)))
        return -1;
    return (int)size - IP_HLEN;
}

/* The pseudo-header's part of a checksum. */
static inline uint64_t pseudo_sum(const struct packet *p, unsigned size, unsigned protocol)
{
    return (p->second >> 32) + LOW(p->third) + (uint64_t)(protocol << 8) + __builtin_bswap16((uint16_t)size);
}

static bool payload_is_whole(const struct packet *p, unsigned size, unsigned protocol)
{
    const uint8_t *payload = (const uint8_t *)p + PAYLOAD_AT;
    return sum_fold(pseudo_sum(p, size, protocol) + words_add(payload, size)) == 0xffff;
}

/* What lwIP's callbacks may ask about the packet that they are called for. */
static void packet_tell(uint8_t *packet)
{
    const struct ip_hdr *head = (const struct ip_hdr *)packet;

    ip_data.current_netif = ip_data.current_input_netif = &device;
    ip_data.current_ip4_header = head;
    ip_data.current_ip_header_tot_len = IP_HLEN;
    ip_addr_copy_from_ip4(ip_data.current_iphdr_dest, head->dest);
    ip_addr_copy_from_ip4(ip_data.current_iphdr_src, head->src);
}

static void packet_forget(void)
{
    ip_data.current_netif = ip_data.current_input_netif = NULL;
    ip_data.current_ip4_header = NULL;
    ip_data.current_ip_header_tot_len = 0;
    ip4_addr_set_any(ip4_current_src_addr());
    ip4_addr_set_any(ip4_current_dest_addr());
}

static struct pbuf *payload_take(struct buffer *b, unsigned at, unsigned size)
{
    return pbuf_alloced_custom(PBUF_RAW, (u16_t)size, PBUF_REF, &b->custom,
                               buffer_at(number_of(b)) + at, (u16_t)(AEGIS_NET_BUFFER - at));
}

/* A packet with a segment of TCP: words from the ports on. */
struct segment {
    struct packet packet;
    uint64_t place; /* sequence; what is acknowledged */
    uint64_t marks; /* length of header, flags; window; checksum; urgent */
};

/* Checked; `size`: header and bytes. */
static void segment_input(struct buffer *b, unsigned size)
{
    const struct segment *a = bytes_of(b);

    if ((a->marks & ~(uint64_t)PP_HTONS(TCP_PSH) & 0xffff) == PP_HTONS(TCP_HLEN / 4 << 12 | TCP_ACK)) {
        struct predicted g = {.sequence = lwip_ntohl((uint32_t)a->place),
                              .acknowledged = lwip_ntohl((uint32_t)(a->place >> 32)),
                              .window = lwip_ntohs((uint16_t)(a->marks >> 16)),
                              .size = size - TCP_HLEN};
        struct connection *c = predict_find(&g, (uint32_t)(a->packet.second >> 32), (uint32_t)a->packet.third,
                                            (uint32_t)(a->packet.third >> 32));
        if (c && g.size) {
            predict_take(c, &g, payload_take(b, PAYLOAD_AT + TCP_HLEN, g.size));
            return;
        }
        if (c) {
            buffer_spare(b);
            predict_take(c, &g, NULL);
            return;
        }
    }
    packet_tell(buffer_at(number_of(b)) + PACKET_AT);
    tcp_input(payload_take(b, PAYLOAD_AT, size), &device);
    packet_forget();
}

/* ---- acknowledgements ---- */

static uint32_t acknowledged_by(const struct segment *a)
{
    return lwip_ntohl((uint32_t)(a->place >> 32));
}

static inline bool segment_is_whole(const struct segment *a)
{
    uint64_t sum = (a->packet.third >> 32) + LOW(a->place) + (a->place >> 32) + LOW(a->marks) + (a->marks >> 32);
    return sum_fold(pseudo_sum(&a->packet, TCP_HLEN, IP_PROTO_TCP) + sum) == 0xffff;
}

/* The last one that is right is believed. */
static void run_end(void)
{
    struct buffer *b = run_last, *before;

    run_last = NULL;
    for (bool found = false; b; b = before) {
        before = b->next;
        if (!found && (!before || (packet_is_whole(bytes_of(b)) && (run_checked || segment_is_whole(bytes_of(b)))))) {
            found = true;
            segment_input(b, TCP_HLEN);
        } else {
            buffer_spare(b);
        }
    }
}

static void run_add(struct buffer *b, uint32_t said)
{
    run_said = said;
    b->next = run_last;
    run_last = b;
    run_length++;
}

/* Whether `b` is as the last one of the run in all but what it acknowledges, which is more, its window, number and sums: so
   it is plain as that one. Then it belongs to the run. */
static inline bool run_goes_on(struct buffer *b, unsigned length, bool checked)
{
    const struct segment *a = bytes_of(b), *z = bytes_of(run_last);
    uint64_t other = (a->packet.front[0] ^ z->packet.front[0]) | (a->packet.front[1] ^ z->packet.front[1]) |
                     ((a->packet.first ^ z->packet.first) & ~(0xffffUL << 32)) |
                     ((a->packet.second ^ z->packet.second) & ~(0xffffUL << 16)) | (a->packet.third ^ z->packet.third) |
                     LOW(a->place ^ z->place) | ((a->marks ^ z->marks) & 0xffff);

    if (other || length < 14 + IP_HLEN + TCP_HLEN || checked != run_checked || run_length == RUN_MOST)
        return false;
    uint32_t said = acknowledged_by(a);
    if ((int32_t)(said - run_said) <= 0)
        return false;
    run_add(b, said);
    return true;
}

/* True: it was one, the first of a run. */
static inline bool acknowledgement_input(struct buffer *b, bool checked)
{
    const struct segment *a = bytes_of(b);

    if ((a->marks & 0xffff) != PP_HTONS(TCP_HLEN / 4 << 12 | TCP_ACK) || (!checked && !segment_is_whole(a)))
        return false;
    run_end();
    run_length = 0;
    run_checked = checked;
    run_add(b, acknowledged_by(a));
    return true;
}

/* ---- datagrams ---- */

static bool packet_datagram(struct buffer *b, const struct packet *p, unsigned size, bool checked)
{
    const uint16_t *udp = (const uint16_t *)((const uint8_t *)p + PAYLOAD_AT);
    unsigned whole = __builtin_bswap16(udp[2]);
    uint16_t from_port = __builtin_bswap16(udp[0]);
    uint32_t from = (uint32_t)(p->second >> 32);
    struct connection *c = datagram_for((uint32_t)p->third, __builtin_bswap16(udp[1]), from, from_port);

    if (!c || c->wants || whole < UDP_HLEN || whole > size || (!checked && udp[3] && !payload_is_whole(p, size, IP_PROTO_UDP)))
        return false;
    datagram_input(c, payload_take(b, PAYLOAD_AT + UDP_HLEN, whole - UDP_HLEN), from, from_port);
    return true;
}

/* False: lwIP is to look at the whole. */
static bool plain_input(struct buffer *b, unsigned length, bool checked)
{
    const struct packet *p = bytes_of(b);
    int size = packet_check(p, length);
    unsigned protocol = (unsigned)(p->second >> 8) & 0xff;

    if (protocol == IP_PROTO_TCP) {
        if (size == TCP_HLEN && acknowledgement_input(b, checked))
            return true;
        if (size < TCP_HLEN || buffers_short() || (!checked && !payload_is_whole(p, (unsigned)size, protocol)))
            return false;
        run_end();
        segment_input(b, (unsigned)size);
        return true;
    }
    return protocol == IP_PROTO_UDP && size >= UDP_HLEN && !buffers_short() && packet_datagram(b, p, (unsigned)size, checked);
}

/* ---- the ring ---- */

static inline void frame_input(uint64_t entry)
{
    unsigned number = (unsigned)entry & 0xffff, length = (unsigned)(entry >> 16) & 0xffff;
    bool checked = entry >> 48 & AEGIS_RX_CHECKED;

    if (number >= RECEIVING || length > AEGIS_NET_BUFFER - PADDING)
        return; /* it is not ours: the ring was written by somebody */
    if ((run_last && run_goes_on(&buffers[number], length, checked)) || plain_input(&buffers[number], length, checked))
        return;
    run_end();
    any_input(&buffers[number], length, checked);
}

void input_frames(void)
{
    struct network *n = NETWORK;

    our_address = raw_sockets ? 0 : netif_ip4_addr(&device)->addr;
    for (unsigned i = 1; n->received != __atomic_load_n(&NET_RING->received, __ATOMIC_ACQUIRE);
         i++) {
        const volatile struct aegis_rx *entry = &NET_RING->rx[n->received++ % AEGIS_RX_ENTRIES];
        frame_input(*(const volatile uint64_t *)entry); /* buffer, length, filter, flags: in one load */
        if (i % POST_AGAIN == 0)
            posts();
    }
    run_end();
    posts();
}
