/* SPDX-License-Identifier: BSD-2-Clause */
/* What waiting and ioctl ask of the machine's network. */
#pragma once

#include <aegis/net.h>

#include "../session/session.h"

/* channel_wait_any() for those who wait for sockets of the network, too: whoever waits does the
 * stack's work for all. */
int network_wait(const struct channel_entry *entries, size_t count, uint64_t deadline);
/* SIOCGIF*. -ENOTTY: no such request. */
int network_ioctl(unsigned long request, void *user);

/* The keeper's part: makes the network's chunk, endpoint and filters when they are wanted. */
void network_keep(void);
/* They are there when this is 0. Outside the monitor. -ENOBUFS, -EINTR. */
int network_reserve(void);

/* Somebody has ended whose last segments are not acknowledged, and nobody else waits for the network: /lib/aegis/linger is to
 * be started, which does this until they are, or somebody waits. It takes the question back. */
bool network_is_left(void);
void network_finish(void);

/* What a filter compares, for who looks at /proc/aegis/filters: the kernel exposes its counts only. A hint: no memory for
 * it, or a filter of many atoms, and nothing is said. Outside the monitor. */
void program_publish(unsigned filter, const struct aegis_atom *atoms, unsigned count);
/* At most AEGIS_ATOMS of them; 0: nobody said. */
unsigned program_find(unsigned filter, struct aegis_atom *atoms);
