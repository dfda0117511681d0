/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams over lwIP's TCP. */
#include "device.h"

/* ---- what lwIP tells ---- */

void stream_received(struct connection *c, struct pbuf *p)
{
    if (c->s && c->s->shut & SOCKET_SHUT_READ) {
        tcp_recved(c->tcp, p->tot_len);
        pbuf_free(p);
    } else if (c->received) {
        pbuf_cat(c->received, p);
    } else {
        c->received = p;
    }
    connection_changed(c);
}

static err_t on_received(void *argument, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
    struct connection *c = argument;

    (void)error;
    if (!c) {
        if (p)
            pbuf_free(p);
        return ERR_OK;
    }
    predict_remember(c, pcb);
    if (p) {
        stream_received(c, p);
    } else {
        c->ended = true;
        connection_changed(c);
    }
    return ERR_OK;
}

void stream_sent(struct connection *c)
{
    if (c->s && !(c->s->words[WORD_EVENTS] & POLLOUT) && tcp_sndbuf(c->tcp) > TCP_SNDLOWAT)
        connection_changed(c);
}

static err_t on_sent(void *argument, struct tcp_pcb *pcb, u16_t size)
{
    struct connection *c = argument;

    (void)size;
    if (c) {
        predict_remember(c, pcb);
        stream_sent(c);
    }
    return ERR_OK;
}

/* The pcb is gone already. */
static void on_error(void *argument, err_t error)
{
    struct connection *c = argument;

    if (!c)
        return;
    c->tcp = NULL;
    c->ended = true;
    bool connecting = c->s && c->s->state == SOCKET_CONNECTING;
    if (error == ERR_RST)
        connection_fail(c, connecting ? ECONNREFUSED : ECONNRESET);
    else
        connection_fail(c, error == ERR_CLSD  ? 0
                           : error == ERR_ABRT ? ETIMEDOUT
                                               : -error_of(error));
}

static err_t on_connected(void *argument, struct tcp_pcb *pcb, err_t error)
{
    struct connection *c = argument;

    (void)error;
    if (c && c->s) {
        c->s->state = SOCKET_CONNECTED;
        local_keep(c->s, &pcb->local_ip, pcb->local_port);
        connection_changed(c);
    }
    return ERR_OK;
}

static void callbacks(struct connection *c, struct tcp_pcb *pcb)
{
    tcp_arg(pcb, c);
    tcp_recv(pcb, c ? on_received : NULL);
    tcp_sent(pcb, c ? on_sent : NULL);
    tcp_err(pcb, c ? on_error : NULL);
}

static err_t on_accept(void *argument, struct tcp_pcb *pcb, err_t error)
{
    struct connection *l = argument, *c;

    if (!l || error != ERR_OK || !pcb)
        return ERR_VAL;
    if (!(c = connection_new(KIND_STREAM)))
        return ERR_MEM;
    c->tcp = pcb;
    c->waiting = true;
    callbacks(c, pcb);
    tcp_backlog_delayed(pcb);
    if (l->pending)
        l->pending_last->next = c;
    else
        l->pending = c;
    l->pending_last = c;
    connection_changed(l);
    return ERR_OK;
}

/* ---- what sockets want ---- */

unsigned stream_events(const struct connection *c)
{
    const struct aegis_socket *s = c->s;
    bool in_end = c->ended || s->shut & SOCKET_SHUT_READ;

    if (s->state == SOCKET_LISTENING)
        return c->pending ? POLLIN : 0;
    if (s->state == SOCKET_CONNECTING)
        return 0;
    unsigned events = (c->received || in_end ? POLLIN : 0) | (in_end ? POLLRDHUP : 0);
    if (!c->tcp || s->state != SOCKET_CONNECTED)
        return events | POLLHUP | POLLOUT;
    if (s->shut & SOCKET_SHUT_WRITE)
        return events | POLLOUT | (in_end ? POLLHUP : 0);
    return events | (tcp_sndbuf(c->tcp) > TCP_SNDLOWAT ? POLLOUT : 0);
}

int stream_make(struct connection *c, struct aegis_socket *s)
{
    c->tcp = tcp_new_ip_type(s->family == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_ANY);
    if (!c->tcp)
        return -ENOBUFS;
    callbacks(c, c->tcp);
    return 0;
}

