/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A frame copied, word by word: the words that are no whole turn of the loop are done by entering it further on. The most
 * frequent path of the network: 25 instructions, two a word, three for each turn of 16 more.
 */
    .text
/* void frame_copy(char *to, const char *from, uint32_t length): net.h. */
    .globl frame_copy
frame_copy:
    # The two bytes before the frame become 0.
    ld   a4, -2(a1)
    addi a2, a2, 2
    srli a3, a2, 3
    srli a4, a4, 16
    slli a4, a4, 16
    sd   a4, -2(a0)
    # a5: 8 times the words that are no whole turn; a3: turns.
    addi a3, a3, -1
    andi a5, a3, 15
    slli a5, a5, 3
    srli a3, a3, 4
    add  a0, a0, a5
    add  a1, a1, a5
4:  auipc t0, %pcrel_hi(2f)
    sub  t0, t0, a5             # 8 bytes of code a word
    jr   %pcrel_lo(4b)(t0)
    .option push
    .option norvc
1:  addi a3, a3, -1
    addi a0, a0, 128
    addi a1, a1, 128
    .irp n, -122,-114,-106,-98,-90,-82,-74,-66,-58,-50,-42,-34,-26,-18,-10,-2
    ld   a4, \n(a1)
    sd   a4, \n(a0)
    .endr
2:  bnez a3, 1b
    .option pop
    # Of the last word only the frame's bytes.
    andi a2, a2, 7
    beqz a2, 3f
    ld   a4, 6(a1)
    slli a2, a2, 3
    neg  a2, a2
    sll  a4, a4, a2
    srl  a4, a4, a2
    sd   a4, 6(a0)
3:  ret
