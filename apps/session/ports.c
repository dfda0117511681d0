/* SPDX-License-Identifier: BSD-2-Clause */
#include "ports.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "../../libos/net/raw.h"

#define BENEATH 32 /* filters, endpoints and handlers that may be made beneath it */

int ports_read(const char *text, struct net_given *g)
{
    unsigned first = 0, last = 0;
    char protocol[4], rest;
    int n = sscanf(text, "%3[a-z]:%u-%u%c", protocol, &first, &last, &rest);

    if (n == 2 && !strchr(text, '-'))
        last = first;
    else if (n != 3)
        return -1;
    g->protocol = !strcmp(protocol, "tcp") ? IPPROTO_TCP : !strcmp(protocol, "udp") ? IPPROTO_UDP : 0;
    g->first = (uint16_t)first;
    g->last = (uint16_t)last;
    return g->protocol && first && first <= last && last <= 65535 ? 0 : -1;
}

/* The filter of one port, with a range in its place, both ways. */
static void range_make(struct raw_program *p, const struct net_given *g)
{
    raw_program_make(p, g->protocol, g->first, false);
    p->head.limit = BENEATH;
    struct aegis_atom *to = &p->atom[p->head.receive - 1], *from = &p->atom[p->head.receive + p->head.send - 1];
    to->kind = from->kind = AEGIS_ATOM_RANGE;
    to->high = from->high = g->last;
}

int ports_give(struct net_given *g)
{
    struct raw_program p = {0};
    unsigned slot, rights = AEGIS_R | AEGIS_W | AEGIS_ALLOC;
    int error = raw_start();

    if (!error)
        error = raw_neighbour(raw.gateway, g->gateway_mac);
    if (error)
        return error;
    if (raw_ports_used(g->protocol, g->first, g->last))
        return -EADDRINUSE;
    range_make(&p, g);
    int number = raw_install(&p, 1, 0, &slot);
    if (number < 0)
        return number;
    g->address = raw.address;
    g->gateway = raw.gateway;
    g->filter = (struct aegis_capability){AEGIS_WHAT(AEGIS_FILTER, rights, 0, (unsigned)number), aegis_capability_make(slot, rights, 0, 0).value};
    return 0;
}

unsigned ports_await(struct aegis_predicate *p, uint64_t *deadline)
{
    return raw.owner == session_me ? stack_await(p, deadline) : 0;
}

void ports_run(void)
{
    if (raw.owner == session_me)
        stack_run();
}
