/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts frames by length and protocol, and wakes the owner each 1,024 frames; they go on to it as ever. */
#include <aegis/ash.h>

ASH_SHARED struct {
    uint64_t frames, bytes;
    uint32_t by_length[48]; /* of 32 bytes each */
    uint32_t by_protocol[256];
} seen;

ASH_HANDLER long handler(unsigned char *frame, unsigned long length)
{
    seen.by_length[length / 32]++;
    if (length >= 34 && *(ash_u16 *)(frame + 12) == ASH_NET16(0x0800))
        seen.by_protocol[frame[23]]++;
    seen.bytes += length;
    if (++seen.frames % 1024 == 0)
        ash_wake();
    return ASH_PASS;
}