static void pending_close(struct connection *l)
{
    while (l->pending) {
        struct connection *c = l->pending;
        l->pending = c->next;
        if (c->tcp) {
            struct tcp_pcb *pcb = c->tcp;
            callbacks(NULL, pcb);
            tcp_abort(pcb);
        }
        if (c->received)
            pbuf_free(c->received);
        connection_free(c);
    }
}

/* What is queued is still sent; unread bytes, or SO_LINGER of 0, end it by a reset. */
void stream_close(struct connection *c)
{
    struct tcp_pcb *pcb = c->tcp;
    bool listening = c->s->state == SOCKET_LISTENING, reset = c->s->linger == 1 || c->received;

    pending_close(c);
    if (c->received)
        pbuf_free(c->received);
    if (!pcb)
        return;
    if (listening) {
        tcp_arg(pcb, NULL);
        tcp_accept(pcb, NULL);
        tcp_close(pcb);
        return;
    }
    callbacks(NULL, pcb);
    if (reset && pcb->state != CLOSED)
        tcp_abort(pcb);
    else if (tcp_close(pcb) != ERR_OK)
        tcp_abort(pcb);
}

int stream_bind(struct connection *c, const ip_addr_t *address, uint16_t port)
{
    if (!c->tcp || c->tcp->state != CLOSED || c->tcp->local_port)
        return -EINVAL;
    int error = error_of(tcp_bind(c->tcp, address, port));
    if (!error)
        local_keep(c->s, &c->tcp->local_ip, c->tcp->local_port);
    return error;
}

int stream_connect(struct connection *c, const ip_addr_t *address, uint16_t port)
{
    struct aegis_socket *s = c->s;

    if (s->state == SOCKET_LISTENING)
        return -EOPNOTSUPP;
    if (s->state != SOCKET_UNCONNECTED)
        return s->state == SOCKET_CONNECTING ? -EALREADY : -EISCONN;
    if (!c->tcp) { /* the last attempt ended it */
        int error = stream_make(c, s);
        if (error)
            return error;
        options_apply(c);
    }
    c->ended = false;
    int unnamed = !c->tcp->local_port && ports_are_shared() ? port_any_where(c) : 0;
    if (unnamed)
        return unnamed;
    err_t error = tcp_connect(c->tcp, address, port, on_connected);
    if (error)
        return error_of(error);
    s->state = SOCKET_CONNECTING;
    remote_keep(s, address, port);
    local_keep(s, &c->tcp->local_ip, c->tcp->local_port);
    connection_changed(c);
    return -EINPROGRESS;
}

int stream_listen(struct aegis_socket *s, unsigned backlog)
{
    struct connection *c = connection_of(s);
    err_t error = ERR_OK;

    if (s->state == SOCKET_LISTENING) {
        tcp_backlog_set((struct tcp_pcb_listen *)c->tcp, (u8_t)backlog);
        return 0;
    }
    if (s->state != SOCKET_UNCONNECTED || !c->tcp)
        return -EINVAL;
    if (!c->tcp->local_port && ports_are_shared()) {
        int unnamed = port_any_where(c);
        if (unnamed)
            return unnamed;
    }
    if (!c->tcp->local_port) {
        error = tcp_bind(c->tcp, IP_ANY_TYPE, 0);
        if (error)
            return error_of(error);
        local_keep(s, &c->tcp->local_ip, c->tcp->local_port);
    }
    struct tcp_pcb *pcb = tcp_listen_with_backlog_and_err(c->tcp, (u8_t)backlog, &error);
    if (!pcb)
        return error_of(error);
    c->tcp = pcb;
    tcp_arg(pcb, c);
    tcp_accept(pcb, on_accept);
    s->state = SOCKET_LISTENING;
    s->words[WORD_BACKLOG] = backlog;
    connection_changed(c);
    return 0;
}

int stream_accept(struct aegis_socket *s, struct aegis_socket *into)
{
    struct connection *l = connection_of(s), *c = l->pending;

    if (s->state != SOCKET_LISTENING)
        return -EINVAL;
    if (!c)
        return -EAGAIN;
    l->pending = c->next;
    s->words[WORD_EVENTS] = stream_events(l);
    into->state = SOCKET_CONNECTED;
    into->switches = s->switches;
    into->words[WORD_OPTIONS] = s->words[WORD_OPTIONS];
    c->waiting = false;
    connection_attach(c, into);
    if (c->tcp) {
        tcp_backlog_accepted(c->tcp);
        local_keep(into, &c->tcp->local_ip, c->tcp->local_port);
        remote_keep(into, &c->tcp->remote_ip, c->tcp->remote_port);
        options_apply(c);
    }
    into->words[WORD_EVENTS] = stream_events(c);
    return 0;
}

