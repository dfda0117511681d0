/* SPDX-License-Identifier: BSD-2-Clause */
/* What lwIP asks of its compiler and its surroundings. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#define LWIP_NO_UNISTD_H    1
#define LWIP_TIMEVAL_PRIVATE 0
#define LWIP_ERRNO_STDINCLUDE 1

uint32_t stack_random(void);
#define LWIP_RAND() stack_random()

/* What it cannot have, as a packet larger than any pool, it is refused: no frame may end a process. */
#define LWIP_NOASSERT 1
#define LWIP_PLATFORM_DIAG(x)

/* Whatever tcp_write copies may be the caller's memory. */
void stack_copy(void *to, const void *from, size_t size);
#define MEMCPY(to, from, size) stack_copy(to, from, size)

/* In line: a frame has thirty of them, and what the compiler has for 32 bits is a call. */
static inline uint32_t stack_swap(uint32_t x)
{
    return x << 24 | (x & 0xff00) << 8 | (x >> 8 & 0xff00) | x >> 24;
}
#define lwip_htonl(x) stack_swap(x)
#define lwip_htons(x) __builtin_bswap16(x)
#define LWIP_DONT_PROVIDE_BYTEORDER_FUNCTIONS
/* Of a few bytes, known sizes. */
#define SMEMCPY(to, from, size) __builtin_memcpy(to, from, size)

/* RFC 1071, 32 bytes a turn; and while it is copied. */
uint16_t stack_checksum(const void *bytes, int size);
#define LWIP_CHKSUM stack_checksum
uint16_t stack_copy_sum(void *to, const void *from, unsigned size);
#define LWIP_CHKSUM_COPY(to, from, size) stack_copy_sum(to, from, size)

typedef int sys_prot_t;
