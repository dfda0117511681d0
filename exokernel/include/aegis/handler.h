/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A handler as it is handed to the kernel: code and what it claims to know at each place that is jumped to. All of it is
 * a claim of the application's; ash/verify.c believes none of it. DESIGN.md section 11; ash/README.md is the chapter.
 */
#pragma once

#define ASH_MAGIC       0x32687361U /* "ash2" */
#define ASH_WORDS_MAX   4096U       /* instructions, 4 bytes each */
#define ASH_LABELS_MAX  1024U
#define ASH_KNOWNS_MAX  2304U
#define ASH_WINDOW_MIN  4096U       /* bytes; a power of two */
#define ASH_WINDOW_MAX  (1U << 20)
#define ASH_FRAME_SIZE  4096U       /* bytes that stand behind a frame's base */
#define ASH_FRAME_START 66U         /* where in them the frame's first byte is: the IP header is 4-aligned */
#define ASH_FRAME_MAX   1518U       /* bytes of a frame */
#define ASH_FUEL_MAX    4096U       /* for a run */

/* Bytes on either side of a window in which nothing is mapped: an access there traps, and the handler is aborted. */
#define ASH_WINDOW_GUARD (1U << 20)
#define ASH_FRAME_GUARD  (28U << 10)

/*
 * Registers. The handler never writes the last six (and does not see gp and tp, which are the kernel's):
 *
 *   a0 the frame's first byte, a1 its length; sp the window's end; ra and s0 hold nothing of use; the rest is not set
 *   s7 the frame's base, s8 fuel, s9 the window's size - 1, s10 the window's base, s11 the table of entries
 */
#ifndef __ASSEMBLER__
#include <stdint.h>

enum ash_register { ASH_FRAME = 23, ASH_FUEL = 24, ASH_MASK = 25, ASH_WINDOW = 26, ASH_ENTRIES = 27 };

/* A register's value at a label: a number, or an address by its distance from the window's or the frame's base. */
enum ash_kind { ASH_ANY = -8, ASH_NUMBER = 0, ASH_IN_WINDOW = 8, ASH_IN_FRAME = 16 };

struct ash_known {
    uint8_t reg, kind;
    uint16_t zero;
    int32_t low, high; /* both included */
};

/* A place that is jumped to. Ascending by `at`. */
struct ash_label {
    uint32_t at;           /* instruction */
    uint32_t set;          /* bit n: register n holds something of the handler's own */
    uint32_t tracked;      /* ... and from here to the next label it is worth knowing what: others are ANY */
    uint16_t first, count; /* of the image's `known`; 32 at most */
};

/* The head of a handler's file; then code, labels, knowns and the window's first bytes, in this order. */
struct ash_image {
    uint32_t magic, words, labels, knowns;
    uint32_t window;    /* bytes, stack included */
    uint32_t data;      /* bytes at the window's beginning that are not zero */
    uint32_t shared[2]; /* the owner's own: nothing reads it */
};

#endif

/* Entries of the kernel's table: `jalr ra, 16 * N(s11)`; number, name, arguments, fuel that it takes; where there is
 * less the run ends, SPENT. */
#define ASH_CALLS(X)                                                                          \
    X(1, send, 2, 64)     /* (frame, bytes) -> 0 or an error: these bytes of the frame's page go out */    \
    X(2, wake, 0, 32)     /* () -> 0: the owner's predicates are looked at; else not for what a run writes */ \
    X(3, time, 0, 8)      /* () -> ticks */                                                   \
    X(4, again, 1, 32)    /* (ticks) -> 0: run again in so many ticks, or later, with no frame; ~0: not any more */

#ifndef __ASSEMBLER__
enum ash_call {
#define X(number, name, arguments, fuel) ASH_CALL_##name = number,
    ASH_CALLS(X)
#undef X
    ASH_CALL_END
};

/* What a handler says in a0 when it ends (`jalr x0, 0(s11)`). */
enum ash_verdict { ASH_PASS, ASH_DROP, ASH_SEND, ASH_SPENT };
#endif
