/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections: all of them in one poll. A request is answered when its head has come whole; an
 * answer is at most two pieces, a head and a body, sent from where they lie. None can hold up the
 * others; who has been silent longest goes when there are too many.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <aegis/netstack.h>

#include "httpd.h"

#define CONNECTIONS 256
#define REQUEST     4096
#define NOTE        768 /* a head, or a short answer, that is made for this request only */
#define A_TURN      32  /* answers of one connection before the others have their turn */

struct piece {
    const char *at;
    size_t size;
    const uint16_t *sum; /* of all of it, or null */
};

struct connection {
    int fd;
    int closing;        /* no more than this answer */
    unsigned long used; /* turn in which it was last heard of */
    size_t first, got;  /* bytes of `request`: [first, got) are not answered */
    struct piece piece[2];
    struct page *page; /* held: its pieces lie there */
    char request[REQUEST];
    char note[NOTE];
};

static struct connection connections[CONNECTIONS];
static struct pollfd fds[CONNECTIONS + 1]; /* the listener's, then theirs */
static unsigned count;                     /* connections; they are the first ones */
static unsigned long turn;
unsigned long serve_answers;

/* ---- answers ---- */

static const char *reason(int status)
{
    switch (status) {
    case 301:
        return "Moved Permanently";
    case 304:
        return "Not Modified";
    case 400:
        return "Bad Request";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 414:
        return "URI Too Long";
    case 431:
        return "Request Header Fields Too Large";
    case 503:
        return "Service Unavailable";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Error";
    }
}

static const char *ending(const struct connection *c)
{
    return c->closing ? "Connection: close\r\n\r\n" : "\r\n";
}

/* An answer without a file; `more`: a field, or "". */
static void answer(struct connection *c, int status, int head_only, const char *more)
{
    const char *why = reason(status);
    int body = status == 304 ? 0 : snprintf(NULL, 0, "%d %s\n", status, why);
    int n = snprintf(c->note, NOTE, "HTTP/1.1 %d %s\r\n%s", status, why, more);

    if (status != 304)
        n += snprintf(c->note + n, NOTE - (size_t)n,
                      "Content-Type: text/plain\r\nContent-Length: %d\r\n", body);
    n += snprintf(c->note + n, NOTE - (size_t)n, "%s", ending(c));
    if (body && !head_only)
        n += snprintf(c->note + n, NOTE - (size_t)n, "%d %s\n", status, why);
    c->piece[0] = (struct piece){c->note, (size_t)n, NULL};
}

static void refuse(struct connection *c, int status)
{
    c->closing = 1;
    c->first = c->got = 0; /* whatever follows is not looked at */
    answer(c, status, 0, status == 405 ? "Allow: GET, HEAD\r\n" : "");
}

/* The file's own head serves all but those who are told that this was the last one. */
static void file_answer(struct connection *c, struct page *p, int head_only)
{
    size_t size = head_only ? 0 : p->size;

    c->page = p;
    if (!c->closing) {
        const uint16_t *sum = p->body || head_only ? NULL : &p->sum;
        c->piece[0] = (struct piece){p->head, p->head_size + (p->body ? 0 : size), sum};
        c->piece[1] = (struct piece){p->body, p->body ? size : 0, NULL};
        return;
    }
    const char *end = ending(c);
    size_t n = p->head_size - 2;
    memcpy(c->note, p->head, n);
    memcpy(c->note + n, end, strlen(end));
    c->piece[0] = (struct piece){c->note, n + strlen(end), NULL};
    c->piece[1] = (struct piece){p->body ? p->body : p->head + p->head_size, size, NULL};
}

/* "/folder" is told to ask for "/folder/": what the page there names is relative to it. */
static void folder_answer(struct connection *c, const struct request *r)
{
    char field[NOTE / 2];

    for (size_t i = 0; i < r->path_size; i++)
        if ((unsigned char)r->path[i] <= ' ' || (unsigned char)r->path[i] >= 0x7f)
            return answer(c, 404, r->method == HEAD, "");
    if (r->path_size > sizeof field - 32 || (r->path_size > 1 && r->path[1] == '/'))
        return answer(c, 404, r->method == HEAD, "");
    snprintf(field, sizeof field, "Location: %.*s/\r\n", (int)r->path_size, r->path);
    answer(c, 301, r->method == HEAD, field);
}

static void request_serve(struct connection *c, char *head, size_t size)
{
    struct request r;
    int status = request_read(&r, head, size);

    if (status || r.method == OTHER) {
        refuse(c, status ? status : 405);
        return;
    }
    c->closing = r.close || r.has_body; /* a body that we do not read ends it */
    struct page *p = file_find(r.path, r.path_size);
    if (p && r.since_size && r.since_size == strlen(p->modified) && !memcmp(r.since, p->modified, r.since_size)) {
        file_release(p);
        answer(c, 304, 1, "");
    } else if (p) {
        file_answer(c, p, r.method == HEAD);
    } else if (errno == EISDIR && r.path[r.path_size - 1] != '/') {
        folder_answer(c, &r);
    } else {
        answer(c,
               errno == EACCES                                         ? 403
               : errno == ENOMEM || errno == EMFILE || errno == ENFILE ? 503
                                                                       : 404,
               r.method == HEAD, "");
    }
}

