/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Upcall handlers that keep a whole state and count, without a libOS. While an area is in use `masked` is set; the
 * one way back, return_begin, clears it and may be restarted at any instruction. gp is the activation from an upcall
 * to that return; at the first instruction of a handler, which masks, an interruption is gone on from with gp set.
 */
#include <aegis/env.h>
#include "my.h"

    .option norelax

    .macro save at
    sd x1, MY(\at + 8)(gp)
    sd x2, MY(\at + 16)(gp)
    .irp n, 4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd x\n, MY(\at + 8 * \n)(gp)
    .endr
    .endm

/* t6: this hart's activation, as gp has it after a call; whoever is interrupted in between tries again. */
    .macro find_me
8:  li a7, 0
    ecall
    mv t6, gp
    li t0, AEGIS_PINNED
    bltu t6, t0, 8b
    li t0, AEGIS_PINNED + 8 * 4096
    bgeu t6, t0, 8b
    .endm

    .macro save_t6 at
    sd x1, MY(\at + 8)(t6)
    sd x2, MY(\at + 16)(t6)
    .irp n, 4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd x\n, MY(\at + 8 * \n)(t6)
    .endr
    .endm

    .macro restore at
    ld x1, MY(\at + 8)(gp)
    ld x2, MY(\at + 16)(gp)
    .irp n, 4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld x\n, MY(\at + 8 * \n)(gp)
    .endr
    .endm

/*
 * Who is saved by force while masked loses the mask, and gp, which a jump by gp takes: so from `begin` to `called` it begins
 * anew, its arguments still there, and from there it goes on at `over`, with what the call gave.
 */
    .macro anew begin, called, over
    .pushsection .rodata.anew, "a"
    .balign 8
    .quad \begin, \called, \over
    .popsection
    .endm

    .macro count at
    ld t0, MY(\at)(gp)
    addi t0, t0, 1
    sd t0, MY(\at)(gp)
    .endm

    .section .rodata.anew, "a"
    .balign 8
anew_begin:

    .section .text.start, "ax"
    .globl _start
_start:
    la sp, main_stack_end
    call lib_start
1:  j 1b

    .text
    .globl return_begin, return_end
return_begin:
    sd zero, U_MASKED(gp)
    ld gp, MY(MY_RETURN)(gp)
    jr gp
return_end:

    .globl up_slice_begin, up_slice_end, up_exception, up_nested, up_revoke, up_entry, up_entry_async
    .globl up_caller_gone, up_emergency
up_slice_begin:
    sd gp, U_MASKED(gp)
    .irp n, 1,2,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    .if \n != 5
    or t0, t0, x\n
    .endif
    .endr
begin_after:
    ld t1, MY(MY_DIRTY)(gp)
    or t1, t1, t0
    sd t1, MY(MY_DIRTY)(gp)
    count MY_BEGINS
    ld t0, U_FORCED(gp)
    beqz t0, not_forced
    count MY_FORCED
    ld t4, U_FORCED_SAVE(gp)
    # In here, masked: nothing of its own had begun; what it had taken up stands there still.
    la t1, up_slice_begin
    la t2, fresh_called
    bltu t4, t1, 2f
    bgeu t4, t2, 1f
    sd zero, U_FORCED(gp)
    la t1, taken_up
    la t2, fresh
    bltu t4, t1, not_forced
    bgeu t4, t2, not_forced
    li t0, 1
    sd t0, MY(MY_SAVED)(gp)
    j not_forced
    # In up_slice_end, not masked: what it was about to save is as it was, but for t0 and t1, and goes on from where the slot ended.
1:  la t1, up_slice_end
    la t2, go_on
    bltu t4, t1, 2f
    bgeu t4, t2, 2f
    ld t5, U_SLICE_PC(gp)
    la t2, up_slice_begin
    beq t5, t2, 3f             # nothing had begun
    la t2, end_saved
    bltu t4, t2, 4f
3:  sd zero, U_FORCED(gp)
    j not_forced
4:  beq t4, t1, 4f
    ld t3, MY(MY_TMP0)(gp)
    sd t3, U_FORCED_SAVE + 8 * 5(gp)
    la t2, end_t1
    bgeu t2, t4, 4f
    ld t3, MY(MY_TMP1)(gp)
    sd t3, U_FORCED_SAVE + 8 * 6(gp)
