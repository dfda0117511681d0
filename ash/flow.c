/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow.h"

#include "decode.h"
#include "encode.h"

unsigned flow_from(const struct flow *f, unsigned r)
{
    switch (f->state.reg[r].kind) {
    case ASH_IN_WINDOW:
        return FROM_WINDOW;
    case ASH_IN_FRAME:
        return FROM_FRAME;
    case ASH_NUMBER:
        return FROM_NOTHING;
    default:
        return f->from[r];
    }
}

/* The doubleword of the stack that r + offset is, or null. */
static uint8_t *slot_of(const struct flow *f, struct flow_stack *stack, uint32_t window, unsigned r, int32_t offset)
{
    const struct ash_state *s = &f->state;
    int64_t below = (int64_t)window - s->reg[r].low - offset;

    if (s->reg[r].kind != ASH_IN_WINDOW || s->reg[r].low != s->reg[r].high || below < 8 || below % 8 || below / 8 >= FLOW_SLOTS)
        return 0;
    return &stack->from[below / 8];
}

static unsigned result_from(const struct flow *f, struct flow_stack *stack, uint32_t window, enum ash_op op, uint32_t w)
{
    unsigned a = flow_from(f, rs1_of(w)), b = flow_from(f, rs2_of(w));
    uint8_t *slot;

    switch (op) {
    case OP_add:
    case OP_or:
    case OP_xor:
        return a | b;
    case OP_and:
        return rs2_of(w) == ASH_MASK ? FROM_NOTHING : a | b;
    case OP_sub:
        return a == b ? FROM_NOTHING : a;
    case OP_addi:
        return a;
    case OP_andi:
    case OP_ori:
        return i_immediate(w) < 0 || op == OP_ori ? a : FROM_NOTHING;
    case OP_ld:
        slot = slot_of(f, stack, window, rs1_of(w), i_immediate(w));
        return slot ? *slot : FROM_NOTHING;
    default:
        return FROM_NOTHING;
    }
}

void flow_step(struct flow *f, struct flow_stack *stack, uint32_t window, uint32_t w)
{
    enum ash_op op = ash_decode(w);
    unsigned rd = rd_of(w);

    if (op == OP_sd) {
        uint8_t *slot = slot_of(f, stack, window, rs1_of(w), s_immediate(w));
        unsigned from = flow_from(f, rs2_of(w));
        if (slot && (*slot | from) != *slot) {
            *slot = (uint8_t)(*slot | from);
            stack->changed = true;
        }
    }
    if ((op >= OP_sb && op <= OP_sd) || (op >= OP_beq && op <= OP_bgeu) || op == OP_jal || op == OP_fence || op == OP_NONE)
        return;
    if (op == OP_jalr) {
        f->guarded = 0;
        return;
    }
    f->from[rd] = (uint8_t)result_from(f, stack, window, op, w);
    if (rd == f->guarded || rd == X_T6)
        f->guarded = 0;
}

/* The next bound that is tried, when a bound keeps on growing. */
static int64_t raised(int64_t high)
{
    static const int64_t steps[] = {0, 1, 255, 2047, 4096, 8192, 65535, 1 << 16, 1 << 17, 1 << 20, 1 << 21, INT32_MAX};

    for (unsigned i = 0; i < sizeof steps / sizeof steps[0]; i++)
        if (high <= steps[i])
            return steps[i];
    return 1L << 61;
}

void flow_claimable(struct flow *f)
{
    struct ash_state *s = &f->state;

    for (unsigned r = 0; r < 32; r++) {
        f->from[r] = (uint8_t)flow_from(f, r);
        if (s->reg[r].low < INT32_MIN || s->reg[r].high > INT32_MAX)
            s->reg[r].kind = ASH_ANY;
    }
}

static bool join_register(struct flow *to, const struct flow *from, unsigned r, bool often)
{
    struct ash_state *s = &to->state;
    const struct ash_state *t = &from->state;

    if (s->reg[r].kind == ASH_ANY)
        return false;
    if (s->reg[r].kind != t->reg[r].kind) {
        s->reg[r].kind = ASH_ANY;
        return true;
    }
    if (t->reg[r].low >= s->reg[r].low && t->reg[r].high <= s->reg[r].high)
        return false;
    if (t->reg[r].low < s->reg[r].low)
        s->reg[r].low = often ? -raised(-t->reg[r].low) : t->reg[r].low;
    if (t->reg[r].high > s->reg[r].high)
        s->reg[r].high = often ? raised(t->reg[r].high) : t->reg[r].high;
    flow_claimable(to);
    return true;
}

bool flow_join(struct flow *to, const struct flow *from, bool often)
{
    bool less = (to->state.set & ~from->state.set) != 0;

    to->state.set &= from->state.set;
    for (unsigned r = 0; r < 32; r++) {
        unsigned both = flow_from(to, r) | flow_from(from, r);
        less |= (both | to->from[r]) != to->from[r];
        to->from[r] = (uint8_t)(to->from[r] | both);
        less |= join_register(to, from, r, often);
    }
    return less;
}
