/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that a caller names (user.h). Between user_access_begin and user_access_end nothing uses the stack, and ra is
 * the caller's: a fault there that nobody resolves goes on at user_access_failed.
 */
#define EFAULT 14
#define ENAMETOOLONG 91 /* newlib's */

    .text
    .globl user_access_begin
user_access_begin:

/* user_copy_in(to, user, size), user_copy_out(user, from, size) */
    .globl user_copy_in
    .globl user_copy_out
user_copy_in:
user_copy_out:
    or   t0, a0, a1
    andi t0, t0, 7
    bnez t0, 8f
0:  andi t1, a2, -128
    add  t1, t1, a1 /* end of the part that goes by 128 bytes */
    beq  t1, a1, 2f
1:  ld   t2, 0(a1)
    ld   t3, 8(a1)
    ld   t4, 16(a1)
    ld   t5, 24(a1)
    ld   t6, 32(a1)
    ld   a3, 40(a1)
    ld   a4, 48(a1)
    ld   a5, 56(a1)
    sd   t2, 0(a0)
    sd   t3, 8(a0)
    sd   t4, 16(a0)
    sd   t5, 24(a0)
    sd   t6, 32(a0)
    sd   a3, 40(a0)
    sd   a4, 48(a0)
    sd   a5, 56(a0)
    ld   t2, 64(a1)
    ld   t3, 72(a1)
    ld   t4, 80(a1)
    ld   t5, 88(a1)
    ld   t6, 96(a1)
    ld   a3, 104(a1)
    ld   a4, 112(a1)
    ld   a5, 120(a1)
    sd   t2, 64(a0)
    sd   t3, 72(a0)
    sd   t4, 80(a0)
    sd   t5, 88(a0)
    sd   t6, 96(a0)
    sd   a3, 104(a0)
    sd   a4, 112(a0)
    sd   a5, 120(a0)
    addi a1, a1, 128
    addi a0, a0, 128
    bne  a1, t1, 1b
2:  andi a2, a2, 127
    andi t1, a2, -8
    add  t1, t1, a1
    beq  t1, a1, 4f
3:  ld   t2, 0(a1)
    addi a1, a1, 8
    sd   t2, 0(a0)
    addi a0, a0, 8
    bne  a1, t1, 3b
4:  andi a2, a2, 7
5:  beqz a2, 7f
    add  a2, a2, a1
6:  lbu  t2, 0(a1)
    addi a1, a1, 1
    sb   t2, 0(a0)
    addi a0, a0, 1
    bne  a1, a2, 6b
7:  li   a0, 0
    ret

    /* words of 4 bytes, of 32 bytes a turn */
8:  andi t0, t0, 3
    bnez t0, 8f
    andi t1, a2, -32
    add  t1, t1, a1
    beq  t1, a1, 2f
1:  lw   t2, 0(a1)
    lw   t3, 4(a1)
    lw   t4, 8(a1)
    lw   t5, 12(a1)
    sw   t2, 0(a0)
    sw   t3, 4(a0)
    sw   t4, 8(a0)
    sw   t5, 12(a0)
    lw   t2, 16(a1)
    lw   t3, 20(a1)
    lw   t4, 24(a1)
    lw   t5, 28(a1)
    sw   t2, 16(a0)
    sw   t3, 20(a0)
    sw   t4, 24(a0)
    sw   t5, 28(a0)
    addi a1, a1, 32
    addi a0, a0, 32
    bne  a1, t1, 1b
2:  andi a2, a2, 31
    andi t1, a2, -4
    add  t1, t1, a1
    andi a2, a2, 3
    beq  t1, a1, 5b
3:  lw   t2, 0(a1)
    addi a1, a1, 4
    sw   t2, 0(a0)
    addi a0, a0, 4
    bne  a1, t1, 3b
    j    5b

    /* not aligned alike: bytes until the destination is, then words put together from two of the source's */
8:  li   t1, 24
    bltu a2, t1, 5b
    neg  t1, a0
    andi t1, t1, 7
    sub  a2, a2, t1
    add  t1, t1, a1
    beq  t1, a1, 2f
1:  lbu  t2, 0(a1)
    addi a1, a1, 1
    sb   t2, 0(a0)
    addi a0, a0, 1
    bne  a1, t1, 1b
2:  andi t3, a1, 7
    beqz t3, 0b
    andi t1, a2, -16
    andi a5, a1, -8
    andi a2, a2, 15
    add  a1, a1, t1
    add  t1, t1, a0
    slli t3, t3, 3
    neg  t4, t3 /* modulo 64 */
    ld   t5, 0(a5)
3:  ld   t6, 8(a5)
    srl  t2, t5, t3
    ld   t5, 16(a5)
    sll  a3, t6, t4
    srl  a4, t6, t3
    sll  t6, t5, t4
    or   t2, t2, a3
    or   a4, a4, t6
    sd   t2, 0(a0)
    sd   a4, 8(a0)
    addi a5, a5, 16
    addi a0, a0, 16
    bne  a0, t1, 3b
    j    5b

