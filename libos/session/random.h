/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random numbers for keys: ChaCha20 (RFC 8439) with a key of the session's that is replaced whenever it is used, so that what
 * was given out cannot be found again by who learns it later. The first environment's seed is the kernel's (aegis/env.h); a
 * session apart is given one by whoever starts it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define RANDOM_KEY 8 /* words */

/* One block: 64 bytes of the stream of a key, a counter and a nonce of 96 bits (RFC 8439, 2.3). */
void chacha_block(uint32_t out[16], const uint32_t key[RANDOM_KEY], uint32_t counter, const uint32_t nonce[3]);

/* The keeper's, once: 32 bytes that nobody else knows, wiped where they stood. */
void random_seed(void *seed);
/* -EIO without a session. Outside the monitor. */
int random_fill(void *buffer, size_t size);