int stream_shutdown(struct connection *c, unsigned how)
{
    struct aegis_socket *s = c->s;

    if (s->state != SOCKET_CONNECTED)
        return -ENOTCONN;
    if (how & SOCKET_SHUT_WRITE && !(s->shut & SOCKET_SHUT_WRITE) && c->tcp)
        tcp_shutdown(c->tcp, 0, 1);
    s->shut |= how;
    if (how & SOCKET_SHUT_READ && c->received) {
        if (c->tcp)
            tcp_recved(c->tcp, c->received->tot_len);
        pbuf_free(c->received);
        c->received = NULL;
    }
    connection_changed(c);
    return 0;
}

/* ---- bytes ---- */

/* By the first byte of each page. */
bool user_is_there(const uint8_t *user, size_t size)
{
    uint8_t byte;

    for (size_t at = 0; at < size; at += AEGIS_PAGE_SIZE)
        if (stack_caller->copy(&byte, user + at, 1))
            return false;
    return !size || !stack_caller->copy(&byte, user + size - 1, 1);
}

/* By lwIP: as much as there is memory for. */
static long rest_write(struct tcp_pcb *pcb, const uint8_t *user, size_t size, bool more)
{
    err_t error = ERR_OK;

    size = size < 0xffff ? size : 0xffff;
    if (!user_is_there(user, size))
        return -EFAULT;
    while (size && (error = tcp_write(pcb, user, (u16_t)size, TCP_WRITE_FLAG_COPY | (more ? TCP_WRITE_FLAG_MORE : 0))) == ERR_MEM)
        size = size > TCP_MSS ? size / 2 : 0;
    return error && error != ERR_MEM ? error_of(error) : (long)size;
}

/* What finds no room waits, and so does what would be a segment shorter than it may be for that. */
ssize_t stream_send(struct aegis_socket *s, const void *user, size_t size, bool more, int32_t sum)
{
    struct connection *c = connection_of(s);

    if (s->shut & SOCKET_SHUT_WRITE || (!c->tcp && c->ended))
        return -EPIPE;
    if (s->state != SOCKET_CONNECTED)
        return s->state == SOCKET_CONNECTING ? -EAGAIN : -ENOTCONN;
    size_t room = tcp_sndbuf(c->tcp), n = size < room ? size : room;
    long done = segments_write(c->tcp, user, n, more || n < size, n == size ? sum : AEGIS_NO_SUM);
    if (done >= 0 && (size_t)done < n && (n == size || (!done && room >= c->tcp->mss))) {
        long rest = rest_write(c->tcp, (const uint8_t *)user + done, n - (size_t)done, more || n < size);
        done = rest >= 0 ? done + rest : done ? done : rest;
    }
    if (done < 0)
        return done;
    if (n < size || !more || tcp_sndbuf(c->tcp) < TCP_SNDLOWAT)
        tcp_output(c->tcp);
    if (tcp_sndbuf(c->tcp) <= TCP_SNDLOWAT)
        s->words[WORD_EVENTS] = stream_events(c);
    return done ? done : -EAGAIN;
}

ssize_t stream_peek(struct aegis_socket *s, size_t at, const void **bytes)
{
    struct connection *c = connection_of(s);

    if (s->shut & SOCKET_SHUT_READ)
        return 0;
    for (struct pbuf *p = c->received; p; p = p->next) {
        if (at < p->len) {
            *bytes = (const char *)p->payload + at;
            return (ssize_t)(p->len - at);
        }
        at -= p->len;
    }
    if (c->ended)
        return 0;
    return s->state == SOCKET_CONNECTED || s->state == SOCKET_CONNECTING ? -EAGAIN : -ENOTCONN;
}

void stream_take(struct aegis_socket *s, size_t size)
{
    struct connection *c = connection_of(s);

    if (c->tcp)
        tcp_recved(c->tcp, (u16_t)size);
    while (size) {
        size_t n = size > 0xffff ? 0xffff : size;
        c->received = pbuf_free_header(c->received, (u16_t)n);
        size -= n;
    }
    if (!c->received)
        s->words[WORD_EVENTS] = stream_events(c);
}
