/* SPDX-License-Identifier: BSD-2-Clause */
/* The first instruction of a program: gp = the activation, all else is zero. It runs on a pinned stack until C has made memory. */
    .section .pinned.start, "ax", @progbits
    .globl _start
_start:
    la   sp, boot_stack_end
    la   tp, boot_thread + 8 /* the word below tp is the running thread */
    mv   a0, gp
    call process_start
1:  j    1b

/* stack_switch(top, function): goes on in function on another stack */
    .globl stack_switch
stack_switch:
    mv   sp, a0
    li   s0, 0 /* the frame chain ends here */
    li   ra, 0
    jr   a1

    .section .pinned.kept, "aw", @nobits
    .balign 16
    .space 2048
    .globl boot_stack_end
boot_stack_end:

    .section .pinned.data, "aw", @progbits
    .balign 8
    .globl boot_thread
boot_thread:
    .dword thread_main

    .weak _init
    .weak _fini
    .text
_init:
_fini:
    ret
