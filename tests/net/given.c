/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * given inside ADDRESS PORT   in a session that was given the TCP ports 8000 to 8099: what it may and may not; then it connects to
 *                             that PORT, and echoes at port 8000 until somebody says "end"
 * given outside               in the session that gave them: they are taken. given free: they are not
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <aegis/aegis.h>
#include <aegis/raw.h>

#include "../../libos/net/inside.h"
#include "../../libos/vm/vm.h"
#include "../libos/tap.h"

#define FAILS(call, error) (errno = 0, (call) == -1 && errno == (error))

static struct sockaddr_in at(uint32_t address, unsigned port)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((in_port_t)port), .sin_addr.s_addr = htonl(address)};
}

/* 0, or errno. */
static int bound(int type, uint32_t address, unsigned port)
{
    struct sockaddr_in a = at(address, port);
    int s = socket(AF_INET, type, 0), error = bind(s, (void *)&a, sizeof a) ? errno : 0;

    close(s);
    return error;
}

/* A filter of the libOS's own making, under the one that was given. */
static long installed(unsigned port)
{
    struct {
        struct aegis_filter head;
        struct aegis_atom atom[6];
    } f = {.head = {.receive = 6, .over = {AEGIS_NONE, AEGIS_NONE, AEGIS_NONE, AEGIS_NONE}}};
    static const struct { unsigned offset, width; uint64_t mask, value; } is[6] = {
        {12, 2, 0xffff, 0x0800}, {14, 1, 0xff, 0x45}, {20, 2, 0x3fff, 0}, {23, 1, 0xff, 6}, {30, 4, 0xffffffff, 0}, {36, 2, 0xffff, 0}};
    unsigned parent = slot_find();

    aegis_claim(NETWORK->given.filter.what, NETWORK->given.filter.mac, parent);
    unsigned slot = slot_find();
    for (unsigned i = 0; i < 6; i++)
        f.atom[i] = (struct aegis_atom){.kind = AEGIS_ATOM_EQ, .width = (uint8_t)is[i].width, .offset = is[i].offset, .mask = is[i].mask, .low = is[i].value};
    f.atom[4].low = ntohl(NETWORK->given.address);
    f.atom[5].low = port;
    struct aegis_result r;
    while ((r = aegis_filter_install(parent, (unsigned long)&f, slot)).error == AEGIS_E_AGAIN)
        ;
    aegis_release(0, slot);
    aegis_release(0, parent);
    return r.error;
}

static void asks(const char *address, unsigned port)
{
    struct sockaddr_in to = at(ntohl(inet_addr(address)), port), from;
    int c = socket(AF_INET, SOCK_STREAM, 0), u = socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t size = sizeof from;
    char b[8] = "";

    tap(!connect(c, (void *)&to, sizeof to) && read(c, b, 8) == 5 && !strcmp(b, "hello") && !getsockname(c, (void *)&from, &size) &&
            ntohs(from.sin_port) >= 8000 && ntohs(from.sin_port) <= 8099,
        "given_connects_from_its_ports");
    uint64_t refused = NET_RING->refused;
    sendto(u, "alien", 5, 0, (void *)&to, sizeof to);
    tap(NET_RING->refused == refused + 1, "given_sends_nothing_else");
    close(c);
    close(u);
}

static void echo(void)
{
    struct sockaddr_in a = at(INADDR_ANY, 8000);
    int l = socket(AF_INET, SOCK_STREAM, 0);
    char b[100];

    if (bind(l, (void *)&a, sizeof a) || listen(l, 4))
        return;
    puts("echoing");
    fflush(stdout);
    for (bool over = false; !over;) {
        int c = accept(l, NULL, NULL);
        for (ssize_t n; (n = read(c, b, sizeof b)) > 0 && !(over = !memcmp(b, "end", 3));)
            write(c, b, (size_t)n);
        close(c);
    }
}

static void inside(const char *address, unsigned port)
{
    tap(!bound(SOCK_STREAM, INADDR_ANY, 8099) && !bound(SOCK_STREAM, INADDR_LOOPBACK, 80) && !bound(SOCK_DGRAM, INADDR_LOOPBACK, 8001),
        "given_ports_are_its");
    tap(bound(SOCK_STREAM, INADDR_ANY, 80) == EACCES && bound(SOCK_STREAM, INADDR_ANY, 8100) == EACCES && bound(SOCK_DGRAM, INADDR_ANY, 8001) == EACCES,
        "given_no_other_port");
    tap(installed(8001) == 0 && installed(8100) == AEGIS_E_NOT_REFINED && installed(80) == AEGIS_E_NOT_REFINED, "given_filters_beneath_it");
    tap(raw_open(8001) < 0 && raw_open(80) < 0, "given_no_datagrams");
    asks(address, port);
    echo();
}

/* A port is a socket's of the session's stack or a filter's of a process, never both. */
static void both(void)
{
    struct sockaddr_in a = at(INADDR_ANY, 7100);
    int u = socket(AF_INET, SOCK_DGRAM, 0);

    bind(u, (void *)&a, sizeof a);
    bool refused = raw_open(7100) == -EADDRINUSE;
    close(u);
    tap(refused && raw_open(7100) == 0 && bound(SOCK_DGRAM, INADDR_ANY, 7100) == EADDRINUSE && !bound(SOCK_STREAM, INADDR_ANY, 7100) &&
            raw_close(7100) == 0,
        "given_a_sockets_port_or_a_filters");
}

int main(int argc, char **argv)
{
    if (argc > 3) {
        inside(argv[2], (unsigned)atoi(argv[3]));
    } else if (argc > 1 && !strcmp(argv[1], "outside")) {
        for (int i = 0; i < 100 && bound(SOCK_STREAM, INADDR_ANY, 8042) != EADDRINUSE; i++)
            usleep(100000);
        tap(bound(SOCK_STREAM, INADDR_ANY, 8042) == EADDRINUSE && bound(SOCK_STREAM, INADDR_ANY, 8099) == EADDRINUSE, "given_away_ports_are_taken");
        tap(!bound(SOCK_STREAM, INADDR_ANY, 8100) && !bound(SOCK_DGRAM, INADDR_ANY, 8042), "given_away_ports_are_those_only");
        both();
    } else {
        for (int i = 0; i < 50 && bound(SOCK_STREAM, INADDR_ANY, 8042); i++) /* until the reaper has been there */
            usleep(20000);
        tap(!bound(SOCK_STREAM, INADDR_ANY, 8042), "given_ports_come_back");
    }
    return tap_failed;
}
