/* SPDX-License-Identifier: BSD-2-Clause */
/* SipHash-2-4 (Aumasson and Bernstein, 2012) of exactly 16 bytes: the MAC of a capability. */
#pragma once

#include <stdint.h>

#define SIP_ROTATE(x, b) ((x) << (b) | (x) >> (64 - (b)))

#define SIP_ROUND                                                                                  \
    do {                                                                                           \
        v0 += v1, v1 = SIP_ROTATE(v1, 13), v1 ^= v0, v0 = SIP_ROTATE(v0, 32);                      \
        v2 += v3, v3 = SIP_ROTATE(v3, 16), v3 ^= v2;                                               \
        v0 += v3, v3 = SIP_ROTATE(v3, 21), v3 ^= v0;                                               \
        v2 += v1, v1 = SIP_ROTATE(v1, 17), v1 ^= v2, v2 = SIP_ROTATE(v2, 32);                      \
    } while (0)

#define SIP_ABSORB(m)                                                                              \
    do {                                                                                           \
        v3 ^= (m);                                                                                 \
        SIP_ROUND;                                                                                 \
        SIP_ROUND;                                                                                 \
        v0 ^= (m);                                                                                 \
    } while (0)

/* In line where a claim is made: a call's own saving and restoring would cost a tenth of the rest. */
static inline uint64_t siphash_inline(const uint64_t key[2], uint64_t a, uint64_t b)
{
    uint64_t v0 = key[0] ^ 0x736f6d6570736575, v1 = key[1] ^ 0x646f72616e646f6d;
    uint64_t v2 = key[0] ^ 0x6c7967656e657261, v3 = key[1] ^ 0x7465646279746573;

    SIP_ABSORB(a);
    SIP_ABSORB(b);
    SIP_ABSORB((uint64_t)16 << 56);
    v2 ^= 0xff;
    SIP_ROUND;
    SIP_ROUND;
    SIP_ROUND;
    SIP_ROUND;
    return v0 ^ v1 ^ v2 ^ v3;
}
