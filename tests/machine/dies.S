/* SPDX-License-Identifier: BSD-2-Clause */
/* A first environment that faults, and has no handler for it: the kernel's panic, for tests/machine/panics. */
    .section .text.start, "ax"
    .globl _start, image_text_end
_start:
    unimp
