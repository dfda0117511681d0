/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traps from user mode, and the fast paths. S-mode instructions from the trap to sret, asserted by tests/paths:
 *
 *   exception to the application   18      null call                 13
 *   page fault to the application  40      transfer, return          30, 30
 *   page fault that hits the STLB  80      slice end, begin          29, 60
 *
 *   scause                     who owns it
 *   0-7   exceptions           the application: up_exception; nested while masked; then death
 *   8     ecall                calls, transfers
 *   12-15 page faults          the STLB, else the application
 *   1, 5, 9 interrupts         timer: slice end; software: acknowledgements, revocation; external: devices
 *   any, from S-mode           panic
 *
 * sscratch holds the boundary of the current activation: the environment's page below, the kernel's above. gp is
 * nobody's to keep (aegis/env.h), so it is the one register that a trap may use at once. sstatus.SPP is 0 throughout.
 */
#include <aegis/env.h>

#include "addresses.h"
#include "offsets.h"

#define BIAS 8                   /* scause is looked at as scause - 8 */
#define ENTRY_END (K_ENTRY + 128 * 8)

    .macro patched list, thunk   /* the next instruction is replaced at boot where the machine lacks what it needs */
    .pushsection .patch.\list, "a"
    .balign 8
    .quad 1f, \thunk
    .popsection
1:
    .endm

    .macro satp_set from         /* with a fence out of line where there are no address-space ids */
    patched satp, 3f
    csrw satp, \from
2:
    .pushsection .text.trap.flush, "ax"
3:  csrw satp, \from
    sfence.vma
    j 2b
    .popsection
    .endm

    .macro step_over by          /* behind the ecall */
    csrr \by, sepc
    addi \by, \by, 4
    csrw sepc, \by
    .endm

    .macro leave_fast            /* t0: the boundary; back with the application's t0 */
    ld gp, K_UVA(t0)
    csrrw t0, sscratch, t0
    sret
    .endm

    .macro clear_registers from:vararg
    .irp r, \from
    li \r, 0
    .endr
    .endm

    .section .text.trap, "ax"
    .option norvc
    .balign 64
    .globl trap_entry
trap_entry:
    csrr gp, scause
    addi gp, gp, -BIAS
    bnez gp, not_call

/* ---- calls ---- */

    csrr gp, sscratch
    bltz a7, transfer
    sltiu t0, a7, 3
    bnez t0, call_fast
    addi t0, a7, -13
    beqz t0, protect
call_c:
    sd a7, K_LAST(gp)
    # 1. The kernel's stack; sp and ra are all that C does not keep of what we must.
    sd sp, K_SP(gp)
    sd ra, K_RA(gp)
    ld sp, K_STACK(gp)
    # 2. By number.
    li t0, CALLS
    bgeu a7, t0, call_unknown
    slli t0, a7, 3
    ld t1, K_CALLS(gp)
    add t0, t0, t1
    ld t0, 0(t0)
    jalr t0
call_return:
    # 3. Behind the ecall, with a0 and a1 and nothing else of ours.
    step_over t0
    ld sp, K_SP(gp)
    ld ra, K_RA(gp)
    clear_registers a2, a3, a4, a5, a6, a7, t0, t1, t2, t3, t4, t5, t6
    ld gp, K_UVA(gp)
    sret

call_unknown:
    li a0, -38
    li a1, 0
    j call_return

call_fast:
    beqz a7, call_null
    beq a7, t0, yield           # t0 is 1

/* pct_return: to the recorded caller; opens the gate. */
    ld t1, K_CALLER(gp)
    beqz t1, call_c
    sd zero, K_CALLER(gp)
    sd zero, K_PHASE(gp)        # a grace that it was in was the slot's
    ld t0, K_SATP(gp)
    sd t0, K_GATE(gp)
    ld gp, K_SATP(t1)
    ld t0, K_ATTENTION(t1)
    bnez t0, return_attention   # then its next slot begins in C
    sd gp, K_RUN(t1)
1:  satp_set gp
    ld gp, K_RESUME(t1)
    sd zero, K_RESUME(t1)
    addi gp, gp, 4
    csrw sepc, gp
    csrw sscratch, t1
    ld gp, K_SSTATUS(t1)
    csrw sstatus, gp
    ld gp, K_UVA(t1)
    li t1, 0
    sret
return_attention:
    ld t0, K_RESUME(t1)
    andi t0, t0, -2             # the kernel's mark, which some machines keep in sepc
    sd t0, K_RESUME(t1)
    li t0, 0
    j 1b

call_null:
    step_over t0
    ld gp, K_UVA(gp)
    sret

