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

/* What is known of a register. Bounds are between -2^61 and 2^61, also of what is ANY. */
struct ash_value {
    int64_t low, high;
    int64_t kind; /* enum ash_kind; of a register that is not set: ASH_ANY */
} __attribute__((aligned(32)));

/* What is known where the pass stands. x0 is the number 0. */
struct ash_state {
    struct ash_value reg[32];
    uint32_t set;
};

struct ash_verifier {
    struct ash_state now;
    struct ash_code code;
    uint64_t at, label; /* the next instruction, the next label */
    const struct ash_label *last[8]; /* that were jumped to */
    uint64_t next;      /* the instruction before which something is to be looked at: a label, what follows a jump or fuel */
    uint32_t paid;      /* instructions that fuel was taken for since the last label */
    uint32_t pending;   /* ... and not looked at yet */
    uint32_t tracked;   /* registers of which bounds are followed; others are ANY */
    int64_t until;      /* the instruction at which this step is over; labels bring it nearer */
    int64_t last_in[4][4]; /* for 1, 2, 4 and 8 bytes, by kind from ANY on: the last place that an access may have */
    bool reached;
};

/* Begins. `code` and what it points to must not change until the end. ASH_MORE, or what is wrong. */
enum ash_error ash_verify_begin(struct ash_verifier *v, const struct ash_code *code);

/*
 * On, for at most `most` units of work: one for an instruction, a few for a label that it comes or jumps to and its claims.
 * ASH_GOOD at the end: whatever the frame and the window hold, the code touches nothing outside them and the unmapped pages
 * beside them, and executes at most words + fuel + 2,048 instructions. After an error v->at is where.
 */
enum ash_error ash_verify_step(struct ash_verifier *v, uint32_t most);

/* One instruction at v->at, whose word is w: what holds afterwards is in v->now. The rewriter and the proofs use it. */
enum ash_error ash_step(struct ash_verifier *v, uint32_t w);

/* What a branch that was taken, or was not, says of tracked registers that it compares: counts, or anything with a count as unsigned. */
void ash_compared(struct ash_state *s, uint32_t tracked, uint32_t w, bool taken);

/* What is known when a handler begins. */
void ash_state_begin(struct ash_state *s, uint32_t window);

/* The registers that a handler may write. */
#define ASH_WRITABLE (~(1U << 0 | 1U << 3 | 1U << 4 | 31U << ASH_FRAME))

/* The list of instructions. */
#define ASH_INSTRUCTIONS(X)                                                                                             \
    X(lui) X(jal) X(jalr) X(fence) X(amo_w) X(amo_d) X(beq) X(bne) X(blt) X(bge) X(bltu) X(bgeu)                        \
    X(lb) X(lh) X(lw) X(ld) X(lbu) X(lhu) X(lwu) X(sb) X(sh) X(sw) X(sd)                                                \
    X(addi) X(slti) X(sltiu) X(xori) X(ori) X(andi) X(slli) X(srli) X(srai) X(addiw) X(slliw) X(srliw) X(sraiw)         \
    X(add) X(sub) X(sll) X(slt) X(sltu) X(xor) X(srl) X(sra) X(or) X(and) X(addw) X(subw) X(sllw) X(srlw) X(sraw)       \
    X(mul) X(mulh) X(mulhsu) X(mulhu) X(div) X(divu) X(rem) X(remu) X(mulw) X(divw) X(divuw) X(remw) X(remuw)

enum ash_op {
    OP_NONE,
#define X(name) OP_##name,
    ASH_INSTRUCTIONS(X)
#undef X
    OP_COUNT
};

/* The instruction, or OP_NONE: it is not of the list. */
enum ash_op ash_decode(uint32_t w);
