/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hours SECONDS: connections, datagrams, ports of one's own, children that die inside, again and again for so many seconds of
 * the machine's time. Nothing may have become less at the end: pages, session memory, buffers of the ring, filters.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <aegis/exposed.h>
#include <aegis/raw.h>

#include "../../libos/net/inside.h"

static char buffer[20000];

static struct sockaddr_in name(unsigned port)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((in_port_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void serve_one(int l)
{
    int c = accept(l, NULL, NULL);

    for (ssize_t n; (n = read(c, buffer, sizeof buffer)) > 0;)
        if (write(c, buffer, (size_t)n) != n)
            break;
    _exit(0);
}

/* There and back; or the child is killed in the middle of it. */
static int stream(int killed)
{
    struct sockaddr_in at = name(5000);
    int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), one = 1, wrong = 0;
    size_t got = 0;

    setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(l, (void *)&at, sizeof at) || listen(l, 4))
        return 1;
    pid_t child = fork();
    if (!child)
        serve_one(l);
    wrong = connect(c, (void *)&at, sizeof at) || write(c, buffer, sizeof buffer) != sizeof buffer;
    if (killed) { /* it may not have accepted yet: who reads learns by the listener's end */
        kill(child, SIGKILL);
        close(l);
    } else {
        shutdown(c, SHUT_WR);
    }
    for (ssize_t n; (n = read(c, buffer, sizeof buffer)) > 0;)
        got += (size_t)n;
    close(c);
    if (!killed)
        close(l);
    waitpid(child, NULL, 0);
    return wrong || (!killed && got != sizeof buffer);
}

static int datagrams(void)
{
    struct sockaddr_in at = name(5001);
    int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0), wrong = bind(a, (void *)&at, sizeof at);

    for (size_t size = 1; size < 9000 && !wrong; size = size * 3 + 1) {
        wrong = sendto(b, buffer, size, 0, (void *)&at, sizeof at) != (ssize_t)size;
        if (size % 2) /* others stay unread */
            wrong |= recv(a, buffer, sizeof buffer, 0) <= 0;
    }
    close(a);
    close(b);
    return wrong;
}

/* A child's, which may end without a word. */
static int own_port(unsigned round)
{
    pid_t child = fork();
    int status;

    if (!child) {
        int error = raw_open(6000 + round % 100);
        if (!error && round % 2)
            raw_close(6000 + round % 100);
        _exit(error != 0 && error != -EADDRINUSE);
    }
    return waitpid(child, &status, 0) != child || status;
}

struct count {
    uint64_t pages, session, posted, filters, cells;
};

static struct count count_now(void)
{
    const volatile struct aegis_exposed *e = AEGIS_EXPOSED_STATE;

    return (struct count){e->free_pages, session_used(), NET_RING->posted - NETWORK->received, e->net.filters, e->net.memory_free};
}

/* What has died is taken apart in its own time: the best of thirty seconds counts, to the last page. */
static int compare(const struct count *first)
{
    struct count c = {0};

    for (int i = 0; i < 300; i++) {
        c = count_now();
        if (c.pages >= first->pages && c.session <= first->session && c.posted >= first->posted && c.filters == first->filters &&
            c.cells >= first->cells)
            return 0;
        usleep(100000);
    }
    printf("pages %lu %lu, session %lu %lu, buffers %lu %lu, filters %lu %lu, cells %lu %lu\n", first->pages, c.pages, first->session,
           c.session, first->posted, c.posted, first->filters, c.filters, first->cells, c.cells);
    return 1;
}

int main(int argc, char **argv)
{
    unsigned long seconds = argc > 1 ? strtoul(argv[1], NULL, 10) : 600, hz = AEGIS_EXPOSED_STATE->time_hz, round = 0;
    struct count first = {0};
    int wrong = 0;

    for (; time_now() < seconds * hz && !wrong; round++) {
        wrong = stream(round % 5 == 4) ? 1 : datagrams() ? 2 : own_port((unsigned)round) ? 3 : 0;
        if (round == 60) { /* what is kept for later is there by now */
            sleep(30);
            first = count_now();
        }
        sleep(seconds / 2000 + 1);
    }
    if (wrong)
        return printf("round %lu: part %d\n", round, wrong), 1;
    wrong = compare(&first);
    printf("%lu rounds in %lu seconds\n", round, time_now() / hz);
    return wrong;
}
