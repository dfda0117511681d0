/* SPDX-License-Identifier: BSD-2-Clause */
/* Filters and frames of UDP, for the tests of the network. */
#pragma once

#include "lib/lib.h"

/* A program of up to 8 atoms each way. */
struct packet_filter {
    struct aegis_filter head;
    struct aegis_atom atom[16];
};

static inline struct aegis_atom atom_eq(unsigned offset, unsigned width, unsigned long value)
{
    return (struct aegis_atom){.kind = AEGIS_ATOM_EQ, .width = (unsigned char)width, .offset = offset,
                               .mask = width == 8 ? ~0UL : (1UL << 8 * width) - 1, .low = value};
}

static inline struct aegis_atom atom_range(unsigned offset, unsigned width, unsigned long low, unsigned long high)
{
    struct aegis_atom a = atom_eq(offset, width, low);
    a.kind = AEGIS_ATOM_RANGE;
    a.high = high;
    return a;
}

/* UDP to ports [low, high], IPv4 without options; what it sends comes from these. */
static inline struct packet_filter udp_ports(unsigned low, unsigned high, unsigned limit)
{
    struct packet_filter f = {.head = {.receive = 4, .send = 4, .limit = limit, .over = {NONE, NONE, NONE, NONE}}};
    for (unsigned way = 0; way < 2; way++) {
        unsigned offset = way ? 34 : 36;
        f.atom[4 * way] = atom_eq(12, 2, 0x0800);
        f.atom[4 * way + 1] = atom_eq(14, 1, 0x45);
        f.atom[4 * way + 2] = atom_eq(23, 1, 17);
        f.atom[4 * way + 3] = low == high ? atom_eq(offset, 2, low) : atom_range(offset, 2, low, high);
    }
    return f;
}

/* A UDP frame of `length` bytes to our own address, its payload counting from `first`. */
static inline void udp_frame(unsigned char *at, unsigned length, unsigned from, unsigned to, unsigned first)
{
    for (unsigned i = 0; i < length; i++)
        at[i] = i < 42 ? 0 : (unsigned char)(first + i);
    for (unsigned i = 0; i < 6; i++) {
        at[i] = EXPOSED->net.mac[i];
        at[6 + i] = EXPOSED->net.mac[i];
    }
    at[12] = 8;
    at[14] = 0x45;
    at[16] = (unsigned char)((length - 14) >> 8);
    at[17] = (unsigned char)(length - 14);
    at[22] = 64;
    at[23] = 17;
    at[34] = (unsigned char)(from >> 8);
    at[35] = (unsigned char)from;
    at[36] = (unsigned char)(to >> 8);
    at[37] = (unsigned char)to;
    at[38] = (unsigned char)((length - 34) >> 8);
    at[39] = (unsigned char)(length - 34);
}

/* Memory for filters, by way of a slot, in an image whose tests do not lend it themselves. */
void filters_lend(unsigned long slot);

/* An endpoint with 2^order pages of buffers, all mapped: slots s (ring), s + 1 (buffers), s + 2 (itself); ring at va, buffers behind. */
struct socket {
    unsigned long slot;
    struct aegis_ring *ring;
    unsigned char *buffers;
    unsigned number;
};
void socket_open(struct socket *s, unsigned long root, unsigned long slot, unsigned long va, unsigned order);
/* One with 4 pages of buffers and a filter for a port, which is bound to it, in the slot behind it: the filter's number. */
unsigned socket_bound(struct socket *s, unsigned long slot, unsigned long va, unsigned port);
void socket_close(struct socket *s);
void socket_post(struct socket *s, unsigned buffer);
/* Queues a frame that lies at an offset of the buffers; parts may be added to what it returns before the next net_send. */
struct aegis_tx *socket_queue(struct socket *s, unsigned filter, unsigned offset, unsigned header);
struct aegis_result filter_make(unsigned long root, const struct packet_filter *f, unsigned long slot);
