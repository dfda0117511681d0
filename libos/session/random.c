/* SPDX-License-Identifier: BSD-2-Clause */
#include "random.h"

#include <errno.h>
#include <string.h>

#include "../posix/process.h"
#include "../sched/thread.h"
#include "process.h"

#define BLOCK 64

void random_seed(void *seed)
{
    memcpy(SESSION->random_key, seed, sizeof SESSION->random_key);
    explicit_bzero(seed, sizeof SESSION->random_key);
}

/*
 * A key for one call; the session's is replaced by the other half of the same block. Not logged: killed half way, we leave
 * one that is part old, part new, and as secret, and nothing that was given out came from either.
 */
static void key_draw(uint32_t key[RANDOM_KEY])
{
    uint64_t now = time_now();
    uint32_t block[16], nonce[3] = {(uint32_t)now, (uint32_t)(now >> 32), (uint32_t)session_identity()};

    monitor_enter();
    chacha_block(block, SESSION->random_key, 0, nonce);
    memcpy(SESSION->random_key, block, sizeof SESSION->random_key);
    monitor_leave();
    memcpy(key, block + 8, RANDOM_KEY * sizeof *key);
    explicit_bzero(block, sizeof block);
}

int random_fill(void *buffer, size_t size)
{
    static const uint32_t nonce[3];
    uint32_t key[RANDOM_KEY], block[16];
    uint8_t *to = buffer;

    if (!process_self)
        return -EIO;
    key_draw(key);
    for (uint32_t n = 0; size; n++) {
        size_t part = size < BLOCK ? size : BLOCK;
        chacha_block(block, key, n, nonce);
        memcpy(to, block, part);
        to += part;
        size -= part;
    }
    explicit_bzero(key, sizeof key);
    explicit_bzero(block, sizeof block);
    return 0;
}
