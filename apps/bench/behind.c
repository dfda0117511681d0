/* SPDX-License-Identifier: BSD-2-Clause */
/* A handler that answers with what stands behind its frame too: nothing of others', the test says (tests/network). */
#include <aegis/ash.h>

ASH_SHARED uint64_t answered;

ASH_HANDLER long handler(unsigned char *frame, unsigned long length)
{
    if (!ash_is_ipv4(frame, length, 17, 8))
        return ASH_PASS;
    ash_turn(frame, 1);
    answered++;
    ash_send(frame, 1514);
    return ASH_DROP;
}