/*
 * user_copy_sum(to, user, size): both aligned to 4 bytes. The sum of its 16-bit words, modulo 65535, not negative: that
 * of RFC 1071 when it is folded. a6 = sum, a7 = its carries.
 */
    .macro SUM_8 offset, word
    sd   \word, \offset(a0)
    add  a6, a6, \word
    sltu t0, a6, \word
    add  a7, a7, t0
    .endm
    .macro SUM_64 at
    ld   t2, 0+\at(a1)
    ld   t3, 8+\at(a1)
    ld   t4, 16+\at(a1)
    ld   t5, 24+\at(a1)
    ld   t6, 32+\at(a1)
    ld   a3, 40+\at(a1)
    ld   a4, 48+\at(a1)
    ld   a5, 56+\at(a1)
    SUM_8 0+\at, t2
    SUM_8 8+\at, t3
    SUM_8 16+\at, t4
    SUM_8 24+\at, t5
    SUM_8 32+\at, t6
    SUM_8 40+\at, a3
    SUM_8 48+\at, a4
    SUM_8 56+\at, a5
    .endm
    .macro SUM_4 offset, word
    sw   \word, \offset(a0)
    add  a6, a6, \word
    .endm
    .globl user_copy_sum
user_copy_sum:
    or   t0, a0, a1
    andi t0, t0, 7
    li   a6, 0
    li   a7, 0
    bnez t0, 5f
    andi t1, a2, -128
    add  t1, t1, a1
    beq  t1, a1, 2f
1:  SUM_64 0
    SUM_64 64
    addi a1, a1, 128
    addi a0, a0, 128
    bne  a1, t1, 1b
2:  andi t1, a2, 64
    add  t1, t1, a1
    beq  t1, a1, 3f
    SUM_64 0
    addi a1, a1, 64
    addi a0, a0, 64
3:  andi t1, a2, 32
    beqz t1, 2f
    ld   t2, 0(a1)
    ld   t3, 8(a1)
    ld   t4, 16(a1)
    ld   t5, 24(a1)
    SUM_8 0, t2
    SUM_8 8, t3
    SUM_8 16, t4
    SUM_8 24, t5
    addi a1, a1, 32
    addi a0, a0, 32
2:  andi t1, a2, 24
    add  t1, t1, a1
    beq  t1, a1, 4f
3:  ld   t2, 0(a1)
    addi a1, a1, 8
    SUM_8 0, t2
    addi a0, a0, 8
    bne  a1, t1, 3b
4:  srli t0, a6, 32 /* in 34 bits: there is room for what follows */
    slli a6, a6, 32
    srli a6, a6, 32
    add  a6, a6, t0
    add  a6, a6, a7
    andi a2, a2, 7
5:  andi t1, a2, -16
    add  t1, t1, a1
    beq  t1, a1, 7f
6:  lwu  t2, 0(a1)
    lwu  t3, 4(a1)
    lwu  t4, 8(a1)
    lwu  t5, 12(a1)
    SUM_4 0, t2
    SUM_4 4, t3
    SUM_4 8, t4
    SUM_4 12, t5
    addi a1, a1, 16
    addi a0, a0, 16
    bne  a1, t1, 6b
7:  andi t1, a2, 12
    add  t1, t1, a1
    beq  t1, a1, 9f
8:  lwu  t2, 0(a1)
    addi a1, a1, 4
    SUM_4 0, t2
    addi a0, a0, 4
    bne  a1, t1, 8b
9:  andi t1, a2, 2
    beqz t1, 1f
    lhu  t2, 0(a1)
    addi a1, a1, 2
    sh   t2, 0(a0)
    addi a0, a0, 2
    add  a6, a6, t2
1:  andi t1, a2, 1
    beqz t1, 2f
    lbu  t2, 0(a1)
    sb   t2, 0(a0)
    add  a6, a6, t2
2:  mv   a0, a6
    ret

/* user_zero(user, size) */
    .globl user_zero
user_zero:
    add  a1, a1, a0
    andi t1, a1, -8
1:  beq  a0, a1, 3f
    andi t0, a0, 7
    bnez t0, 2f
    bgeu a0, t1, 2f
    sd   zero, 0(a0)
    addi a0, a0, 8
    j    1b
2:  sb   zero, 0(a0)
    addi a0, a0, 1
    j    1b
3:  li   a0, 0
    ret

/* user_string(to, user, size) */
    .globl user_string
user_string:
    mv   t0, a1
    andi t2, a2, 1
    add  a2, a2, a1
    beqz t2, 1f
    lbu  t1, 0(a1)
    sb   t1, 0(a0)
    beqz t1, 3f
    addi a1, a1, 1
    addi a0, a0, 1
1:  beq  a1, a2, 5f
2:  lbu  t1, 0(a1)
    sb   t1, 0(a0)
    beqz t1, 3f
    lbu  t1, 1(a1)
    sb   t1, 1(a0)
    beqz t1, 4f
    addi a1, a1, 2
    addi a0, a0, 2
    bne  a1, a2, 2b
5:  li   a0, -ENAMETOOLONG
    ret
4:  addi a1, a1, 1
3:  sub  a0, a1, t0
    ret

    .globl user_access_end
user_access_end:

    .globl user_access_failed
user_access_failed:
    li   a0, -EFAULT
    ret
