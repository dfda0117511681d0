/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streams: a ring for each direction, as a pipe's. Who is killed half way has sent nothing, or
 * received nothing: `tail` and `head` are one store each, after the bytes are copied. Descriptors
 * come with the byte at which they were sent, and no read goes past the next ones.
 */
#include "socket.h"

#include <limits.h>
#include <signal.h>

#include "../session/inline.h"

static uint64_t load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void store(uint64_t *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/* ---- sending ---- */

static int ring_make(void *argument)
{
    struct socket *s = argument;

    if (s->ring)
        return 0;
    uint8_t *ring = session_pages_raw(UNIX_RING / AEGIS_PAGE_SIZE);
    if (!ring)
        return -EAGAIN;
    session_set(s->ring, ring);
    return 0;
}

static int ring_in(const struct socket *p, uint64_t at, const struct aegis_transfer *t, size_t n)
{
    size_t begin = at % UNIX_RING, first = UNIX_RING - begin < n ? UNIX_RING - begin : n;
    int error = aegis_transfer_take(t, 0, p->ring + begin, first);

    return error || first == n ? error : aegis_transfer_take(t, first, p->ring, n - first);
}

struct rights_call {
    struct socket *p;
    struct aegis_transfer *t;
    uint64_t tail;
};

/* The bytes and the descriptors are there together. */
static int rights_send(void *argument)
{
    struct rights_call *c = argument;
    struct socket *p = c->p;
    struct rights *r = rights_make(c->t->control);

    if (!r)
        return -EAGAIN;
    r->at = p->tail;
    if (p->rights)
        session_set(p->rights_last->next, r);
    else
        session_set(p->rights, r);
    session_set(p->rights_last, r);
    session_set(p->tail, c->tail);
    return 0;
}

static int tail_set(struct socket *p, struct aegis_transfer *t, uint64_t tail)
{
    struct rights_call c = {p, t, tail};

    if (!t->control || !t->control->count || t->done) {
        store(&p->tail, tail);
        return 0;
    }
    return file_attempt(rights_send, &c) ? -ENOBUFS : 0;
}

/* As much as fits; 0: no room. */
static ssize_t ring_send(struct socket *p, struct aegis_transfer *t)
{
    size_t size = t->size - t->done;
    ssize_t n = 0;

    busy_take(&p->writing);
    uint64_t tail = p->tail, room = UNIX_RING - (tail - load(&p->head));
    if (room >= size || room >= PIPE_BUF) {
        n = (ssize_t)(size < room ? size : room);
        int error = ring_in(p, tail, t, (size_t)n);
        if (!error)
            error = tail_set(p, t, tail + (size_t)n);
        n = error ? error : n;
    }
    busy_give(&p->writing);
    /* behind that fence: nobody waits for bytes if there were some */
    if (n > 0 && load(&p->head) == tail)
        channel_wake(channel_of(&p->base.readable));
    return n;
}

ssize_t unix_stream_send(struct socket *s, struct aegis_transfer *t)
{
    struct socket *p = s->peer;

    if (t->name_size)
        return s->base.state == SOCKET_CONNECTED ? -EISCONN : -EOPNOTSUPP;
    if (s->base.state != SOCKET_CONNECTED)
        return -ENOTCONN;
    if (!t->size)
        return 0;
    if (!p->ring && file_attempt(ring_make, p))
        return -ENOBUFS;
    uint64_t seen = channel_seen(channel_of(&s->base.writable));
    if (s->base.shut & SOCKET_SHUT_WRITE || __atomic_load_n(&p->closed, __ATOMIC_ACQUIRE) ||
        p->base.shut & SOCKET_SHUT_READ)
        return -EPIPE;
    ssize_t n = ring_send(p, t);
    return n ? n : aegis_transfer_wait(t, &s->base.writable, seen);
}

/* ---- receiving ---- */

static int ring_out(const struct socket *s, uint64_t at, const struct aegis_transfer *t, size_t n)
{
    size_t begin = at % UNIX_RING, first = UNIX_RING - begin < n ? UNIX_RING - begin : n;
    int error = aegis_transfer_put(t, 0, s->ring + begin, first);

    return error || first == n ? error : aegis_transfer_put(t, first, s->ring, n - first);
}

struct head_call {
    struct socket *s;
    struct aegis_transfer *t;
    uint64_t head;
};

/* Bytes and descriptors are taken together. */
static int rights_receive(void *argument)
{
    struct head_call *c = argument;
    struct socket *s = c->s;
    struct rights *r = s->rights;
    struct socket_control *control = c->t->control;

    if (control && control->wanted) {
        int error = rights_take(r, control);
        if (error)
            return error;
    }
    session_set(s->rights, r->next);
    /* what is left of them goes as what a dead socket had does, one message's at most */
    if (!rights_drop(r)) {
        session_set(r->next, s->rights);
        session_set(s->rights, r);
        session_set(r->at, UINT64_MAX);
    }
    session_set(s->head, c->head);
    return 0;
}

/* Descriptors that nobody wanted, too many for one stay. */
static void rights_settle(struct socket *s)
{
    while (s->rights && s->rights->at == UINT64_MAX) {
        monitor_enter();
        struct rights *r = s->rights, *next = r ? r->next : NULL;
        if (r && r->at == UINT64_MAX && rights_drop(r))
            session_set(s->rights, next);
        monitor_leave();
    }
}

static int head_set(struct socket *s, struct aegis_transfer *t, uint64_t head, bool rights)
{
    struct head_call c = {s, t, head};

    if (!rights) {
        store(&s->head, head);
        return 0;
    }
    int error = file_attempt(rights_receive, &c);
    rights_settle(s);
    return error ? -ENOBUFS : 0;
}

static ssize_t ring_receive(struct socket *s, struct aegis_transfer *t)
{
    size_t size = t->size - t->done;

    busy_take(&s->reading);
    rights_settle(s);
    uint64_t head = s->head, there = load(&s->tail) - head;
    const struct rights *r = s->rights;
    bool with = there && r && r->at == head;
    r = with ? r->next : r;
    if (r && r->at - head < there)
        there = r->at - head;
    size_t n = size < there ? size : there;
    int error = 0;
    if (n && with && t->done) {
        n = 0; /* these come with the next call */
        t->flags_out |= MSG_EOR;
    } else if (n) {
        error = ring_out(s, head, t, n);
        if (!error && !(t->flags & MSG_PEEK))
            error = head_set(s, t, head + n, with);
    }
    busy_give(&s->reading);
    if (n && !error && load(&s->tail) - head > UNIX_RING - PIPE_BUF)
        channel_wake(channel_of(&s->peer->base.writable));
    return error ? error : (ssize_t)n;
}

ssize_t unix_stream_receive(struct socket *s, struct aegis_transfer *t)
{
    const struct socket *p = s->peer;

    if (s->base.state != SOCKET_CONNECTED)
        return s->base.state == SOCKET_UNCONNECTED && !p ? -EINVAL : -ENOTCONN;
    if (!t->size)
        return 0;
    uint64_t seen = channel_seen(channel_of(&s->base.readable));
    bool ended = s->base.shut & SOCKET_SHUT_READ || p->base.shut & SOCKET_SHUT_WRITE ||
                 __atomic_load_n(&p->closed, __ATOMIC_ACQUIRE);
    if (t->control) {
        t->control->told = true;
        t->control->sender = s->peer_owner;
    }
    /* in this order: what was sent before the end is read */
    if (load(&s->tail) != load(&s->head)) {
        ssize_t n = ring_receive(s, t);
        if (n)
            return n;
        if (t->flags_out & MSG_EOR)
            return 0;
    }
    return ended ? 0 : aegis_transfer_wait(t, &s->base.readable, seen);
}
