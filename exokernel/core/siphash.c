/* SPDX-License-Identifier: BSD-2-Clause */
/* SipHash-2-4 (Aumasson and Bernstein, 2012) of exactly 16 bytes: the MAC of a capability. */
#include "cap.h"

#define ROTATE(x, b) ((x) << (b) | (x) >> (64 - (b)))

#define ROUND                                                                                      \
    do {                                                                                           \
        v0 += v1, v1 = ROTATE(v1, 13), v1 ^= v0, v0 = ROTATE(v0, 32);                              \
        v2 += v3, v3 = ROTATE(v3, 16), v3 ^= v2;                                                   \
        v0 += v3, v3 = ROTATE(v3, 21), v3 ^= v0;                                                   \
        v2 += v1, v1 = ROTATE(v1, 17), v1 ^= v2, v2 = ROTATE(v2, 32);                              \
    } while (0)

#define ABSORB(m)                                                                                  \
    do {                                                                                           \
        v3 ^= (m);                                                                                 \
        ROUND;                                                                                     \
        ROUND;                                                                                     \
        v0 ^= (m);                                                                                 \
    } while (0)

uint64_t siphash(const uint64_t key[2], uint64_t a, uint64_t b)
{
    uint64_t v0 = key[0] ^ 0x736f6d6570736575, v1 = key[1] ^ 0x646f72616e646f6d;
    uint64_t v2 = key[0] ^ 0x6c7967656e657261, v3 = key[1] ^ 0x7465646279746573;

    ABSORB(a);
    ABSORB(b);
    ABSORB((uint64_t)16 << 56);
    v2 ^= 0xff;
    ROUND;
    ROUND;
    ROUND;
    ROUND;
    return v0 ^ v1 ^ v2 ^ v3;
}
