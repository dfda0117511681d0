/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * throughput [-p PORT] [-1]: how fast TCP and UDP are, for whoever drives it by `iperf3 -c`, in both directions, with as many
 * streams as it likes. One test at a time; -1: one, then it ends. apps/iperf is the older iperf, unmodified.
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "throughput.h"

double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int socket_at(unsigned port, int type)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons((in_port_t)port)};
    int s = socket(AF_INET6, type, 0), one = 1;

    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (s < 0 || bind(s, (struct sockaddr *)&any, sizeof any) || (type == SOCK_STREAM && listen(s, 16)))
        return -1;
    return s;
}

static void report(const struct test *t)
{
    uint64_t to = 0, from = 0;
    double seconds = t->ended - t->began > 0 ? t->ended - t->began : 1;

    for (unsigned i = 0; i < t->count; i++)
        *(t->stream[i].sends ? &to : &from) += t->stream[i].bytes;
    printf("%s, %u streams, %.2f s: %.1f Mbits/sec received, %.1f sent\n", t->udp ? "UDP" : "TCP", t->count, seconds,
           (double)from * 8 / seconds / 1e6, (double)to * 8 / seconds / 1e6);
}

/* -1: the client went away, or wants what there is not. */
static int test_run(struct test *t, int listener, unsigned port)
{
    static char text[TEXT_MOST];
    uint8_t state;

    if (bytes_read(t->control, t->cookie, COOKIE) || say(t, PARAM_EXCHANGE) || text_read(t, text) || parameters_read(t, text) ||
        streams_make(t, listener, port) || say(t, TEST_START) || say(t, TEST_RUNNING))
        return -1;
    t->began = now();
    int error = streams_run(t);
    streams_close(t);
    if (error || say(t, EXCHANGE_RESULTS) || text_read(t, text))
        return -1;
    results_write(t, text, sizeof text);
    if (text_write(t, text) || say(t, DISPLAY_RESULTS) || bytes_read(t->control, &state, 1))
        return -1;
    report(t);
    return 0;
}

int main(int argc, char **argv)
{
    unsigned port = 5201;
    bool once = false;

    for (int option; (option = getopt(argc, argv, "p:s1")) != -1;)
        if (option == 'p')
            port = (unsigned)strtoul(optarg, NULL, 10);
        else if (option == '1')
            once = true;
        else if (option != 's') /* as iperf3's server is asked for */
            return fprintf(stderr, "usage: throughput [-p PORT] [-1]\n"), 2;
    signal(SIGPIPE, SIG_IGN);
    int listener = socket_at(port, SOCK_STREAM);
    if (listener < 0)
        return perror("throughput"), 1;
    printf("throughput: waiting at port %u for iperf3 -c\n", port);
    fflush(stdout);
    do {
        static struct test t;
        t = (struct test){.control = accept(listener, NULL, NULL)};
        patience_limit(t.control);
        if (t.control >= 0 && test_run(&t, listener, port))
            puts("a client went away, or wants what there is not");
        streams_close(&t);
        close(t.control);
        fflush(stdout);
    } while (!once);
    return 0;
}
