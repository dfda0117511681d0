/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Datagrams and records: each is an object. The sender fills one under its own busy word
 * (`staged`: found and freed if it dies), and links it to its receiver's queue in the monitor.
 */
#include "socket.h"

#include <string.h>

#include "../fd/path.h"
#include "../session/inline.h"

#define SMALL 2048 /* larger ones have pages of their own */

static size_t room_of(size_t size)
{
    size_t room = sizeof(struct message) + size;
    return room <= SMALL ? room : (room + AEGIS_PAGE_SIZE - 1) & ~(AEGIS_PAGE_SIZE - 1);
}

bool unix_message_free(struct message *m)
{
    if (m->rights) {
        if (!rights_drop(m->rights))
            return false;
        session_set(m->rights, NULL);
    }
    if (m->room <= SMALL)
        session_free(m, m->room);
    else
        session_pages_free(m, m->room / AEGIS_PAGE_SIZE);
    return true;
}

/* ---- sending ---- */

struct send_call {
    struct socket *s, *to;
    struct aegis_transfer *t;
    struct message *made;
    struct walk walk;
};

static int stage_clear(void *argument)
{
    struct socket *s = argument;
    bool done = !s->staged || unix_message_free(s->staged);

    if (done)
        session_set(s->staged, NULL);
    return !done;
}

static void stage_empty(struct socket *s)
{
    while (s->staged && file_attempt(stage_clear, s) > 0)
        ;
}

static int stage_make(void *argument)
{
    struct send_call *c = argument;
    struct socket *s = c->s;
    size_t room = room_of(c->t->size);
    struct message *m = room <= SMALL ? session_alloc(room)
                                      : session_pages_raw(room / AEGIS_PAGE_SIZE);

    if (!m)
        return -EAGAIN;
    *m = (struct message){.sender = socket_caller(),
                          .size = (uint32_t)c->t->size,
                          .room = (uint32_t)room,
                          .name = s->name,
                          .name_size = s->name_size};
    if (c->t->control && c->t->control->count && !(m->rights = rights_make(c->t->control)))
        return -EAGAIN;
    session_set(s->staged, m);
    return 0;
}

/* Who it is for. In the monitor. */
static int target(struct send_call *c)
{
    struct socket *s = c->s;
    bool named = c->t->name_size && s->base.type == SOCK_DGRAM;

    if (s->base.shut & SOCKET_SHUT_WRITE)
        return -EPIPE;
    if (!named) {
        if (s->base.state != SOCKET_CONNECTED)
            return s->base.type == SOCK_DGRAM ? -EDESTADDRREQ : -ENOTCONN;
        c->to = s->peer;
    } else {
        int error = unix_find(&c->walk, s->base.type, &c->to);
        if (error)
            return error;
    }
    if (c->to->closed || c->to->base.shut & SOCKET_SHUT_READ)
        return s->base.type == SOCK_DGRAM ? -ECONNREFUSED : -EPIPE;
    /* one with a peer of its own hears nobody else */
    if (s->base.type == SOCK_DGRAM && c->to->peer && c->to->peer != s)
        return -EPERM;
    return 0;
}

static int room_look(void *argument)
{
    struct send_call *c = argument;
    int error = target(c);

    if (error)
        return error;
    if (!c->to->waiting || c->to->waiting + c->t->size <= c->to->base.receive_limit)
        return 0;
    aegis_transfer_wait(c->t, (struct aegis_channel *)&c->to->room, channel_seen(&c->to->room));
    return -EBUSY;
}

static int message_link(void *argument)
{
    struct send_call *c = argument;
    int error = room_look(c);
    struct message *m = c->s->staged;
    struct socket *to = c->to;

    if (error)
        return error;
    session_set(c->s->staged, NULL);
    if (to->first)
        session_set(to->last->next, m);
    else
        session_set(to->first, m);
    session_set(to->last, m);
    session_set(to->waiting, to->waiting + m->size);
    channel_wake(channel_of(&to->base.readable));
    return 0;
}

