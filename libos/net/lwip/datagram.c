/* SPDX-License-Identifier: BSD-2-Clause */
/* Datagrams over lwIP's UDP, and ICMP and others by its raw interface. */
#include "device.h"
#include "lwip/inet_chksum.h"
#include "lwip/prot/icmp.h"
#include "lwip/prot/icmp6.h"
#include "lwip/prot/udp.h"

#define DATAGRAM_MOST 65507
#define IN_ONE        1472 /* goes in one frame */

static struct datagram table[DATAGRAMS];
static struct datagram *free_list;
unsigned raw_sockets;

static u8_t on_icmp(void *argument, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *address);

/* Who tells of ports where nobody is. */
static void icmp_listen(u8_t type, u8_t protocol)
{
    struct raw_pcb *pcb = raw_new_ip_type(type, protocol);

    if (pcb)
        raw_recv(pcb, on_icmp, NULL);
}

void datagrams_start(void)
{
    icmp_listen(IPADDR_TYPE_V4, IP_PROTO_ICMP);
    icmp_listen(IPADDR_TYPE_V6, IP6_NEXTH_ICMP6);
    for (unsigned i = DATAGRAMS; i--;) {
        table[i].next = free_list;
        free_list = &table[i];
    }
}

static void datagram_free(struct datagram *d)
{
    pbuf_free(d->p);
    d->next = free_list;
    free_list = d;
}

/* Of the packet that lwIP looks at. */
static void way_find(struct connection *c, struct stack_way *way)
{
    const struct ip_hdr *four = ip4_current_header();
    const struct ip6_hdr *six = ip6_current_header();

    if (!four && !six)
        return;
    struct stack_name to;
    address_out(c->s, &to, ip_current_dest_addr(), 0);
    memcpy(way->address, to.address, sizeof way->address);
    way->told = c->wants;
    way->hops = six ? IP6H_HOPLIM(six) : IPH_TTL(four);
    way->traffic_class = six ? (uint8_t)IP6H_TC(six) : IPH_TOS(four);
    way->interface = netif_get_index(ip_current_input_netif());
}

/* Takes over `p`. What finds no room is dropped: nobody promised it. */
static void keep(struct connection *c, struct pbuf *p, const ip_addr_t *address, uint16_t port)
{
    struct datagram *d = free_list;

    if (!c->s || !d || c->bytes + p->tot_len > c->s->receive_limit ||
        c->s->shut & SOCKET_SHUT_READ) {
        pbuf_free(p);
        return;
    }
    free_list = d->next;
    d->next = NULL;
    d->p = p;
    address_out(c->s, &d->from, address, port);
    d->way.told = 0;
    if (c->wants)
        way_find(c, &d->way);
    if (c->first)
        c->last->next = d;
    else
        c->first = d;
    c->last = d;
    c->bytes += p->tot_len;
    connection_changed(c);
}

/* lwIP believes the packet's length: the datagram's own must fit into it, and what lies behind it is not its. */
static void on_udp(void *argument, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *address,
                   u16_t port)
{
    const struct udp_hdr *head = ip_next_header_ptr(); /* what several sockets get stands behind none */
    u16_t size = lwip_ntohs(head->len);
    bool unsummed = ip_current_is_v6() && !head->chksum && ip_current_input_netif()->chksum_flags & NETIF_CHECKSUM_CHECK_UDP;

    (void)pcb;
    if (size < UDP_HLEN || size - UDP_HLEN > p->tot_len || unsummed) { /* IPv6 has no other sum, so UDP's must be there */
        pbuf_free(p);
        return;
    }
    pbuf_realloc(p, (u16_t)(size - UDP_HLEN));
    keep(argument, p, address, port);
}

/* As lwIP finds it: who is connected to the sender, or else who is bound to just this address, or to any. */
struct connection *datagram_for(uint32_t to, uint16_t port, uint32_t from, uint16_t from_port)
{
    const struct udp_pcb *found = NULL;

    for (const struct udp_pcb *u = udp_pcbs; u; u = u->next) {
        bool any = IP_IS_ANY_TYPE_VAL(u->local_ip);
        uint32_t local = ip_2_ip4(&u->local_ip)->addr;
        if (u->local_port != port || (!any && (!IP_IS_V4_VAL(u->local_ip) || (local && local != to))) ||
            (u->netif_idx != NETIF_NO_INDEX && u->netif_idx != netif_get_index(&device)))
            continue;
        if (!(u->flags & UDP_FLAGS_CONNECTED) && (!found || (!any && local)))
            found = u;
        if (u->remote_port == from_port &&
            (ip_addr_isany_val(u->remote_ip) ||
             (IP_IS_V4_VAL(u->remote_ip) && ip_2_ip4(&u->remote_ip)->addr == from))) {
            found = u;
            break;
        }
    }
    return found && found->recv == on_udp ? found->recv_arg : NULL;
}

