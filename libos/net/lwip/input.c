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

#define POST_AGAIN 16 /* frames taken in, until buffers are given to the kernel anew */
#define PACKET_AT  16 /* where in a buffer an IP packet begins, and its payload */
#define PAYLOAD_AT (PACKET_AT + IP_HLEN)

struct buffer {
    struct pbuf_custom custom;
    struct buffer *next;
    uint16_t number;
};

static struct buffer buffers[RECEIVING];
static struct buffer *spare;
static struct buffer
    *run_last;             /* an acknowledgement that waits for the next one, which may say more */
static uint64_t our_front; /* pad and our Ethernet address, as a buffer begins with them */
static uint32_t good_source; /* of a packet: it is no broadcast */

/* ---- buffers ---- */

static void posts(void)
{
    volatile struct aegis_ring *ring = NET_RING;
    uint64_t posted = ring->posted, first = posted;

    for (; spare && posted - NETWORK->received < AEGIS_RX_ENTRIES; posted++) {
        ring->rx[posted % AEGIS_RX_ENTRIES].buffer = spare->number;
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
                                         buffer_at(b->number), AEGIS_NET_BUFFER);

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
        buffers[i].number = (uint16_t)i;
        buffers[i].custom.custom_free_function = buffer_free;
        buffer_spare(&buffers[i]);
    }
    NETWORK->received = ring->received;
    if (ring->posted - ring->received > AEGIS_RX_ENTRIES)
        ring->posted = ring->received;
    for (uint64_t i = ring->received; i != ring->posted; i++) {
        unsigned number = ring->rx[i % AEGIS_RX_ENTRIES].buffer;
        for (struct buffer **at = &spare; *at; at = &(*at)->next)
            if ((*at)->number == number) {
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

    if (*(const uint16_t *)(buffer_at(b->number) + PACKET_AT - 2) == PP_HTONS(ETHTYPE_ARP))
        neighbours_forget();
    good_source = 0; /* it may tell us another address */
    if (!p)
        return;
    checks_set(!checked);
    if (device.input(p, &device) != ERR_OK)
        pbuf_free(p);
    checks_set(false);
}

/* ---- plain packets ---- */

/* The packet's words: version to length, identification and offset; life, protocol, checksum,
 * source; destination and ports. */
struct packet {
    uint64_t word[3];
};

/* Its size; 0: it is not plain. */
static unsigned packet_check(const struct packet *p, unsigned length)
{
    uint64_t a = p->word[0], b = p->word[1];
    uint32_t to = (uint32_t)p->word[2], from = (uint32_t)(b >> 32);
    unsigned size = __builtin_bswap16((uint16_t)(a >> 16));

    if ((a & 0xff3f0000000000ff) != 0x45 || size > length || to != netif_ip4_addr(&device)->addr ||
        !to)
        return 0;
    if (sum_fold((a & 0xffffffff) + (a >> 32) + (b & 0xffffffff) + from + to) != 0xffff)
        return 0;
    if (from == good_source)
        return size;
    ip4_addr_t source = {from};
    if (!from || ip4_addr_isbroadcast(&source, &device) || ip4_addr_ismulticast(&source))
        return 0;
    good_source = from;
    return size;
}

/* Of what the packet carries, `size` bytes at `at`, with the pseudo-header: 0xffff if its checksum
 * is right. */
static uint32_t payload_sum(const struct packet *p, const uint8_t *at, unsigned size,
                            unsigned protocol)
{
    uint64_t sum = (p->word[1] >> 32) + (uint32_t)p->word[2] + (uint64_t)(protocol << 8) +
                   __builtin_bswap16((uint16_t)size);

    return sum_fold(sum + words_add(at, size));
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
                               buffer_at(b->number) + at, (u16_t)(AEGIS_NET_BUFFER - at));
}

static void segment_input(struct buffer *b, unsigned size)
{
    packet_tell(buffer_at(b->number) + PACKET_AT);
    tcp_input(payload_take(b, PAYLOAD_AT, size), &device);
    packet_forget();
}

/* ---- acknowledgements ---- */

