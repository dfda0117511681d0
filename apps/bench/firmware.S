/* SPDX-License-Identifier: BSD-2-Clause */
/* In the kernel's place: tells by the firmware's console how many instructions were executed before the first of ours. */
#define SBI_PUTCHAR 1
#define SBI_RESET 0x53525354

    .section .text.start, "ax"
    .globl _start
_start:
    rdinstret s0
    lla s1, text
1:  lbu a0, 0(s1)
    beqz a0, 2f
    li a7, SBI_PUTCHAR
    ecall
    addi s1, s1, 1
    j 1b
2:  lla s1, digits_end
    li t0, 10
3:  addi s1, s1, -1
    remu t1, s0, t0
    divu s0, s0, t0
    addi t1, t1, '0'
    sb t1, 0(s1)
    bnez s0, 3b
4:  lbu a0, 0(s1)
    beqz a0, 5f
    li a7, SBI_PUTCHAR
    ecall
    addi s1, s1, 1
    j 4b
5:  li a0, 1                    # cold reboot: QEMU ends
    li a1, 0
    li a6, 0
    li a7, SBI_RESET
    ecall
    j 5b
text:
    .asciz "\nfirmware\t"
digits:
    .zero 24
digits_end:
    .asciz "\n"
