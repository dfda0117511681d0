/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The paths that are counted, as bare instructions. The label mark_NAME stands on the instruction that traps:
 * tests/paths counts in QEMU's log what follows it. Here `rdinstret` stands before and behind; what lies between them
 * and is not the kernel's is subtracted by bench.c.
 */
#include <aegis/env.h>

#define SLICE_YIELD 1
#define PCT_RETURN 2
#define SLICE_YIELD_TO 21
#define SLICE_WAIT 24
#define SAVED 14 * 8

    .section .text.start, "ax"
    .globl _start
_start:                         # the first instruction of any application after boot
    rdinstret s0
    lla t0, boot_count
    sd s0, 0(t0)
    lla sp, stack + STACK_SIZE
    lla t0, lost                # whatever is not expected
    .irp at, U_UP_EXCEPTION, U_UP_NESTED, U_UP_SLICE_END, U_UP_REVOKE, U_UP_CALLER_GONE, U_UP_EMERGENCY
    sd t0, \at(gp)
    .endr
    lla t0, slice_begin
    sd t0, U_UP_SLICE_BEGIN(gp)
    sd zero, U_MASKED(gp)
    call main
1:  j 1b

/* An upcall that no measurement waits for. */
    .globl lost
lost:
    lla sp, lost_stack + STACK_SIZE
    call main_lost
1:  j 1b

    .text

/* ---- two readings with nothing between, and with each thing that stands between them below ---- */

    .globl count_nothing
count_nothing:
    rdinstret t0
    rdinstret t1
    sub a0, t1, t0
    ret

/* count_call(a0 .. a4, number, result): one call by itself */
    .globl count_call
count_call:
    addi sp, sp, -32
    sd s0, 0(sp)
    sd s1, 8(sp)
    mv s0, a6
    mv a7, a5
    rdinstret s1
    ecall
    rdinstret t0
    sd a0, 0(s0)
    sd a1, 8(s0)
    sub a0, t0, s1
    ld s0, 0(sp)
    ld s1, 8(sp)
    addi sp, sp, 32
    ret

    .globl count_null
count_null:
    li a7, 0
    rdinstret t1
    .globl mark_null_call
mark_null_call:
    ecall
    rdinstret t0
    sub a0, t0, t1
    ret

/* ---- exceptions: the handler's first instruction reads the counter ---- */

    .globl count_exception
count_exception:
    lla t0, exception_counted
    sd t0, U_UP_EXCEPTION(gp)
    rdinstret t1
    .globl mark_exception_dispatch
mark_exception_dispatch:
    ebreak
    sub a0, t2, t1
    j exceptions_lost

/* count_fault(address) */
    .globl count_fault
count_fault:
    lla t0, exception_counted
    sd t0, U_UP_EXCEPTION(gp)
    .option push
    .option norvc
    rdinstret t1
    .globl mark_fault_dispatch
mark_fault_dispatch:
    lw zero, 0(a0)
    .option pop
    sub a0, t2, t1
    j exceptions_lost

exception_counted:
    rdinstret t2
    ld t0, U_EXC_PC(gp)
    lhu t3, 0(t0)               # behind the instruction, which is long if its two lowest bits are set
    andi t3, t3, 3
    addi t3, t3, -3
    addi t0, t0, 2
    bnez t3, 1f
    addi t0, t0, 2
1:  jr t0

exceptions_lost:
    lla t0, lost
    sd t0, U_UP_EXCEPTION(gp)
    ret

/* count_load(before, address): a load whose translation comes back without an upcall, behind one whose leaf table is the same */
    .globl count_load
count_load:
    lw zero, 0(a0)
    rdinstret t1
    .globl mark_stlb_refill
mark_stlb_refill:
    lw zero, 0(a1)
    rdinstret t2
    sub a0, t2, t1
    ret

/* ---- leaving the processor, and coming back by slice_begin ---- */

    .macro leave_save
    addi sp, sp, -SAVED
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    sd s\n, \n * 8(sp)
    .endr
    sd ra, 96(sp)
    lla t0, resume_sp
    sd sp, 0(t0)
    .endm

    .macro leave_restore
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    ld s\n, \n * 8(sp)
    .endr
    ld ra, 96(sp)
    addi sp, sp, SAVED
    .endm

/* leave(a0 .. a2, number): a call from which one comes back by slice_begin; else its error, negative */
    .globl leave
leave:
    leave_save
    mv a7, a3
    ecall
    leave_restore
    ret

/* count_yield(): to the next position, which is ours again */
    .globl count_yield
count_yield:
    leave_save
    lla t1, before
    li a7, SLICE_YIELD
    rdinstret t0
    sd t0, 0(t1)
    .globl mark_slice_begin
