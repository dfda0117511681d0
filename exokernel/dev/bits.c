/* SPDX-License-Identifier: BSD-2-Clause */
/* What the compiler calls for bits of words, on a machine without Zbb. */
#include <stdint.h>

uint64_t __bswapdi2(uint64_t x);
int __ctzdi2(uint64_t x);
int __ctzsi2(uint32_t x);

uint64_t __bswapdi2(uint64_t x)
{
    x = (x & 0x00ff00ff00ff00ff) << 8 | (x >> 8 & 0x00ff00ff00ff00ff);
    x = (x & 0x0000ffff0000ffff) << 16 | (x >> 16 & 0x0000ffff0000ffff);
    return x << 32 | x >> 32;
}

int __ctzdi2(uint64_t x)
{
    int n = 0;
    for (int step = 32; step; step /= 2)
        if (!(x & ((1UL << step) - 1))) {
            x >>= step;
            n += step;
        }
    return n;
}

int __ctzsi2(uint32_t x)
{
    return __ctzdi2(x);
}
