/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The endpoint as lwIP's interface. Received frames stay in the buffer that the kernel has filled
 * until they are read; frames that are sent leave from the pbuf in which they lie, which is held
 * until the device is done with it: no copy either way but of headers.
 */
#include <net/if.h>

#include <aegis/exposed.h>

#include "connection.h"
#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/inet_chksum.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/sys.h"
#include "netif/ethernet.h"

#define HEADER_BUFFERS 8 /* the last ones: headers of frames on their way to the kernel */
#define HEADERS        (HEADER_BUFFERS * AEGIS_NET_BUFFER / AEGIS_NET_HEADER_MAX)
#define RECEIVING      (NET_BUFFER_COUNT - HEADER_BUFFERS)
#define HEADER_MOST    (AEGIS_NET_HEADER_MAX - AEGIS_NET_FRAME)
#define HEADER_USUAL   96 /* bytes of a longer frame that go by copy: Ethernet, IP, TCP with options */
#define HELD           256
#define PADDING        ETH_PAD_SIZE
#define ADDRESS_WAIT   4000 /* ms that programs wait for DHCP */

struct buffer {
    struct pbuf_custom custom;
    struct buffer *next;
    uint16_t number;
};

struct netif device;
static struct buffer buffers[RECEIVING];
static struct buffer *spare;
static struct pbuf *held[HELD]; /* by the count of their entry */
static uint64_t released;
static bool have, offload;

static uint8_t *buffer_at(unsigned number)
{
    return (uint8_t *)NET_BUFFERS + number * AEGIS_NET_BUFFER;
}

/* ---- receiving ---- */

static void post(struct buffer *b)
{
    volatile struct aegis_ring *ring = NET_RING;

    ring->rx[ring->posted % AEGIS_RX_ENTRIES].buffer = b->number;
    __atomic_store_n(&NET_RING->posted, ring->posted + 1, __ATOMIC_RELEASE);
}

static void posts(void)
{
    while (spare && NET_RING->posted - NETWORK->received < AEGIS_RX_ENTRIES) {
        struct buffer *b = spare;
        spare = b->next;
        post(b);
    }
}

static void buffer_free(struct pbuf *p)
{
    struct buffer *b = (struct buffer *)p;
    b->next = spare;
    spare = b;
}

/* The frame in place, or copied when few buffers are left to receive into. */
static struct pbuf *frame_take(struct buffer *b, unsigned size)
{
    struct pbuf *p = pbuf_alloced_custom(PBUF_RAW, (u16_t)size, PBUF_REF, &b->custom,
                                         buffer_at(b->number), AEGIS_NET_BUFFER);

    if (spare || NET_RING->posted - NETWORK->received > AEGIS_RX_ENTRIES / 2)
        return p;
    struct pbuf *copy = pbuf_clone(PBUF_RAW, PBUF_POOL, p);
    pbuf_free(p);
    return copy;
}

static void checks_set(bool check)
{
    u16_t both = NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP;

    device.chksum_flags = (u16_t)(check ? device.chksum_flags | both : device.chksum_flags & ~both);
}

static void frame_input(const volatile struct aegis_rx *entry)
{
    unsigned number = entry->buffer, length = entry->length;
    bool checked = entry->flags & AEGIS_RX_CHECKED;

    if (number >= RECEIVING || length > AEGIS_NET_BUFFER - PADDING)
        return; /* it is not ours: the ring was written by somebody */
    struct buffer *b = &buffers[number];
    struct pbuf *p = frame_take(b, length + PADDING);
    posts();
    if (!p)
        return;
    checks_set(!checked);
    if (device.input(p, &device) != ERR_OK)
        pbuf_free(p);
}

void device_input(void)
{
    struct network *n = NETWORK;

    if (have)
        while (n->received != __atomic_load_n(&NET_RING->received, __ATOMIC_ACQUIRE)) {
            const volatile struct aegis_rx *entry = &NET_RING->rx[n->received % AEGIS_RX_ENTRIES];
            n->received++;
            frame_input(entry);
        }
    checks_set(false);
    struct netif *to_ourselves;
    NETIF_FOREACH(to_ourselves)
    {
        if (to_ourselves->loop_first)
            netif_poll(to_ourselves);
    }
    if (have)
        posts();
}

