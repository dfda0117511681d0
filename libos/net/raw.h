/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the stack that is none know of each other. */
#pragma once

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/net.h>
#include <aegis/raw.h>

#include "inside.h"

#define RAW_PORTS   32
#define RAW_BUFFERS 128
#define RAW_HEADERS 42 /* Ethernet, IPv4 without options, UDP */

struct raw_port {
    uint16_t number; /* host order; 0: none */
    uint16_t filter; /* its number */
    unsigned slot;   /* its claim */
};

struct raw {
    uint64_t owner; /* session_me of whom it is; another: not opened */
    struct aegis_ring *ring;
    uint8_t *buffers;
    unsigned ring_slot, buffers_slot, endpoint_slot, parent_slot[2]; /* the session's filters: ARP, IPv4 */
    uint64_t received, released; /* entries taken in; sent ones whose buffers came back */
    uint32_t address, mask, gateway; /* network order */
    uint8_t mac[6];
    uint32_t offload; /* AEGIS_NET_TX_CHECKSUM* */
    unsigned spare_count;
    uint8_t spare[RAW_BUFFERS];
    uint8_t sent[AEGIS_TX_ENTRIES * 2]; /* buffer of each entry under way */
    struct raw_port port[RAW_PORTS];
};
extern struct raw raw;

static inline uint8_t *raw_frame(unsigned buffer)
{
    return raw.buffers + buffer * AEGIS_NET_BUFFER + AEGIS_NET_FRAME;
}

struct raw_program {
    struct aegis_filter head;
    struct aegis_atom atom[16];
};

/* raw_ring.c. 0 or a negative errno. */
int raw_start(void);
/* Adds a comparison, of what is received first, then of what is sent. */
void raw_atom(struct raw_program *p, bool sends, unsigned offset, unsigned width, uint64_t mask, uint64_t value);
/* Installs it under the session's filter of a kind (0: ARP, 1: IPv4) and binds it. Its number. */
int raw_install(struct raw_program *p, unsigned kind, unsigned tag, unsigned *slot);
void raw_remove(unsigned slot);
/* A claimed block, mapped at `*to`: its claim's slot, or a negative errno. */
int raw_block(unsigned order, void *to);
/* A buffer to fill, or -ENOBUFS; and given back. */
int raw_buffer(void);
void raw_give(unsigned buffer);
/* Queues the frame in a buffer, which comes back when it has left. */
int raw_queue(unsigned filter, unsigned buffer, unsigned size, unsigned checksum_offset);
struct raw_port *raw_port_find(uint16_t number);
/* The entry that comes next, and its buffer; null: none. */
const volatile struct aegis_rx *raw_take(unsigned *buffer);

/* raw.c: IPv4 of a protocol without options, not a fragment, to (from) our address and the port; ICMP: echo. `forwards`: what
 * is sent is from anybody, with our hardware address. */
void raw_program_make(struct raw_program *p, unsigned protocol, uint16_t port, bool forwards);
int raw_port_open(struct raw_program *p, uint16_t number);
/* Sockets of the session's stack have one of these. */
bool raw_ports_used(unsigned protocol, uint16_t first, uint16_t last);

/* raw_neighbour.c: who has an address, in the last hop. */
void raw_neighbour_learn(uint32_t address, const uint8_t mac[6]);
/* The entry was an answer to our question. */
bool raw_neighbour_answer(const uint8_t *frame, unsigned size);
#define RAW_TAG_ARP 0xffffffffU
