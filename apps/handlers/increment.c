/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Active messages (SIGCOMM'96): the datagram's first word says what is done to a counter of the owner's, the second to which,
 * the third with what; the answer is the value before. Locks are counters too: 0 free, else who has it.
 *
 *   1 add   2 lock for `value` if free   3 unlock if `value` has it   4 read
 */
#include <aegis/ash.h>

#define COUNTERS 64

ASH_SHARED uint32_t counter[COUNTERS];

static uint32_t apply(ash_u32 *c, uint32_t what, uint32_t value)
{
    uint32_t before = *c;

    if (what == 1)
        *c = before + value;
    else if (what == 2 && before == 0)
        *c = value;
    else if (what == 3 && before == value)
        *c = 0;
    return before;
}

ASH_HANDLER long handler(unsigned char *frame, unsigned long length)
{
    uint32_t number;

    if (!ash_is_ipv4(frame, length, 17, 8 + 12))
        return ASH_PASS;
    number = ash_get32(frame + 46);
    if (number >= COUNTERS)
        return ASH_DROP;
    ash_put32(frame + 50, apply((ash_u32 *)&counter[number], ash_get32(frame + 42), ash_get32(frame + 50)));
    ash_turn(frame, 1);
    *(ash_u16 *)(frame + 40) = 0; /* IPv4's UDP need have no sum */
    return ASH_SEND;
}