4:  sd t5, U_FORCED_SAVE(gp)
2:  li t1, 32
    addi t2, gp, U_FORCED_SAVE
    addi t3, gp, MY(MY_SLICE)
1:  ld t0, 0(t2)
    sd t0, 0(t3)
    addi t2, t2, 8
    addi t3, t3, 8
    addi t1, t1, -1
    bnez t1, 1b
    li t0, 1
    sd t0, MY(MY_SAVED)(gp)
    ld t0, MY(MY_SLICE)(gp)
    la t1, anew_begin
    la t2, anew_end
1:  ld t3, 0(t1)
    ld t4, 16(t1)
    bltu t0, t3, 2f
    bltu t0, t4, 3f
2:  addi t1, t1, 24
    bltu t1, t2, 1b
    j forced_taken
3:  ld t5, 8(t1)
    bltu t0, t5, 4f
    mv t3, t4
4:  sd t3, MY(MY_SLICE)(gp)
forced_taken:
    sd zero, U_FORCED(gp)      # until here it would be taken up anew
not_forced:
    ld t0, MY(MY_SAVED)(gp)
    beqz t0, fresh
    sd zero, MY(MY_SAVED)(gp)
taken_up:
    ld t0, MY(MY_SLICE)(gp)
    la t1, return_begin
    la t2, return_end
    bltu t0, t1, 2f
    bltu t0, t2, 3f            # it was returning: where to stands already
2:  .irp h, up_exception, up_entry, up_entry_async, up_revoke, up_nested
    la t1, \h
    bne t0, t1, 5f
    restore MY_SLICE
    j \h
5:
    .endr
    sd t0, MY(MY_RETURN)(gp)
3:  restore MY_SLICE
    j return_begin

fresh:
    ld sp, MY(MY_SP)(gp)
    ld a0, MY(MY_ARGUMENT)(gp)
    ld t0, MY(MY_FUNCTION)(gp)
    beqz t0, 4f
    sd zero, U_MASKED(gp)
fresh_called:
    jalr t0
4:  li t0, 1                   # nothing to do: give the slot away, for ever
    sd t0, U_MASKED(gp)
    li a7, 1
    ecall
    j 4b

up_slice_end:
    sd t0, MY(MY_TMP0)(gp)
    count MY_ENDS
    ld t0, MY(MY_IGNORE)(gp)
    bnez t0, go_on
    ld t0, U_SLICE_PC(gp)
end_t1:
    sd t1, MY(MY_TMP1)(gp)
    la t1, up_slice_begin
    beq t0, t1, 1f             # nothing has begun yet
    la t1, up_caller_gone
    beq t0, t1, 2f             # nor here, but it is told once only
    la t1, up_emergency
    beq t0, t1, 3f
    ld t0, MY(MY_TMP0)(gp)
    ld t1, MY(MY_TMP1)(gp)
    save MY_SLICE
    ld t0, U_SLICE_PC(gp)
    sd t0, MY(MY_SLICE)(gp)
    li t0, 1
    sd t0, MY(MY_SAVED)(gp)
end_saved:
1:  li a7, 1
    ecall
2:  sd a0, MY(MY_GONE_BADGE)(gp)
    count MY_GONE
    j 1b
3:  count MY_EMERGENCIES
    j 1b

/* On where we were interrupted. A handler's first instruction wants gp, which return_begin takes for the address. */
go_on:
    sd t1, MY(MY_TMP1)(gp)
    ld t0, U_SLICE_PC(gp)
    .irp h, up_exception, up_entry, up_entry_async, up_nested, up_caller_gone, up_emergency
    la t1, \h
    bne t0, t1, 5f
    ld t0, MY(MY_TMP0)(gp)
    ld t1, MY(MY_TMP1)(gp)
    j \h
5:
    .endr
    la t1, return_begin
    bltu t0, t1, 1f
    la t1, return_end
    bltu t0, t1, 2f
1:  sd t0, MY(MY_RETURN)(gp)
2:  ld t0, MY(MY_TMP0)(gp)
    ld t1, MY(MY_TMP1)(gp)
    j return_begin