/*
 * map_protect of one page of one's own, by the last leaf table (so the address is neither a superpage's nor the window's),
 * while no other hart may hold its translation. Appel and Li's prot1. Anything else is C's, with nothing changed.
 */
protect:
    bnez a0, call_c
    # 1. The arguments, as call_map_protect has them.
    addi t1, a2, -1
    bnez t1, call_c
    andi t1, a3, ~0xe
    bnez t1, call_c
    andi t1, a3, 6
    addi t1, t1, -4
    beqz t1, call_c             # W without R
    slli t1, a1, 52
    bnez t1, call_c
    srli t1, a1, 12
    beqz t1, call_c
    # 2. The environment's lock, by ticket.
    ld t0, K_ENV(gp)
    addi t3, t0, E_NEXT
    li t2, 1
    amoadd.w.aq t2, t2, (t3)
1:  lw t3, E_SERVING(t0)
    bne t2, t3, 1b
    fence r, rw
    # 3. The entry, and whether its claim allows it.
    srli t3, a1, 21
    ld t4, E_LEAF_REGION(t0)
    bne t3, t4, protect_c
    ld t3, K_HART(gp)
    lw t3, H_BIT(t3)
    lw t4, E_MASK(t0)
    bne t3, t4, protect_c
    andi t3, t1, 511
    slli t3, t3, 3
    ld t4, E_LEAF_TABLE(t0)
    add t3, t3, t4
    ld t4, 0(t3)
    beqz t4, protect_c
    andi t5, a3, 12
    slli t5, t5, 6              # MAY_W, MAY_X
    and t4, t4, t5
    bne t4, t5, protect_c
    # 4. The STLB's word goes; the entry changes by AMO, since hardware may be setting its bits.
    slli t1, t1, 3
    ld t4, K_STLB_MASK(gp)
    and t1, t1, t4
    ld t4, K_STLB(gp)
    add t1, t1, t4
    sd zero, 0(t1)
    snez t1, a3
    or a3, a3, t1               # V, but with no rights
    ori t1, a3, ~0xf
    amoand.d zero, t1, (t3)
    amoor.d zero, a3, (t3)
    ld t4, E_ASID(t0)
    sfence.vma a1, t4
    # 5. Unlock; 0, and one page done.
    addi t2, t2, 1
    fence rw, w
    sw t2, E_SERVING(t0)
    li a1, 1
    step_over t0
    clear_registers a2, a3, a7, t0, t1, t2, t3, t4, t5
    ld gp, K_UVA(gp)
    sret
protect_c:
    addi t2, t2, 1
    fence rw, w
    sw t2, E_SERVING(t0)
    j call_c

/* slice_yield: the next position's owner begins. Whatever is not straightforward is C's. */
yield:
    ld t0, K_HART(gp)
    ld t1, H_SLOT(t0)
    ld t1, SLOT_NEXT(t1)
    ld t2, SLOT_RUNS(t1)
    ld t3, K_RUN(t2)
    beqz t3, call_c
    csrr t4, time
    ld t5, H_SLICE(t0)
    add t4, t4, t5
    patched stimecmp, call_c    # nothing has changed yet
    csrw 0x14d, t4
    sd t1, H_SLOT(t0)
    satp_set t3
    sd zero, K_PHASE(gp)
    csrw sscratch, t2
    ld t3, U(U_UP_SLICE_BEGIN)(t2)
    csrw sepc, t3
    ld t3, K_SSTATUS(t2)
    csrw sstatus, t3
    ld gp, K_UVA(t2)
    clear_registers ra, sp, tp, t0, t1, t2, s0, s1, a0, a1, a2, a3, a4, a5, a6, a7
    clear_registers s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, t3, t4, t5, t6
    sret

/* ---- protected control transfer: a7 in [-64, -1] synchronous, [-128, -65] asynchronous ---- */

transfer:
    sltiu t2, a7, -64
    bnez t2, transfer_async
    slli t1, a7, 3
    add t1, t1, gp
    ld t1, ENTRY_END(t1)        # the partner's activation here, or one whose gate is never open
    ld t2, K_GATE(t1)
    beqz t2, transfer_slow
    ld t0, K_RESUME(gp)
    bnez t0, transfer_slow      # one synchronous transfer at a time
    sd zero, K_RUN(gp)          # our slots are its until it returns
    csrr t0, sepc
    sd t0, K_RESUME(gp)
    sd gp, K_CALLER(t1)
    ld t0, U(U_UP_ENTRY)(t1)
