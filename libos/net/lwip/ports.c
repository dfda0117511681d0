/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose a port is. The session's stack has those of its filters, which is all ports or a range that was given; but for those for
 * which some process has a filter of its own beneath them (programs.c). On the loopback all are ours.
 */
#include <aegis/exposed.h>

#include "connection.h"
#include "lwip/priv/tcp_priv.h"

#define PROTOCOL_AT 23 /* of a frame without IP options */
#define PORT_AT     36

static bool atom_takes(const struct net_program *p, unsigned at, unsigned value)
{
    for (unsigned i = 0; i < p->count && i < NET_PROGRAM_ATOMS; i++)
        if (p->atom[i].offset == at && p->atom[i].kind == AEGIS_ATOM_EQ)
            return p->atom[i].low == value;
        else if (p->atom[i].offset == at && p->atom[i].kind == AEGIS_ATOM_RANGE)
            return p->atom[i].low <= value && value <= p->atom[i].high;
    return false;
}

/* A filter that is there, as who installed it said. */
static bool is_held(unsigned protocol, unsigned port)
{
    const struct net_program *p = NETWORK->programs, *end = p ? p + NET_PROGRAMS : p;

    for (; p < end; p++)
        if (p->check && AEGIS_EXPOSED_STATE->net.filter[p->filter % AEGIS_FILTERS].check == p->check && atom_takes(p, PROTOCOL_AT, protocol) &&
            atom_takes(p, PORT_AT, port))
            return true;
    return false;
}

int port_check(unsigned protocol, const ip_addr_t *address, unsigned port)
{
    const struct net_given *g = &NETWORK->given;

    if (!port || ip_addr_isloopback(address))
        return 0;
    if (g->address && (g->protocol != protocol || port < g->first || port > g->last))
        return -EACCES;
    return is_held(protocol, port) ? -EADDRINUSE : 0;
}

bool ports_are_shared(void)
{
    return NETWORK->given.address || NETWORK->programs;
}

/* As lwIP would, from a random one on, but of ours, and of those that nobody has a filter for. */
int port_any(struct connection *c, const ip_addr_t *address)
{
    const struct net_given *g = &NETWORK->given;
    unsigned protocol = c->kind == KIND_STREAM ? IP_PROTO_TCP : IP_PROTO_UDP;
    bool ours = g->address && g->protocol == protocol;
    unsigned first = ours ? g->first : 0xc000, count = (ours ? g->last : 0xffffU) - first + 1, from = stack_random();
    int error = -EADDRINUSE;

    for (unsigned n = 0; error == -EADDRINUSE && n < count; n++) {
        uint16_t port = (uint16_t)(first + (from + n) % count);
        if (!is_held(protocol, port))
            error = c->kind == KIND_STREAM ? stream_bind(c, address, port) : datagram_bind(c, address, port);
    }
    return error;
}

int port_any_where(struct connection *c)
{
    ip_addr_t address = ((const struct ip_pcb *)c->udp)->local_ip; /* each kind begins with one */
    int error = port_any(c, &address);

    return error == -EADDRINUSE ? -EADDRNOTAVAIL : error;
}

static bool list_uses(const struct tcp_pcb *pcb, unsigned first, unsigned last)
{
    for (; pcb; pcb = pcb->next)
        if (pcb->local_port >= first && pcb->local_port <= last && !ip_addr_isloopback(&pcb->local_ip))
            return true;
    return false;
}

bool stack_ports_used(unsigned protocol, unsigned first, unsigned last)
{
    if (protocol == IP_PROTO_TCP)
        return list_uses(tcp_bound_pcbs, first, last) || list_uses((const struct tcp_pcb *)tcp_listen_pcbs.listen_pcbs, first, last) ||
               list_uses(tcp_active_pcbs, first, last);
    for (const struct udp_pcb *u = udp_pcbs; protocol == IP_PROTO_UDP && u; u = u->next)
        if (u->local_port >= first && u->local_port <= last && !ip_addr_isloopback(&u->local_ip))
            return true;
    return false;
}