void datagram_input(struct connection *c, struct pbuf *p, uint32_t from, uint16_t port)
{
    ip_addr_t address = IPADDR4_INIT(from);
    keep(c, p, &address, port);
}

/* ---- ports where nobody is ---- */

#define QUOTED 8 /* bytes of ICMP before the packet that it is about */

/* A datagram of ours, from `head` (IP's) on, has come to nobody. Only who is connected can know which one it was. */
static void nobody_there(const uint8_t *head, unsigned size, bool six)
{
    unsigned at = six ? IP6_HLEN : (head[0] & 15) * 4U;
    ip_addr_t to = {0};
    uint16_t ports[2];

    if (size < at + sizeof ports || head[six ? 6 : 9] != IP_PROTO_UDP)
        return;
    memcpy(ports, head + at, sizeof ports);
    if (six)
        memcpy(ip_2_ip6(&to)->addr, head + 24, 16);
    else
        memcpy(ip_2_ip4(&to), head + 16, 4);
    IP_SET_TYPE_VAL(to, six ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4);
    for (struct udp_pcb *u = udp_pcbs; u; u = u->next) {
        struct connection *c = u->recv == on_udp ? u->recv_arg : NULL;
        bool same = IP_IS_V6_VAL(u->remote_ip) == six && (six ? ip6_addr_zoneless_eq(ip_2_ip6(&u->remote_ip), ip_2_ip6(&to))
                                                              : ip4_addr_eq(ip_2_ip4(&u->remote_ip), ip_2_ip4(&to)));
        if (c && c->s && u->flags & UDP_FLAGS_CONNECTED && same && u->local_port == lwip_ntohs(ports[0]) && u->remote_port == lwip_ntohs(ports[1])) {
            c->s->error = ECONNREFUSED;
            stack_caller->wake(c->s);
        }
    }
}

/* Looked at only: lwIP goes on with it. What is not whole is believed no more than any datagram without a sum. */
static u8_t on_icmp(void *argument, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *address)
{
    bool six = pcb->protocol == IP6_NEXTH_ICMP6;
    uint8_t bytes[140];
    unsigned size = pbuf_copy_partial(p, bytes, sizeof bytes, 0), at = six ? IP6_HLEN : (bytes[0] & 15) * 4U;

    (void)argument, (void)address;
    if (size > at + QUOTED + IP_HLEN && bytes[at] == (six ? ICMP6_TYPE_DUR : ICMP_DUR) && bytes[at + 1] == (six ? ICMP6_DUR_PORT : ICMP_DUR_PORT))
        nobody_there(bytes + at + QUOTED, size - at - QUOTED, six);
    return 0;
}

/* Of a type that the socket's owner does not want (RFC 3542, 3.2). */
static bool is_blocked(const struct aegis_socket *s, u8_t type)
{
    return s->words[WORD_BLOCKED + type / 64] >> type % 64 & 1;
}

/* Others may want it too: they get a copy. IPv4's header comes with it, as everywhere; IPv6's not. */
static u8_t on_raw(void *argument, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *address)
{
    const struct connection *c = argument;

    if (pcb->protocol == IP6_NEXTH_ICMP6 && IP_IS_V6(address) && is_blocked(c->s, pbuf_get_at(p, IP6_HLEN)))
        return 0;
    struct pbuf *copy = pbuf_clone(PBUF_RAW, PBUF_POOL, p);
    if (copy && IP_IS_V6(address))
        pbuf_remove_header(copy, IP6_HLEN);
    if (copy)
        keep(argument, copy, address, 0);
    return 0;
}

int datagram_open(struct connection *c, struct aegis_socket *s)
{
    u8_t type = s->family == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_ANY;

    if (c->kind == KIND_UDP) {
        c->udp = udp_new_ip_type(type);
        if (c->udp)
            udp_recv(c->udp, on_udp, c);
        return c->udp ? 0 : -ENOBUFS;
    }
    c->raw = raw_new_ip_type(s->family == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_V6,
                             (u8_t)s->protocol);
    if (!c->raw)
        return -ENOBUFS;
    raw_sockets++;
    raw_recv(c->raw, on_raw, c);
    if (s->protocol == IP6_NEXTH_ICMP6) {
        c->raw->chksum_reqd = 1;
        c->raw->chksum_offset = 2;
    }
    return 0;
}

void datagram_close(struct connection *c)
{
    while (c->first) {
        struct datagram *d = c->first;
        c->first = d->next;
        datagram_free(d);
    }
    memberships_end(c);
    if (c->kind == KIND_UDP)
        udp_remove(c->udp);
    else {
        raw_remove(c->raw);
        raw_sockets--;
    }
}

