/* SPDX-License-Identifier: BSD-2-Clause */
/* The test library's own half page of each activation: offsets from gp, and the same as a structure. */
#pragma once

#define MY(offset) (-0x800 + (offset))
#define MY_SP 0x00
#define MY_FUNCTION 0x08
#define MY_ARGUMENT 0x10
#define MY_EXC_SP 0x18
#define MY_ENTRY_SP 0x20
#define MY_RETURN 0x28   /* where return_begin goes */
#define MY_SAVED 0x30    /* `slice` holds a state */
#define MY_PCT_SP 0x38
#define MY_PCT_RA 0x40
#define MY_EXCEPTIONS 0x48
#define MY_NESTED 0x50
#define MY_ENDS 0x58
#define MY_BEGINS 0x60
#define MY_REVOKES 0x68
#define MY_GONE 0x70
#define MY_EMERGENCIES 0x78
#define MY_ENTRIES 0x80
#define MY_ASYNCS 0x88
#define MY_GONE_BADGE 0x90
#define MY_BADGE 0x98
#define MY_ENTRY_FN 0xa0
#define MY_ASYNC_FN 0xa8
#define MY_EXC_FN 0xb0
#define MY_FORCED 0xb8
#define MY_IGNORE 0xc0   /* slice end is not heeded */
#define MY_NESTED_PC 0xc8
#define MY_TMP0 0xd0
#define MY_TMP1 0xd8
#define MY_DIRTY 0xe0    /* registers that were not zero at slice begin, or-ed */
#define MY_EXC_AGAIN 0xe8 /* fault in the exception handler */
#define MY_SLICE 0x100
#define MY_EXC 0x200

#ifndef __ASSEMBLER__
#include <stddef.h>
struct my {
    unsigned long sp, function, argument, exc_sp, entry_sp, return_pc, saved, pct_sp, pct_ra;
    volatile unsigned long exceptions, nested, ends, begins, revokes, gone, emergencies, entries, asyncs;
    volatile unsigned long gone_badge, badge, entry_fn, async_fn, exc_fn, forced, ignore, nested_pc, tmp0, tmp1;
    volatile unsigned long dirty, exc_again;
    unsigned long spare[2];
    unsigned long slice[32], exc[32]; /* pc, x1 .. x31 */
};
_Static_assert(offsetof(struct my, exc_again) == MY_EXC_AGAIN, "my");
_Static_assert(offsetof(struct my, slice) == MY_SLICE && offsetof(struct my, exc) == MY_EXC, "my");
#endif
