/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The figures of the network through sockets: net udp | http | send. Each serves until it has
 * counted; scripts/aegis/bench.py is the other end. What is counted is what the whole machine
 * executes for one datagram, request or 64 KiB.
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../httpd/httpd.h"
#include "figure.h"

static struct sockaddr_in any(unsigned short port)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
}

/* Counts what lies between `warm` and `warm + count` of something. */
struct span {
    unsigned long warm, count, begin;
};

/* 1: it is over, and has been reported. */
static int span_at(struct span *s, unsigned long n, const char *name)
{
    if (!s->begin && n >= s->warm) {
        s->begin = figure_now();
        s->warm = n;
    }
    if (!s->begin || n < s->warm + s->count)
        return 0;
    figure_report(name, (figure_now() - s->begin) / (n - s->warm));
    return 1;
}

static int udp(void)
{
    static char buffer[2048];
    struct span span = {512, 8192, 0};
    struct sockaddr_in at = any(7), from;
    int u = socket(AF_INET, SOCK_DGRAM, 0);

    if (u < 0 || bind(u, (struct sockaddr *)&at, sizeof at))
        return 1;
    puts("serving");
    fflush(stdout);
    for (unsigned long n = 0; !span_at(&span, n, "udp_echo_socket"); n++) {
        socklen_t size = sizeof from;
        ssize_t got = recvfrom(u, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &size);
        if (got >= 0)
            sendto(u, buffer, (size_t)got, 0, (struct sockaddr *)&from, size);
    }
    return 0;
}

static int http(void)
{
    struct span span = {2000, 5000, 0};

    files_start("/www", 1 << 20);
    if (serve_open(80))
        return 1;
    puts("serving");
    fflush(stdout);
    while (!span_at(&span, serve_answers, "http_1k"))
        if (serve_turn())
            return 1;
    return 0;
}

static int send_much(void)
{
    static char buffer[64 << 10];
    struct span span = {64, 512, 0};
    struct sockaddr_in at = any(5001);
    int l = socket(AF_INET, SOCK_STREAM, 0);

    for (size_t i = 0; i < sizeof buffer; i++)
        buffer[i] = (char)(i * 7 + i / 251);
    if (l < 0 || bind(l, (struct sockaddr *)&at, sizeof at) || listen(l, 1))
        return 1;
    puts("serving");
    fflush(stdout);
    int c = accept(l, NULL, NULL);
    for (unsigned long n = 0; !span_at(&span, n, "tcp_send_64k"); n++)
        if (write(c, buffer, sizeof buffer) != sizeof buffer)
            return 1;
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    signal(SIGPIPE, SIG_IGN);
    return !strcmp(what, "udp")    ? udp()
           : !strcmp(what, "http") ? http()
           : !strcmp(what, "send") ? send_much()
                                   : 2;
}
