/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP over IPv4 straight on a ring of the program's own, with no stack: each port is a filter, whose frames the kernel puts
 * into the program's buffers. What a datagram needs is done here, in place: lengths and sums are looked at, an answer is the
 * question's frame turned around. No copy, no lock, no other process.
 *
 *     raw_open(port)         its filter; with the first one ring and buffers
 *     raw_next(&d)           the next datagram, where it lies; false: none
 *     raw_answer(&d, size)   its bytes, changed in place, go back to whoever sent it
 *     raw_send(...)          bytes of ours to anybody
 *     raw_flush()            what was queued leaves: one call for all of it
 *     raw_wait(deadline)     until something has come
 *
 * The address, and answers to those who ask for it, are the session's stack's. Fragments and packets with options go there,
 * too: the filter does not match them. What is opened belongs to the process: a child opens its own.
 *
 * `netstack_raw` has it as a stack, for programs that use sockets of AF_INET and SOCK_DGRAM:
 *
 *     const struct netstack *const aegis_netstack = &netstack_raw;
 *
 * Not for several threads at once. Errors are negative errno values.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <aegis/netstack.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RAW_MOST 1472 /* bytes of a datagram */

struct raw_datagram {
    uint8_t *bytes; /* in its buffer; RAW_MOST may be written there */
    size_t size;
    uint32_t from;                /* address, network order */
    uint16_t from_port, port; /* host order; port: ours */
    uint16_t buffer;
};

/* A port of the machine's, host order. 0, -EADDRINUSE (a filter for it is installed), -ENETDOWN, -ENOMEM ... */
int raw_open(uint16_t port);
int raw_close(uint16_t port);
/* Our address, network order; 0: none yet, or no network. */
uint32_t raw_address(void);
/* Takes the next one that has come. It is the caller's until raw_answer or raw_done. */
bool raw_next(struct raw_datagram *d);
void raw_done(const struct raw_datagram *d);
/* Sends d->bytes, `size` of them, back, and gives the buffer up. */
int raw_answer(const struct raw_datagram *d, size_t size);
/* -EHOSTUNREACH: nobody answers for that address. May wait a second for that. */
int raw_send(uint16_t port, uint32_t to, uint16_t to_port, const void *bytes, size_t size);
void raw_flush(void);
/* Until a datagram has come, or `time` has passed `deadline` (0: none). 0, -EINTR, -ETIMEDOUT. */
int raw_wait(uint64_t deadline);

/* ---- handlers: code of the program's own that the kernel runs for each frame (ash/README.md) ---- */

struct ash_image;

struct raw_handler {
    void *window;    /* what it shares with us, image->window bytes */
    unsigned number; /* in exposed.net.handler */
    unsigned filter_slot;
};

/*
 * Binds the handler in `image` (a file of scripts/ash-cc's in memory, at a multiple of 8) to frames of IPv4: to UDP or TCP at
 * a port of ours, or to ICMP's echo requests (port 0). What it passes of UDP comes by raw_next. `protocol` 0: to all that the
 * session's stack receives, before it. `forwards`: it may send from any IP address. It lives as long as the process.
 * 0, or as raw_open; -EINVAL: it is no handler, -ENOEXEC: the kernel's verifier refuses it.
 */
int raw_handle(struct raw_handler *h, unsigned protocol, uint16_t port, bool forwards, const struct ash_image *image);
/* The hardware address of a host of our network, to whom a handler may forward. -EHOSTUNREACH: it does not answer. */
int raw_neighbour(uint32_t address, uint8_t mac[6]);

extern const struct netstack netstack_raw;

#ifdef __cplusplus
}
#endif
