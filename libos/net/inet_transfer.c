/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes through the default stack: streams and datagrams, sent and received. */
#include <netinet/in.h>

#include "inet.h"
#include "inside.h"

#define DATAGRAM_MOST 65507 /* larger than a frame: cut, and put together again by the receiver */

/* ---- streams ---- */

static ssize_t stream_send_part(struct aegis_socket *s, struct aegis_transfer *t)
{
    void *user;
    size_t left = t->size - t->done, n = aegis_transfer_part(t, 0, &user);
    bool more = t->flags & MSG_MORE || n < left;

    if (!n || n > left)
        return -EFAULT;
    return STACK_IMAGE->stream_send(s, user, n, more || n < left, n == t->size ? t->sum : AEGIS_NO_SUM);
}

/* What does not fit now may, when acknowledgements that wait in the ring were taken in. */
static ssize_t stream_send_now(struct aegis_socket *s, struct aegis_transfer *t)
{
    ssize_t sum = 0, n = 0;

    while (t->done < t->size && (n = stream_send_part(s, t)) > 0) {
        sum += n;
        t->done += (size_t)n;
    }
    if (!(t->flags & MSG_BATCH) || n < 0)
        run_inside();
    t->done -= (size_t)sum;
    return sum ? sum : n;
}

/* ---- receiving ---- */

static ssize_t stream_receive_now(struct aegis_socket *s, struct aegis_transfer *t)
{
    size_t want = t->size - t->done, at = 0;
    const void *bytes;
    ssize_t n = 0;

    while (at < want &&
           (n = STACK_IMAGE->stream_peek(s, t->flags & MSG_PEEK ? at : 0, &bytes)) > 0) {
        size_t part = (size_t)n < want - at ? (size_t)n : want - at;
        if (aegis_transfer_put(t, at, bytes, part))
            return at ? (ssize_t)at : -EFAULT;
        if (!(t->flags & MSG_PEEK))
            STACK_IMAGE->stream_take(s, part);
        at += part;
    }
    return at ? (ssize_t)at : want ? n : 0;
}

/* ---- how a datagram went, and is to go ---- */

static void way_tell(struct aegis_socket *s, struct aegis_transfer *t, const struct stack_way *way)
{
    bool six = s->family == AF_INET6;
    int level = six ? IPPROTO_IPV6 : IPPROTO_IP, hops = way->hops, class = way->traffic_class;

    if (way->told & WAY_HOPS)
        aegis_transfer_tell(t, level, six ? IPV6_HOPLIMIT : IP_TTL, &hops, sizeof hops);
    if (way->told & WAY_CLASS && six)
        aegis_transfer_tell(t, level, IPV6_TCLASS, &class, sizeof class);
    else if (way->told & WAY_CLASS)
        aegis_transfer_tell(t, level, IP_TOS, &way->traffic_class, 1);
    if (!(way->told & WAY_ADDRESS))
        return;
    if (six) {
        struct in6_pktinfo i = {.ipi6_ifindex = way->interface};
        memcpy(&i.ipi6_addr, way->address, sizeof i.ipi6_addr);
        aegis_transfer_tell(t, level, IPV6_PKTINFO, &i, sizeof i);
    } else {
        struct in_pktinfo i = {.ipi_ifindex = way->interface};
        memcpy(&i.ipi_addr, way->address, sizeof i.ipi_addr);
        i.ipi_spec_dst = i.ipi_addr;
        aegis_transfer_tell(t, level, IP_PKTINFO, &i, sizeof i);
    }
}

/* One byte of those that sendmsg was given; -1 is what the socket has. */
static bool byte_told(const struct aegis_transfer *t, int level, int type, uint8_t *byte)
{
    const int *value = aegis_transfer_told(t, level, type, sizeof *value);

    if (!value || *value < 0 || *value > 255)
        return false;
    *byte = (uint8_t)*value;
    return true;
}

static void way_find(const struct aegis_socket *s, const struct aegis_transfer *t, struct stack_way *way)
{
    bool six = s->family == AF_INET6;
    int level = six ? IPPROTO_IPV6 : IPPROTO_IP;
    const struct in6_pktinfo *i6 = six ? aegis_transfer_told(t, level, IPV6_PKTINFO, sizeof *i6) : NULL;
    const struct in_pktinfo *i4 = six ? NULL : aegis_transfer_told(t, level, IP_PKTINFO, sizeof *i4);

    way->told = byte_told(t, level, six ? IPV6_HOPLIMIT : IP_TTL, &way->hops) ? WAY_HOPS : 0;
    way->told |= byte_told(t, level, six ? IPV6_TCLASS : IP_TOS, &way->traffic_class) ? WAY_CLASS : 0;
    way->told |= i4 || i6 ? WAY_ADDRESS : 0;
    if (i6)
        memcpy(way->address, &i6->ipi6_addr, sizeof i6->ipi6_addr);
    if (i4)
        memcpy(way->address, &i4->ipi_spec_dst, sizeof i4->ipi_spec_dst);
}

