/* SPDX-License-Identifier: BSD-2-Clause */
/* A handler of 4 KiB of code: several of apps/handlers, each for a port of its own. What it costs to install is ash_install_4k. */
#include <aegis/ash.h>

#undef ASH_HANDLER
#define ASH_HANDLER static inline __attribute__((always_inline))
#define handler tcp
#include "../handlers/tcp.c"
#undef handler
#define handler balance
#include "../handlers/balance.c"
#undef handler
#define handler sample
#include "../handlers/sample.c"
#undef handler
#define handler gather
#include "../handlers/gather.c"
#undef handler
#define handler kv_get
#include "../handlers/kv_get.c"
#undef handler
#define handler icmp_echo
#include "../handlers/icmp_echo.c"
#undef handler

__attribute__((flatten, used, section(".text.handler"))) long handler(unsigned char *frame, unsigned long length)
{
    static unsigned long frames, bytes, last[2];

    if (length < 42)
        return ASH_PASS;
    frames++;
    bytes += length;
    last[0] = last[1];
    last[1] = (unsigned long)ash_get16(frame + 34) << 16 | ash_get16(frame + 36);
    switch (ash_get16(frame + 36)) {
    case 80:
        return tcp(frame, length);
    case 81:
        return balance(frame, length);
    case 82:
        return sample(frame, length);
    case 83:
        return gather(frame, length);
    case 84:
        return kv_get(frame, length);
    case 85:
        return icmp_echo(frame, length);
    }
    return ASH_PASS;
}
