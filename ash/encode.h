/* SPDX-License-Identifier: BSD-2-Clause */
/* RV64's 32-bit instructions, encoded (unprivileged ISA, "RV32/64G instruction set listings"). */
#pragma once

#include <stdint.h>

enum { X_ZERO, X_RA, X_SP, X_GP, X_TP, X_T0, X_T1, X_T2, X_S0, X_S1, X_A0, X_A1, X_A2, X_A3, X_A4, X_A5, X_A6, X_A7,
       X_S2, X_S3, X_S4, X_S5, X_S6, X_S7, X_S8, X_S9, X_S10, X_S11, X_T3, X_T4, X_T5, X_T6 };

static inline uint32_t encode_i(unsigned opcode, unsigned function, unsigned rd, unsigned rs1, int32_t n)
{
    return opcode | rd << 7 | function << 12 | rs1 << 15 | (uint32_t)n << 20;
}

static inline uint32_t encode_r(unsigned opcode, unsigned function, unsigned seven, unsigned rd, unsigned rs1, unsigned rs2)
{
    return opcode | rd << 7 | function << 12 | rs1 << 15 | rs2 << 20 | seven << 25;
}

static inline uint32_t encode_s(unsigned function, unsigned rs2, unsigned rs1, int32_t n)
{
    return 0x23 | ((uint32_t)n & 31) << 7 | function << 12 | rs1 << 15 | rs2 << 20 | (uint32_t)n >> 5 << 25;
}

/* The offset of a branch or a jump into a word that is otherwise whole. */
static inline uint32_t with_b_offset(uint32_t w, int32_t bytes)
{
    uint32_t n = (uint32_t)bytes;
    return (w & 0x01fff07f) | (n >> 11 & 1) << 7 | (n >> 1 & 15) << 8 | (n >> 5 & 63) << 25 | (n >> 12 & 1) << 31;
}

static inline uint32_t with_j_offset(uint32_t w, int32_t bytes)
{
    uint32_t n = (uint32_t)bytes;
    return (w & 0xfff) | (n & 0xff000) | (n >> 11 & 1) << 20 | (n >> 1 & 1023) << 21 | (n >> 20 & 1) << 31;
}

static inline uint32_t encode_b(unsigned function, unsigned rs1, unsigned rs2, int32_t bytes)
{
    return with_b_offset(0x63 | function << 12 | rs1 << 15 | rs2 << 20, bytes);
}

