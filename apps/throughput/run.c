/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams of a test: made, and run. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "throughput.h"

#define QUESTION   0x36373839U /* a client's first datagram; its answer, and an older one */
#define ANSWER     0x39383736U
#define ANSWER_OLD 987654321U

static uint8_t block[BLOCK_MOST];

/* ---- made ---- */

static int turned_away(int socket)
{
    uint8_t no = ACCESS_DENIED;

    bytes_write(socket, &no, 1);
    close(socket);
    return -1;
}

/* The next connection with the test's cookie; others come too early. */
static int stream_accept(const struct test *t, int listener)
{
    char cookie[COOKIE];
    int s = -1;

    while (s < 0) {
        struct pollfd p[2] = {{listener, POLLIN, 0}, {t->control, POLLIN, 0}};
        if (poll(p, 2, -1) < 0 || p[1].revents || (s = accept(listener, NULL, NULL)) < 0)
            return -1; /* the client says something else, or is gone */
        patience_limit(s);
        if (bytes_read(s, cookie, COOKIE) || memcmp(cookie, t->cookie, COOKIE))
            s = turned_away(s);
    }
    return s;
}

/* Whoever asks at `*socket` first has it for itself; the next one has another before it knows. */
static int stream_of_datagrams(const struct test *t, int *socket, unsigned port)
{
    struct pollfd p[2] = {{*socket, POLLIN, 0}, {t->control, POLLIN, 0}};
    struct sockaddr_storage from;
    socklen_t size = sizeof from;
    uint32_t word = 0;
    int s = *socket;

    if (poll(p, 2, -1) < 0 || p[1].revents || recvfrom(s, &word, sizeof word, 0, (struct sockaddr *)&from, &size) < 0 ||
        connect(s, (struct sockaddr *)&from, size))
        return -1;
    *socket = socket_at(port, SOCK_DGRAM);
    word = word == QUESTION ? ANSWER : ANSWER_OLD;
    return send(s, &word, sizeof word, 0) == sizeof word ? s : -1;
}

int streams_make(struct test *t, int listener, unsigned port)
{
    unsigned wanted = t->both ? 2 * t->parallel : t->parallel;
    int next = t->udp ? socket_at(port, SOCK_DGRAM) : -1; /* before the client is told to come */

    int s = t->udp && next < 0 ? -1 : say(t, CREATE_STREAMS);
    while (s >= 0 && t->count < wanted) {
        s = t->udp ? stream_of_datagrams(t, &next, port) : stream_accept(t, listener);
        if (s < 0)
            break;
        t->stream[t->count] = (struct stream){.socket = s, .sends = t->both ? t->count >= t->parallel : t->reverse};
        fcntl(s, F_SETFL, O_NONBLOCK);
        t->count++;
    }
    if (next >= 0)
        close(next);
    return s < 0 ? -1 : 0;
}

/* ---- run ---- */

/* Seconds, microseconds and number stand in front. */
static void datagram_taken(const struct test *t, struct stream *s, size_t size)
{
    uint32_t head[4];
    uint64_t number;

    if (size < (t->wide ? 16 : 12))
        return;
    memcpy(head, block, sizeof head);
    number = t->wide ? (uint64_t)ntohl(head[2]) << 32 | ntohl(head[3]) : ntohl(head[2]);
    if (number > s->highest) {
        s->lost += number - s->highest - 1;
        s->highest = number;
    } else if (s->lost) {
        s->lost--; /* it came late */
    }
    s->packets++;
    double transit = now() - (ntohl(head[0]) + ntohl(head[1]) / 1e6);
    if (s->heard)
        s->jitter += (fabs(transit - s->transit) - s->jitter) / 16; /* RFC 1889 */
    s->transit = transit;
    s->heard = true;
}

static int stream_take(const struct test *t, struct stream *s)
{
    ssize_t n = read(s->socket, block, t->udp ? sizeof block : t->block);

    if (n < 0)
        return errno == EAGAIN ? 0 : -1;
    if (!n && !t->udp)
        return -1;
    s->bytes += (uint64_t)n;
    if (t->udp)
        datagram_taken(t, s, (size_t)n);
    return 0;
}

static int stream_give(const struct test *t, struct stream *s)
{
    if (t->udp) {
        double time = now();
        uint64_t number = s->packets + 1;
        uint32_t head[4] = {htonl((uint32_t)time), htonl((uint32_t)((time - (uint32_t)time) * 1e6)),
                            htonl((uint32_t)(t->wide ? number >> 32 : number)), htonl((uint32_t)number)};
        memcpy(block, head, t->wide ? 16 : 12);
    }
    ssize_t n = write(s->socket, block, t->block);
    if (n < 0)
        return errno == EAGAIN || errno == ENOBUFS ? 0 : -1;
    s->bytes += (uint64_t)n;
    s->packets += t->udp;
    return 0;
}

/* Whether its rate lets it send now; else `*wait` (in ms) is at most how long that takes. */
static bool is_due(const struct test *t, const struct stream *s, int *wait)
{
    double ahead = t->rate ? (double)s->bytes * 8 / t->rate - (now() - t->began) : 0;

    if (ahead <= 0)
        return true;
    int ms = ahead < 1 ? (int)(ahead * 1000) + 1 : 1000;
    *wait = *wait < 0 || ms < *wait ? ms : *wait;
    return false;
}

/* The client may still wait for the rest of a block. */
void streams_close(struct test *t)
{
    for (unsigned i = 0; i < t->count; i++) {
        if (t->stream[i].socket >= 0)
            close(t->stream[i].socket);
        t->stream[i].socket = -1;
    }
}

int streams_run(struct test *t)
{
    struct pollfd p[STREAMS + 1];

    for (;;) {
        int wait = -1;
        p[0] = (struct pollfd){t->control, POLLIN, 0};
        for (unsigned i = 0; i < t->count; i++) {
            struct stream *s = &t->stream[i];
            bool due = s->sends && is_due(t, s, &wait);
            p[i + 1] = (struct pollfd){s->socket, (short)(s->sends ? due ? POLLOUT : 0 : POLLIN), 0};
        }
        if (poll(p, t->count + 1, wait) < 0)
            return -1;
        for (unsigned i = 0; i < t->count; i++) {
            struct stream *s = &t->stream[i];
            if (p[i + 1].revents && s->socket >= 0 && (s->sends ? stream_give(t, s) : stream_take(t, s))) {
                close(s->socket); /* the client has closed it, and will say so */
                s->socket = -1;
            }
        }
        uint8_t state;
        if (!p[0].revents)
            continue;
        t->ended = now();
        return bytes_read(t->control, &state, 1) || state != TEST_END ? -1 : 0;
    }
}