/* ---- sending ---- */

static void release(void)
{
    uint64_t done = __atomic_load_n(&NET_RING->completed, __ATOMIC_ACQUIRE);

    for (; released != done; released++) {
        struct pbuf **p = &held[released % HELD];
        if (*p)
            pbuf_free(*p);
        *p = NULL;
    }
}

void device_flush(void)
{
    if (!have)
        return;
    if (NET_RING->queued != NET_RING->taken)
        stack_caller->send();
    release();
}

static bool room(void)
{
    volatile struct aegis_ring *ring = NET_RING;

    if (ring->queued - ring->taken >= AEGIS_TX_ENTRIES || ring->queued - released >= HELD)
        device_flush();
    return ring->queued - ring->taken < AEGIS_TX_ENTRIES && ring->queued - released < HELD;
}

static uint32_t words_sum(const uint8_t *p, unsigned count)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < count; i += 2)
        sum += (uint32_t)(p[i] << 8 | p[i + 1]);
    return sum;
}

/* Where the device is to put the checksum; the pseudo-header's sum goes there first. */
static void checksum_prepare(uint8_t *frame, unsigned size, unsigned whole, struct aegis_tx *tx)
{
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
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    frame[at + offset] = (uint8_t)(sum >> 8);
    frame[at + offset + 1] = (uint8_t)sum;
    tx->flags = AEGIS_TX_CHECKSUM;
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
    return true;
}

static unsigned filter_of(const uint8_t *frame)
{
    unsigned type = (unsigned)(frame[12] << 8 | frame[13]);
    return NETWORK->filter[type == ETHTYPE_ARP ? 0 : type == ETHTYPE_IP ? 1 : 2];
}

static err_t frame_send(struct pbuf *p)
{
    unsigned whole = p->tot_len - PADDING, header = whole;
    uint64_t n = NET_RING->queued;
    unsigned slot = (unsigned)(n % HEADERS);
    uint8_t *frame = buffer_at(RECEIVING) + slot * AEGIS_NET_HEADER_MAX + AEGIS_NET_FRAME;
    struct aegis_tx tx = {.header = (uint32_t)((uintptr_t)frame - NET_BUFFERS)};

    if (whole > HEADER_MOST)
        header = p->len - PADDING < HEADER_USUAL ? p->len - PADDING : HEADER_USUAL;
    pbuf_copy_partial(p, frame, (u16_t)header, PADDING);
    tx.header_length = (uint16_t)header;
    tx.filter = (uint16_t)filter_of(frame);
    if (offload)
        checksum_prepare(frame, header, whole, &tx);
    held[n % HELD] = NULL;
    if (header < whole) {
        if (!parts_fill(&tx, p, header + PADDING))
            return ERR_BUF;
        pbuf_ref(p);
        held[n % HELD] = p;
    }
    NET_RING->tx[n % AEGIS_TX_ENTRIES] = tx;
    __atomic_store_n(&NET_RING->queued, n + 1, __ATOMIC_RELEASE);
    return ERR_OK;
}

static err_t device_output(struct netif *n, struct pbuf *p)
{
    (void)n;
    if (!room())
        return ERR_MEM;
    err_t error = frame_send(p);
    if (error != ERR_BUF)
        return error;
    struct pbuf *whole = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
    if (!whole)
        return ERR_MEM;
    error = frame_send(whole);
    pbuf_free(whole);
    return error;
}

/* ---- the interface ---- */

static err_t device_init(struct netif *n)
{
    n->name[0] = 'e';
    n->name[1] = 'n';
    n->mtu = 1500;
    n->hwaddr_len = 6;
    for (unsigned i = 0; i < 6; i++)
        n->hwaddr[i] = AEGIS_EXPOSED_STATE->net.mac[i];
    n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_IGMP |
               NETIF_FLAG_MLD6;
    n->output = etharp_output;
    n->output_ip6 = ethip6_output;
    n->linkoutput = device_output;
    return ERR_OK;
}

