/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the kernel enters the libOS (exokernel/include/aegis/env.h says when and with what).
 *
 * gp points at the activation in every upcall, and half a page of ours lies below it. Another register is freed by parking sp
 * in `masked`, which at the same time masks further upcalls: any value but 0 does.
 *
 *   exception:   all registers -> frame; C on the exception stack; the frame (or another context) restored
 *   slice end:   all registers -> the current thread's context; slice_yield
 *   slice begin: C on the exception stack picks a thread; its context restored
 *   context_call: a thread's own way in: C on the exception stack, masked
 *
 * Unmasking is the only moment at which an asynchronous upcall can find a sequence of ours half done. All such
 * sequences lie between aegis_restart_begin and aegis_restart_end; an upcall that finds the PC there has C
 * put it right (slice_fix in sched/slice.c) before it takes the state for the thread's own.
 */
#include <aegis/upcall.h>

#define CALL_SLICE_YIELD 1
#define CALL_PCT_RETURN 2

/* x1 and x4 to x31, to or from a context at base + offset. Without x2 (sp), x3 (gp). */
.macro REGISTERS op, base, offset=0
    .irp n, 1, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    \op x\n, \offset + C_X(\n)(\base)
    .endr
    \op x10, \offset + C_X(10)(\base) /* last: it may be the base */
.endm

.macro CALLEE_SAVED op, base
    .irp n, 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27
    \op x\n, C_X(\n)(\base)
    .endr
.endm

/* From a1, the activation; in one step, for no trap keeps gp. 2048 does not fit an immediate. */
.macro SET_GP
    addi t0, a1, AEGIS_GP - 1
    addi gp, t0, 1
.endm

.macro GLOBAL name
    .globl \name
    .type \name, @function
\name:
.endm

    .option push
    .option norelax
    .section .pinned.text, "ax", @progbits
    .balign 4

/* ---- exceptions ---------------------------------------------------------------------------------------------- */

GLOBAL aegis_restart_begin

/*
 * masked_call(a, b, c, d, function) -> function(a, b, c, d): a thread runs a function masked, on its hart's pinned stack,
 * without a trap. Until the stack is switched an upcall, or an overrun, has it begin anew: its arguments are still there.
 * Its end begins anew at masked_call_leave (in_code in sched/forced.c).
 */
GLOBAL masked_call
    ld   t0, -8(tp) /* thread_self() */
    ld   gp, C_GP(t0)
    sd   sp, U_MASKED(gp)
    mv   t1, sp
    mv   t2, gp
    ld   sp, H(H_EXCEPTION_STACK)(gp)
GLOBAL masked_call_away
    addi sp, sp, -32
    sd   t1, 0(sp)
    sd   ra, 8(sp)
    sd   t2, 16(sp)
    jalr a4
GLOBAL masked_call_leave
    ld   gp, 16(sp) /* a nested fault's return took it */
    ld   t0, 8(sp)
    ld   t1, 0(sp)
    sd   t0, H(H_RETURN_PC)(gp)
    sd   t1, H(H_RETURN_SP)(gp)
    sd   zero, H(H_STAY)(gp)
    j    aegis_return_begin
GLOBAL masked_call_end

/* The cause, -8 to 7, chooses the handler. */
GLOBAL upcall_exception
    sd   sp, U_MASKED(gp)
    ld   sp, U_EXC_CAUSE(gp)
    slli sp, sp, 3
    add  sp, sp, gp
    ld   sp, H(H_VECTOR) + 64(sp)
    jr   sp

/* All registers to the frame, then C. */
GLOBAL aegis_upcall_default
    REGISTERS sd, gp, H(H_FRAME)
GLOBAL exception_saved
    ld   t0, U_MASKED(gp)
    sd   t0, H(H_FRAME) + C_X(2)(gp)
    sd   gp, U_MASKED(gp) /* sp may have been 0 */
    ld   t1, U_EXC_PC(gp)
    ld   t2, U_EXC_CAUSE(gp)
    ld   t3, U_EXC_VALUE(gp)
    addi t2, t2, 8
    sd   t1, H(H_FRAME) + C_PC(gp)
    sd   t2, H(H_FRAME) + C_CAUSE(gp)
    sd   t3, H(H_FRAME) + C_VALUE(gp)
    sd   zero, H(H_FRAME) + C_CALLED(gp)
    addi a0, gp, H(H_FRAME)
    addi a1, gp, -AEGIS_GP
    ld   sp, H(H_EXCEPTION_STACK)(gp)
    j    exception_handle
