/* SPDX-License-Identifier: BSD-2-Clause */
/* RV64's 32-bit instructions: which one it is, its fields (unprivileged ISA, "RV32I base instruction formats"). */
#pragma once

#include "verify.h"

/* A number for each opcode and funct3, below 1,024. */
#define ASH_INDEX(w)         ((((w) & 0x707f) ^ ((w) & 0x707f) >> 5) & 1023)
#define AT(opcode, function) ASH_INDEX((opcode) | (function) << 12)

/* What it is as far as opcode and funct3 say, the first of those that funct7 tells apart. */
#define ASH_ROWS(ROW)                                                 \
    ROW(0x03, lb, lh, lw, ld, lbu, lhu, lwu, NONE)                    \
    ROW(0x0f, fence, NONE, NONE, NONE, NONE, NONE, NONE, NONE)        \
    ROW(0x13, addi, slli, slti, sltiu, xori, srli, ori, andi)         \
    ROW(0x1b, addiw, slliw, NONE, NONE, NONE, srliw, NONE, NONE)      \
    ROW(0x23, sb, sh, sw, sd, NONE, NONE, NONE, NONE)                 \
    ROW(0x2f, NONE, NONE, amo_w, amo_d, NONE, NONE, NONE, NONE)       \
    ROW(0x33, add, sll, slt, sltu, xor, srl, or, and)                 \
    ROW(0x37, lui, lui, lui, lui, lui, lui, lui, lui)                 \
    ROW(0x3b, addw, sllw, NONE, NONE, divw, srlw, remw, remuw)        \
    ROW(0x63, beq, bne, NONE, NONE, blt, bge, bltu, bgeu)             \
    ROW(0x67, jalr, NONE, NONE, NONE, NONE, NONE, NONE, NONE)         \
    ROW(0x6f, jal, jal, jal, jal, jal, jal, jal, jal)
extern const uint8_t ash_first[1024];

/* Fields. */
#define first_of(w) ((enum ash_op)ash_first[ASH_INDEX(w)])
#define rd_of(w)    ((w) >> 7 & 31)
#define rs1_of(w)   ((w) >> 15 & 31)
#define rs2_of(w)   ((w) >> 20 & 31)
#define u_immediate(w) ((int32_t)((w) & 0xfffff000))

/* What is known of the register that a field says: 7 for rd, 15 for rs1, 20 for rs2. */
static inline struct ash_value *known_of(struct ash_state *s, uint32_t w, unsigned field)
{
    return (struct ash_value *)((char *)s->reg + (w >> (field - 5) & 31 * sizeof(struct ash_value)));
}

static inline int32_t i_immediate(uint32_t w)
{
    return (int32_t)w >> 20;
}

static inline int64_t s_immediate(uint32_t w)
{
    return ((int64_t)(int32_t)w >> 20 & -32) | (w >> 7 & 31);
}

/* Bytes, even. */
static inline int64_t b_immediate(uint32_t w)
{
    return ((int64_t)(int32_t)w >> 19 & -4096) | (w << 4 & 1 << 11) | (w >> 20 & 63 << 5) | (w >> 7 & 15 << 1);
}

static inline int64_t j_immediate(uint32_t w)
{
    return ((int64_t)(int32_t)w >> 11 & -(1 << 20)) | (w & 0xff000) | (w >> 9 & 1 << 11) | (w >> 20 & 1023 << 1);
}
