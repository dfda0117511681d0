/* SPDX-License-Identifier: BSD-2-Clause */
/* handler_on(signal, information, ucontext, handler, sp): calls handler(signal, information, ucontext) on another stack. */
    .text
    .globl handler_on
    .type handler_on, @function
handler_on:
    addi sp, sp, -16
    sd   ra, 8(sp)
    sd   s0, 0(sp)
    mv   s0, sp
    mv   sp, a4
    jalr a3
    mv   sp, s0
    ld   s0, 0(sp)
    ld   ra, 8(sp)
    addi sp, sp, 16
    ret
