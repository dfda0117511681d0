/* SPDX-License-Identifier: BSD-2-Clause */
/* netstack_raw: sockets of AF_INET, SOCK_DGRAM over raw.h. They are of the process that made them. */
#include <netinet/in.h>
#include <poll.h>
#include <string.h>

#include "raw.h"

#define WAITING 32 /* datagrams of a socket; what comes then is dropped */

/* Words of a socket. */
enum { PORT, OWNER, REMOTE, REMOTE_PORT };

/* What has come and was not read, in order. */
static struct raw_datagram pending[RAW_BUFFERS];
static struct aegis_socket *pending_of[RAW_BUFFERS];
static unsigned pending_count;
/* The sockets, by place in raw.port. */
static struct aegis_socket *sockets[RAW_PORTS];

static bool ours(const struct aegis_socket *s)
{
    return s->words[OWNER] == session_me && raw.owner == session_me;
}

static struct aegis_socket *socket_of_port(uint16_t number)
{
    struct raw_port *p = number ? raw_port_find(number) : NULL;
    return p ? sockets[p - raw.port] : NULL;
}

static unsigned waiting(const struct aegis_socket *s)
{
    unsigned n = 0;

    for (unsigned i = 0; i < pending_count; i++)
        n += pending_of[i] == s;
    return n;
}

static void pending_drop(unsigned i)
{
    pending_count--;
    memmove(&pending[i], &pending[i + 1], (pending_count - i) * sizeof *pending);
    memmove(&pending_of[i], &pending_of[i + 1], (pending_count - i) * sizeof *pending_of);
}

/* Connected: from the peer only. */
static bool wanted(const struct aegis_socket *s, const struct raw_datagram *d)
{
    return s && waiting(s) < WAITING &&
           (s->state != SOCKET_CONNECTED || (d->from == s->words[REMOTE] && d->from_port == s->words[REMOTE_PORT]));
}

static void take_in(void)
{
    struct raw_datagram d;

    while (pending_count < RAW_BUFFERS && raw_next(&d)) {
        struct aegis_socket *s = socket_of_port(d.port);
        if (!wanted(s, &d)) {
            raw_done(&d);
            continue;
        }
        pending_of[pending_count] = s;
        pending[pending_count++] = d;
        raw_neighbour_learn((d.from ^ raw.address) & raw.mask ? raw.gateway : d.from,
                            d.bytes - RAW_HEADERS + 6);
        aegis_socket_changed(s);
    }
}

static int make(struct aegis_socket *s)
{
    if (s->family != AF_INET || s->type != SOCK_DGRAM || (s->protocol && s->protocol != IPPROTO_UDP))
        return -EPROTONOSUPPORT;
    int error = raw_start();
    s->words[OWNER] = session_me;
    return error;
}

static void shut(struct aegis_socket *s)
{
    if (!ours(s) || socket_of_port((uint16_t)s->words[PORT]) != s)
        return;
    for (unsigned i = pending_count; i--;)
        if (pending_of[i] == s) {
            raw_done(&pending[i]);
            pending_drop(i);
        }
    sockets[raw_port_find((uint16_t)s->words[PORT]) - raw.port] = NULL;
    raw_close((uint16_t)s->words[PORT]);
}

static int port_give(struct aegis_socket *s, uint16_t number)
{
    int error = raw_open(number);

    if (!error) {
        s->words[PORT] = number;
        sockets[raw_port_find(number) - raw.port] = s;
    }
    return error;
}

/* Any that is free, if it has none. */
static int port_any(struct aegis_socket *s)
{
    int error = s->words[PORT] ? 0 : -EADDRINUSE;

    for (unsigned i = 0; error == -EADDRINUSE && i < 1000; i++)
        error = port_give(s, (uint16_t)(49152 + (time_now() / 7 + i) % 16384));
    return error;
}

static int bind_to(struct aegis_socket *s, const struct sockaddr *name, socklen_t size)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)name;

    if (size < sizeof *in || in->sin_family != AF_INET || s->words[PORT])
        return -EINVAL;
    if (!ours(s))
        return -EBADF;
    if (in->sin_addr.s_addr && in->sin_addr.s_addr != raw.address)
        return -EADDRNOTAVAIL;
    return in->sin_port ? port_give(s, ntohs(in->sin_port)) : port_any(s);
}

