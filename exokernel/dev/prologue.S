/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What -msave-restore calls, made small: registers are pushed in pairs, the last of them s0 and ra, by which a function begins;
 * and fetched from where they lie before all of them are dropped at once, by which it ends. n of s0 to s11.
 */
    .macro save_entry n
    .globl __riscv_save_\n
__riscv_save_\n:
    .endm

    .macro push a, b
    addi sp, sp, -16
    sd \a, 0(sp)
    sd \b, 8(sp)
    .endm

    .section .text.prologue, "ax", @progbits
    save_entry 12
    push s11, zero
    save_entry 11
    save_entry 10
    push s9, s10
    save_entry 9
    save_entry 8
    push s7, s8
    save_entry 7
    save_entry 6
    push s5, s6
    save_entry 5
    save_entry 4
    push s3, s4
    save_entry 3
    save_entry 2
    push s1, s2
    save_entry 1
    save_entry 0
    push s0, ra
    jr t0

    .macro restore_entry n, bytes, to
    .globl __riscv_restore_\n
__riscv_restore_\n:
    li t1, \bytes
    j \to
    .endm

    .macro same n, as
    .globl __riscv_restore_\n
    .set __riscv_restore_\n, __riscv_restore_\as
    .endm

    restore_entry 12, 112, 12f
    restore_entry 10, 96, 10f
    restore_entry 8, 80, 8f
    restore_entry 6, 64, 6f
    restore_entry 4, 48, 4f
    restore_entry 2, 32, 2f
    restore_entry 0, 16, 1f
    same 11, 10
    same 9, 8
    same 7, 6
    same 5, 4
    same 3, 2
    same 1, 0
12: ld s11, 96(sp)
10: ld s9, 80(sp)
    ld s10, 88(sp)
8:  ld s7, 64(sp)
    ld s8, 72(sp)
6:  ld s5, 48(sp)
    ld s6, 56(sp)
4:  ld s3, 32(sp)
    ld s4, 40(sp)
2:  ld s1, 16(sp)
    ld s2, 24(sp)
1:  ld s0, 0(sp)
    ld ra, 8(sp)
    add sp, sp, t1
    ret