static void run_end(void)
{
    struct buffer *b = run_last;

    run_last = NULL;
    if (b)
        segment_input(b, TCP_HLEN);
}

static uint32_t word_at(const struct buffer *b, unsigned at)
{
    return *(const uint32_t *)(buffer_at(b->number) + at);
}

/* Whether `b` says more than `before`: of the same connection, at the same place of the peer's
 * stream, of more bytes. */
static bool says_more(const struct buffer *b, const struct buffer *before)
{
    return word_at(b, PAYLOAD_AT) == word_at(before, PAYLOAD_AT) &&
           word_at(b, PAYLOAD_AT + 4) == word_at(before, PAYLOAD_AT + 4) &&
           word_at(b, PACKET_AT + 12) == word_at(before, PACKET_AT + 12) &&
           (int32_t)(lwip_ntohl(word_at(b, PAYLOAD_AT + 8)) -
                     lwip_ntohl(word_at(before, PAYLOAD_AT + 8))) > 0;
}

static void acknowledgement_input(struct buffer *b)
{
    if (run_last && says_more(b, run_last)) {
        buffer_spare(run_last);
        run_last = NULL;
    }
    run_end();
    run_last = b;
}

/* False: lwIP is to look at the whole. */
static bool plain_input(struct buffer *b, unsigned length, bool checked)
{
    uint8_t *frame = buffer_at(b->number);
    const uint64_t *front = (const uint64_t *)frame;

    if (length < 14 + IP_HLEN + UDP_HLEN || front[0] != our_front ||
        front[1] >> 48 != PP_HTONS(ETHTYPE_IP) || buffers_short() || raw_sockets)
        return false;
    struct packet p = {{front[2], front[3], front[4]}};
    unsigned size = packet_check(&p, length - 14) - IP_HLEN,
             protocol = (unsigned)(p.word[1] >> 8) & 0xff;
    uint8_t *payload = frame + PAYLOAD_AT;
    if ((int)size < UDP_HLEN)
        return false;
    if (protocol == IP_PROTO_TCP && size >= TCP_HLEN) {
        if (!checked && payload_sum(&p, payload, size, protocol) != 0xffff)
            return false;
        if (size == TCP_HLEN && *(uint16_t *)(payload + 12) == PP_HTONS(5 << 12 | TCP_ACK)) {
            acknowledgement_input(b);
        } else {
            run_end();
            segment_input(b, size);
        }
        return true;
    }
    if (protocol != IP_PROTO_UDP)
        return false;
    const uint16_t *udp = (const uint16_t *)payload;
    unsigned whole = __builtin_bswap16(udp[2]);
    struct connection *c = datagram_for((uint32_t)p.word[2], __builtin_bswap16(udp[1]),
                                        (uint32_t)(p.word[1] >> 32), __builtin_bswap16(udp[0]));
    if (!c || whole < UDP_HLEN || whole > size ||
        (!checked && udp[3] && payload_sum(&p, payload, size, protocol) != 0xffff))
        return false;
    datagram_input(c, payload_take(b, PAYLOAD_AT + UDP_HLEN, whole - UDP_HLEN),
                   (uint32_t)(p.word[1] >> 32), __builtin_bswap16(udp[0]));
    return true;
}

/* ---- the ring ---- */

static void frame_input(const volatile struct aegis_rx *entry)
{
    unsigned number = entry->buffer, length = entry->length;
    bool checked = entry->flags & AEGIS_RX_CHECKED;

    if (number >= RECEIVING || length > AEGIS_NET_BUFFER - PADDING)
        return; /* it is not ours: the ring was written by somebody */
    if (plain_input(&buffers[number], length, checked))
        return;
    run_end();
    any_input(&buffers[number], length, checked);
}

void input_frames(void)
{
    struct network *n = NETWORK;

    for (unsigned i = 1; n->received != __atomic_load_n(&NET_RING->received, __ATOMIC_ACQUIRE);
         i++) {
        const volatile struct aegis_rx *entry = &NET_RING->rx[n->received % AEGIS_RX_ENTRIES];
        n->received++;
        frame_input(entry);
        if (i % POST_AGAIN == 0)
            posts();
    }
    run_end();
    posts();
}
