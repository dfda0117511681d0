/* SPDX-License-Identifier: BSD-2-Clause */
/* A slot begins in an environment that is made anew, or was: gp = the activation, all else is zero, masked. */
    .section .pinned.text, "ax", @progbits
    .globl reset_entry
    .globl reset_enter
/* reset_enter(activation): from the exception stack; nothing of the program's stays in registers. */
reset_enter:
    li   t0, 2048 /* AEGIS_GP */
    add  a0, a0, t0
    .irp n, 1, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    li   x\n, 0
    .endr
    j    1f
reset_entry:
    mv   a0, gp
1:  la   sp, boot_stack_end
    la   tp, boot_thread + 8
    call environment_begin
2:  j    2b