static ssize_t datagram_receive_now(struct aegis_socket *s, struct aegis_transfer *t)
{
    struct stack_name from;
    void *datagram, *bytes;
    ssize_t size = STACK_IMAGE->datagram_peek(s, &datagram, &from);

    if (size < 0 || (!size && s->shut & SOCKET_SHUT_READ))
        return size;
    size_t n = (size_t)size < t->size ? (size_t)size : t->size;
    for (size_t at = 0, part; at < n; at += part) {
        part = STACK_IMAGE->datagram_part(datagram, at, &bytes);
        part = part < n - at ? part : n - at;
        if (aegis_transfer_put(t, at, bytes, part))
            return -EFAULT;
    }
    inet_name_give(&from, &t->name, &t->name_size);
    if (t->control && STACK_IMAGE->datagram_wants(s))
        way_tell(s, t, STACK_IMAGE->datagram_way(s));
    t->flags_out |= n < (size_t)size ? MSG_TRUNC : 0;
    if (!(t->flags & MSG_PEEK))
        STACK_IMAGE->datagram_take(s);
    return t->flags & MSG_TRUNC ? size : (ssize_t)n;
}

static ssize_t receive_now(struct aegis_socket *s, struct aegis_transfer *t)
{
    return s->type == SOCK_STREAM ? stream_receive_now(s, t) : datagram_receive_now(s, t);
}

ssize_t inet_receive(struct aegis_socket *s, struct aegis_transfer *t)
{
    uint64_t seen = channel_seen(channel_of(&s->readable));

    if (s->type == SOCK_STREAM && s->state == SOCKET_LISTENING)
        return -ENOTCONN;
    enter();
    uint64_t queued = NET_RING->queued;
    ssize_t n = s->words[WORD_CONNECTION] ? receive_now(s, t) : s->error ? -EAGAIN : 0;
    if (n == -EAGAIN && stack_is_wanted()) {
        run_inside();
        n = receive_now(s, t);
    } else if (n > 0 && NET_RING->queued != queued) {
        run_inside(); /* the window has opened, and the peer is told */
    }
    leave();
    return n == -EAGAIN ? aegis_transfer_wait(t, &s->readable, seen) : n;
}

/* ---- datagrams ---- */

/* It goes out, unless its sender will wait soon; and what came meanwhile is taken in. */
static void sent(unsigned flags)
{
    if (flags & MSG_BATCH)
        return;
    if (stack_is_wanted())
        run_inside();
    else
        STACK_IMAGE->flush();
}

static ssize_t datagram_send_now(struct aegis_socket *s, struct aegis_transfer *t,
                                 const struct stack_name *name)
{
    struct stack_way way = {0};
    void *datagram, *bytes;

    if (t->size > DATAGRAM_MOST || t->size > s->send_limit)
        return -EMSGSIZE;
    if (t->control)
        way_find(s, t, &way);
    if (t->count == 1 && !way.told) {
        ssize_t n = STACK_IMAGE->datagram_quick(s, t->one.iov_base, t->size, name);
        if (n != -EAGAIN) {
            sent(t->flags);
            return n;
        }
    }
    if (!(datagram = STACK_IMAGE->datagram_make(s, t->size)))
        return -ENOBUFS;
    for (size_t at = 0, part; at < t->size; at += part) {
        part = STACK_IMAGE->datagram_part(datagram, at, &bytes);
        if (aegis_transfer_take(t, at, bytes, part)) {
            STACK_IMAGE->datagram_send(s, datagram, NULL, NULL);
            return -EFAULT;
        }
    }
    int error = STACK_IMAGE->datagram_send(s, datagram, name, &way);
    sent(t->flags);
    return error ? error : (ssize_t)t->size;
}

ssize_t inet_send(struct aegis_socket *s, struct aegis_transfer *t)
{
    uint64_t seen = channel_seen(channel_of(&s->writable));
    struct stack_name name = {0};
    int error = t->name_size
                    ? inet_name_take(s, (const struct sockaddr *)&t->name, t->name_size, &name)
                    : 0;

    if (error)
        return error;
    if (s->type == SOCK_STREAM && t->name_size)
        return s->state == SOCKET_CONNECTED ? -EISCONN : -ENOTCONN;
    if (s->type != SOCK_STREAM && !name.family && s->state != SOCKET_CONNECTED)
        return -EDESTADDRREQ;
    if (s->type == SOCK_DGRAM && name.family && !name.port)
        return -EINVAL;
    if (s->shut & SOCKET_SHUT_WRITE)
        return -EPIPE;
    enter();
    ssize_t n = -EPIPE;
    if (s->words[WORD_CONNECTION])
        n = s->type == SOCK_STREAM ? stream_send_now(s, t) : datagram_send_now(s, t, &name);
    leave();
    return n == -EAGAIN ? aegis_transfer_wait(t, &s->writable, seen) : n;
}