GLOBAL exception_save_end

/* ---- a thread's own entry: context_call(context, function, argument) -> what thread_result() says ------------------ */

/* function(context, argument, activation), masked, on the exception stack; ends by a restore. Until sp is away an upcall, or an
 * overrun, that finds the PC here has it begin anew: its arguments are still there. */
GLOBAL context_call
    ld   gp, C_GP(a0)
    sd   sp, U_MASKED(gp)
GLOBAL context_call_masked
    sd   ra, C_PC(a0)
    sd   sp, C_X(2)(a0)
    sd   tp, C_X(4)(a0)
    CALLEE_SAVED sd, a0
    sd   gp, C_CALLED(a0)
    addi t1, gp, -AEGIS_GP
    ld   sp, H(H_EXCEPTION_STACK)(gp)
GLOBAL context_call_away
    mv   t0, a1
    mv   a1, a2
    mv   a2, t1
    jr   t0

/* context_return(saved): a thread goes on with other registers; nothing of it is kept. */
GLOBAL context_return
    ld   t0, -8(tp)
    ld   gp, C_GP(t0)
    sd   sp, U_MASKED(gp)
    addi a1, gp, -AEGIS_GP
    ld   sp, H(H_EXCEPTION_STACK)(gp)
GLOBAL context_return_away

/*
 * context_back(saved, activation): as context_restore, but what is loaded may lie anywhere. A nested fault takes gp and the
 * words of a return, so both come last; cut short, it begins anew.
 */
GLOBAL context_back
    SET_GP
    sd   a0, H(H_BACK_FROM)(gp)
GLOBAL context_back_noted
    addi sp, sp, -16
    sd   gp, 8(sp)
    ld   t1, C_PC(a0)
    ld   t2, C_X(2)(a0)
    ld   gp, 8(sp)
    sd   t1, H(H_BACK_PC)(gp)
    sd   t2, H(H_BACK_SP)(gp)
    REGISTERS ld, a0
    ld   gp, 8(sp)
    ld   sp, H(H_BACK_SP)(gp)
    sd   sp, H(H_RETURN_SP)(gp)
    ld   sp, H(H_BACK_PC)(gp)
    sd   sp, H(H_RETURN_PC)(gp)
    sd   zero, H(H_STAY)(gp)
    j    aegis_return_begin
GLOBAL context_back_end

/* long pct_call(slot, message, context): the beginning, until masked; it starts anew if the slot ends here */
GLOBAL pct_call
    ld   gp, C_GP(a2)
    sd   sp, U_MASKED(gp)
GLOBAL pct_masked
    j    pct_go

/* ---- going on: context_restore(context, activation) ----------------------------------------------------------- */

/* context_enter(a0, a1, sp, pc, activation): a function of the thread's; what other registers hold does not matter. */
GLOBAL context_enter
    addi t0, a4, AEGIS_GP - 1
    addi gp, t0, 1
    sd   a3, H(H_RETURN_PC)(gp)
    sd   a2, H(H_RETURN_SP)(gp)
    sd   zero, H(H_STAY)(gp)
    j    aegis_return_begin

/* Registers but sp and gp are the interrupted code's; sp = the PC to go on at. */
GLOBAL aegis_upcall_return
    sd   sp, H(H_RETURN_PC)(gp)
    ld   sp, U_MASKED(gp)
    sd   sp, H(H_RETURN_SP)(gp)
    sd   zero, H(H_STAY)(gp)
    j    return_unmask

/* context_restore(context, activation); context_resume_masked: the same, into masked code of ours. */
GLOBAL context_resume_masked
    li   a2, 1
    j    context_go
GLOBAL context_restore
    li   a2, 0
GLOBAL context_go
    SET_GP
    sd   a0, H(H_RESTORING)(gp)
    sd   a2, H(H_STAY)(gp)
GLOBAL context_go_noted
    ld   t1, C_PC(a0)
    ld   t2, C_X(2)(a0)
    sd   t1, H(H_RETURN_PC)(gp)
    sd   t2, H(H_RETURN_SP)(gp)
    ld   t1, C_CALLED(a0)
    bnez t1, context_called
    REGISTERS ld, a0
    j    aegis_return_begin
context_called: /* it called us: no other registers matter */
    ld   tp, C_X(4)(a0)
    CALLEE_SAVED ld, a0
    ld   a1, C_X(11)(a0)
    ld   a0, C_X(10)(a0)
