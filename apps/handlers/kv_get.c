/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GET of a key-value store: 16 bytes of key in the datagram, its 64 bytes of value in the answer. PUTs go to the process,
 * which changes the table: it makes `version` odd, writes, and makes it even again; a GET meanwhile goes to it as well.
 */
#include <aegis/ash.h>

#define BUCKETS 256
#define PROBES  4

struct entry {
    uint64_t key[2], value[8], used, spare[5];
};

ASH_SHARED struct {
    uint64_t version;
    uint64_t found, missed;
    uint64_t spare[5];
    struct entry entry[BUCKETS];
} store;

ASH_HANDLER long handler(unsigned char *frame, unsigned long length)
{
    if (!ash_is_ipv4(frame, length, 17, 8 + 4 + 16) || *(ash_u32 *)(frame + 42) != ASH_NET32(0x67657420)) /* "get " */
        return ASH_PASS;
    if (store.version & 1)
        return ASH_PASS;

    uint64_t low = *(ash_u32 *)(frame + 46) | (uint64_t)*(ash_u32 *)(frame + 50) << 32;
    uint64_t high = *(ash_u32 *)(frame + 54) | (uint64_t)*(ash_u32 *)(frame + 58) << 32;
    unsigned long bucket = (low ^ high) * 0x9e3779b97f4a7c15 >> 56;

    for (unsigned i = 0; i < PROBES; i++, bucket = (bucket + 1) & (BUCKETS - 1)) {
        const struct entry *e = &store.entry[bucket];
        if (e->key[0] != low || e->key[1] != high || !e->used)
            continue;
        ash_u32 *to = (ash_u32 *)(frame + 46);
        const ash_u32 *from = (const ash_u32 *)e->value;
#pragma GCC unroll 16
        for (unsigned n = 0; n < 16; n++)
            to[n] = from[n];
        ash_turn(frame, 1);
        ash_put16(frame + 38, 8 + 4 + 64);
        *(ash_u16 *)(frame + 40) = 0;
        ash_changed16((ash_u16 *)(frame + 24), *(ash_u16 *)(frame + 16), ASH_NET16(20 + 8 + 4 + 64));
        ash_put16(frame + 16, 20 + 8 + 4 + 64);
        store.found++;
        ash_send(frame, 14 + 20 + 8 + 4 + 64);
        return ASH_DROP;
    }
    store.missed++;
    return ASH_PASS;
}
