/* SPDX-License-Identifier: BSD-2-Clause */
/* A child of fork begins: gp = the activation, all else is zero, masked. */
    .section .pinned.text, "ax", @progbits
    .globl fork_entry
fork_entry:
    la   sp, boot_stack_end
    la   tp, boot_thread + 8
    mv   a0, gp
    call fork_begin
1:  j    1b