/*
 * Every jump by gp is made here, for the kernel restarts this from its first instruction: whatever it interrupts, it
 * leaves gp at the activation. Masked code that is returned to stays masked.
 */
GLOBAL aegis_return_begin
    sd   zero, U_FORCED(gp)
    ld   sp, H(H_STAY)(gp)
    sd   sp, U_MASKED(gp)
    bnez sp, 1f
    ld   sp, U_HELD(gp)
    bnez sp, return_held
1:  ld   sp, H(H_RETURN_SP)(gp)
    ld   gp, H(H_RETURN_PC)(gp)
    jr   gp
return_unmask: /* the same, to a thread, of a handler that was not cut short */
    sd   zero, U_MASKED(gp)
    ld   sp, U_HELD(gp)
    bnez sp, return_held
    ld   sp, H(H_RETURN_SP)(gp)
    ld   gp, H(H_RETURN_PC)(gp)
    jr   gp
GLOBAL aegis_return_end

/* Something came while masked: as if it came now, at the PC that we return to. */
GLOBAL return_held
    sd   gp, U_MASKED(gp)
GLOBAL aegis_restart_end
    ld   sp, H(H_RETURN_PC)(gp)
    sd   sp, U_SLICE_PC(gp)
    ld   sp, H(H_RETURN_SP)(gp)

/* ---- slices --------------------------------------------------------------------------------------------------- */

GLOBAL upcall_slice_end
    sd   sp, U_MASKED(gp)
GLOBAL slice_save
    ld   sp, H(H_CURRENT)(gp)
    REGISTERS sd, sp
GLOBAL slice_registers_saved
    ld   t0, U_MASKED(gp)
    sd   t0, C_X(2)(sp)
    sd   gp, U_MASKED(gp)
    ld   t1, U_SLICE_PC(gp)
    sd   t1, C_PC(sp)
    sd   zero, C_CALLED(sp)
    rdtime t0
    sd   t0, H(H_ENDED)(gp)
    la   t0, aegis_restart_begin
    la   t2, aegis_restart_end
    bltu t1, t0, slice_go
    bltu t1, t2, slice_fix_call
slice_go:
    addi t0, gp, U_HELD
    amoswap.d t1, zero, (t0)
    andi t1, t1, 2 /* AEGIS_HELD_REVOKE */
    bnez t1, revoke_saved
    li   a7, CALL_SLICE_YIELD
    ecall
GLOBAL slice_save_end

revoke_saved:
    addi a0, gp, -AEGIS_GP
    ld   sp, H(H_SLICE_STACK)(gp)
    j    revoke_handle

slice_fix_call:
    mv   a0, sp
    addi a1, gp, -AEGIS_GP
    mv   s0, gp
    ld   sp, H(H_SLICE_STACK)(gp)
    call slice_fix
    mv   gp, s0
    j    slice_go
GLOBAL slice_code_end

/* A revocation request: as if the slice ended, but C looks at the request first and goes on with the thread. */
GLOBAL upcall_revoke
    sd   sp, U_MASKED(gp)
    li   sp, 2
    sd   sp, U_HELD(gp)
    j    slice_save

/* Nobody is on the exception stack, unless we overran: then C on the slice stack finds out where we stood. */
GLOBAL upcall_caller_gone
GLOBAL upcall_slice_begin
    sd   gp, U_MASKED(gp) /* it was not 0: our last slot ended masked, or by force */
    ld   t0, U_FORCED(gp)
    addi a0, gp, -AEGIS_GP
    bnez t0, 1f
    ld   sp, H(H_EXCEPTION_STACK)(gp)
    j    slice_begin
1:  ld   sp, H(H_SLICE_STACK)(gp)
    mv   s0, a0
    call slice_forced
/* It came back: the thread's context is whole, and the slot begins like any other. */
    li   t0, AEGIS_GP
    add  gp, s0, t0
    mv   a0, s0
    ld   sp, H(H_EXCEPTION_STACK)(gp)
    sd   zero, U_FORCED(gp)
    j    slice_begin

GLOBAL upcall_emergency
    ld   sp, H(H_SLICE_STACK)(gp)
    addi a0, gp, -AEGIS_GP
    j    emergency_handle

/* ---- the rare ways on ----------------------------------------------------------------------------------------- */

/* context_reenter(context, activation): the exception that was about to be taken is taken now. */
GLOBAL context_reenter
    SET_GP
    sd   a0, H(H_RESTORING)(gp)
GLOBAL context_reenter_noted
    ld   sp, C_X(2)(a0)
    REGISTERS ld, a0