transfer_enter:
    csrw sepc, t0
    sd zero, K_GATE(t1)
    satp_set t2
    csrw sscratch, t1
    ld t2, K_SSTATUS(t1)
    csrw sstatus, t2
    ld t0, K_BADGE(gp)
    ld gp, K_UVA(t1)
    li t1, 0
    li t2, 0
    sret

transfer_async:
    sltiu t2, a7, -128
    bnez t2, transfer_slow
    slli t1, a7, 3
    add t1, t1, gp
    ld t1, ENTRY_END(t1)
    ld t2, K_GATE(t1)
    beqz t2, transfer_slow
    ld t0, U(U_UP_ENTRY_ASYNC)(t1)
    j transfer_enter

/* Not resolved, busy or refused: C's, with the message kept; t0 to t2 are nobody's. */
transfer_slow:
    mv t0, gp
    j interrupt_slow

/* ---- exceptions ---- */

not_call:
    csrrw t0, sscratch, t0      # t0: boundary; sscratch: the application's t0
    bgtz gp, fault              # page faults; and timer and software interrupts, whose top bit wrapped
    blt gp, t0, interrupt_slow  # external interrupts: -2^63 + 1
exception:
    sd gp, U(U_EXC_CAUSE)(t0)
    csrr gp, sepc
    sd gp, U(U_EXC_PC)(t0)
    csrr gp, stval
    sd gp, U(U_EXC_VALUE)(t0)
    ld gp, U(U_MASKED)(t0)
    bnez gp, nested
    ld gp, U(U_UP_EXCEPTION)(t0)
exception_enter:
    csrw sepc, gp
    leave_fast

nested:
    addi gp, gp, -AEGIS_MASKED_NESTED
    beqz gp, doomed
    li gp, AEGIS_MASKED_NESTED
    sd gp, U(U_MASKED)(t0)
    ld gp, U(U_UP_NESTED)(t0)
    j exception_enter

doomed:
    csrw sscratch, t0
    mv gp, t0
    ld sp, K_STACK(gp)
    call env_doomed

/* ---- page faults: the STLB ---- */

fault:
    sd t1, K_T1(t0)
    ld t1, K_STLB_MASK(t0)      # over any cause, under an interrupt's
    blt t1, gp, interrupt
    sd t2, K_T2(t0)
    sd t3, K_T3(t0)
    # 1. Probe: word of the page number.
    csrr t2, stval
    srli t2, t2, 12
    slli t3, t2, 3
    and t3, t3, t1
    ld t1, K_STLB(t0)
    add t3, t3, t1
    ld t1, 0(t3)
    srli t3, t1, 38
    bne t3, t2, miss
    # 2. Does it allow the access? 26 + cause - 8 is the bit.
    srl t3, t1, gp
    slli t3, t3, 37
    bgez t3, miss
    sd t4, K_T4(t0)
    sd t5, K_T5(t0)
    andi gp, gp, 2              # a store: it will be dirty
    # 3. The claim, in the ledger.
    slli t3, t1, 48
    srli t3, t3, 55
    slli t3, t3, 3
    ld t4, K_LEDGER(t0)
    add t3, t3, t4
    ld t3, 0(t3)
    andi t4, t1, 127
    slli t4, t4, 5
    add t3, t3, t4
    # 4. Mapped, and under the block's present check?
    ld t4, CLAIM_WHERE(t3)
    andi t5, t4, 1
    beqz t5, refused
    srli t4, t4, 12
    sub t4, t2, t4              # page within the block
    lwu t5, CLAIM_WHAT(t3)
    add t4, t4, t5
    slli t4, t4, 10
    slli gp, gp, 6
    or t4, t4, gp               # D
    slli gp, t5, 1
    add t5, t5, gp
    slli t5, t5, 3
    ld gp, K_PAGES(t0)
    add t5, t5, gp
    ld t5, 0(t5)
    ld gp, CLAIM_CHECK(t3)
    bne t5, gp, refused
    # 5. The entry and its shadow (the slot), by the last leaf table.
    srli gp, t2, 9
    ld t5, K_LEAF_REGION(t0)
    bne gp, t5, refill_slow
    andi t2, t2, 511
    slli t2, t2, 1
    ld gp, K_LEAF_SHADOW(t0)
    add gp, gp, t2
    sh t1, 0(gp)
    srli t1, t1, 16
    andi t1, t1, 0x3ff
    or t4, t4, t1
    ld t5, K_LEAF_TABLE(t0)
    slli t2, t2, 2
    add t5, t5, t2
    amoor.d.aqrl zero, t4, (t5)
    # 6. Another hart may have unmapped it meanwhile; then it did not see our entry, and we take it back.
    ld t1, CLAIM_WHERE(t3)
    andi t1, t1, 1
    beqz t1, refill_undo
    csrr t1, stval
    sfence.vma t1
    ld t5, K_T5(t0)
    ld t4, K_T4(t0)
