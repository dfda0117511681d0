/* SPDX-License-Identifier: BSD-2-Clause */
/* The RV64 instructions that are generated (unprivileged ISA, chapter 34's formats), none of them compressed. */
#pragma once

#include <stdint.h>

enum rv64_register { X0, RA, SP, GP, TP, T0, T1, T2, S0, S1, A0, A1, A2, A3, A4, A5, A6, A7, T3 = 28, T4, T5, T6 };

#define RV64_I(opcode, function, rd, rs, immediate)                                                \
    ((uint32_t)(opcode) | (uint32_t)(rd) << 7 | (uint32_t)(function) << 12 | (uint32_t)(rs) << 15 | \
     ((uint32_t)(immediate) & 0xfff) << 20)
#define RV64_R(opcode, function, seven, rd, rs1, rs2)                                              \
    ((uint32_t)(opcode) | (uint32_t)(rd) << 7 | (uint32_t)(function) << 12 | (uint32_t)(rs1) << 15 | \
     (uint32_t)(rs2) << 20 | (uint32_t)(seven) << 25)
#define RV64_B(function, rs1, rs2, offset)                                                         \
    (0x63u | ((uint32_t)(offset) >> 11 & 1) << 7 | ((uint32_t)(offset) >> 1 & 15) << 8 |           \
     (uint32_t)(function) << 12 | (uint32_t)(rs1) << 15 | (uint32_t)(rs2) << 20 |                  \
     ((uint32_t)(offset) >> 5 & 63) << 25 | ((uint32_t)(offset) >> 12 & 1) << 31)

enum { LOAD_BYTE = 4, LOAD_HALF = 5, LOAD_WORD = 6, LOAD_DOUBLE = 3, LOAD_WORD_SIGNED = 2 };
enum { BRANCH_EQ = 0, BRANCH_NE = 1, BRANCH_LTU = 6, BRANCH_GEU = 7 };

#define RV64_LOAD(kind, rd, rs, offset) RV64_I(0x03, kind, rd, rs, offset)
#define RV64_ADDI(rd, rs, immediate)    RV64_I(0x13, 0, rd, rs, immediate)
#define RV64_ANDI(rd, rs, immediate)    RV64_I(0x13, 7, rd, rs, immediate)
#define RV64_SLLI(rd, rs, count)        RV64_I(0x13, 1, rd, rs, count)
#define RV64_SRLI(rd, rs, count)        RV64_I(0x13, 5, rd, rs, count)
#define RV64_ADDIW(rd, rs, immediate)   RV64_I(0x1b, 0, rd, rs, immediate)
#define RV64_LUI(rd, upper)             (0x37u | (uint32_t)(rd) << 7 | ((uint32_t)(upper) & 0xfffff) << 12)
#define RV64_ADD(rd, a, b)              RV64_R(0x33, 0, 0, rd, a, b)
#define RV64_AND(rd, a, b)              RV64_R(0x33, 7, 0, rd, a, b)
#define RV64_OR(rd, a, b)               RV64_R(0x33, 6, 0, rd, a, b)
#define RV64_JR(rs)                     RV64_I(0x67, 0, X0, rs, 0)
