/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For those who write handlers (compiled by scripts/ash-cc). A handler is one function
 *
 *     ASH_HANDLER long handler(unsigned char *frame, unsigned long length) { ... return ASH_PASS; }
 *
 * that is run for each frame of its filter: `length` bytes from the destination's hardware address on, to be read and
 * changed in place; frame + 14 is a multiple of 16. It returns ASH_PASS (the frame goes to its owner's ring as if there
 * were no handler), ASH_DROP (it was consumed) or ASH_SEND (the frame, as it is now, goes out again). With length 0 it runs
 * since ash_again asked for it: there is no frame, but room at `frame` in which it may build one for ash_send; what it returns
 * is no matter then.
 *
 * All functions that it calls are inlined; there are no libraries and no pointers to functions. Variables live in the
 * window, which the owner has mapped too; those marked ASH_SHARED come first, in the order of the file.
 */
#pragma once

#include <stdint.h>

#include <aegis/handler.h>

#define ASH_HANDLER __attribute__((flatten, used, section(".text.handler")))
#define ASH_INLINE  static inline __attribute__((always_inline)) /* of larger functions that are called more than once */
#define ASH_SHARED  __attribute__((section(".shared"), used))

typedef uint16_t __attribute__((may_alias)) ash_u16;
typedef uint32_t __attribute__((may_alias)) ash_u32;
typedef uint64_t __attribute__((may_alias)) ash_u64;

/* ---- entries of the kernel (aegis/handler.h has the table) ---- */

#define ASH_ENTRY_TEXT(n) #n
#define ASH_ENTRY(number) "jalr ra, 16*" ASH_ENTRY_TEXT(number) "(s11)"
#define ASH_CLOBBERED                                                                                                       \
    "ra", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "a2", "a3", "a4", "a5", "a6", "a7", "memory"

/* The first `bytes` of the frame go out now; the handler goes on. 0, or -1: they may not (the filter's send template), or
 * there is no room; nothing went out. */
static inline long ash_send(const void *frame, unsigned long bytes)
{
    register long a0 asm("a0") = (long)frame;
    register unsigned long a1 asm("a1") = bytes;
    asm volatile(ASH_ENTRY(1) : "+r"(a0), "+r"(a1) : : ASH_CLOBBERED);
    return a0;
}

/* The owner is woken, if it sleeps: its predicates are looked at (aegis/aegis.h, slice_wait). 0. */
static inline long ash_wake(void)
{
    register long a0 asm("a0");
    asm volatile(ASH_ENTRY(2) : "=r"(a0) : : "a1", ASH_CLOBBERED);
    return a0;
}

/* The machine's time in ticks of the timer. */
static inline uint64_t ash_time(void)
{
    register uint64_t a0 asm("a0");
    asm volatile(ASH_ENTRY(3) : "=r"(a0) : : "a1", ASH_CLOBBERED);
    return a0;
}

/*
 * The handler is run again in so many ticks of the timer, or later, with no frame; asking again before that replaces the time. Where the hart
 * idles, or sleeps, that is on time; where somebody computes it is when his slot ends. While somebody does, it is run once a slot at most, and
 * within its owner's part of the time, as for frames. 0.
 */
#define ASH_NEVER (~0UL)
static inline long ash_again(uint64_t ticks)
{
    register long a0 asm("a0") = (long)ticks;
    asm volatile(ASH_ENTRY(4) : "+r"(a0) : : "a1", ASH_CLOBBERED);
    return a0;
}

/* ---- the frame ---- */

#define ASH_ETHERNET 14 /* bytes of its header */

static inline uint16_t ash_swap16(uint16_t n)
{
    return (uint16_t)(n << 8 | n >> 8);
}

static inline uint32_t ash_swap32(uint32_t n)
{
    return n << 24 | (n << 8 & 0xff0000) | (n >> 8 & 0xff00) | n >> 24;
}

/* Numbers as they stand in a frame: network order. `at` is even, or a multiple of 4. */
static inline uint16_t ash_get16(const void *at)
{
    return ash_swap16(*(const ash_u16 *)at);
}

static inline uint32_t ash_get32(const void *at)
{
    return ash_swap32(*(const ash_u32 *)at);
}

static inline void ash_put16(void *at, uint16_t n)
{
    *(ash_u16 *)at = ash_swap16(n);
}

static inline void ash_put32(void *at, uint32_t n)
{
    *(ash_u32 *)at = ash_swap32(n);
}

/* A constant as it stands in a frame, to compare with what is there without turning either. */
#define ASH_NET16(n) ((uint16_t)((n) << 8 | (n) >> 8))
#define ASH_NET32(n) ((uint32_t)((n) << 24 | ((n) << 8 & 0xff0000) | ((n) >> 8 & 0xff00) | (uint32_t)(n) >> 24))

/* Two neighbours of 2 n bytes change places. */
static inline void ash_exchange(unsigned char *a, unsigned char *b, unsigned long halves)
{
#pragma GCC unroll 8
    for (unsigned long i = 0; i < halves; i++) {
        uint16_t n = ((ash_u16 *)a)[i];
        ((ash_u16 *)a)[i] = ((ash_u16 *)b)[i];
        ((ash_u16 *)b)[i] = n;
    }
}

