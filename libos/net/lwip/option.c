/* SPDX-License-Identifier: BSD-2-Clause */
/* Options, as lwIP's pcbs have them. WORD_OPTIONS keeps what a connection that is made anew needs. */
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "connection.h"
#include "lwip/igmp.h"
#include "lwip/mld6.h"

#define MEMBERSHIPS  32

#define KEPT_NODELAY (1UL << 0)
#define KEPT_TTL     8 /* bits 8 to 15: hops, or 0 */
#define KEPT_TOS     16
#define KEPT_IDLE    24 /* seconds, 16 bits */
#define KEPT_WANTS   40 /* WAY_* */
#define KEPT_V6ONLY  (1UL << 63)

static struct ip_pcb *pcb_of(const struct connection *c)
{
    return (struct ip_pcb *)c->udp; /* each begins with one */
}

void options_apply(struct connection *c)
{
    uint64_t kept = c->s->words[WORD_OPTIONS];
    struct ip_pcb *pcb = pcb_of(c);
    uint32_t on = c->s->switches;

    if (!pcb)
        return;
    pcb->so_options &= (u8_t)~(SOF_REUSEADDR | SOF_KEEPALIVE | SOF_BROADCAST);
    pcb->so_options |= (u8_t)((on >> SO_REUSEADDR & 1 ? SOF_REUSEADDR : 0) |
                              (on >> SO_KEEPALIVE & 1 ? SOF_KEEPALIVE : 0) |
                              (on >> SO_BROADCAST & 1 ? SOF_BROADCAST : 0));
    if (kept >> KEPT_TTL & 0xff)
        pcb->ttl = (u8_t)(kept >> KEPT_TTL);
    pcb->tos = (u8_t)(kept >> KEPT_TOS);
    c->wants = kept >> KEPT_WANTS & 7;
    if (c->kind != KIND_STREAM || c->s->state == SOCKET_LISTENING)
        return;
    if (kept & KEPT_NODELAY)
        tcp_nagle_disable(c->tcp);
    else
        tcp_nagle_enable(c->tcp);
    if (kept >> KEPT_IDLE & 0xffff)
        c->tcp->keep_idle = (u32_t)(kept >> KEPT_IDLE & 0xffff) * 1000;
}

static void keep(struct aegis_socket *s, unsigned shift, uint64_t bits, uint64_t value)
{
    s->words[WORD_OPTIONS] = (s->words[WORD_OPTIONS] & ~(bits << shift)) | (value & bits) << shift;
}

