/* SPDX-License-Identifier: BSD-2-Clause */
/* A load balancer: a connection's frames go to one of the servers, by a hash of its addresses and ports. */
#include <aegis/ash.h>

#define SERVERS 16

ASH_SHARED struct {
    uint64_t count; /* of servers: a power of two, 0 when there is none */
    struct {
        uint32_t address; /* as it stands in a frame */
        uint16_t mac[3];
        uint16_t spare;
        uint32_t frames;
    } server[SERVERS];
} servers;

ASH_HANDLER long handler(unsigned char *frame, unsigned long length)
{
    uint64_t hash;
    unsigned long n;

    if (!servers.count || !ash_is_ipv4(frame, length, 17, 8))
        return ASH_PASS;
    hash = *(ash_u32 *)(frame + 26) ^ (uint64_t)*(ash_u32 *)(frame + 34) << 16;
    n = (hash * 0x9e3779b97f4a7c15 >> 48) & (servers.count - 1) & (SERVERS - 1);
    ash_changed32((ash_u16 *)(frame + 24), *(ash_u32 *)(frame + 30), servers.server[n].address);
    if (*(ash_u16 *)(frame + 40))
        ash_changed32((ash_u16 *)(frame + 40), *(ash_u32 *)(frame + 30), servers.server[n].address);
    *(ash_u32 *)(frame + 30) = servers.server[n].address;
#pragma GCC unroll 3
    for (unsigned i = 0; i < 3; i++) {
        ((ash_u16 *)frame)[3 + i] = ((ash_u16 *)frame)[i];
        ((ash_u16 *)frame)[i] = servers.server[n].mac[i];
    }
    servers.server[n].frames++;
    return ASH_SEND;
}