mark_slice_begin:
    ecall

slice_begin:
    rdinstret t2
    lla t0, before
    ld t1, 0(t0)
    sub a0, t2, t1
    lla t0, resume_sp
    ld sp, 0(t0)
    leave_restore
    ret

/* count_yield_to(env), whose slice-begin upcall is given_begin */
    .globl count_yield_to
count_yield_to:
    leave_save
    lla t1, before
    li a7, SLICE_YIELD_TO
    rdinstret t0
    sd t0, 0(t1)
    ecall
    j lost                      # refused

    .globl given_begin
given_begin:
    rdinstret t2
    lla t1, before
    ld t1, 0(t1)
    sub t2, t2, t1
    lla t1, counted
    sd t2, 0(t1)
    li a7, SLICE_YIELD
    ecall
    j given_begin

/* count_slice_end(from): runs until the slot is over. `from`: an address of (time) until which not to look closely */
    .globl count_slice_end
count_slice_end:
    leave_save
    lla t0, slice_ended
    sd t0, U_UP_SLICE_END(gp)
1:  rdtime t0
    bltu t0, a0, 1b
    .option push
    .option norvc
mark_slice_end:
    rdinstret t1                # interrupted here or at the next: slice_pc tells
2:  j mark_slice_end
    .option pop
slice_ended:
    rdinstret t2
    sub a0, t2, t1
    ld t0, U_SLICE_PC(gp)
    lla t1, 2b
    bne t0, t1, 1f
    addi a0, a0, 1              # as if the jump had been executed
1:  lla t0, counted
    sd a0, 0(t0)
    lla t0, lost
    sd t0, U_UP_SLICE_END(gp)
    lla t0, resume_sp
    ld sp, 0(t0)
    leave_restore
    lla t0, counted
    ld a0, 0(t0)
    ret

/* count_revoke(root, env, count, deadline): of oneself; the upcall comes right behind the call, before any instruction of ours */
    .globl count_revoke
count_revoke:
    leave_save
    lla t0, revoked
    sd t0, U_UP_REVOKE(gp)
    li a7, 26
    rdinstret s0
    .globl mark_revoke_upcall
mark_revoke_upcall:
    ecall
    j lost                      # not reached, but the call failed
revoked:
    rdinstret t2
    sub a0, t2, s0
    sd zero, U_MASKED(gp)       # it comes masked
    lla t0, lost
    sd t0, U_UP_REVOKE(gp)
    leave_restore
    ret

/* ---- protected control transfer: count_pct(number, counts[2]) ---- */

    .globl count_pct
count_pct:
    leave_save
    sd a1, 104(sp)
    mv a7, a0
    mv s5, zero
    rdinstret s2
    .globl mark_pct_oneway
mark_pct_oneway:
    ecall
    rdinstret s5
    ld a1, 104(sp)
    mv a0, t0
    sub s3, s3, s2
    sub s5, s5, s4
    sd s3, 0(a1)
    sd s5, 8(a1)
    leave_restore
    ret

/* In the partner: its entry, and how it begins. */
    .globl partner_entry
partner_entry:
    rdinstret s3
    li a7, PCT_RETURN
    rdinstret s4
    .globl mark_pct_return
mark_pct_return:
    ecall

    .globl partner_begin
partner_begin:
    lla sp, partner_stack + STACK_SIZE
    call partner_main
1:  li a7, SLICE_YIELD
    ecall
    j 1b

/* Computes for 100,000 instructions, and again in its next slot. */
    .globl busy_begin
busy_begin:
    li t0, 50000
1:  addi t0, t0, -1
    bnez t0, 1b
    li a7, SLICE_YIELD
    ecall
    j busy_begin

/* On a hart where nothing is wanted: sleeps for ever. */
    .globl sleeper_begin
sleeper_begin:
    li a0, 0
    li a1, 0
    li a2, 0
    li a7, SLICE_WAIT
    ecall
    j sleeper_begin

/* Sleeps until one of its conditions holds; count_yield, by which we go to it, then says what that call took. */
    .globl waiter_begin
waiter_begin:
    lla a0, conditions
    li a1, AEGIS_PREDICATES
    li a2, 0
    lla t1, before
    li a7, SLICE_WAIT
    rdinstret t0
    sd t0, 0(t1)
    ecall
    j lost

    .bss
    .balign 16
    .globl conditions
conditions: .zero AEGIS_PREDICATES * 16
    .globl boot_count, before, resume_sp, counted
boot_count: .zero 8
before: .zero 8
resume_sp: .zero 8
counted: .zero 8
    .balign 16
    .globl stack
stack: .zero STACK_SIZE
lost_stack: .zero STACK_SIZE
partner_stack: .zero STACK_SIZE
