/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the compiler calls on its own. Sizes here are small; whole pages go through machine_clear
 * and machine_copy.
 */
#include <stddef.h>
#include <stdint.h>

void *memset(void *to, int c, size_t size)
{
    uint8_t *p = to;
    uint64_t word = 0x0101010101010101 * (uint8_t)c;
    for (; size && (uintptr_t)p & 7; size--)
        *p++ = c;
    for (; size >= 8; size -= 8, p += 8)
        *(uint64_t *)p = word;
    while (size--)
        *p++ = c;
    return to;
}

void *memcpy(void *to, const void *from, size_t size)
{
    uint8_t *d = to;
    const uint8_t *s = from;
    if ((((uintptr_t)d ^ (uintptr_t)s) & 7) == 0) {
        for (; size && (uintptr_t)d & 7; size--)
            *d++ = *s++;
        for (; size >= 64; size -= 64, d += 64, s += 64)
#pragma GCC unroll 8
            for (int i = 0; i < 8; i++)
                ((uint64_t *)d)[i] = ((const uint64_t *)s)[i];
        for (; size >= 8; size -= 8, d += 8, s += 8)
            *(uint64_t *)d = *(const uint64_t *)s;
    }
    while (size--)
        *d++ = *s++;
    return to;
}
