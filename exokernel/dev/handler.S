/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Into a handler and out of it (ash/binding.md: running). gp and tp stay as they are, a handler has no instruction that
 * touches them; interrupts are off.
 *
 *   `handler_here` says where the kernel's stack is while a handler's code runs, else 0. So a trap is the handler's if that
 *   is not 0, and the kernel's own otherwise: also while an entry of the table is in C.
 */
#include <aegis/handler.h>

#include "handler.h"

    .text
    .option norvc
/* a0: the handler, a1: the frame's length, a2: its page; back: the verdict, and the fuel that is left. sp, gp, tp, s0 to s2 stay, nothing
   else does. 37 instructions there and back. */
    .globl handler_enter
    .balign 64
handler_enter:
    # 1. From here on a trap is the handler's.
    addi sp, sp, -32
    sd ra, 0(sp)
    sd s0, 8(sp)
    sd s1, 16(sp)
    sd s2, 24(sp)
    lla t0, handler_here
    sd sp, HERE_KERNEL(t0)
    # 2. Its registers (aegis/handler.h).
    mv s7, a2
    ld t0, H_RUN(a0)
    ld s8, H_FUEL(a0)
    ld s9, H_MASK(a0)
    ld s10, H_WINDOW(a0)
    lla s11, handler_entries
    addi a0, s7, H_START
    add sp, s10, s9
    addi sp, sp, 1
    li s0, 0
    li ra, 0
    jr t0

handler_spent:
    li a0, HANDLER_SPENT
/* The end, by entry 0: a0 is the verdict. What is none drops the frame. */
handler_end:
    sltiu t0, a0, HANDLER_TRAPPED
    bnez t0, handler_leave
    li a0, HANDLER_DROP
handler_leave:
    lla t0, handler_here
    ld sp, HERE_KERNEL(t0)
    sd zero, HERE_KERNEL(t0)
    mv a1, s8
    ld ra, 0(sp)
    ld s0, 8(sp)
    ld s1, 16(sp)
    ld s2, 24(sp)
    addi sp, sp, 32
    ret

/* The second vector (traps_take). sscratch is free: it holds what gp holds. */
    .globl handler_trap
    .balign 4
handler_trap:
    csrw sscratch, sp
    lla sp, handler_here
    ld sp, HERE_KERNEL(sp)
    beqz sp, 1f
    csrw sscratch, gp
    lla t0, handler_here
    csrr t1, scause
    csrr t2, sepc
    csrr t3, stval
    sd t1, HERE_CAUSE(t0)
    sd t2, HERE_PC(t0)
    sd t3, HERE_VALUE(t0)
    ld t1, HERE_SEPC(t0)
    ld t2, HERE_STATUS(t0)
    csrw sepc, t1
    csrw sstatus, t2
    li a0, HANDLER_TRAPPED
    j handler_leave
1:  csrr sp, sscratch           # the kernel's own
    csrw sscratch, gp
    j kernel_trap

/* The table: entry 0 ends the handler, the others take fuel and go to C; where it is not enough the run ends. */
    .macro entry number, fuel
    .balign 16
    addi s8, s8, -\fuel
    bltz s8, handler_spent
    li a2, \number
    j handler_call
    .endm

    .balign 64
handler_entries:
    j handler_end
#define X(number, name, arguments, fuel) entry number, fuel;
    ASH_CALLS(X)
#undef X

/* a0, a1: arguments, a2: which. C keeps sp, s0 to s11; what it leaves in the others the handler does not get. */
handler_call:
    lla t0, handler_here
    ld t1, HERE_KERNEL(t0)
    sd sp, HERE_SP(t0)
    sd zero, HERE_KERNEL(t0)
    addi sp, t1, -16
    sd ra, 0(sp)
    call handler_entry
    ld ra, 0(sp)
    addi t1, sp, 16
    lla t0, handler_here
    sd t1, HERE_KERNEL(t0)
    ld sp, HERE_SP(t0)
    .irp r, a1,a2,a3,a4,a5,a6,a7,t0,t1,t2,t3,t4,t5,t6
    li \r, 0
    .endr
    ret
