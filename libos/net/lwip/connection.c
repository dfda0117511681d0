/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections: found, named, told of; addresses between the two notations. */
#include "connection.h"

static struct connection table[CONNECTIONS];
static struct connection *free_list;

void connections_start(void)
{
    for (unsigned i = CONNECTIONS; i--;) {
        table[i].next = free_list;
        free_list = &table[i];
    }
}

struct connection *connection_new(enum connection_kind kind)
{
    struct connection *c = free_list;

    if (c) {
        free_list = c->next;
        *c = (struct connection){.kind = (uint8_t)kind};
    }
    return c;
}

void connection_free(struct connection *c)
{
    *c = (struct connection){.next = free_list};
    free_list = c;
}

struct aegis_socket *stack_left(unsigned i);
struct aegis_socket *stack_left(unsigned i)
{
    for (unsigned n = 0; n < CONNECTIONS; n++)
        if (table[n].s && !i--)
            return table[n].s;
    return NULL;
}

void connection_attach(struct connection *c, struct aegis_socket *s)
{
    c->s = s;
    s->words[WORD_CONNECTION] = (uintptr_t)c;
    s->words[WORD_GENERATION] = NETWORK->generation;
    if (c->error)
        connection_fail(c, c->error);
}

static unsigned events_of(const struct connection *c)
{
    unsigned error = c->s->error ? POLLERR : 0;

    if (c->kind == KIND_STREAM)
        return error | stream_events(c);
    return error | POLLOUT | (c->first || c->s->shut & SOCKET_SHUT_READ ? POLLIN : 0);
}

void connection_changed(struct connection *c)
{
    if (!c->s)
        return;
    c->s->words[WORD_EVENTS] = events_of(c);
    stack_caller->wake(c->s);
}

void connection_fail(struct connection *c, int error)
{
    if (!c->s) {
        c->error = error;
        return;
    }
    if (error)
        c->s->error = error;
    c->s->state = SOCKET_UNCONNECTED;
    connection_changed(c);
}

int error_of(err_t error)
{
    static const uint8_t of[] = {
        0,         ENOBUFS,    ENOBUFS, ETIMEDOUT, ENETUNREACH, EINPROGRESS,  EINVAL,     EAGAIN, EADDRINUSE,
        EALREADY,  EISCONN,    ENOTCONN, ENXIO,    ECONNABORTED, ECONNRESET,  0,          EINVAL,
    };
    unsigned i = (unsigned)-error;
    return i < sizeof of ? -of[i] : -EIO;
}

/* An IPv6 socket takes IPv4 too, as mapped addresses, unless it was told not to. */
ip_addr_t address_in(const struct aegis_socket *s, const struct stack_name *name)
{
    ip_addr_t a = {0};

    if (name->family == AF_INET) {
        memcpy(ip_2_ip4(&a), name->address, 4);
        IP_SET_TYPE_VAL(a, IPADDR_TYPE_V4);
        return a;
    }
    memcpy(ip_2_ip6(&a)->addr, name->address, 16);
    IP_SET_TYPE_VAL(a, IPADDR_TYPE_V6);
    if (ip6_addr_isipv4mappedipv6(ip_2_ip6(&a))) {
        uint32_t four = ip_2_ip6(&a)->addr[3];
        ip_addr_set_ip4_u32_val(a, four);
    } else if (ip6_addr_isany(ip_2_ip6(&a))) {
        if (s->family == AF_INET6 && !(s->words[WORD_OPTIONS] >> 63))
            IP_SET_TYPE_VAL(a, IPADDR_TYPE_ANY);
    } else if (ip6_addr_islinklocal(ip_2_ip6(&a)) || ip6_addr_ismulticast(ip_2_ip6(&a))) {
        ip6_addr_set_zone(ip_2_ip6(&a), name->scope ? (u8_t)name->scope : netif_get_index(&device));
    }
    return a;
}

void address_out(const struct aegis_socket *s, struct stack_name *name, const ip_addr_t *address,
                 uint16_t port)
{
    *name = (struct stack_name){.family = s->family, .port = port};
    if (IP_IS_V4(address) && s->family == AF_INET) {
        memcpy(name->address, ip_2_ip4(address), 4);
    } else if (IP_IS_V4(address)) {
        name->address[10] = name->address[11] = 0xff;
        memcpy(name->address + 12, ip_2_ip4(address), 4);
    } else {
        memcpy(name->address, ip_2_ip6(address)->addr, 16);
        name->scope = ip6_addr_zone(ip_2_ip6(address));
    }
}

bool address_local(const ip_addr_t *address)
{
    struct netif *n;

    if (ip_addr_isany(address) || ip_addr_ismulticast(address) || IP_IS_ANY_TYPE_VAL(*address))
        return true;
    if (IP_IS_V4(address) && ip_2_ip4(address)->addr == PP_HTONL(IPADDR_BROADCAST))
        return true;
    if (IP_IS_V4(address) && ip4_addr_isloopback(ip_2_ip4(address)))
        return true;
    NETIF_FOREACH(n) {
        if (IP_IS_V4(address) ? ip4_addr_eq(netif_ip4_addr(n), ip_2_ip4(address))
                              : netif_get_ip6_addr_match(n, ip_2_ip6(address)) >= 0)
            return true;
    }
    return false;
}

static void name_keep(struct aegis_socket *s, unsigned word, const ip_addr_t *address,
                      uint16_t port)
{
    struct stack_name name;

    address_out(s, &name, address, port);
    memcpy(&s->words[word + 1], name.address, 16);
    s->words[word] = port;
}

void local_keep(struct aegis_socket *s, const ip_addr_t *address, uint16_t port)
{
    name_keep(s, WORD_LOCAL, address, port);
    s->words[WORD_LOCAL] |= STACK_BOUND;
}

void remote_keep(struct aegis_socket *s, const ip_addr_t *address, uint16_t port)
{
    name_keep(s, WORD_REMOTE, address, port);
}