/* ---- connections ---- */

static void answer_end(struct connection *c)
{
    if (c->page)
        file_release(c->page);
    c->page = NULL;
}

/* The last one takes its place. */
static void drop(struct connection *c)
{
    unsigned i = (unsigned)(c - connections), last = --count;

    close(c->fd);
    answer_end(c);
    if (i != last) {
        struct connection *from = &connections[last];
        for (unsigned n = 0; n < 2; n++) /* what lies in its own buffer moves with it */
            if (from->piece[n].at >= from->note && from->piece[n].at < from->note + NOTE)
                from->piece[n].at = c->note + (from->piece[n].at - from->note);
        *c = *from;
        fds[i + 1] = fds[last + 1];
    }
}

/* 1: all has gone; 0: not yet; -1: nobody takes it. */
static int transmit(struct connection *c)
{
    for (unsigned i = 0; i < 2; i++) {
        struct piece *p = &c->piece[i];
        while (p->size) {
            int flags = MSG_DONTWAIT | MSG_NOSIGNAL | MSG_BATCH | (!i && c->piece[1].size ? MSG_MORE : 0);
            ssize_t n = p->sum ? aegis_send_summed(c->fd, p->at, p->size, *p->sum, flags)
                               : send(c->fd, p->at, p->size, flags);
            if (n < 0)
                return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? 0 : -1;
            p->at += n;
            p->size -= (size_t)n;
            p->sum = NULL;
        }
    }
    serve_answers++;
    answer_end(c);
    return c->closing ? -1 : 1;
}

/* The next request, if its head is there. `from`: where bytes came that were not looked at. */
static int request_next(struct connection *c, size_t from)
{
    size_t size = request_size(c->request + c->first, c->got - c->first, from - c->first);

    if (size) {
        char *head = c->request + c->first;
        c->first += size;
        request_serve(c, head, size);
        return 1;
    }
    if (c->first) {
        memmove(c->request, c->request + c->first, c->got - c->first);
        c->got -= c->first;
        c->first = 0;
    }
    if (c->got == REQUEST) {
        refuse(c, memchr(c->request, '\n', REQUEST) ? 431 : 414);
        return 1;
    }
    return 0;
}

/* What there is to do for it, as far as its turn goes: what it waits for then, or -1: it is over.
 */
static int serve(struct connection *c, int readable)
{
    size_t from = c->first;

    if (!c->piece[0].size && !c->piece[1].size && readable) {
        ssize_t n = recv(c->fd, c->request + c->got, REQUEST - c->got, MSG_DONTWAIT);
        if (n <= 0)
            return n < 0 && (errno == EAGAIN || errno == EINTR) ? POLLIN : -1;
        from = c->got;
        c->got += (size_t)n;
    }
    for (unsigned i = 0; i < A_TURN; i++) {
        if (c->piece[0].size || c->piece[1].size) {
            int done = transmit(c);
            if (done <= 0)
                return done ? -1 : POLLOUT;
            from = c->first;
        }
        if (!request_next(c, from))
            return POLLIN;
    }
    return POLLOUT;
}

static int welcome(void)
{
    int fd = accept4(fds[0].fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0)
        return 0;
    if (count == CONNECTIONS) {
        struct connection *silent = connections;
        for (unsigned i = 1; i < count; i++)
            silent = connections[i].used < silent->used ? &connections[i] : silent;
        drop(silent);
    }
    struct connection *c = &connections[count];
    c->fd = fd;
    c->closing = 0;
    c->used = turn;
    c->first = c->got = 0;
    c->piece[0].size = c->piece[1].size = 0;
    c->page = NULL;
    fds[++count] = (struct pollfd){.fd = fd, .events = POLLIN};
    return 1;
}

int serve_turn(void)
{
    if (poll(fds, count + 1, -1) < 0)
        return errno == EINTR ? 0 : -1;
    turn++;
    files_turn();
    for (unsigned i = count;
         i--;) { /* from the last on: one that goes is replaced by one that had its turn */
        struct connection *c = &connections[i];
        if (!fds[i + 1].revents)
            continue;
        c->used = turn;
        int events = serve(c, fds[i + 1].revents & ~POLLOUT);
        if (events < 0)
            drop(c);
        else
            fds[i + 1].events = (short)events;
    }
    for (unsigned i = 0; fds[0].revents && i < A_TURN && welcome(); i++)
        ;
    return 0;
}

int serve_open(unsigned port)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)}; /* IPv4 too */
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    signal(SIGPIPE, SIG_IGN);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 64)) {
        close(fd);
        return -1;
    }
    fds[0] = (struct pollfd){.fd = fd, .events = POLLIN};
    return 0;
}
