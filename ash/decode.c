/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of instructions that handlers consist of: RV64IM, and of A the memory operations that are no lr or sc. No
 * compressed ones: every instruction is 4 bytes at a multiple of 4, so nothing can be jumped into the middle of.
 */
#include "verify.h"

#include "decode.h"

static const uint8_t LOADS[8] = {OP_lb, OP_lh, OP_lw, OP_ld, OP_lbu, OP_lhu, OP_lwu, 0};
static const uint8_t STORES[8] = {OP_sb, OP_sh, OP_sw, OP_sd};
static const uint8_t BRANCHES[8] = {OP_beq, OP_bne, 0, 0, OP_blt, OP_bge, OP_bltu, OP_bgeu};
static const uint8_t IMMEDIATE[8] = {OP_addi, 0, OP_slti, OP_sltiu, OP_xori, 0, OP_ori, OP_andi};
static const uint8_t REGISTER[3][8] = {
    {OP_add, OP_sll, OP_slt, OP_sltu, OP_xor, OP_srl, OP_or, OP_and},
    {OP_mul, OP_mulh, OP_mulhsu, OP_mulhu, OP_div, OP_divu, OP_rem, OP_remu},
    {OP_sub, 0, 0, 0, 0, OP_sra, 0, 0},
};
static const uint8_t REGISTER_W[3][8] = {
    {OP_addw, OP_sllw, 0, 0, 0, OP_srlw, 0, 0},
    {OP_mulw, 0, 0, 0, OP_divw, OP_divuw, OP_remw, OP_remuw},
    {OP_subw, 0, 0, 0, 0, OP_sraw, 0, 0},
};

static enum ash_op by_seven(const uint8_t list[3][8], uint32_t w, unsigned function)
{
    unsigned seven = w >> 25;
    return seven < 2 ? list[seven][function] : seven == 0x20 ? list[2][function] : OP_NONE;
}

static enum ash_op shift(uint32_t w, unsigned function)
{
    unsigned six = w >> 26;

    if (function == 1)
        return six == 0 ? OP_slli : OP_NONE;
    return six == 0 ? OP_srli : six == 0x10 ? OP_srai : OP_NONE;
}

static enum ash_op word_immediate(uint32_t w, unsigned function)
{
    unsigned seven = w >> 25;

    if (function == 0)
        return OP_addiw;
    if (function == 1)
        return seven == 0 ? OP_slliw : OP_NONE;
    if (function == 5)
        return seven == 0 ? OP_srliw : seven == 0x20 ? OP_sraiw : OP_NONE;
    return OP_NONE;
}

/* amoswap, add, xor, and, or, min, max, minu, maxu: of `funct5` 00000, 00001 and those that end in 00. Not lr, sc. */
static enum ash_op atomic(uint32_t w, unsigned function)
{
    unsigned five = w >> 27;

    if (five > 1 && five & 3)
        return OP_NONE;
    return function == 2 ? OP_amo_w : function == 3 ? OP_amo_d : OP_NONE;
}

enum ash_op ash_decode(uint32_t w)
{
    unsigned function = w >> 12 & 7;

    switch (w & 0x7f) {
    case 0x03:
        return LOADS[function];
    case 0x0f: /* fence with some predecessor and successor; no hints */
        return (w & 0xf00fffff) == 0x0f && (w >> 24 & 15) && (w >> 20 & 15) ? OP_fence : OP_NONE;
    case 0x13:
        return function == 1 || function == 5 ? shift(w, function) : IMMEDIATE[function];
    case 0x1b:
        return word_immediate(w, function);
    case 0x23:
        return STORES[function];
    case 0x2f:
        return atomic(w, function);
    case 0x33:
        return by_seven(REGISTER, w, function);
    case 0x37:
        return OP_lui;
    case 0x3b:
        return by_seven(REGISTER_W, w, function);
    case 0x63:
        return BRANCHES[function];
    case 0x67:
        return function == 0 ? OP_jalr : OP_NONE;
    case 0x6f:
        return OP_jal;
    default:
        return OP_NONE;
    }
}