up_revoke:
    sd gp, U_MASKED(gp)
    sd t0, MY(MY_TMP0)(gp)
    count MY_REVOKES
    sd t1, MY(MY_TMP1)(gp)
    ld t0, U_SLICE_PC(gp)
    la t1, up_slice_begin
    bne t0, t1, go_on
    ld t0, MY(MY_TMP0)(gp)     # nothing has begun yet
    ld t1, MY(MY_TMP1)(gp)
    j up_slice_begin

up_exception:
    sd gp, U_MASKED(gp)
    save MY_EXC
    ld t0, U_EXC_PC(gp)
    sd t0, MY(MY_EXC)(gp)
    count MY_EXCEPTIONS
    ld sp, MY(MY_EXC_SP)(gp)
    addi a0, gp, MY(MY_EXC)
    call lib_exception
1:  find_me
    sd t6, U_MASKED(t6)        # it is not where this begins anew
    mv gp, t6
    ld t0, MY(MY_EXC)(gp)
    sd t0, MY(MY_RETURN)(gp)
    restore MY_EXC
    j return_begin
2:  anew 1b, 2b, 2b

up_nested:
    count MY_NESTED
    ld t0, MY(MY_NESTED_PC)(gp)
    jr t0                      # 0: faults once more, and dies

up_caller_gone:
    sd gp, U_MASKED(gp)
    sd a0, MY(MY_GONE_BADGE)(gp)
    count MY_GONE
    li t0, 0
    j begin_after

up_emergency:
    sd gp, U_MASKED(gp)
    count MY_EMERGENCIES
    li t0, 0
    j begin_after

/* A transfer came in: the message in a0 to a5, the badge kept; what the C function returns goes back in a0. */
up_entry:
    sd gp, U_MASKED(gp)
    sd t0, MY(MY_BADGE)(gp)
    count MY_ENTRIES
    ld sp, MY(MY_ENTRY_SP)(gp)
    ld t0, MY(MY_ENTRY_FN)(gp)
    sd zero, U_MASKED(gp)
    beqz t0, 1f
    jalr t0
1:  li a7, 2
    ecall
    j 1b                       # the caller has gone: again, with the gate open: leaves the slot

up_entry_async:
    sd gp, U_MASKED(gp)
    sd t0, MY(MY_BADGE)(gp)
    count MY_ASYNCS
    ld sp, MY(MY_ENTRY_SP)(gp)
    ld t0, MY(MY_ASYNC_FN)(gp)
    sd zero, U_MASKED(gp)
    beqz t0, 1f
    jalr t0
1:  li a7, 2
    ecall
    j 1b

/* ---- leaving the slot from C; each comes back when slice begin has restored what it saved ---- */

    .macro leave number
1:  find_me
    sd t6, U_MASKED(t6)
    save_t6 MY_SLICE
    la t0, 9f
    sd t0, MY(MY_SLICE)(t6)
    li t0, 1
    sd t0, MY(MY_SAVED)(t6)
    sd t0, MY(MY_SLICE + 8 * 10)(t6) # a0 = 1: by way of slice begin
    li a7, \number
    ecall
2:  sd zero, MY(MY_SAVED)(gp)        # refused, or over at once; masked, so gp is what the call left
    sd zero, U_MASKED(gp)
9:  ret
    anew 1b, 2b, 9b
    .endm

    .globl up_yield, up_wait, up_yield_to
up_yield:
    leave 1
up_wait:
    leave 24
up_yield_to:
    leave 21

/* long up_send(number, a0): an asynchronous transfer; 1: made, and back by way of slice begin; else the error */
    .globl up_send
up_send:
    mv t5, a0
1:  find_me
    sd t6, U_MASKED(t6)
    save_t6 MY_SLICE
    la t0, 9f
    sd t0, MY(MY_SLICE)(t6)
    li t0, 1
    sd t0, MY(MY_SAVED)(t6)
    sd t0, MY(MY_SLICE + 8 * 10)(t6)
    mv a7, t5
    mv a0, a1
    ecall
2:  sd zero, MY(MY_SAVED)(gp)
    sd zero, U_MASKED(gp)
3:  mv a0, t0
9:  ret
    anew 1b, 2b, 3b

/* long pct_call(long number, a1 .. a5 -> message a0 .. a4, long *reply): the error in a0 */
    .globl pct_call