/* i(op, rd, rs1, n) and so on, by mnemonic. */
#define LB(rd, n, rs)     encode_i(0x03, 0, rd, rs, n)
#define LH(rd, n, rs)     encode_i(0x03, 1, rd, rs, n)
#define LW(rd, n, rs)     encode_i(0x03, 2, rd, rs, n)
#define LD(rd, n, rs)     encode_i(0x03, 3, rd, rs, n)
#define LBU(rd, n, rs)    encode_i(0x03, 4, rd, rs, n)
#define LHU(rd, n, rs)    encode_i(0x03, 5, rd, rs, n)
#define LWU(rd, n, rs)    encode_i(0x03, 6, rd, rs, n)
#define SB(r, n, rs)      encode_s(0, r, rs, n)
#define SH(r, n, rs)      encode_s(1, r, rs, n)
#define SW(r, n, rs)      encode_s(2, r, rs, n)
#define SD(r, n, rs)      encode_s(3, r, rs, n)
#define ADDI(rd, rs, n)   encode_i(0x13, 0, rd, rs, n)
#define SLTI(rd, rs, n)   encode_i(0x13, 2, rd, rs, n)
#define SLTIU(rd, rs, n)  encode_i(0x13, 3, rd, rs, n)
#define XORI(rd, rs, n)   encode_i(0x13, 4, rd, rs, n)
#define ORI(rd, rs, n)    encode_i(0x13, 6, rd, rs, n)
#define ANDI(rd, rs, n)   encode_i(0x13, 7, rd, rs, n)
#define SLLI(rd, rs, n)   encode_i(0x13, 1, rd, rs, n)
#define SRLI(rd, rs, n)   encode_i(0x13, 5, rd, rs, n)
#define SRAI(rd, rs, n)   encode_i(0x13, 5, rd, rs, 0x400 | (n))
#define ADDIW(rd, rs, n)  encode_i(0x1b, 0, rd, rs, n)
#define SLLIW(rd, rs, n)  encode_i(0x1b, 1, rd, rs, n)
#define SRLIW(rd, rs, n)  encode_i(0x1b, 5, rd, rs, n)
#define SRAIW(rd, rs, n)  encode_i(0x1b, 5, rd, rs, 0x400 | (n))
#define LUI(rd, n)        (0x37U | (uint32_t)(rd) << 7 | (uint32_t)(n) << 12)
#define ADD(rd, a, b)     encode_r(0x33, 0, 0, rd, a, b)
#define SUB(rd, a, b)     encode_r(0x33, 0, 0x20, rd, a, b)
#define SLL(rd, a, b)     encode_r(0x33, 1, 0, rd, a, b)
#define SLT(rd, a, b)     encode_r(0x33, 2, 0, rd, a, b)
#define SLTU(rd, a, b)    encode_r(0x33, 3, 0, rd, a, b)
#define XOR(rd, a, b)     encode_r(0x33, 4, 0, rd, a, b)
#define SRL(rd, a, b)     encode_r(0x33, 5, 0, rd, a, b)
#define SRA(rd, a, b)     encode_r(0x33, 5, 0x20, rd, a, b)
#define OR(rd, a, b)      encode_r(0x33, 6, 0, rd, a, b)
#define AND(rd, a, b)     encode_r(0x33, 7, 0, rd, a, b)
#define ADDW(rd, a, b)    encode_r(0x3b, 0, 0, rd, a, b)
#define SUBW(rd, a, b)    encode_r(0x3b, 0, 0x20, rd, a, b)
#define SLLW(rd, a, b)    encode_r(0x3b, 1, 0, rd, a, b)
#define SRLW(rd, a, b)    encode_r(0x3b, 5, 0, rd, a, b)
#define SRAW(rd, a, b)    encode_r(0x3b, 5, 0x20, rd, a, b)
#define MUL(rd, a, b)     encode_r(0x33, 0, 1, rd, a, b)
#define DIV(rd, a, b)     encode_r(0x33, 4, 1, rd, a, b)
#define DIVU(rd, a, b)    encode_r(0x33, 5, 1, rd, a, b)
#define REM(rd, a, b)     encode_r(0x33, 6, 1, rd, a, b)
#define REMU(rd, a, b)    encode_r(0x33, 7, 1, rd, a, b)
#define MULW(rd, a, b)    encode_r(0x3b, 0, 1, rd, a, b)
#define DIVUW(rd, a, b)   encode_r(0x3b, 5, 1, rd, a, b)
#define REMUW(rd, a, b)   encode_r(0x3b, 7, 1, rd, a, b)
#define BEQ(a, b, n)      encode_b(0, a, b, n)
#define BNE(a, b, n)      encode_b(1, a, b, n)
#define BLT(a, b, n)      encode_b(4, a, b, n)
#define BGE(a, b, n)      encode_b(5, a, b, n)
#define BLTU(a, b, n)     encode_b(6, a, b, n)
#define BGEU(a, b, n)     encode_b(7, a, b, n)
#define JAL(rd, n)        with_j_offset(0x6f | (uint32_t)(rd) << 7, n)
#define JALR(rd, n, rs)   encode_i(0x67, 0, rd, rs, n)
#define AMO(five, size, rd, r, rs) encode_r(0x2f, size, (five) << 2, rd, rs, r) /* size: 2 words, 3 doublewords */
#define NOP               0x13U