void device_checksums(bool whole)
{
    u16_t mine = NETIF_CHECKSUM_GEN_UDP;

    if (offload)
        device.chksum_flags = (u16_t)(whole ? device.chksum_flags | mine : device.chksum_flags & ~mine);
}

/* The kernel's counts go on where they stood: what it has is lost, what it had taken is over. */
static void ring_begin(void)
{
    volatile struct aegis_ring *ring = NET_RING;

    for (unsigned i = 0; i < RECEIVING; i++) {
        buffers[i].number = (uint16_t)i;
        buffers[i].custom.custom_free_function = buffer_free;
        buffers[i].next = spare;
        spare = &buffers[i];
    }
    NETWORK->received = ring->received;
    ring->queued = ring->taken;
    released = ring->completed;
    if (ring->posted - ring->received > AEGIS_RX_ENTRIES)
        ring->posted = ring->received;
    /* buffers that are posted already are written whatever we think: they are not given twice */
    for (uint64_t i = ring->received; i != ring->posted; i++) {
        unsigned number = ring->rx[i % AEGIS_RX_ENTRIES].buffer;
        for (struct buffer **at = &spare; *at; at = &(*at)->next)
            if ((*at)->number == number) {
                *at = (*at)->next;
                break;
            }
    }
    posts();
}

bool device_start(void)
{
    struct netif *loop;

    NETIF_FOREACH(loop)
    {
        loop->mtu = loop->mtu6 = 1500; /* what is larger is cut: pools have no more in one piece */
        loop->chksum_flags = NETIF_CHECKSUM_DISABLE_ALL;
    }
    have = NETWORK->endpoint.what != 0;
    if (!have)
        return false;
    ring_begin();
    netif_add(&device, NULL, NULL, NULL, NULL, device_init, ethernet_input);
    offload = AEGIS_EXPOSED_STATE->net.features & AEGIS_NET_TX_CHECKSUM;
    if (offload)
        device.chksum_flags =
            NETIF_CHECKSUM_ENABLE_ALL & ~(NETIF_CHECKSUM_GEN_TCP | NETIF_CHECKSUM_GEN_UDP);
    netif_set_default(&device);
    netif_create_ip6_linklocal_address(&device, 1);
    device.ip6_autoconfig_enabled = 1;
    netif_set_link_up(&device);
    netif_set_up(&device);
    dhcp_start(&device);
    return true;
}

bool stack_configured(void)
{
    return !have || dhcp_supplied_address(&device) || sys_now() > ADDRESS_WAIT;
}

static void interface_tell(struct netif *n, struct aegis_interface *i)
{
    bool loop = n != &device;

    *i = (struct aegis_interface){.index = netif_get_index(n), .mtu = n->mtu ? n->mtu : 65535};
    memcpy(i->name, loop ? "lo" : "eth0", loop ? 3 : 5);
    i->flags = IFF_UP | IFF_RUNNING | (loop ? IFF_LOOPBACK : IFF_BROADCAST | IFF_MULTICAST);
    memcpy(i->hardware, n->hwaddr, 6);
    i->address4 = netif_ip4_addr(n)->addr;
    i->mask4 = netif_ip4_netmask(n)->addr;
    i->gateway4 = netif_ip4_gw(n)->addr;
    if (!loop && IP_IS_V4(dns_getserver(0)))
        i->server4 = ip_2_ip4(dns_getserver(0))->addr;
    for (int k = 0; k < LWIP_IPV6_NUM_ADDRESSES && i->count6 < 4; k++)
        if (ip6_addr_isvalid(netif_ip6_addr_state(n, k)))
            memcpy(i->address6[i->count6++], netif_ip6_addr(n, k)->addr, 16);
}

int stack_interface(unsigned i, struct aegis_interface *interface)
{
    struct netif *n;
    unsigned at = 0;

    NETIF_FOREACH(n) {
        if (at++ == i) {
            interface_tell(n, interface);
            return 0;
        }
    }
    return -ENXIO;
}
