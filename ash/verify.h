/* SPDX-License-Identifier: BSD-2-Clause */
/* Which machine code the kernel runs for an application (DESIGN.md section 11). Pure; in steps; memory is the caller's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <aegis/handler.h>

/* What is wrong with it; ash_error_text has a sentence each. */
enum ash_error {
    ASH_GOOD,
    ASH_MORE,           /* not at its end yet: call again */
    ASH_EMPTY,          /* no code, or more than ASH_WORDS_MAX; too many labels or knowns */
    ASH_BAD_WINDOW,     /* not a power of two between ASH_WINDOW_MIN and ASH_WINDOW_MAX */
    ASH_BAD_LABEL,      /* out of order, no instruction there, or it claims what cannot be */
    ASH_BAD_CODE,       /* not an instruction of the list */
    ASH_RESERVED,       /* writes a register that it must not */
    ASH_UNSET,          /* reads a register that holds nothing of its own */
    ASH_NOT_ADDRESS,    /* memory through what is not known to be an address */
    ASH_OUTSIDE,        /* ... or through one that may lie behind the unmapped pages */
    ASH_NO_LABEL,       /* a jump to where no label is */
    ASH_NOT_KNOWN,      /* a label claims more than is known where it is jumped to or run into */
    ASH_NOT_PAID,       /* a jump back that fuel was not taken for */
    ASH_NOT_CHECKED,    /* fuel taken, and not looked at with the next instruction */
    ASH_BAD_CALL,       /* jalr that is neither an entry of the table nor the end */
    ASH_DEAD,           /* code that nothing leads to */
    ASH_FALLS_OFF,      /* the last instruction goes on */
    ASH_ERRORS
};

struct ash_code {
    const uint32_t *word;
    const struct ash_label *label;
    const struct ash_known *known;
    uint32_t words, labels, knowns;
    uint32_t window; /* bytes */
};

/* What is known where the pass stands. x0 is the number 0. */
struct ash_state {
    union {
        uint8_t kind[32]; /* enum ash_kind */
        uint64_t kinds[4];
    };
    uint32_t set;
    int64_t low[32], high[32];
};

struct ash_verifier {
    struct ash_code code;
    struct ash_state now;
    uint64_t at, label; /* the next instruction, the next label */
    uint64_t next;      /* the instruction before which something is to be looked at: a label, what follows a jump or fuel */
    uint32_t paid;      /* instructions that fuel was taken for since the last label */
    uint32_t pending;   /* ... and not looked at yet */
    bool reached;
};

/* Begins. `code` and what it points to must not change until the end. ASH_MORE, or what is wrong. */
enum ash_error ash_verify_begin(struct ash_verifier *v, const struct ash_code *code);

/*
 * At most `most` instructions on. ASH_GOOD at the end: whatever the frame and the window hold, the code touches nothing
 * outside them and the unmapped pages beside them, and executes at most words + fuel + 2,048 instructions. After an error
 * v->at is where.
 */
enum ash_error ash_verify_step(struct ash_verifier *v, uint32_t most);

/* One instruction at v->at, whose word is w: what holds afterwards is in v->now. The rewriter and the proofs use it. */
enum ash_error ash_step(struct ash_verifier *v, uint32_t w);

/* What a branch that was taken, or was not, says of what it compares: counts, or anything with a count as unsigned. */
void ash_compared(struct ash_state *s, uint32_t w, bool taken);

/* What is known when a handler begins. */
void ash_state_begin(struct ash_state *s, uint32_t window);

/* The registers that a handler may write. */
#define ASH_WRITABLE (~(1U << 0 | 1U << 3 | 1U << 4 | 31U << ASH_FRAME))

/* The list of instructions, each with its rule. */
enum ash_rule { ASH_NO_RULE, ASH_FENCE, ASH_JUMP, ASH_INDIRECT, ASH_BRANCH, ASH_STORE, ASH_LOAD, ASH_IMMEDIATE, ASH_UPPER, ASH_REGISTERS, ASH_ATOMIC };

#define ASH_INSTRUCTIONS(X) \
    X(lui, UPPER) X(jal, JUMP) X(jalr, INDIRECT) X(fence, FENCE) X(amo_w, ATOMIC) X(amo_d, ATOMIC) \
    X(beq, BRANCH) X(bne, BRANCH) X(blt, BRANCH) X(bge, BRANCH) X(bltu, BRANCH) X(bgeu, BRANCH) \
    X(lb, LOAD) X(lh, LOAD) X(lw, LOAD) X(ld, LOAD) X(lbu, LOAD) X(lhu, LOAD) X(lwu, LOAD) \
    X(sb, STORE) X(sh, STORE) X(sw, STORE) X(sd, STORE) \
    X(addi, IMMEDIATE) X(slti, IMMEDIATE) X(sltiu, IMMEDIATE) X(xori, IMMEDIATE) X(ori, IMMEDIATE) X(andi, IMMEDIATE) \
    X(slli, IMMEDIATE) X(srli, IMMEDIATE) X(srai, IMMEDIATE) \
    X(addiw, IMMEDIATE) X(slliw, IMMEDIATE) X(srliw, IMMEDIATE) X(sraiw, IMMEDIATE) \
    X(add, REGISTERS) X(sub, REGISTERS) X(sll, REGISTERS) X(slt, REGISTERS) X(sltu, REGISTERS) X(xor, REGISTERS) \
    X(srl, REGISTERS) X(sra, REGISTERS) X(or, REGISTERS) X(and, REGISTERS) \
    X(addw, REGISTERS) X(subw, REGISTERS) X(sllw, REGISTERS) X(srlw, REGISTERS) X(sraw, REGISTERS) \
    X(mul, REGISTERS) X(mulh, REGISTERS) X(mulhsu, REGISTERS) X(mulhu, REGISTERS) \
    X(div, REGISTERS) X(divu, REGISTERS) X(rem, REGISTERS) X(remu, REGISTERS) \
    X(mulw, REGISTERS) X(divw, REGISTERS) X(divuw, REGISTERS) X(remw, REGISTERS) X(remuw, REGISTERS)

enum ash_op {
    OP_NONE,
#define X(name, rule) OP_##name,
    ASH_INSTRUCTIONS(X)
#undef X
    OP_COUNT
};

/* The instruction, or OP_NONE: it is not of the list. */
enum ash_op ash_decode(uint32_t w);
