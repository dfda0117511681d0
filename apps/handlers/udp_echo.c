/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP echo: every datagram goes back where it came from. Sums stay right, as what is exchanged is summed alike. */
#include <aegis/ash.h>

ASH_SHARED uint64_t echoed;

ASH_HANDLER long handler(unsigned char *frame, unsigned long length)
{
    if (!ash_is_ipv4(frame, length, 17, 8))
        return ASH_PASS;
    ash_turn(frame, 1);
    echoed++;
    return ASH_SEND;
}
