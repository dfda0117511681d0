/* SPDX-License-Identifier: BSD-2-Clause */
/* lwIP's ARP; what waits for a neighbour's answer, which its table alone knows. */
#include "device.h"
#include "core/ipv4/etharp.c"
#include "lwip/priv/nd6_priv.h"

bool neighbours_awaited(void)
{
    for (unsigned i = 0; i < ARP_TABLE_SIZE; i++)
        if (arp_table[i].q)
            return true;
    for (unsigned i = 0; i < LWIP_ND6_NUM_NEIGHBORS; i++)
        if (neighbor_cache[i].q)
            return true;
    return false;
}
