/* SPDX-License-Identifier: BSD-2-Clause */
/* A load balancer: its handler rewrites a client's frames and sends them on; this process finds the
 * servers, and counts. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "handle.h"

#define PLACES 16

/* What apps/handlers/balance.c shares. */
struct servers {
    uint64_t count; /* a power of two; 0: frames are passed */
    struct server {
        uint32_t address;
        uint8_t mac[6];
        uint16_t spare;
        uint32_t frames;
    } server[PLACES];
};

/* Each server in its turn until all places are taken: one more or less then has up to a sixteenth
 * more or less. */
static int servers_find(struct servers *s, char **names)
{
    unsigned count = 0, given = 0;

    while (names[given])
        given++;
    for (; count < PLACES && given; count++) {
        struct server *to = &s->server[count];
        *to = count < given ? (struct server){0} : s->server[count - given];
        if (count >= given)
            continue;
        if (inet_pton(AF_INET, names[count], &to->address) != 1)
            return fprintf(stderr, "handle: %s: not an IPv4 address\n", names[count]), -1;
        if (raw_neighbour(to->address, to->mac))
            return fprintf(stderr, "handle: %s: nobody of this network answers for it\n",
                           names[count]),
                   -1;
    }
    return given && given <= PLACES
               ? 0
               : (fprintf(stderr, "handle: balance needs 1 to %d servers\n", PLACES), -1);
}

static void counts_tell(const struct servers *s, char **names)
{
    for (unsigned n = 0; names[n]; n++) {
        unsigned long frames = 0;
        for (unsigned i = 0; i < PLACES; i++)
            frames += s->server[i].address == s->server[n].address ? s->server[i].frames : 0;
        printf("%s: %lu\n", names[n], frames);
    }
    fflush(stdout);
}

int balance(unsigned port, char **arguments)
{
    struct servers found = {0};

    if (!network_await())
        return 1;
    if (servers_find(&found, arguments))
        return 1;
    struct raw_handler h = handler_begin(IPPROTO_UDP, port, true, &image_balance);
    struct servers *s = h.window;
    memcpy(s->server, found.server, sizeof found.server);
    __atomic_store_n(&s->count, PLACES, __ATOMIC_RELEASE);
    for (;;)
        if (handler_second(&h))
            counts_tell(s, arguments);
}
