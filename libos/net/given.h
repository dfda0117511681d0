/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports of the machine's that a session apart was given, by a capability for the filter that has them (apps/session/ports.c):
 * all that it has of the network. Others answer for the address; what goes to other machines goes by the gateway.
 */
#pragma once

#include <stdint.h>

#include <aegis/types.h>

struct net_given {
    uint32_t address, gateway; /* network order; 0: nothing was given */
    uint8_t gateway_mac[6];
    uint16_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
    uint16_t first, last; /* ports, host order */
    uint32_t spare;
    struct aegis_capability filter; /* to receive, to send, and to make others beneath it */
};