/* The frame goes back to where it came from: hardware addresses, IPv4 addresses, and (ports: UDP and TCP) ports. */
static inline void ash_turn(unsigned char *frame, int ports)
{
    uint32_t source = *(ash_u32 *)(frame + 26), port;

    ash_exchange(frame, frame + 6, 3);
    *(ash_u32 *)(frame + 26) = *(ash_u32 *)(frame + 30);
    *(ash_u32 *)(frame + 30) = source;
    if (ports) {
        port = *(ash_u16 *)(frame + 34);
        *(ash_u16 *)(frame + 34) = *(ash_u16 *)(frame + 36);
        *(ash_u16 *)(frame + 36) = (uint16_t)port;
    }
}

/* Whether it is IPv4 without options, not a fragment, of this protocol, with `least` bytes behind the IP header. */
static inline int ash_is_ipv4(const unsigned char *frame, unsigned long length, unsigned protocol, unsigned long least)
{
    return length >= 34 + least && *(const ash_u16 *)(frame + 12) == ASH_NET16(0x0800) && frame[14] == 0x45 && frame[23] == protocol &&
           !(*(const ash_u16 *)(frame + 20) & ASH_NET16(0x3fff));
}

/* ---- sums (RFC 1071, 1624) ---- */

/* A doubleword more of a one's complement sum: the carry comes in at the bottom. */
static inline uint64_t ash_sum(uint64_t sum, uint64_t word)
{
    sum += word;
    return sum + (sum < word);
}

/* 16 bits of it, as they stand in a frame; the checksum is its complement. */
static inline uint16_t ash_folded(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* A checksum in the frame after 16 bits beneath it have changed from `old` to `now` (both as they stand in the frame). */
static inline void ash_changed16(ash_u16 *checksum, uint16_t old, uint16_t now)
{
    *checksum = (uint16_t)~ash_folded((uint64_t)(uint16_t)~*checksum + (uint16_t)~old + now);
}

static inline void ash_changed32(ash_u16 *checksum, uint32_t old, uint32_t now)
{
    *checksum = (uint16_t)~ash_folded((uint64_t)(uint16_t)~*checksum + (uint32_t)~old + now);
}

/* ---- one pass over a message (SIGCOMM'96, dynamic integrated layer processing) ---- */

/* Each 16, 32 bits of a doubleword in the other byte order. */
static inline uint64_t ash_swap16s(uint64_t n)
{
    return (n >> 8 & 0x00ff00ff00ff00ff) | (n & 0x00ff00ff00ff00ff) << 8;
}

static inline uint64_t ash_swap32s(uint64_t n)
{
    n = ash_swap16s(n);
    return (n >> 16 & 0x0000ffff0000ffff) | (n & 0x0000ffff0000ffff) << 16;
}

/*
 * A sum and a swap that share their work: what swaps takes even and odd bytes apart, four of each, and these are summed in
 * lanes of 16 bits. For at most 2,048 bytes.
 */
struct ash_lanes {
    uint64_t even, odd;
};

static inline uint64_t ash_swap16s_summed(uint64_t n, struct ash_lanes *sum)
{
    uint64_t odd = n >> 8 & 0x00ff00ff00ff00ff, even = n & 0x00ff00ff00ff00ff;

    sum->even += even;
    sum->odd += odd;
    return odd | even << 8;
}

/* 16 bits of it, as before the swap. */
static inline uint16_t ash_lanes_folded(struct ash_lanes sum)
{
    uint64_t even = (sum.even & 0x0000ffff0000ffff) + (sum.even >> 16 & 0x0000ffff0000ffff);
    uint64_t odd = (sum.odd & 0x0000ffff0000ffff) + (sum.odd >> 16 & 0x0000ffff0000ffff);

    even = (even & 0xffffffff) + (even >> 32);
    odd = (odd & 0xffffffff) + (odd >> 32);
    return ash_folded(even + (odd << 8));
}

/*
 * Copies `bytes` from `from` to `to`, both multiples of 8, a doubleword at a time; `pipes` are statements that see it as
 * `word` and may change it: sums, byte orders, ciphers; composed when it is compiled, they cost one load and one store
 * together. The last doubleword is filled up with 0; it is written whole, so `to` has room for a multiple of 8.
 */
#define ASH_PASS_OVER(to, from, bytes, word, pipes)                                        \
    do {                                                                                   \
        ash_u64 *ash_to = (ash_u64 *)(to);                                                 \
        const ash_u64 *ash_from = (const ash_u64 *)(from);                                 \
        const ash_u64 *ash_end = ash_from + (unsigned long)(bytes) / 8;                    \
        unsigned long ash_rest = (unsigned long)(bytes) % 8;                               \
        uint64_t word;                                                                     \
        for (; ash_end - ash_from >= 2; ash_from += 2, ash_to += 2) {                      \
            word = ash_from[0];                                                            \
            pipes;                                                                         \
            ash_to[0] = word;                                                              \
            word = ash_from[1];                                                            \
            pipes;                                                                         \
            ash_to[1] = word;                                                              \
        }                                                                                  \
        if (ash_from != ash_end) {                                                         \
            word = *ash_from;                                                              \
            pipes;                                                                         \
            *ash_to++ = word;                                                              \
            ash_from++;                                                                    \
        }                                                                                  \
        if (ash_rest) {                                                                    \
            word = *ash_from & ((1UL << 8 * ash_rest) - 1);                                \
            pipes;                                                                         \
            *ash_to = word;                                                                \
        }                                                                                  \
    } while (0)
