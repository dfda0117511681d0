/* SPDX-License-Identifier: BSD-2-Clause */
#include "random.h"

#define ROUNDS 20

static uint32_t turned(uint32_t x, unsigned by)
{
    return x << by | x >> (32 - by);
}

static void quarter(uint32_t *x, unsigned a, unsigned b, unsigned c, unsigned d)
{
    x[a] += x[b], x[d] = turned(x[d] ^ x[a], 16);
    x[c] += x[d], x[b] = turned(x[b] ^ x[c], 12);
    x[a] += x[b], x[d] = turned(x[d] ^ x[a], 8);
    x[c] += x[d], x[b] = turned(x[b] ^ x[c], 7);
}

void chacha_block(uint32_t out[16], const uint32_t key[RANDOM_KEY], uint32_t counter, const uint32_t nonce[3])
{
    const uint32_t first[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, key[0], key[1], key[2], key[3],
                                key[4], key[5], key[6], key[7], counter, nonce[0], nonce[1], nonce[2]};

    for (unsigned i = 0; i < 16; i++)
        out[i] = first[i];
    for (unsigned r = 0; r < ROUNDS; r += 2) {
        for (unsigned i = 0; i < 4; i++)
            quarter(out, i, i + 4, i + 8, i + 12);
        for (unsigned i = 0; i < 4; i++)
            quarter(out, i, (i + 1) % 4 + 4, (i + 2) % 4 + 8, (i + 3) % 4 + 12);
    }
    for (unsigned i = 0; i < 16; i++)
        out[i] += first[i];
}
