/* SPDX-License-Identifier: BSD-2-Clause */
/* The default stack, lwIP: its sockets, their names and options. Being it: inside.c; bytes: inet_transfer.c. */
#include <net/if.h>
#include <netinet/icmp6.h>
#include <poll.h>

#include "inet.h"
#include "inside.h"

/* ---- sockets ---- */

static int type_check(const struct aegis_socket *s)
{
    switch (s->type) {
    case SOCK_STREAM:
        return !s->protocol || s->protocol == IPPROTO_TCP ? 0 : -EPROTONOSUPPORT;
    case SOCK_DGRAM:
        return !s->protocol || s->protocol == IPPROTO_UDP ? 0 : -EPROTONOSUPPORT;
    case SOCK_RAW:
        return process_self->euid ? -EPERM : s->protocol && s->protocol < 256 ? 0 : -EPROTONOSUPPORT;
    default:
        return -EPROTOTYPE;
    }
}

static int inet_make(struct aegis_socket *s)
{
    int error = type_check(s);
    bool first = !stack_joined();

    if (!error)
        error = stack_join();
    if (error)
        return error;
    if (!s->protocol)
        s->protocol = s->type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
    if (first)
        stack_configuration_await();
    enter();
    error = STACK_IMAGE->make(s);
    leave();
    return error;
}

static void inet_close(struct aegis_socket *s)
{
    if (!s->words[WORD_CONNECTION] || stack_join())
        return;
    enter();
    STACK_IMAGE->close(s);
    run_inside();
    leave();
}

/* AF_UNSPEC: family 0. */
int inet_name_take(const struct aegis_socket *s, const struct sockaddr *name, socklen_t size,
                     struct stack_name *taken)
{
    *taken = (struct stack_name){.family = s->family};
    if (size < sizeof name->sa_family)
        return -EINVAL;
    if (name->sa_family == AF_UNSPEC) {
        taken->family = 0;
        return 0;
    }
    if (name->sa_family != s->family)
        return -EAFNOSUPPORT;
    if (s->family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)name;
        if (size < sizeof *in)
            return -EINVAL;
        taken->port = ntohs(in->sin_port);
        memcpy(taken->address, &in->sin_addr, 4);
    } else {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)name;
        if (size < sizeof *in - sizeof in->sin6_scope_id)
            return -EINVAL;
        taken->port = ntohs(in->sin6_port);
        taken->scope = size >= sizeof *in ? in->sin6_scope_id : 0;
        memcpy(taken->address, &in->sin6_addr, 16);
    }
    return 0;
}

void inet_name_give(const struct stack_name *from, struct sockaddr_storage *name, socklen_t *size)
{
    if (from->family == AF_INET) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(from->port)};
        memcpy(&in.sin_addr, from->address, 4);
        memcpy(name, &in, sizeof in);
        *size = sizeof in;
    } else {
        struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = htons(from->port),
                                  .sin6_scope_id = from->scope};
        memcpy(&in.sin6_addr, from->address, 16);
        memcpy(name, &in, sizeof in);
        *size = sizeof in;
    }
}

static int inet_bind(struct aegis_socket *s, const struct sockaddr *name, socklen_t size)
{
    struct stack_name n;
    int error = inet_name_take(s, name, size, &n);

    if (!error && !n.family)
        error = -EAFNOSUPPORT;
    if (!error && n.port && n.port < IPPORT_RESERVED && process_self->euid)
        error = -EACCES;
    if (!error && s->words[WORD_LOCAL] & STACK_BOUND)
        error = -EINVAL;
    return error ? error : INSIDE(s, STACK_IMAGE->bind(s, &n));
}

static int inet_connect(struct aegis_socket *s, struct aegis_transfer *t)
{
    struct stack_name n;
    int error = inet_name_take(s, (const struct sockaddr *)&t->name, t->name_size, &n);

    return error ? error : INSIDE(s, STACK_IMAGE->connect(s, &n));
}

static int inet_listen(struct aegis_socket *s, int backlog)
{
    unsigned n = backlog < 1 ? 1 : backlog > SOMAXCONN ? SOMAXCONN : (unsigned)backlog;
    return INSIDE(s, STACK_IMAGE->listen(s, n));
}

static int inet_accept(struct aegis_socket *s, struct aegis_socket *into)
{
    return INSIDE(s, STACK_IMAGE->accept(s, into));
}