int datagram_bind(struct connection *c, const ip_addr_t *address, uint16_t port)
{
    if (c->kind == KIND_RAW)
        return error_of(raw_bind(c->raw, address));
    if (c->udp->local_port)
        return -EINVAL;
    int error = error_of(udp_bind(c->udp, address, port));
    if (!error)
        local_keep(c->s, address, c->udp->local_port);
    return error;
}

/* A port, if it has none and lwIP must not choose. */
static int name_any(struct connection *c)
{
    if (c->kind != KIND_UDP || c->udp->local_port || !ports_are_shared())
        return 0;
    return port_any_where(c);
}

int datagram_connect(struct connection *c, const ip_addr_t *address, uint16_t port)
{
    struct aegis_socket *s = c->s;

    if (!address) {
        if (c->kind == KIND_UDP)
            udp_disconnect(c->udp);
        else
            raw_disconnect(c->raw);
        s->state = SOCKET_UNCONNECTED;
        return 0;
    }
    int unnamed = name_any(c);
    if (unnamed)
        return unnamed;
    err_t error = c->kind == KIND_UDP ? udp_connect(c->udp, address, port)
                                      : raw_connect(c->raw, address);
    if (error)
        return error_of(error);
    s->state = SOCKET_CONNECTED;
    remote_keep(s, address, port);
    if (c->kind == KIND_UDP)
        local_keep(s, &c->udp->local_ip, c->udp->local_port);
    return 0;
}

/* ---- sending ---- */

/* The caller's bytes behind the header at `udp`, which gets its checksum. */
static int quick_fill(uint16_t *udp, const void *user, size_t size, uint64_t pseudo)
{
    long sum = device_offloads || (uintptr_t)user & 3 ? stack_caller->copy(udp + 4, user, size)
                                                      : stack_caller->copy_sum(udp + 4, user, size);

    if (sum < 0)
        return (int)sum;
    if (device_offloads)
        return 0;
    if ((uintptr_t)user & 3)
        sum = (long)words_add((const uint8_t *)(udp + 4), (unsigned)size);
    uint16_t check = (uint16_t)~sum_fold(pseudo + udp[0] + udp[1] + udp[2] + (uint64_t)sum);
    udp[3] = check ? check : 0xffff; /* 0 says that there is none */
    return 0;
}

/* Where it goes over IPv4: false, if that is not for sure. */
static bool quick_way(const struct udp_pcb *u, const struct stack_name *name, uint32_t *to, uint16_t *port)
{
    uint32_t ours = netif_ip4_addr(&device)->addr;

    if (!u->local_port || !ours || u->netif_idx != NETIF_NO_INDEX || IP_IS_V6_VAL(u->local_ip) ||
        (!IP_IS_ANY_TYPE_VAL(u->local_ip) && ip_2_ip4(&u->local_ip)->addr && ip_2_ip4(&u->local_ip)->addr != ours))
        return false;
    if (name->family == AF_INET) {
        memcpy(to, name->address, sizeof *to);
        *port = name->port;
        return true;
    }
    *to = ip_2_ip4(&u->remote_ip)->addr;
    *port = u->remote_port;
    return !name->family && u->flags & UDP_FLAGS_CONNECTED && IP_IS_V4_VAL(u->remote_ip);
}

ssize_t datagram_quick(struct aegis_socket *s, const void *user, size_t size, const struct stack_name *name)
{
    struct connection *c = connection_of(s);
    unsigned whole = UDP_HLEN + (unsigned)size;
    uint32_t to, ours = netif_ip4_addr(&device)->addr;
    uint16_t port;

    if (size > HEADER_MOST - 14 - IP_HLEN - UDP_HLEN || c->kind != KIND_UDP || !quick_way(c->udp, name, &to, &port))
        return -EAGAIN;
    const struct neighbour *k = neighbour_find(to);
    uint16_t *udp = k ? (uint16_t *)packet_begin(k, ours, IP_HLEN + whole, c->udp->ttl | IP_PROTO_UDP << 8, c->udp->tos)
                      : NULL;
    if (!udp)
        return -EAGAIN;
    udp[0] = lwip_htons(c->udp->local_port);
    udp[1] = lwip_htons(port);
    udp[2] = lwip_htons((u16_t)whole);
    udp[3] = 0;
    uint64_t pseudo = (uint64_t)to + ours + (IP_PROTO_UDP << 8) + udp[2];
    if (quick_fill(udp, user, size, pseudo))
        return -EFAULT;
    packet_end(14 + IP_HLEN + whole, NULL, 0);
    return (ssize_t)size;
}

