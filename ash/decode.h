/* SPDX-License-Identifier: BSD-2-Clause */
/* Fields of RV64's 32-bit instructions (unprivileged ISA, "RV32I base instruction formats"). */
#pragma once

#include <stdint.h>

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