static int inet_shutdown(struct aegis_socket *s, unsigned how)
{
    return INSIDE(s, STACK_IMAGE->shutdown(s, how));
}

static int inet_address(struct aegis_socket *s, int peer, struct sockaddr_storage *name,
                        socklen_t *size)
{
    struct stack_name n = kept_name(s, peer ? WORD_REMOTE : WORD_LOCAL);

    if (peer && s->state != SOCKET_CONNECTED)
        return -ENOTCONN;
    inet_name_give(&n, name, size);
    return 0;
}

/* ---- options, interfaces ---- */

_Static_assert(sizeof(struct icmp6_filter) == 4 * sizeof(uint64_t), "WORD_BLOCKED");

/* Whether it is of raw ICMP for IPv6 (RFC 3542, 3.2), which alone has it. */
static bool is_type_filter(const struct aegis_socket *s, int level, int name)
{
    return level == IPPROTO_ICMPV6 && name == ICMP6_FILTER && s->type == SOCK_RAW && s->protocol == IPPROTO_ICMPV6;
}

static int option_get(struct aegis_socket *s, int level, int name, void *value, socklen_t *size)
{
    int number = 0;

    if (is_type_filter(s, level, name)) {
        *size = sizeof(struct icmp6_filter);
        memcpy(value, &s->words[WORD_BLOCKED], *size);
        return 0;
    }
    int error = INSIDE(s, STACK_IMAGE->option_get(s, level, name, &number));

    memcpy(value, &number, sizeof number);
    *size = sizeof number;
    return error;
}

/* struct ip_mreq and struct ipv6_mreq. */
static int member_set(struct aegis_socket *s, int name, const void *value, socklen_t size)
{
    struct stack_name group = {.family = name == IPV6_JOIN_GROUP || name == IPV6_LEAVE_GROUP
                                             ? AF_INET6
                                             : AF_INET};
    size_t length = group.family == AF_INET ? 4 : 16;

    if (size < (group.family == AF_INET ? sizeof(struct ip_mreq) : sizeof(struct ipv6_mreq)) ||
        s->type != SOCK_DGRAM)
        return -EINVAL;
    memcpy(group.address, value, length);
    bool joins = name == IP_ADD_MEMBERSHIP || name == IPV6_JOIN_GROUP;
    return INSIDE(s, STACK_IMAGE->membership(s, &group, joins));
}

static int option_set(struct aegis_socket *s, int level, int name, const void *value, socklen_t size)
{
    int number = 0;

    if ((level == IPPROTO_IP && (name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP)) ||
        (level == IPPROTO_IPV6 && (name == IPV6_JOIN_GROUP || name == IPV6_LEAVE_GROUP)))
        return member_set(s, name, value, size);
    if (is_type_filter(s, level, name)) {
        if (size != sizeof(struct icmp6_filter))
            return -EINVAL;
        memcpy(&s->words[WORD_BLOCKED], value, size);
        return 0;
    }
    if (level != SOL_SOCKET && size < 1)
        return -EINVAL;
    memcpy(&number, value, size < sizeof number ? size : sizeof number);
    return INSIDE(s, STACK_IMAGE->option_set(s, level, name, number));
}

static size_t inet_there(struct aegis_socket *s)
{
    enter();
    size_t n = s->words[WORD_CONNECTION] ? STACK_IMAGE->there(s) : 0;
    leave();
    return n;
}

static unsigned inet_events(struct aegis_socket *s)
{
    return (unsigned)s->words[WORD_EVENTS] | (s->error ? POLLERR : 0);
}

static int inet_interface(unsigned i, struct aegis_interface *interface)
{
    bool first = !stack_joined();

    if (stack_join())
        return -ENXIO;
    if (first)
        stack_configuration_await();
    enter();
    int error = STACK_IMAGE->interface(i, interface);
    leave();
    return error;
}

static const struct netstack inet_stack = {
    .name = "lwip",
    .join = stack_join,
    .make = inet_make,
    .close = inet_close,
    .bind = inet_bind,
    .connect = inet_connect,
    .listen = inet_listen,
    .accept = inet_accept,
    .send = inet_send,
    .receive = inet_receive,
    .shutdown = inet_shutdown,
    .address = inet_address,
    .option_get = option_get,
    .option_set = option_set,
    .there = inet_there,
    .events = inet_events,
    .await = stack_await,
    .run = stack_run,
    .end = stack_end,
    .interface = inet_interface,
};

__attribute__((weak)) const struct netstack *const aegis_netstack = &inet_stack;
