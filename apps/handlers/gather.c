/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vectoring: a datagram's payload goes where its owner wants it, in one pass: copied, summed and turned from network to
 * host order. The first word says at which doubleword of the buffer.
 */
#include <aegis/ash.h>

#define ROOM 2048 /* doublewords */

ASH_SHARED struct {
    uint64_t messages, bytes, sum;
    uint64_t buffer[ROOM + 256];
} gathered;

ASH_HANDLER long handler(unsigned char *frame, unsigned long length)
{
    uint64_t sum = 0;
    uint32_t at;

    if (!ash_is_ipv4(frame, length, 17, 8 + 4) || (at = ash_get32(frame + 42)) >= ROOM)
        return ASH_PASS;
    ASH_PASS_OVER(&gathered.buffer[at], frame + 46, length - 46, word, sum = ash_sum(sum, word); word = ash_swap32s(word));
    gathered.sum = ash_folded(sum);
    gathered.bytes += length - 46;
    gathered.messages++;
    ash_wake();
    return ASH_DROP;
}
