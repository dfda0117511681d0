/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of instructions that handlers consist of: RV64IM, and of A the memory operations that are no lr or sc. No
 * compressed ones: every instruction is 4 bytes at a multiple of 4, so nothing can be jumped into the middle of.
 */
#include "decode.h"

#define ROW(opcode, a, b, c, d, e, f, g, h) \
    [AT(opcode, 0)] = OP_##a, [AT(opcode, 1)] = OP_##b, [AT(opcode, 2)] = OP_##c, [AT(opcode, 3)] = OP_##d, \
    [AT(opcode, 4)] = OP_##e, [AT(opcode, 5)] = OP_##f, [AT(opcode, 6)] = OP_##g, [AT(opcode, 7)] = OP_##h,

const uint8_t ash_first[1024] = {ASH_ROWS(ROW)};

/* What it is when funct7 is 1 or 0x20; what stands above a shift's constant is as good as that. */
static const struct { uint8_t one, sub; } SEVEN[OP_COUNT] = {
    [OP_add] = {OP_mul, OP_sub},     [OP_sll] = {OP_mulh, 0},  [OP_slt] = {OP_mulhsu, 0}, [OP_sltu] = {OP_mulhu, 0}, [OP_xor] = {OP_div, 0},
    [OP_srl] = {OP_divu, OP_sra},    [OP_or] = {OP_rem, 0},    [OP_and] = {OP_remu, 0},   [OP_addw] = {OP_mulw, OP_subw},
    [OP_srli] = {0, OP_srai},        [OP_srliw] = {0, OP_sraiw},
    [OP_srlw] = {OP_divuw, OP_sraw}, [OP_divw] = {OP_divw, 0}, [OP_remw] = {OP_remw, 0},  [OP_remuw] = {OP_remuw, 0},
};

static enum ash_op by_seven(enum ash_op op, unsigned seven)
{
    if (seven)
        return seven == 1 ? SEVEN[op].one : seven == 0x20 ? SEVEN[op].sub : OP_NONE;
    return SEVEN[op].one == op ? OP_NONE : op;
}

enum ash_op ash_decode(uint32_t w)
{
    enum ash_op op = first_of(w);
    unsigned five = w >> 27;

    switch (w & 0x7f) {
    case 0x0f: /* fence with some predecessor and successor; no hints */
        return (w & 0xf00fffff) == 0x0f && (w >> 24 & 15) && (w >> 20 & 15) ? OP_fence : OP_NONE;
    case 0x13:
        return op == OP_slli || op == OP_srli ? by_seven(op, w >> 26 << 1) : op;
    case 0x1b:
        return op == OP_addiw ? op : by_seven(op, w >> 25);
    case 0x2f:
        /* amoswap, add, xor, and, or, min, max, minu, maxu are 00000, 00001 and those that end in 00. Not lr, sc. */
        return five > 1 && five & 3 ? OP_NONE : op;
    case 0x33:
    case 0x3b:
        return by_seven(op, w >> 25);
    default:
        return op;
    }
}
