/* SPDX-License-Identifier: BSD-2-Clause */
/* ping: an echo request is answered by what it is, but for the type, 0 for 8. */
#include <aegis/ash.h>

ASH_SHARED uint64_t answered;

ASH_HANDLER long handler(unsigned char *frame, unsigned long length)
{
    if (!ash_is_ipv4(frame, length, 1, 8) || *(ash_u16 *)(frame + 34) != 8)
        return ASH_PASS;
    ash_turn(frame, 0);
    *(ash_u16 *)(frame + 34) = 0;
    ash_changed16((ash_u16 *)(frame + 36), 8, 0);
    answered++;
    return ASH_SEND;
}
