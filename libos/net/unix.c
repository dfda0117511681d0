/* SPDX-License-Identifier: BSD-2-Clause */
/* Unix sockets: connections, what both ends know of each other. */
#include "socket.h"

#include <limits.h>
#include <poll.h>

#include "../fd/path.h"
#include "../session/inline.h"

static int unix_make(struct aegis_socket *s)
{
    bool known = s->type == SOCK_STREAM || s->type == SOCK_DGRAM || s->type == SOCK_SEQPACKET;
    return !known ? -EPROTOTYPE : s->protocol ? -EPROTONOSUPPORT : 0;
}

/* ---- listen, connect, accept ---- */

static int listen_try(void *argument)
{
    struct socket *s = argument;

    if (s->base.state != SOCKET_LISTENING) {
        if (s->base.state != SOCKET_UNCONNECTED)
            return -EINVAL;
        if (!s->name_size)
            return -EDESTADDRREQ;
        session_set(s->base.state, SOCKET_LISTENING);
        struct ucred owner = socket_caller();
        session_store(&s->owner, &owner, sizeof owner);
    }
    return 0;
}

static int unix_listen(struct aegis_socket *base, int backlog)
{
    struct socket *s = socket_of(base);

    if (base->type == SOCK_DGRAM)
        return -EOPNOTSUPP;
    int error = file_attempt(listen_try, s);
    if (!error)
        s->backlog = backlog < 1 ? 1 : backlog > SOMAXCONN ? SOMAXCONN : (uint32_t)backlog;
    return error;
}

/* Each of the two holds the other. */
static void join(struct socket *a, struct socket *b)
{
    session_set(a->peer, b);
    session_set(b->peer, a);
    session_set(a->references, a->references + 1);
    session_set(b->references, b->references + 1);
    session_set(a->base.state, SOCKET_CONNECTED);
    session_set(b->base.state, SOCKET_CONNECTED);
}

int unix_pair(struct socket *a, struct socket *b)
{
    join(a, b);
    return 0;
}

struct connect_call {
    struct socket *s;
    struct channel *wait; /* with -EBUSY */
    uint64_t seen;
    bool away; /* AF_UNSPEC: of no peer any more */
    struct walk walk;
};

/* The other end is made here, and accepted later. */
static int connection_make(struct socket *s, struct socket *l)
{
    struct socket *other = socket_new(AF_UNIX, s->base.type, 0);

    if (!other)
        return -EAGAIN;
    session_store(&other->name, &l->name, sizeof l->name);
    session_set(other->name_size, l->name_size);
    struct ucred caller = socket_caller();
    other->peer_owner = caller;
    session_store(&s->peer_owner, &l->owner, sizeof l->owner);
    join(s, other);
    session_set(other->next, NULL);
    if (l->pending)
        session_set(l->pending_last->next, other);
    else
        session_set(l->pending, other);
    session_set(l->pending_last, other);
    session_set(l->pending_count, l->pending_count + 1);
    channel_wake(channel_of(&l->base.readable));
    return 0;
}

/* A datagram socket has one peer after another. */
static int peer_set(struct socket *s, struct socket *peer)
{
    if (peer)
        session_set(peer->references, peer->references + 1);
    if (s->peer)
        socket_release(s->peer);
    session_set(s->peer, peer);
    session_set(s->base.state, peer ? SOCKET_CONNECTED : SOCKET_UNCONNECTED);
    return 0;
}

static int connect_try(void *argument)
{
    struct connect_call *c = argument;
    struct socket *s = c->s, *to;
    bool datagrams = s->base.type == SOCK_DGRAM;

    c->wait = NULL;
    if (s->base.state == SOCKET_LISTENING)
        return -EOPNOTSUPP;
    if (!datagrams && s->base.state == SOCKET_CONNECTED)
        return -EISCONN;
    if (c->away)
        return peer_set(s, NULL);
    int error = unix_find(&c->walk, s->base.type, &to);
    if (error)
        return error;
    if (datagrams)
        return peer_set(s, to);
    if (to->base.state != SOCKET_LISTENING)
        return -ECONNREFUSED;
    if (to->pending_count < to->backlog)
        return connection_make(s, to);
    c->wait = &to->room;
    c->seen = channel_seen(&to->room);
    return -EBUSY;
}

/* Full: whoever waits does so until somebody accepts. */
static int unix_connect(struct aegis_socket *base, struct aegis_transfer *t)
{
    const struct sockaddr *name = (const struct sockaddr *)&t->name;
    struct connect_call c = {.s = socket_of(base)};

    c.away = t->name_size >= sizeof name->sa_family && name->sa_family == AF_UNSPEC &&
             base->type == SOCK_DGRAM;
    int error = c.away ? 0 : unix_name_read(&c.walk, name, t->name_size);
    if (!error && !c.away)
        error = unix_name_needed(c.s);
    if (!error)
        error = file_attempt(connect_try, &c);
    if (error == -EBUSY)
        return aegis_transfer_wait(t, (struct aegis_channel *)c.wait, c.seen);
    return error == -ENOSPC ? -ENOBUFS : error;
}

