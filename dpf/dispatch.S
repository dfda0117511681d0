/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What generated code is called by and jumps to (README.md: code). Only a0-a7 and t0-t6 are used, so C calls it.
 *
 *   a0 frame, a1 its end, a3 a4 a5 bases behind shifts, a7 struct dpf_run; t0 a key, t1 a table or a slot's offset
 *   while there are alternatives: a2 the best result so far, a6 the frame, t6 the caller, ra = dpf_more
 */
#define SLOT_START (8 * 0)
#define SLOT_ROOT  (8 * 3)

#define AGES       (8 * 2048) /* behind the slots: a word for each number + 1 */

#define TABLE_HASH   0
#define TABLE_SHIFT  8
#define TABLE_MISSED 16
#define TABLE_BUCKET 48
#define BUCKET_SIZE  16

    .text
/* uint64_t dpf_run(const uint8_t *frame, size_t length, const struct dpf_run *run): depth << 24 | number + 1, or 0.
   The frame lies 2 bytes behind a multiple of 8. 4 instructions to the root's fragment. */
    .globl dpf_run
    .balign 64
dpf_run:
    add  a1, a0, a1
    mv   a7, a2
    ld   t1, SLOT_START(a7)
    jr   t1

/* The key t0 in the table t1: on by its target. 10 instructions if it is found at once, 5 for each step further. */
    .globl dpf_dispatch
    .balign 64
dpf_dispatch:
    ld   t2, TABLE_HASH(t1)
    ld   t3, TABLE_SHIFT(t1)
    mul  t2, t2, t0
    srl  t2, t2, t3
    slli t2, t2, 4
    add  t2, t2, t1
    ld   t3, TABLE_BUCKET(t2)
    bne  t3, t0, 1f
    ld   t3, TABLE_BUCKET + 8(t2)
    jr   t3
1:  la   t4, dpf_missed
2:  ld   t3, TABLE_BUCKET + 8(t2)
    beq  t3, t4, dpf_missed
    addi t2, t2, BUCKET_SIZE
    ld   t3, TABLE_BUCKET(t2)
    bne  t3, t0, 2b
    ld   t3, TABLE_BUCKET + 8(t2)
    jr   t3

/* An empty bucket's target. */
    .globl dpf_missed
dpf_missed:
    ld   t1, TABLE_MISSED(t1)
    ld   t1, 0(t1)
    jr   t1

/* Nothing is left to try. */
    .globl dpf_done
dpf_done:
    li   a0, 0
    ret

/* A run in which more than one filter may accept. */
    .globl dpf_start_more
dpf_start_more:
    mv   t6, ra
    mv   a6, a0
    li   a2, 0
    la   ra, dpf_more
    ld   t1, SLOT_ROOT(a7)
    jr   t1

/* One has accepted (a0), or nothing is left (0): the deepest is kept, of two as deep the later; what the slot t1 says is tried next. */
dpf_more:
    beqz a0, 2f
    srli t0, a0, 24
    srli t2, a2, 24
    bltu t0, t2, 1f
    bne  t0, t2, 3f
    li   t0, AGES
    add  t0, t0, a7
    slli t2, a0, 40 /* its number */
    srli t2, t2, 38
    add  t2, t2, t0
    lw   t3, 0(t2)
    slli t2, a2, 40
    srli t2, t2, 38
    add  t2, t2, t0
    lw   t4, 0(t2)
    subw t3, t3, t4
    blez t3, 1f
3:  mv   a2, a0
1:  mv   a0, a6
    add  t1, t1, a7
    ld   t1, 0(t1)
    jr   t1
2:  mv   a0, a2
    jr   t6
