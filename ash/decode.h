/* SPDX-License-Identifier: BSD-2-Clause */
/* RV64's 32-bit instructions: which one it is, its fields (unprivileged ISA, "RV32I base instruction formats"). */
#pragma once

#include "verify.h"

/* By opcode and funct3; OP_COUNT: ash_decode_further knows. */
extern const uint8_t ash_first[32][8];
enum ash_op ash_decode_further(uint32_t w);

static inline enum ash_op decode(uint32_t w)
{
    unsigned op = (w & 3) == 3 ? ash_first[w >> 2 & 31][w >> 12 & 7] : OP_NONE;
    return op < OP_COUNT ? op : ash_decode_further(w);
}

static inline unsigned rd_of(uint32_t w)
{
    return w >> 7 & 31;
}

static inline unsigned rs1_of(uint32_t w)
{
    return w >> 15 & 31;
}

static inline unsigned rs2_of(uint32_t w)
{
    return w >> 20 & 31;
}

static inline int32_t i_immediate(uint32_t w)
{
    return (int32_t)w >> 20;
}

static inline int32_t s_immediate(uint32_t w)
{
    return (int32_t)(w & 0xfe000000) >> 20 | (int32_t)(w >> 7 & 31);
}

/* Bytes, even. */
static inline int32_t b_immediate(uint32_t w)
{
    return (int32_t)(w & 0x80000000) >> 19 | (int32_t)((w >> 7 & 1) << 11 | (w >> 25 & 63) << 5 | (w >> 8 & 15) << 1);
}

static inline int32_t j_immediate(uint32_t w)
{
    return (int32_t)(w & 0x80000000) >> 11 | (int32_t)((w & 0xff000) | (w >> 20 & 1) << 11 | (w >> 21 & 1023) << 1);
}
