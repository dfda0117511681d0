/* SPDX-License-Identifier: BSD-2-Clause */
/* <ucontext.h>: what a call keeps, into and out of a ucontext_t, whose registers stand at UC_REGS (context.c asserts it). */
#define UC_REGS 48
#define AT(n)   (UC_REGS + 8 * (n))

    .macro each_saved what /* the registers that a function keeps */
    .irp n, 1, 2, 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27
    \what x\n, AT(\n)(a0)
    .endr
    .endm

    .text
/* Goes on where we return to, with 0. */
    .globl getcontext
getcontext:
    sd   ra, AT(0)(a0)
    each_saved sd
    sd   zero, AT(10)(a0)
    tail context_keep /* returns 0 */

    .globl swapcontext
swapcontext:
    sd   ra, AT(0)(a0)
    each_saved sd
    sd   zero, AT(10)(a0)
    mv   s1, a1
    call context_keep
    mv   a0, s1

    .globl setcontext
setcontext:
    mv   s0, a0
    call context_take
    mv   t6, s0
    ld   t5, AT(0)(t6)
    .irp n, 11, 12, 13, 14, 15, 16, 17
    ld   x\n, AT(\n)(t6) /* arguments, of one that was made */
    .endr
    mv   a0, t6
    each_saved ld
    ld   a0, AT(10)(t6)
    jr   t5

/* Where a function returns to that makecontext has started; s1: the context after it. */
    .globl context_end
context_end:
    mv   a0, s1
    bnez a0, setcontext
    tail pthread_exit /* with null */
