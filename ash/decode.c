/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of instructions that handlers consist of: RV64IM, and of A the memory operations that are no lr or sc. No
 * compressed ones: every instruction is 4 bytes at a multiple of 4, so nothing can be jumped into the middle of.
 */
#include "verify.h"

#include "decode.h"

#define ALL(op) {op, op, op, op, op, op, op, op}

const uint8_t ash_first[32][8] = {
    [0x03 >> 2] = {OP_lb, OP_lh, OP_lw, OP_ld, OP_lbu, OP_lhu, OP_lwu, 0},
    [0x0f >> 2] = {OP_COUNT},
    [0x13 >> 2] = {OP_addi, OP_COUNT, OP_slti, OP_sltiu, OP_xori, OP_COUNT, OP_ori, OP_andi},
    [0x1b >> 2] = {OP_addiw, OP_COUNT, 0, 0, 0, OP_COUNT, 0, 0},
    [0x23 >> 2] = {OP_sb, OP_sh, OP_sw, OP_sd},
    [0x2f >> 2] = {0, 0, OP_COUNT, OP_COUNT},
    [0x33 >> 2] = ALL(OP_COUNT),
    [0x37 >> 2] = ALL(OP_lui),
    [0x3b >> 2] = ALL(OP_COUNT),
    [0x63 >> 2] = {OP_beq, OP_bne, 0, 0, OP_blt, OP_bge, OP_bltu, OP_bgeu},
    [0x67 >> 2] = {OP_jalr},
    [0x6f >> 2] = ALL(OP_jal),
};
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

/* By a constant: 6 bits of it, or 5 of a word's; above stand 0, or 1 in the last bit but one of a signed shift. */
static enum ash_op shift(uint32_t w, unsigned function, bool word)
{
    unsigned above = word ? w >> 25 : w >> 26 << 1;

    if (function == 1)
        return above ? OP_NONE : word ? OP_slliw : OP_slli;
    if (above == 0)
        return word ? OP_srliw : OP_srli;
    return above != 0x20 ? OP_NONE : word ? OP_sraiw : OP_srai;
}

enum ash_op ash_decode_further(uint32_t w)
{
    unsigned function = w >> 12 & 7, five = w >> 27;

    switch (w & 0x7f) {
    case 0x0f: /* fence with some predecessor and successor; no hints */
        return (w & 0xf00fffff) == 0x0f && (w >> 24 & 15) && (w >> 20 & 15) ? OP_fence : OP_NONE;
    case 0x13:
        return shift(w, function, false);
    case 0x1b:
        return shift(w, function, true);
    case 0x2f:
        /* amoswap, add, xor, and, or, min, max, minu, maxu are 00000, 00001 and those that end in 00. Not lr, sc. */
        return five > 1 && five & 3 ? OP_NONE : function == 2 ? OP_amo_w : OP_amo_d;
    case 0x33:
        return by_seven(REGISTER, w, function);
    default:
        return by_seven(REGISTER_W, w, function);
    }
}

enum ash_op ash_decode(uint32_t w)
{
    return decode(w);
}