refill_done:
    ld t3, K_T3(t0)
    ld t2, K_T2(t0)
    ld t1, K_T1(t0)
    leave_fast

refill_undo:
    amoswap.d zero, zero, (t5)
refused:
    ld t5, K_T5(t0)
    ld t4, K_T4(t0)
miss:
    csrr t1, sstatus
    andi t1, t1, 0x100
    bnez t1, kernel_fault
    ld t3, K_T3(t0)
    ld t2, K_T2(t0)
    ld t1, K_T1(t0)
    csrr gp, scause
    addi gp, gp, -BIAS
    j exception

kernel_fault:                   # not the application's: some registers are gone
    csrrw t0, sscratch, t0
    j kernel_trap

/* The leaf table has to be looked up, or taken from the pool: C, with everything kept. */
refill_slow:
    ld t5, K_T5(t0)
    ld t4, K_T4(t0)
    ld t3, K_T3(t0)
    ld t2, K_T2(t0)
    j interrupt_frame

/* ---- interrupts ---- */

interrupt:                      # 1 (software) or 5 (timer), t1 saved
    ld t1, K_PHASE(t0)
    bnez t1, interrupt_frame
    ld t1, U(U_MASKED)(t0)
    bnez t1, interrupt_frame
    andi t1, gp, 4
    beqz t1, software
    csrr t1, time
    ld gp, K_HART(t0)
    ld gp, H_GRACE(gp)
    add t1, t1, gp
    patched stimecmp, interrupt_frame
    csrw 0x14d, t1
    csrr t1, sepc
    sd t1, U(U_SLICE_PC)(t0)
    li t1, 1
    sd t1, K_PHASE(t0)
    ld t1, U(U_UP_SLICE_END)(t0)
interrupt_enter:
    csrw sepc, t1
    ld t1, K_T1(t0)
    leave_fast

software:                       # a revocation and nothing else
    ld t1, K_ATTENTION(t0)
    addi t1, t1, -2
    bnez t1, interrupt_frame
    ld gp, K_HART(t0)
    ld t1, H_WORK(gp)
    bnez t1, interrupt_frame
    csrci sip, 2
    ld t1, H_EPOCH(gp)
    ld t1, 0(t1)
    sfence.vma
    fence.i
    sd t1, H_ACK(gp)
    li gp, -3
    addi t1, t0, K_ATTENTION
    amoand.d zero, gp, (t1)
    csrr t1, sepc
    sd t1, U(U_SLICE_PC)(t0)
    ld gp, K_UVA(t0)
    sd gp, U(U_MASKED)(t0)      # not 0: a slice end before its first instruction would take slice_pc
    ld t1, U(U_UP_REVOKE)(t0)
    j interrupt_enter

interrupt_slow:
    sd t1, K_T1(t0)
interrupt_frame:                # t0 in sscratch, t1 in K_T1, the rest as it was
    mv gp, t0
    sd sp, K_SP(gp)
    ld sp, K_STACK(gp)
    addi sp, sp, -272
    sd ra, 16(sp)
    csrrw t0, sscratch, gp
    sd t0, 48(sp)
    ld t1, K_T1(gp)
    sd t1, 56(sp)
    ld t1, K_SP(gp)
    sd t1, 24(sp)
    csrr t0, sepc
    sd t0, 0(sp)
    csrr t0, scause
    sd t0, 8(sp)
    .irp n, 4,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd x\n, \n * 8 + 8(sp)
    .endr
    mv a0, sp
    call slice_interrupt
    ld t0, 0(sp)
    csrw sepc, t0
    ld ra, 16(sp)
    .irp n, 4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld x\n, \n * 8 + 8(sp)
    .endr
    ld sp, 24(sp)
    ld gp, K_UVA(gp)
    sret

/* ---- from C into user mode ---- */

/* user_enter(activation, pc, a0, t0): registers zero but gp and those two. */
    .globl user_enter
user_enter:
    ld t1, K_SATP(a0)
    satp_set t1
    lla t1, trap_entry          # while nobody ran, a trap was the kernel's own
    csrw stvec, t1
    csrw sscratch, a0
    csrw sepc, a1
    ld t1, K_SSTATUS(a0)
    csrw sstatus, t1
    ld gp, K_UVA(a0)
    mv a0, a2
    mv t0, a3
    clear_registers ra, sp, tp, t1, t2, s0, s1, a1, a2, a3, a4, a5, a6, a7
    clear_registers s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, t3, t4, t5, t6
    sret