static int tcp_option_set(struct aegis_socket *s, int name, int value)
{
    struct connection *c = connection_of(s);

    if (s->type != SOCK_STREAM)
        return -ENOPROTOOPT;
    switch (name) {
    case TCP_NODELAY:
        keep(s, 0, 1, value != 0);
        return 0;
    case TCP_CORK: /* sent when it is taken off: NODELAY and MSG_MORE do the rest */
        if (!value && c->tcp && s->state == SOCKET_CONNECTED)
            tcp_output(c->tcp);
        return 0;
    case TCP_KEEPIDLE:
        if (value < 1 || value > 32767)
            return -EINVAL;
        keep(s, KEPT_IDLE, 0xffff, (uint64_t)value);
        return 0;
    case TCP_KEEPINTVL:
    case TCP_KEEPCNT:
        if (value < 1 || value > 32767)
            return -EINVAL;
        if (c->tcp && s->state != SOCKET_LISTENING && name == TCP_KEEPINTVL)
            c->tcp->keep_intvl = (u32_t)value * 1000;
        else if (c->tcp && s->state != SOCKET_LISTENING)
            c->tcp->keep_cnt = (u32_t)value;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int tcp_option_get(const struct aegis_socket *s, int name, int *value)
{
    const struct connection *c = connection_of(s);

    if (s->type != SOCK_STREAM)
        return -ENOPROTOOPT;
    switch (name) {
    case TCP_NODELAY:
        *value = (int)(s->words[WORD_OPTIONS] & KEPT_NODELAY);
        return 0;
    case TCP_MAXSEG:
        *value = c->tcp && s->state != SOCKET_LISTENING ? tcp_mss(c->tcp) : TCP_MSS;
        return 0;
    case TCP_CORK:
        *value = 0;
        return 0;
    case TCP_KEEPIDLE:
        *value = (int)(s->words[WORD_OPTIONS] >> KEPT_IDLE & 0xffff);
        *value = *value ? *value : 7200;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

/* What is to be told of each datagram: WAY_*, or 0. */
static unsigned want_of(int name)
{
    switch (name) {
    case IP_RECVTTL:
    case IPV6_RECVHOPLIMIT:
    case IPV6_HOPLIMIT: /* as RFC 2292 had it */
        return WAY_HOPS;
    case IP_RECVTOS:
    case IPV6_RECVTCLASS:
        return WAY_CLASS;
    case IP_PKTINFO:
    case IPV6_RECVPKTINFO:
        return WAY_ADDRESS;
    default:
        return 0;
    }
}

static int want_set(struct aegis_socket *s, unsigned want, bool on)
{
    uint64_t bits = (uint64_t)want << KEPT_WANTS;

    if (s->type == SOCK_STREAM)
        return -ENOPROTOOPT;
    s->words[WORD_OPTIONS] = (s->words[WORD_OPTIONS] & ~bits) | (on ? bits : 0);
    return 0;
}

/* IPv4's and IPv6's are alike. */
static int ip_option_set(struct aegis_socket *s, int name, int value)
{
    struct connection *c = connection_of(s);

    if (want_of(name))
        return want_set(s, want_of(name), value != 0);
    switch (name) {
    case IP_TTL:
    case IPV6_UNICAST_HOPS:
        if (value < -1 || value == 0 || value > 255)
            return -EINVAL;
        keep(s, KEPT_TTL, 0xff, value == -1 ? 64 : (uint64_t)value);
        return 0;
    case IP_TOS:
    case IPV6_TCLASS:
        if (value < -1 || value > 255)
            return -EINVAL;
        value = value == -1 ? 0 : value;
        keep(s, KEPT_TOS, 0xff, (uint64_t)value);
        return 0;
    case IP_MULTICAST_TTL:
    case IPV6_MULTICAST_HOPS:
        if (c->kind != KIND_UDP || value < -1 || value > 255)
            return -EINVAL;
        udp_set_multicast_ttl(c->udp, (u8_t)(value == -1 ? 1 : value));
        return 0;
    case IP_MULTICAST_LOOP:
    case IPV6_MULTICAST_LOOP:
        return c->kind == KIND_UDP ? 0 : -EINVAL;
    case IPV6_V6ONLY:
        if (s->family != AF_INET6 || s->words[WORD_LOCAL] & STACK_BOUND)
            return -EINVAL;
        keep(s, 63, 1, value != 0);
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int ip_option_get(const struct aegis_socket *s, int name, int *value)
{
    const struct connection *c = connection_of(s);
    uint64_t kept = s->words[WORD_OPTIONS];

    if (want_of(name)) {
        *value = (kept >> KEPT_WANTS & want_of(name)) != 0;
        return 0;
    }
    switch (name) {
    case IP_TTL:
    case IPV6_UNICAST_HOPS:
        *value = kept >> KEPT_TTL & 0xff ? (int)(kept >> KEPT_TTL & 0xff) : 64;
        return 0;
    case IP_TOS:
    case IPV6_TCLASS:
        *value = (int)(kept >> KEPT_TOS & 0xff);
        return 0;
    case IP_MULTICAST_TTL:
    case IPV6_MULTICAST_HOPS:
        *value = c->kind == KIND_UDP ? udp_get_multicast_ttl(c->udp) : 1;
        return 0;
    case IPV6_V6ONLY:
        *value = (kept & KEPT_V6ONLY) != 0;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

int stack_option_set(struct aegis_socket *s, int level, int name, int value)
{
    int error = 0;

    if (level == IPPROTO_TCP)
        error = tcp_option_set(s, name, value);
    else if (level == IPPROTO_IP || level == IPPROTO_IPV6)
        error = ip_option_set(s, name, value);
    else if (level != SOL_SOCKET)
        error = -ENOPROTOOPT;
    if (!error)
        options_apply(connection_of(s));
    return error;
}

int stack_option_get(struct aegis_socket *s, int level, int name, int *value)
{
    if (level == IPPROTO_TCP)
        return tcp_option_get(s, name, value);
    if (level == IPPROTO_IP || level == IPPROTO_IPV6)
        return ip_option_get(s, name, value);
    return -ENOPROTOOPT;
}

/* ---- groups ---- */

/* Who has joined what: lwIP only counts how many have. */
static struct membership {
    const struct connection *of; /* null: nobody */
    ip_addr_t group;
} memberships[MEMBERSHIPS];

static struct membership *membership_find(const struct connection *c, const ip_addr_t *group)
{
    for (struct membership *m = memberships; m < memberships + MEMBERSHIPS; m++)
        if (m->of == c && (!c || ip_addr_eq(&m->group, group)))
            return m;
    return NULL;
}

static int membership_end(struct membership *m)
{
    m->of = NULL;
    return error_of(IP_IS_V4(&m->group) ? igmp_leavegroup_netif(&device, ip_2_ip4(&m->group))
                                        : mld6_leavegroup_netif(&device, ip_2_ip6(&m->group)));
}

static int membership_begin(const struct connection *c, const ip_addr_t *group)
{
    struct membership *m = membership_find(NULL, NULL);

    if (!m)
        return -ENOBUFS;
    int error = error_of(IP_IS_V4(group) ? igmp_joingroup_netif(&device, ip_2_ip4(group)) : mld6_joingroup_netif(&device, ip_2_ip6(group)));
    if (!error)
        *m = (struct membership){c, *group};
    return error;
}

void memberships_end(const struct connection *c)
{
    for (struct membership *m = memberships; m < memberships + MEMBERSHIPS; m++)
        if (m->of == c)
            membership_end(m);
}

int stack_membership(struct aegis_socket *s, const struct stack_name *group, bool join)
{
    const struct connection *c = connection_of(s);
    ip_addr_t a = address_in(s, group);

    if (!ip_addr_ismulticast(&a))
        return -EINVAL;
    struct membership *m = membership_find(c, &a);
    if (join)
        return m ? -EADDRINUSE : membership_begin(c, &a);
    return m ? membership_end(m) : -EADDRNOTAVAIL;
}
