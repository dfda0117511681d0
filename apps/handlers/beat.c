/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Heartbeats: a datagram says how many and how many milliseconds apart, both in network order; so many answers come, one each such
 * time, with the number of those to come. Nobody sends anything for them, and nobody is scheduled: the handler asks to be run again.
 * A second datagram takes the first one's place. The owner is woken behind the last one.
 */
#include <aegis/ash.h>

#define BYTES (42 + 8)
#define WORDS 7 /* of 8 bytes, the first from 2 bytes before the frame on: there they are aligned */

ASH_SHARED struct {
    uint64_t ticks_a_millisecond; /* 0: nothing is sent. The owner's to say. */
    uint64_t beats;               /* that were sent, ever */
} shared;

static uint64_t answer[WORDS];
static uint64_t pause;
static uint32_t left;

ASH_HANDLER long handler(unsigned char *frame, unsigned long length)
{
    if (length == 0) {
        for (int i = 0; i < WORDS; i++)
            ((ash_u64 *)(frame - 2))[i] = answer[i];
        left -= left != 0;
        ash_put32(frame + 42, left);
        shared.beats += ash_send(frame, BYTES) == 0;
        if (!left)
            ash_wake();
    } else {
        if (!ash_is_ipv4(frame, length, 17, 8 + 8) || ash_get16(frame + 38) != 8 + 8)
            return ASH_PASS;
        left = ash_get32(frame + 42);
        pause = ash_get32(frame + 46) * shared.ticks_a_millisecond;
        ash_turn(frame, 1);
        *(ash_u16 *)(frame + 40) = 0; /* IPv4's UDP need have no sum */
        for (int i = 0; i < WORDS; i++)
            answer[i] = ((ash_u64 *)(frame - 2))[i];
    }
    ash_again(left && shared.ticks_a_millisecond ? pause : ASH_NEVER);
    return ASH_DROP;
}