struct accept_call {
    struct socket *s;
    struct aegis_transfer *t;
    unsigned flags;
};

/* The listener's reference becomes the file's. */
static int accept_try(void *argument)
{
    struct accept_call *c = argument;
    struct socket *l = c->s, *p = l->pending;

    if (l->base.state != SOCKET_LISTENING)
        return -EINVAL;
    if (!p) {
        aegis_transfer_wait(c->t, &l->base.readable,
                            channel_seen(channel_of(&l->base.readable)));
        return -EBUSY;
    }
    struct file *file = file_make(FILE_SOCKET, O_RDWR | (c->flags & O_NONBLOCK));
    if (!file)
        return -EAGAIN;
    file->object = p;
    int descriptor = descriptor_make(file, 0, c->flags);
    if (descriptor < 0)
        return descriptor;
    session_set(l->pending, p->next);
    session_set(l->pending_count, l->pending_count - 1);
    channel_wake(&l->room);
    return descriptor;
}

int unix_accept(struct socket *s, unsigned flags, struct aegis_transfer *t)
{
    struct accept_call c = {s, t, flags};
    int descriptor = file_attempt(accept_try, &c);
    return descriptor == -EBUSY ? -EAGAIN : descriptor == -ENOSPC ? -ENOBUFS : descriptor;
}

/* ---- both ends ---- */

static int shutdown_do(struct socket *s, unsigned how)
{
    struct socket *p = s->peer;

    if (s->base.state == SOCKET_UNCONNECTED || s->base.state == SOCKET_CONNECTING)
        return -ENOTCONN;
    session_set(s->base.shut, s->base.shut | how);
    aegis_socket_changed(&s->base);
    channel_wake(&s->room);
    if (p)
        aegis_socket_changed(&p->base);
    return 0;
}

static int unix_shutdown(struct aegis_socket *base, unsigned how)
{
    monitor_enter();
    int error = shutdown_do(socket_of(base), how);
    monitor_leave();
    return error;
}

static int unix_address(struct aegis_socket *base, int peer, struct sockaddr_storage *name,
                        socklen_t *size)
{
    const struct socket *s = socket_of(base);
    struct sockaddr_un *un = (struct sockaddr_un *)name;

    monitor_enter();
    if (peer)
        s = base->state == SOCKET_CONNECTED ? s->peer : NULL;
    if (s) {
        *un = s->name;
        un->sun_family = AF_UNIX;
        *size = s->name_size ? s->name_size : sizeof un->sun_family;
    }
    monitor_leave();
    return s ? 0 : -ENOTCONN;
}

static bool is_full(const struct socket *s)
{
    if (s->base.type == SOCK_STREAM)
        return UNIX_RING - (s->tail - s->head) < PIPE_BUF;
    return s->waiting >= s->base.receive_limit;
}

static unsigned unix_events(struct aegis_socket *base)
{
    const struct socket *s = socket_of(base), *p = s->peer;
    unsigned events = base->error ? POLLERR : 0;
    bool stream = base->type != SOCK_DGRAM;
    bool ended = base->shut & SOCKET_SHUT_READ ||
                 (stream && p && (p->closed || p->base.shut & SOCKET_SHUT_WRITE));

    if (base->state == SOCKET_LISTENING)
        return events | (s->pending ? POLLIN : 0);
    if (s->head != s->tail || s->first || ended)
        events |= POLLIN;
    if (stream && ended)
        events |= POLLRDHUP;
    if (stream && (!p || p->closed || (ended && base->shut & SOCKET_SHUT_WRITE)))
        events |= POLLHUP;
    if (stream ? p && (p->closed || base->shut & SOCKET_SHUT_WRITE || !is_full(p))
               : !p || !is_full(p))
        events |= POLLOUT;
    return events;
}

static size_t unix_there(struct aegis_socket *base)
{
    const struct socket *s = socket_of(base);

    monitor_enter();
    size_t size = s->first ? s->first->size : s->tail - s->head;
    monitor_leave();
    return size;
}

static ssize_t unix_send(struct aegis_socket *s, struct aegis_transfer *t)
{
    if (s->type == SOCK_STREAM)
        return unix_stream_send(socket_of(s), t);
    return unix_message_send(socket_of(s), t);
}

static ssize_t unix_receive(struct aegis_socket *s, struct aegis_transfer *t)
{
    if (s->type == SOCK_STREAM)
        return unix_stream_receive(socket_of(s), t);
    return unix_message_receive(socket_of(s), t);
}

const struct netstack unix_stack = {
    .name = "unix",
    .make = unix_make,
    .bind = unix_bind,
    .connect = unix_connect,
    .listen = unix_listen,
    .send = unix_send,
    .receive = unix_receive,
    .shutdown = unix_shutdown,
    .address = unix_address,
    .there = unix_there,
    .events = unix_events,
};