static int message_send(struct send_call *c)
{
    struct socket *s = c->s;

    stage_empty(s);
    int error = file_attempt(stage_make, c);
    if (!error)
        error = aegis_transfer_take(c->t, 0, s->staged->data, c->t->size);
    if (!error)
        error = file_attempt(message_link, c);
    if (error)
        stage_empty(s);
    return error;
}

/* The peer of a datagram socket that is gone is forgotten. */
static int peer_forget(void *argument)
{
    struct socket *s = argument;

    if (s->peer && s->peer->closed) {
        socket_release(s->peer);
        session_set(s->peer, NULL);
        session_set(s->base.state, SOCKET_UNCONNECTED);
    }
    return 0;
}

ssize_t unix_message_send(struct socket *s, struct aegis_transfer *t)
{
    struct send_call c = {.s = s, .t = t};
    int error = 0;

    if (t->size > s->base.send_limit)
        return -EMSGSIZE;
    if (t->name_size && s->base.type == SOCK_DGRAM) {
        error = unix_name_read(&c.walk, (const struct sockaddr *)&t->name, t->name_size);
    } else if (t->name_size) {
        return s->base.state == SOCKET_CONNECTED ? -EISCONN : -EOPNOTSUPP;
    }
    if (!error)
        error = unix_name_needed(s);
    if (!error)
        error = file_attempt(room_look, &c);
    if (!error) {
        busy_take(&s->writing);
        error = message_send(&c);
        busy_give(&s->writing);
    }
    if (error == -ECONNREFUSED && !t->name_size)
        file_attempt(peer_forget, s);
    return error == -EBUSY ? -EAGAIN : error == -ENOSPC ? -ENOBUFS : error ? error
                                                                          : (ssize_t)t->size;
}

/* ---- receiving ---- */

struct receive_call {
    struct socket *s;
    struct aegis_transfer *t;
};

/* In the monitor. True: all of it is freed, and the next is the first. */
static int message_take(void *argument)
{
    struct receive_call *c = argument;
    struct socket *s = c->s;
    struct message *m = s->first, *next = m->next;
    struct socket_control *control = c->t->control;

    if (m->rights && control && control->wanted) {
        int error = rights_take(m->rights, control);
        if (error)
            return error;
        control->wanted = false; /* once */
    }
    uint32_t size = m->size;
    if (!unix_message_free(m))
        return 1;
    session_set(s->first, next);
    session_set(s->waiting, s->waiting - size);
    channel_wake(&s->room);
    return 0;
}

static ssize_t message_receive(struct socket *s, struct aegis_transfer *t)
{
    const struct message *m = s->first;
    struct receive_call c = {s, t};
    size_t size = m->size, n = size < t->size ? size : t->size;
    int error = aegis_transfer_put(t, 0, m->data, n);

    if (error)
        return error;
    if (n < size)
        t->flags_out |= MSG_TRUNC;
    if (s->base.type == SOCK_SEQPACKET)
        t->flags_out |= MSG_EOR;
    memcpy(&t->name, &m->name, sizeof m->name);
    t->name_size = s->base.type == SOCK_DGRAM ? m->name_size : 0;
    if (t->control) {
        t->control->told = true;
        t->control->sender = m->sender;
    }
    if (t->flags & MSG_PEEK)
        return (ssize_t)n;
    while ((error = file_attempt(message_take, &c)) > 0)
        ;
    return error ? -ENOBUFS : t->flags & MSG_TRUNC ? (ssize_t)size : (ssize_t)n;
}

ssize_t unix_message_receive(struct socket *s, struct aegis_transfer *t)
{
    uint64_t seen = channel_seen(channel_of(&s->base.readable));
    const struct socket *p = s->peer;
    bool ended = s->base.shut & SOCKET_SHUT_READ;
    ssize_t n = -EAGAIN;

    if (s->base.type == SOCK_SEQPACKET) {
        if (s->base.state != SOCKET_CONNECTED)
            return -ENOTCONN;
        ended |= p->closed || p->base.shut & SOCKET_SHUT_WRITE;
    }
    busy_take(&s->reading);
    if (s->first)
        n = message_receive(s, t);
    busy_give(&s->reading);
    if (n != -EAGAIN)
        return n;
    return ended ? 0 : aegis_transfer_wait(t, &s->base.readable, seen);
}