GLOBAL context_reenter_end
    sd   zero, U_FORCED(gp)
    j    upcall_exception

/* nested_reenter(context, activation): the same for a nested exception. */
GLOBAL nested_reenter
    SET_GP
    sd   a0, H(H_RESTORING)(gp)
GLOBAL nested_reenter_noted
    ld   sp, C_X(2)(a0)
    REGISTERS ld, a0
GLOBAL nested_reenter_end
    sd   zero, U_FORCED(gp)
    j    upcall_nested

/* ---- nested faults: masked code of ours, on a pinned stack, touched what had vanished -------------------------- */

GLOBAL upcall_nested
    sd   sp, H(H_SCRATCH)(gp)
    addi sp, sp, -C_SIZE
    REGISTERS sd, sp
GLOBAL nested_saved
    ld   t0, H(H_SCRATCH)(gp)
    ld   t1, U_EXC_PC(gp)
    ld   t2, U_EXC_CAUSE(gp)
    ld   t3, U_EXC_VALUE(gp)
    addi t2, t2, 8
    sd   t0, C_X(2)(sp)
    sd   t1, C_PC(sp)
    sd   t2, C_CAUSE(sp)
    sd   t3, C_VALUE(sp)
    sd   zero, C_CALLED(sp)
    addi s0, gp, -AEGIS_GP
GLOBAL nested_save_end
    mv   a0, sp
    call nested_handle
    mv   a0, sp
    mv   a1, s0
    j    context_resume_masked

/* context_copy(to, from): 0, or -1 if nested_handle found no memory there. */
GLOBAL context_copy
    .set at, 0
    .rept 12
    ld   t0, at(a1)
    ld   t1, at + 8(a1)
    ld   t2, at + 16(a1)
    sd   t0, at(a0)
    sd   t1, at + 8(a0)
    sd   t2, at + 16(a0)
    .set at, at + 24
    .endr
    li   a0, 0
    ret
GLOBAL context_copy_failed
    li   a0, -1
    ret

/* ---- protected control transfer -------------------------------------------------------------------------------- */

/* The default server: sent straight back. */
GLOBAL upcall_entry
    li   a7, CALL_PCT_RETURN
    ecall
1:  j    1b

/* Masked throughout, for sp is the callee's when it comes back; so the message is in pinned memory. */
pct_go:
    sd   ra, C_X(1)(a2)
    sd   sp, C_X(2)(a2)
    sd   tp, C_X(4)(a2)
    CALLEE_SAVED sd, a2
    sd   a1, C_X(11)(a2)
GLOBAL pct_saved
    not  a7, a0
    mv   t0, a1
    .irp n, 10, 11, 12, 13, 14, 15, 16
    ld   x\n, 8 * (\n - 10)(t0)
    .endr
    ld   s0, 56(t0)
    ld   s1, 64(t0)
    .irp n, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27
    ld   x\n, 72 + 8 * (\n - 18)(t0)
    .endr
    .irp n, 28, 29, 30, 31
    ld   x\n, 152 + 8 * (\n - 28)(t0)
    .endr
    ecall
GLOBAL pct_back
    ld   t1, H(H_CURRENT)(gp)
    ld   t2, C_X(11)(t1)
    .irp n, 10, 11, 12, 13, 14, 15, 16
    sd   x\n, 8 * (\n - 10)(t2)
    .endr
    sd   s0, 56(t2)
    sd   s1, 64(t2)
    .irp n, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27
    sd   x\n, 72 + 8 * (\n - 18)(t2)
    .endr
    .irp n, 28, 29, 30, 31
    sd   x\n, 152 + 8 * (\n - 28)(t2)
    .endr
GLOBAL pct_stored
    CALLEE_SAVED ld, t1
    ld   ra, C_X(1)(t1)
    ld   sp, C_X(2)(t1)
    ld   tp, C_X(4)(t1)
    mv   a0, t0 /* the transfer's error, or 0 */
    sd   zero, U_MASKED(gp)
    ret
GLOBAL pct_end
    .option pop

/* ---- the floating-point unit: area is f0 .. f31, fcsr ----------------------------------------------------------- */

GLOBAL fp_save
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    fsd  f\n, 8 * \n(a0)
    .endr
    frcsr t0
    sd   t0, 256(a0)
    ret

GLOBAL fp_restore
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    fld  f\n, 8 * \n(a0)
    .endr
    ld   t0, 256(a0)
    fscsr t0
    ret
