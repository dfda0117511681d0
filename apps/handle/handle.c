/* SPDX-License-Identifier: BSD-2-Clause */
/* handle: chooses the application, binds handlers, tells what they do. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handle.h"

#define TRIES 30

static const struct application {
    const char *name;
    bool has_port;
    int (*run)(unsigned port, char **arguments);
    const char *synopsis, *what;
} applications[] = {
    {"echo", true, udp_echo, "echo PORT", "UDP echo"},
    {"ping", false, icmp_echo, "ping", "answers pings in the stack's place"},
    {"tcp", true, tcp, "tcp PORT [TEXT]", "a whole TCP server: each connection gets one text"},
    {"count", true, increment, "count PORT",
     "active messages: add to, lock, unlock, read 64 counters"},
    {"beat", true, beat, "beat PORT", "heartbeats: as many, as far apart, as a datagram asks for"},
    {"kv", true, kv, "kv PORT", "key-value store: GETs by the handler, PUTs by this process"},
    {"balance", true, balance, "balance PORT SERVER...",
     "spreads UDP over servers of this network"},
    {"sample", false, sample, "sample", "histograms of all frames, for aegis-web to draw"},
};
#define APPLICATIONS (sizeof applications / sizeof *applications)

static int usage(FILE *to, int status)
{
    fputs("usage: handle APPLICATION [ARGUMENT...]\n"
          "The kernel runs its handler (ash/README.md) for each frame, whether this program is "
          "scheduled or not.\n",
          to);
    for (unsigned i = 0; i < APPLICATIONS; i++)
        fprintf(to, "  %-24s%s\n", applications[i].synopsis, applications[i].what);
    return status;
}

static const char *reason(int error)
{
    return error == -ENETDOWN
               ? AEGIS_EXPOSED_STATE->net.device
                     ? "no address has come by DHCP"
                     : "there is no network: boot with scripts/run --net or --forward"
           : error == -EADDRINUSE ? "the port is somebody else's"
           : error == -ENOBUFS    ? "all places for handlers are taken"
           : error == -ENOEXEC    ? "the kernel's verifier refuses the handler"
                                  : strerror(-error);
}

/* The first try waits some seconds; an address may come later still. */
bool network_await(void)
{
    unsigned tries = AEGIS_EXPOSED_STATE->net.device ? TRIES : 0;

    while (tries && !raw_address()) {
        sleep(1);
        tries--;
    }
    if (!tries)
        fprintf(stderr, "handle: %s\n", reason(-ENETDOWN));
    return tries;
}

struct raw_handler handler_begin(unsigned protocol, unsigned port, bool forwards,
                                 const struct ash_image *image)
{
    struct raw_handler h;

    if (!network_await())
        exit(1);
    int error = raw_handle(&h, protocol, (uint16_t)port, forwards, image);
    if (error) {
        fprintf(stderr, "handle: %s\n", reason(error));
        exit(1);
    }
    printf("serving\n");
    fflush(stdout);
    return h;
}

static uint64_t time_now(void)
{
    uint64_t t;
    __asm__ volatile("rdtime %0" : "=r"(t));
    return t;
}

bool handler_second(const struct raw_handler *h)
{
    static uint64_t seen, told;
    const volatile struct aegis_handler_record *r = &AEGIS_EXPOSED_STATE->net.handler[h->number];
    uint64_t second = AEGIS_EXPOSED_STATE->time_hz;

    if (r->aborted) {
        fprintf(stderr, "handle: the handler trapped: cause %lu at instruction %lu, address %#lx\n",
                (unsigned long)r->cause, (unsigned long)r->pc, (unsigned long)r->value);
        exit(1);
    }
    raw_wait(time_now() + second);
    uint64_t now = time_now(), runs = r->runs;
    if (runs == seen || now - told < second)
        return false;
    seen = runs;
    told = now;
    printf("%lu frames, %lu sent, %lu instructions each\n", (unsigned long)runs,
           (unsigned long)r->sent, (unsigned long)(r->steps / runs));
    fflush(stdout);
    return true;
}

int main(int argc, char **argv)
{
    const struct application *a = applications, *end = a + APPLICATIONS;
    unsigned long port = 0;
    char *rest = "";

    if (argc == 2 && !strcmp(argv[1], "--help"))
        return usage(stdout, 0);
    while (a < end && (argc < 2 || strcmp(argv[1], a->name)))
        a++;
    if (a == end || (a->has_port && argc < 3))
        return usage(stderr, 2);
    if (a->has_port)
        port = strtoul(argv[2], &rest, 10);
    if (*rest || port > 65535 || (a->has_port && !port)) {
        fprintf(stderr, "handle: %s: a port is 1 to 65535\n", argv[2]);
        return 2;
    }
    return a->run((unsigned)port, argv + (a->has_port ? 3 : 2));
}
