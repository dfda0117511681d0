/* SPDX-License-Identifier: BSD-2-Clause */
/* lwIP's neighbour discovery, but for what a path is said to take: never less than what IPv6 asks of each, whoever says so. lwIP would cut
 * what it sends into pieces of nothing, for ever. */
#define nd6_get_destination_mtu path_as_told
#include "core/ipv6/nd6.c"
#undef nd6_get_destination_mtu

u16_t nd6_get_destination_mtu(const ip6_addr_t *to, struct netif *netif)
{
    u16_t mtu = path_as_told(to, netif);

    return mtu && mtu < IP6_MIN_MTU_LENGTH ? IP6_MIN_MTU_LENGTH : mtu; /* 0: no limit, to ourselves */
}
