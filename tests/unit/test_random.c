/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: libos/session/chacha.c */
/* The block function against RFC 8439's own example (2.3.2). */
#include "../../libos/session/random.h"

#include <string.h>

#include "tap.h"

int main(void)
{
    static const uint32_t expected[16] = {0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3, 0xc7f4d1c7, 0x0368c033, 0x9aaa2204, 0x4e6cd4c3,
                                          0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9, 0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2};
    static const uint32_t nonce[3] = {0x09000000, 0x4a000000, 0};
    uint32_t out[16];
    uint8_t key[32];

    for (unsigned i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    uint32_t words[RANDOM_KEY];
    memcpy(words, key, sizeof words);
    chacha_block(out, words, 1, nonce);
    tap(!memcmp(out, expected, sizeof out), "chacha: RFC 8439, 2.3.2");
    return tap_failed;
}