static int connect_to(struct aegis_socket *s, struct aegis_transfer *t)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&t->name;
    int error = ours(s) ? 0 : -EBADF;

    if (!error && t->name_size >= sizeof in->sin_family && in->sin_family == AF_UNSPEC) {
        s->state = SOCKET_UNCONNECTED;
        return 0;
    }
    if (!error && (t->name_size < sizeof *in || in->sin_family != AF_INET))
        error = -EINVAL;
    if (!error)
        error = port_any(s);
    if (error)
        return error;
    s->words[REMOTE] = in->sin_addr.s_addr;
    s->words[REMOTE_PORT] = ntohs(in->sin_port);
    s->state = SOCKET_CONNECTED;
    return 0;
}

static ssize_t send_to(struct aegis_socket *s, struct aegis_transfer *t)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&t->name;
    uint8_t bytes[RAW_MOST];

    if (!ours(s))
        return -EBADF;
    if (!t->name_size && s->state != SOCKET_CONNECTED)
        return -EDESTADDRREQ;
    if (t->name_size && (t->name_size < sizeof *in || in->sin_family != AF_INET))
        return -EINVAL;
    if (t->size > sizeof bytes)
        return -EMSGSIZE;
    if (aegis_transfer_take(t, 0, bytes, t->size))
        return -EFAULT;
    int error = port_any(s);
    if (error)
        return error;
    uint32_t to = t->name_size ? in->sin_addr.s_addr : (uint32_t)s->words[REMOTE];
    uint16_t port = t->name_size ? ntohs(in->sin_port) : (uint16_t)s->words[REMOTE_PORT];
    error = raw_send((uint16_t)s->words[PORT], to, port, bytes, t->size);
    if (!error && !(t->flags & MSG_BATCH))
        raw_flush();
    return error ? error : (ssize_t)t->size;
}

static ssize_t receive(struct aegis_socket *s, struct aegis_transfer *t)
{
    uint64_t seen = aegis_channel_seen(&s->readable);
    unsigned i = 0;

    if (!ours(s))
        return -EBADF;
    take_in();
    while (i < pending_count && pending_of[i] != s)
        i++;
    if (i == pending_count)
        return aegis_transfer_wait(t, &s->readable, seen);
    const struct raw_datagram *d = &pending[i];
    size_t n = d->size < t->size ? d->size : t->size;
    if (aegis_transfer_put(t, 0, d->bytes, n))
        return -EFAULT;
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons(d->from_port), .sin_addr.s_addr = d->from};
    memcpy(&t->name, &from, sizeof from);
    t->name_size = sizeof from;
    t->flags_out |= n < d->size ? MSG_TRUNC : 0;
    ssize_t result = t->flags & MSG_TRUNC ? (ssize_t)d->size : (ssize_t)n;
    if (!(t->flags & MSG_PEEK)) {
        raw_done(d);
        pending_drop(i);
    }
    return result;
}

static int address(struct aegis_socket *s, int peer, struct sockaddr_storage *name, socklen_t *size)
{
    struct sockaddr_in in = {.sin_family = AF_INET};

    if (peer && s->state != SOCKET_CONNECTED)
        return -ENOTCONN;
    in.sin_addr.s_addr = peer ? (uint32_t)s->words[REMOTE] : raw.address;
    in.sin_port = htons((uint16_t)s->words[peer ? REMOTE_PORT : PORT]);
    memcpy(name, &in, sizeof in);
    *size = sizeof in;
    return 0;
}

static size_t there(struct aegis_socket *s)
{
    take_in();
    for (unsigned i = 0; i < pending_count; i++)
        if (pending_of[i] == s)
            return pending[i].size;
    return 0;
}

static unsigned events(struct aegis_socket *s)
{
    return POLLOUT | (waiting(s) ? POLLIN : 0);
}

/* Our ring's count, and the session's stack's, which answers for our address. */
static unsigned await(struct aegis_predicate *p, uint64_t *deadline)
{
    if (raw.owner != session_me)
        return 0;
    raw_flush();
    *p = (struct aegis_predicate){(uint16_t)raw.ring_slot, AEGIS_NE, 8, offsetof(struct aegis_ring, received), raw.received};
    return 1 + stack_await(p + 1, deadline);
}

static void run(void)
{
    take_in();
    stack_run();
}

const struct netstack netstack_raw = {.name = "raw", .make = make, .close = shut, .bind = bind_to, .connect = connect_to,
                                      .send = send_to, .receive = receive, .address = address, .there = there,
                                      .events = events, .await = await, .run = run};
