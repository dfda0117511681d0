/* SPDX-License-Identifier: BSD-2-Clause */
/* handle: handlers of apps/handlers bound by an ordinary program, which sleeps while the kernel
 * runs them. */
#pragma once

#include <aegis/bind.h>
#include <aegis/exposed.h>
#include <aegis/raw.h>

extern const struct ash_image image_balance, image_beat, image_icmp_echo, image_increment,
    image_kv_get, image_sample, image_tcp, image_udp_echo;

/* The machine has an address. False: it was told why not. */
bool network_await(void);
/* Binds it, or ends the program with what to do next. */
struct raw_handler handler_begin(unsigned protocol, unsigned port, bool forwards,
                                 const struct ash_image *image);
/* Until a datagram is there, or a second has passed. Says once a second what the handler has done,
 * if it has done anything since: then it is true. */
bool handler_second(const struct raw_handler *h);

/* Each is one application; `arguments` begins behind its name and port, and ends in null. */
int udp_echo(unsigned port, char **arguments);
int icmp_echo(unsigned port, char **arguments);
int tcp(unsigned port, char **arguments);
int increment(unsigned port, char **arguments);
int beat(unsigned port, char **arguments);
int kv(unsigned port, char **arguments);
int balance(unsigned port, char **arguments);
int sample(unsigned port, char **arguments);
