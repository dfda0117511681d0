/* SPDX-License-Identifier: BSD-2-Clause */
#include "siphash.h"

#include "cap.h"

uint64_t siphash(const uint64_t key[2], uint64_t a, uint64_t b)
{
    return siphash_inline(key, a, b);
}
