/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: exokernel/core/siphash.c */
/* flags: -Itests/host */
#include "../../exokernel/core/cap.h"

#include "tap.h"

static uint64_t rotate(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static void rounds(uint64_t v[4], unsigned count)
{
    while (count--) {
        v[0] += v[1], v[1] = rotate(v[1], 13) ^ v[0], v[0] = rotate(v[0], 32);
        v[2] += v[3], v[3] = rotate(v[3], 16) ^ v[2];
        v[0] += v[3], v[3] = rotate(v[3], 21) ^ v[0];
        v[2] += v[1], v[1] = rotate(v[1], 17) ^ v[2], v[2] = rotate(v[2], 32);
    }
}

/* The paper's, for any number of bytes. */
static uint64_t reference(const uint8_t key[16], const uint8_t *in, size_t size)
{
    uint64_t k[2] = {0, 0}, last = (uint64_t)size << 56;
    for (unsigned i = 0; i < 16; i++)
        k[i / 8] |= (uint64_t)key[i] << 8 * (i % 8);
    uint64_t v[4] = {k[0] ^ 0x736f6d6570736575, k[1] ^ 0x646f72616e646f6d, k[0] ^ 0x6c7967656e657261,
                     k[1] ^ 0x7465646279746573};
    for (; size >= 8; in += 8, size -= 8) {
        uint64_t m = 0;
        for (unsigned i = 0; i < 8; i++)
            m |= (uint64_t)in[i] << 8 * i;
        v[3] ^= m;
        rounds(v, 2);
        v[0] ^= m;
    }
    for (unsigned i = 0; i < size; i++)
        last |= (uint64_t)in[i] << 8 * i;
    v[3] ^= last;
    rounds(v, 2);
    v[0] ^= last;
    v[2] ^= 0xff;
    rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

int main(void)
{
    /* the authors' vectors: key 00 .. 0f, message 00, 01, … of 0, 1, 8, 15, 16 bytes */
    static const struct { size_t size; uint64_t mac; } published[] = {
        {0, 0x726fdb47dd0e0e31}, {1, 0x74f839c593dc67fd}, {8, 0x93f5f5799a932462}, {15, 0xa129ca6149be45e5},
        {16, 0x3f2acc7f57c29bdb}};
    uint8_t key[16], message[16];
    bool good = true;

    for (unsigned i = 0; i < 16; i++)
        key[i] = message[i] = (uint8_t)i;
    for (unsigned i = 0; i < sizeof published / sizeof published[0]; i++)
        good &= reference(key, message, published[i].size) == published[i].mac;
    tap(good, "K6 siphash: the test's own follows the published vectors");

    uint64_t k[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    tap(siphash(k, 0x0706050403020100, 0x0f0e0d0c0b0a0908) == 0x3f2acc7f57c29bdb,
        "K6 siphash: the published vector of 16 bytes");

    uint64_t x = 1;
    good = true;
    for (unsigned n = 0; n < 10000; n++) {
        uint64_t word[4];
        for (unsigned i = 0; i < 4; i++)
            word[i] = x = x * 6364136223846793005 + 1442695040888963407;
        for (unsigned i = 0; i < 16; i++) {
            key[i] = (uint8_t)(word[i / 8] >> 8 * (i % 8));
            message[i] = (uint8_t)(word[2 + i / 8] >> 8 * (i % 8));
        }
        good &= siphash(word, word[2], word[3]) == reference(key, message, 16);
    }
    tap(good, "K6 siphash: ten thousand random keys and messages");
    return tap_failed;
}
