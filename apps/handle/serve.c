/* SPDX-License-Identifier: BSD-2-Clause */
/* Those whose handler does everything. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handle.h"

static _Noreturn void watch(const struct raw_handler *h)
{
    for (;;)
        handler_second(h);
}

/* The kernel runs a handler within its owner's time; what comes beyond that comes here. */
int udp_echo(unsigned port, char **arguments)
{
    struct raw_handler h = handler_begin(IPPROTO_UDP, port, false, &image_udp_echo);
    struct raw_datagram d;

    (void)arguments;
    for (;;) {
        while (raw_next(&d))
            raw_answer(&d, d.size);
        handler_second(&h);
    }
}

int icmp_echo(unsigned port, char **arguments)
{
    struct raw_handler h = handler_begin(IPPROTO_ICMP, port, false, &image_icmp_echo);

    (void)arguments;
    watch(&h);
}

/* What apps/handlers/tcp.c shares. */
struct tcp_server {
    uint64_t connections, answers;
    uint32_t secret, length;
    char text[1024];
};

/* The text by HTTP, if none is given; filled up with blanks to a multiple of 4. */
static void text_put(struct tcp_server *s, const char *text)
{
    static const char page[] = "answered inside the kernel, by verified code\n";
    int n =
        text ? snprintf(s->text, sizeof s->text, "%s", text)
             : snprintf(
                   s->text, sizeof s->text,
                   "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %lu\r\n\r\n%s",
                   (unsigned long)sizeof page - 1, page);
    size_t length = n < (int)sizeof s->text ? (size_t)n : sizeof s->text - 1;

    while (length % 4)
        s->text[length++] = ' ';
    s->secret = arc4random();
    __atomic_store_n(&s->length, (uint32_t)length, __ATOMIC_RELEASE);
}

int tcp(unsigned port, char **arguments)
{
    struct raw_handler h = handler_begin(IPPROTO_TCP, port, false, &image_tcp);

    text_put(h.window, arguments[0]);
    watch(&h);
}

/* What apps/handlers/increment.c shares; the counters that are not 0 are told. */
int increment(unsigned port, char **arguments)
{
    struct raw_handler h = handler_begin(IPPROTO_UDP, port, false, &image_increment);
    volatile uint32_t *counter = h.window;

    (void)arguments;
    for (;;) {
        if (!handler_second(&h))
            continue;
        for (unsigned i = 0; i < 64; i++)
            if (counter[i])
                printf("counter %u: %u\n", i, (unsigned)counter[i]);
        fflush(stdout);
    }
}

/* What apps/handlers/beat.c shares: ticks a millisecond. */
int beat(unsigned port, char **arguments)
{
    struct raw_handler h = handler_begin(IPPROTO_UDP, port, false, &image_beat);

    (void)arguments;
    *(volatile uint64_t *)h.window = AEGIS_EXPOSED_STATE->time_hz / 1000;
    watch(&h);
}