void *datagram_make(struct aegis_socket *s, size_t size)
{
    if (size > DATAGRAM_MOST || size > s->send_limit)
        return NULL;
    return pbuf_alloc(s->type == SOCK_RAW ? PBUF_IP : PBUF_TRANSPORT, (u16_t)size,
                      size <= IN_ONE ? PBUF_RAM : PBUF_POOL);
}

size_t datagram_part(void *datagram, size_t at, void **bytes)
{
    for (struct pbuf *p = datagram; p; at -= p->len, p = p->next)
        if (at < p->len) {
            *bytes = (char *)p->payload + at;
            return p->len - at;
        }
    return 0;
}

/* From which it is to be. */
static ip_addr_t way_from(const struct aegis_socket *s, const struct stack_way *way)
{
    struct stack_name from = {.family = s->family};

    memcpy(from.address, way->address, sizeof from.address);
    return address_in(s, &from);
}

static err_t send_to(struct connection *c, struct pbuf *p, const struct stack_name *name, const struct stack_way *way)
{
    ip_addr_t from = way_from(c->s, way), to = address_in(c->s, name);
    uint16_t port = name->port;

    if (!name->family) {
        to = c->kind == KIND_UDP ? c->udp->remote_ip : c->raw->remote_ip;
        port = c->kind == KIND_UDP ? c->udp->remote_port : 0;
    }
    if (!(way->told & WAY_ADDRESS) || ip_addr_isany(&from) || IP_IS_ANY_TYPE_VAL(from))
        return c->kind == KIND_UDP ? udp_sendto(c->udp, p, &to, port) : raw_sendto(c->raw, p, &to);
    struct netif *out = ip_route(&from, &to);
    if (!out)
        return ERR_RTE;
    return c->kind == KIND_UDP ? udp_sendto_if_src(c->udp, p, &to, port, out, &from)
                               : raw_sendto_if_src(c->raw, p, &to, out, &from);
}

/* With the hops and the class of this one. */
static err_t send_by(struct connection *c, struct pbuf *p, const struct stack_name *name, const struct stack_way *way)
{
    struct ip_pcb *pcb = (struct ip_pcb *)c->udp; /* each kind begins with one */
    u8_t ttl = pcb->ttl, tos = pcb->tos;

    if (way->told & WAY_HOPS)
        pcb->ttl = way->hops;
    if (way->told & WAY_CLASS)
        pcb->tos = way->traffic_class;
    err_t error = send_to(c, p, name, way);
    pcb->ttl = ttl;
    pcb->tos = tos;
    return error;
}

static bool way_is_ours(struct aegis_socket *s, const struct stack_way *way)
{
    ip_addr_t from = way_from(s, way);

    return !(way->told & WAY_ADDRESS) || (address_local(&from) && !ip_addr_ismulticast(&from));
}

int datagram_send(struct aegis_socket *s, void *datagram, const struct stack_name *name, const struct stack_way *way)
{
    struct connection *c = connection_of(s);
    struct pbuf *p = datagram;
    err_t error = ERR_OK;

    int unnamed = !name ? 0 : way_is_ours(s, way) ? name_any(c) : -EINVAL;
    if (unnamed) {
        pbuf_free(p);
        return unnamed;
    }
    if (name) {
        bool cut = p->tot_len > IN_ONE;
        if (cut)
            device_checksums(true);
        error = send_by(c, p, name, way);
        if (cut)
            device_checksums(false);
    }
    pbuf_free(p);
    if (c->kind == KIND_UDP && !(s->words[WORD_LOCAL] & STACK_BOUND) && c->udp->local_port)
        local_keep(s, &c->udp->local_ip, c->udp->local_port);
    return error == ERR_VAL ? -EACCES : error_of(error);
}

/* ---- receiving ---- */

ssize_t datagram_peek(struct aegis_socket *s, void **datagram, struct stack_name *from)
{
    const struct datagram *d = connection_of(s)->first;

    if (!d)
        return s->shut & SOCKET_SHUT_READ ? 0 : -EAGAIN;
    *datagram = d->p;
    *from = d->from;
    return d->p->tot_len;
}

const struct stack_way *datagram_way(struct aegis_socket *s)
{
    return &connection_of(s)->first->way;
}

unsigned datagram_wants(struct aegis_socket *s)
{
    return connection_of(s)->wants;
}

void datagram_take(struct aegis_socket *s)
{
    struct connection *c = connection_of(s);
    struct datagram *d = c->first;

    if (!d)
        return;
    c->first = d->next;
    c->bytes -= d->p->tot_len;
    datagram_free(d);
    if (!c->first)
        s->words[WORD_EVENTS] &= ~(uint64_t)POLLIN;
}
