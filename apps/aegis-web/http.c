/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * As much of HTTP/1.1 (RFC 9112) as a browser needs to GET two resources, for some connections at a
 * time, none of which can hold up the others: a request is read into a fixed buffer, an answer is
 * sent as the peer takes it, and who is silent for too long is the first to go when another comes.
 */
#define _GNU_SOURCE /* strcasestr */
#include <aegis/exposed.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "web.h"

#define CONNECTIONS 32
#define REQUEST 4096

struct connection {
    int fd;                 /* -1: free */
    int closing;            /* once the answer has gone */
    unsigned long used;     /* turn in which it was last heard of */
    size_t got, sent;
    char request[REQUEST];
    struct out answer;
};

static struct connection connections[CONNECTIONS];
static unsigned long turn;

static void drop(struct connection *c)
{
    close(c->fd);
    c->fd = -1;
    out_free(&c->answer);
}

/* ---- answers ---- */

static void answer(struct connection *c, const char *status, const char *type, const char *body,
                   size_t size)
{
    struct out *t = &c->answer;
    char *room;

    out_put(t, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %lu\r\n", status, type,
             (unsigned long)size);
    out_put(t, "Cache-Control: no-store\r\nConnection: %s\r\n\r\n", c->closing ? "close" : "keep-alive");
    if (t->failed || !(room = realloc(t->bytes, t->size + size + 1))) {
        t->failed = 1;
        return;
    }
    t->bytes = room;
    memcpy(t->bytes + t->size, body, size);
    t->size += size;
    t->room = t->size + 1;
}

static void refuse(struct connection *c, const char *status)
{
    c->closing = 1;
    answer(c, status, "text/plain", status, strlen(status));
}

static void state_answer(struct connection *c)
{
    struct out body = {0};

    names_read();
    state_write(&body);
    if (body.failed)
        refuse(c, "503 Service Unavailable");
    else
        answer(c, "200 OK", "application/json", body.bytes, body.size);
    out_free(&body);
}

/* The request's head lies in c->request, NUL behind it. */
static void request_serve(struct connection *c)
{
    char *path = strchr(c->request, ' '), *end = path ? strchr(path + 1, ' ') : 0;

    c->closing = strcasestr(c->request, "\nConnection: close") != 0;
    if (!end || strncmp(end, " HTTP/1.", 8)) {
        refuse(c, "400 Bad Request");
        return;
    }
    if (strncmp(c->request, "GET ", 4)) {
        refuse(c, "405 Method Not Allowed");
        return;
    }
    *end = 0;
    if (!strcmp(path + 1, "/"))
        answer(c, "200 OK", "text/html; charset=utf-8", page_html,
               (size_t)(page_html_end - page_html));
    else if (!strcmp(path + 1, "/state"))
        state_answer(c);
    else
        answer(c, "404 Not Found", "text/plain", "no such thing here\n", 19);
}

/* Whole requests, one after the other: the next is looked at when the answer before it has gone. */
static void requests_look(struct connection *c)
{
    char *end;
    size_t size;

    if (c->answer.size || c->answer.failed)
        return;
    c->request[c->got] = 0;
    if (memchr(c->request, 0, c->got)) { /* no request has one; and what follows is text */
        refuse(c, "400 Bad Request");
        c->got = 0;
        return;
    }
    if (!(end = strstr(c->request, "\r\n\r\n"))) {
        if (c->got == REQUEST - 1)
            refuse(c, "431 Request Header Fields Too Large");
        return;
    }
    size = (size_t)(end + 4 - c->request);
    end[2] = 0;
    request_serve(c);
    memmove(c->request, c->request + size, c->got - size);
    c->got -= size;
}

/* ---- connections ---- */

static void receive(struct connection *c)
{
    ssize_t n = recv(c->fd, c->request + c->got, REQUEST - 1 - c->got, MSG_DONTWAIT);

    if (n <= 0 && (n == 0 || (errno != EAGAIN && errno != EINTR))) {
        drop(c);
        return;
    }
    c->got += n > 0 ? (size_t)n : 0;
    requests_look(c);
}

static void transmit(struct connection *c)
{
    ssize_t n = send(c->fd, c->answer.bytes + c->sent, c->answer.size - c->sent,
                     MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        drop(c);
        return;
    }
    c->sent += (size_t)n;
    if (c->sent < c->answer.size)
        return;
    if (c->closing) {
        drop(c);
        return;
    }
    out_free(&c->answer);
    c->sent = 0;
    requests_look(c);
}

/* The place that is free, or whose peer has been silent longest. */
static struct connection *place(void)
{
    struct connection *oldest = connections;

    for (struct connection *c = connections; c < connections + CONNECTIONS; c++) {
        if (c->fd < 0)
            return c;
        if (c->used < oldest->used)
            oldest = c;
    }
    drop(oldest);
    return oldest;
}

static void welcome(int listener)
{
    int fd = accept(listener, 0, 0);
    struct connection *c;

    if (fd < 0)
        return;
    c = place();
    *c = (struct connection){.fd = fd, .used = turn};
}

static void turn_take(int listener)
{
    struct pollfd p[CONNECTIONS + 1] = {{listener, POLLIN, 0}};

    for (unsigned i = 0; i < CONNECTIONS; i++) {
        struct connection *c = &connections[i];
        p[i + 1] = (struct pollfd){c->fd, c->answer.size ? POLLOUT : POLLIN, 0};
    }
    if (poll(p, CONNECTIONS + 1, -1) < 0)
        return;
    turn++;
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        struct connection *c = &connections[i];
        if (c->fd < 0 || !p[i + 1].revents)
            continue;
        c->used = turn;
        if (c->answer.size)
            transmit(c);
        else
            receive(c);
        if (c->fd >= 0 && c->answer.failed)
            drop(c);
    }
    if (p[0].revents)
        welcome(listener);
}

int http_serve(unsigned port)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)}; /* IPv4 too */
    int listener = socket(AF_INET6, SOCK_STREAM, 0), one = 1;

    signal(SIGPIPE, SIG_IGN);
    if (listener < 0) {
        fprintf(stderr, "aegis-web: no sockets here (%s): boot with a network, scripts/run --forward "
                "tcp:8080:%u aegis-web\n", strerror(errno), port);
        return 1;
    }
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 16)) {
        fprintf(stderr, "aegis-web: port %u: %s\n", port, strerror(errno));
        return 1;
    }
    for (unsigned i = 0; i < CONNECTIONS; i++)
        connections[i].fd = -1;
    printf("aegis-web: http://[::]:%u/\n", port);
    if (!AEGIS_EXPOSED_STATE->net.device)
        printf("aegis-web: only programs of this machine reach it; for others: scripts/run --forward "
               "tcp:8080:%u aegis-web\n", port);
    fflush(stdout);
    for (;;)
        turn_take(listener);
}