pct_call:
    addi sp, sp, -128
    sd a6, 0(sp)
    sd ra, 8(sp)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    sd s\n, \n * 8 + 16(sp)      # a transfer that ends with an error from outside leaves no register
    .endr
    mv t5, a0
    find_me
    sd sp, MY(MY_PCT_SP)(t6)
    mv a7, t5
    mv a0, a1
    mv a1, a2
    mv a2, a3
    mv a3, a4
    mv a4, a5
    ecall
    mv t5, t0
    find_me
    ld sp, MY(MY_PCT_SP)(t6)
    ld t1, 0(sp)
    ld ra, 8(sp)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    ld s\n, \n * 8 + 16(sp)
    .endr
    addi sp, sp, 128
    beqz t1, 1f
    sd a0, 0(t1)
1:  mv a0, t5
    ret

/*
 * Every register on its way, there and back: message_call(number) sets each to its number and 0x100, message_entry keeps what
 * came in `exc`, and returns with each set to its number and 0x200, which message_call keeps in `exc`; its result is the error.
 */
    .macro numbers from
    .irp n, 1,2,4,5,6,7,8,9,10,11,12,13,14,15,16,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    li x\n, \from + \n
    .endr
    .endm

    .globl message_call, message_entry
message_call:
    addi sp, sp, -128
    sd ra, 8(sp)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    sd s\n, \n * 8 + 16(sp)
    .endr
    mv a7, a0
    mv t5, a7
    find_me
    mv a7, t5
    sd sp, MY(MY_PCT_SP)(t6)
    sd tp, MY(MY_TMP0)(t6)
    sd t6, U_MASKED(t6)          # gp is the activation behind the call
    numbers 0x100
    ecall
    save MY_EXC
    sd zero, U_MASKED(gp)
    ld tp, MY(MY_TMP0)(gp)
    ld sp, MY(MY_PCT_SP)(gp)
    mv a0, t0
    ld ra, 8(sp)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    ld s\n, \n * 8 + 16(sp)
    .endr
    addi sp, sp, 128
    ret

message_entry:
    sd gp, U_MASKED(gp)
    save MY_EXC
    ld sp, MY(MY_ENTRY_SP)(gp)
    ld t0, MY(MY_ENTRY_FN)(gp)
    sd zero, U_MASKED(gp)
    jalr t0
    numbers 0x200
    li a7, 2
    ecall

/* ---- accesses that may fault: 0, or 1 when they did ---- */

    .globl probe_byte, probe_read, probe_write, probe_execute, probe_failed, probe_read_at, probe_write_at
probe_read:
probe_read_at:
    lbu a0, 0(a0)
    li a0, 0
    ret
probe_byte:                    # the byte; 1 where nothing may be read
    lbu a0, 0(a0)
    ret
probe_write:
    li t0, 0x5a
probe_write_at:
    sb t0, 0(a0)
    li a0, 0
    ret
probe_execute:
    addi sp, sp, -16
    sd ra, 8(sp)
    jalr a0                    # the target is a `ret`, or faults: lib_exception returns to ra with a0 = 1
    ld ra, 8(sp)
    addi sp, sp, 16
    snez a0, a0
    ret
probe_failed:
    li a0, 1
    ret

/* long registers_after_null_calls(number): calls with every register set; what was left in t0-t6, a2-a7, or-ed */
    .globl registers_after
registers_after:
    mv a7, a0
    .irp r, t0,t1,t2,t3,t4,t5,t6
    li \r, -1
    .endr
    li a0, -1
    li a1, -1
    li a2, -1
    li a3, -1
    li a4, -1
    li a5, -1
    li a6, -1
    ecall
    li a0, 0
    .irp r, t0,t1,t2,t3,t4,t5,t6,a2,a3,a4,a5,a6,a7
    or a0, a0, \r
    .endr
    ret

/* long raw_call(number, a0 .. a4): its error */
    .globl raw_call
raw_call:
    mv a7, a0
    mv a0, a1
    mv a1, a2
    mv a2, a3
    mv a3, a4
    mv a4, a5
    ecall
    ret

    .globl gp_get, just_return, illegal, take_breakpoint
gp_get:
    find_me
    mv a0, t6
    ret
just_return:
    li a0, 0
    ret
illegal:
    .word 0
    ret
take_breakpoint:
    ebreak
    ret

    .section .rodata.anew, "a"
anew_end:
