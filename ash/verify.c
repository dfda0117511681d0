/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel believes of a handler's code: one pass, forwards. For each register it knows whether it was set, and
 * bounds of its value as a number or as a distance from a base. A label says what is known where it stands; whatever
 * leads to it, from before or from behind, must know at least that much, so no instruction is looked at twice.
 */
#include "verify.h"

#include "decode.h"
#include "value.h"

#define A0 10

/* What a call does not leave: all but sp and s0 to s6; of the reserved ones nothing changes. */
#define LOST (ASH_WRITABLE & ~(1U << 2 | 1U << 8 | 1U << 9 | 31U << 18))

static const int64_t GUARD[] = {0, ASH_WINDOW_GUARD, ASH_FRAME_GUARD};

/* Of these registers nothing is known. */
INLINE void forget(struct ash_state *s, uint32_t registers)
{
#pragma GCC unroll 32
    for (unsigned r = 0; r < 32; r++)
        if (registers >> r & 1)
            hold_any(&s->reg[r]);
}

void ash_state_begin(struct ash_state *s, uint32_t window)
{
#pragma GCC unroll 32
    for (unsigned r = 0; r < 32; r++)
        s->reg[r] = (struct ash_value){.kind = r ? ASH_ANY : ASH_NUMBER};
    s->set = 1U << 0 | 1U << 1 | 1U << 2 | 1U << 8 | 3U << A0 | 31U << ASH_FRAME;
    hold(&s->reg[2], ASH_IN_WINDOW, window, window);
    hold(&s->reg[A0], ASH_IN_FRAME, ASH_FRAME_START, ASH_FRAME_START);
    hold(&s->reg[A0 + 1], ASH_NUMBER, 0, ASH_FRAME_MAX);
    hold(&s->reg[ASH_FRAME], ASH_IN_FRAME, 0, 0);
    hold(&s->reg[ASH_MASK], ASH_NUMBER, window - 1, window - 1);
    hold(&s->reg[ASH_WINDOW], ASH_IN_WINDOW, 0, 0);
}

/* ---- memory ---- */

/*
 * `bytes` at a + offset: within what is mapped and the unmapped pages beside it. When the next instruction is reached
 * there was no trap, so it was within what is mapped: from there on the address is known that well.
 */
static enum ash_error access_memory(const struct ash_verifier *v, struct ash_value *a, int64_t offset, int32_t bytes)
{
    int64_t end = (a->kind == ASH_IN_FRAME ? ASH_FRAME_SIZE : v->code.window) - bytes;

    if (a->kind != ASH_IN_WINDOW && a->kind != ASH_IN_FRAME)
        return ASH_NOT_ADDRESS;
    if (a->low + offset < -GUARD[a->kind / 8] || a->high + offset > end + GUARD[a->kind / 8])
        return ASH_OUTSIDE;
    if (a->high + offset < 0 || a->low + offset > end)
        return ASH_OUTSIDE; /* always */
    if (a->low < -offset)
        a->low = -offset;
    if (a->high > end - offset)
        a->high = end - offset;
    return ASH_GOOD;
}

/* As good as always: what is known is that it is within what is mapped. `size`: by kind; of what is no address no bytes. */
INLINE bool is_inside(const struct ash_verifier *v, const struct ash_value *a, int64_t offset, int32_t bytes)
{
    const char *any = (const char *)v->last_in[bytes / 2 - bytes / 8];
    return a->low + offset >= 0 && a->high + offset <= *(const int64_t *)(any + a->kind - ASH_ANY);
}

/* ---- control ---- */

/* What a label costs that is come or jumped to, in instructions looked at; and what else is not straight on. */
#define WORK(label) (4 + (label)->count)

#define FUEL_LOOKED_AT (0x4063 | ASH_FUEL << 15) /* blt or bge fuel, x0, but for funct3's lowest bit and the offset */

static const struct ash_label NOWHERE = {.at = ~0U};

/* The label at `at`, or null. It is none of those before the place where the pass stands, or none of those behind. */
INLINE const struct ash_label *label_at(const struct ash_verifier *v, uint64_t at)
{
    uint64_t low = at > v->at ? v->label : 0, high = at > v->at ? v->code.labels : v->label;

    if (v->last[at % 8]->at == at)
        return v->last[at % 8];
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        const struct ash_label *l = &v->code.label[middle];
        if (l->at == at)
            return l;
        if (l->at < at)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

/* Whether all that the label claims is so. What its fields may be is looked at when the pass comes to it. */
INLINE bool implies(const struct ash_code *c, const struct ash_state *s, const struct ash_label *l)
{
    if (l->set & ~s->set || (uint32_t)l->first + l->count > c->knowns || l->count > 32)
        return false;
    for (const struct ash_known *k = c->known + l->first, *end = k + l->count; k < end; k++) {
        const struct ash_value *a = &s->reg[k->reg & 31];
        if (a->kind != k->kind || a->low < k->low || a->high > k->high)
            return false;
    }
    return true;
}

/* The pass comes to a label: from here on its claims are what is known. */
static enum ash_error arrive(struct ash_verifier *v, const struct ash_label *l)
{
    if (v->pending)
        return ASH_NOT_CHECKED;
    if ((l->set | l->tracked) & ~ASH_WRITABLE || (uint32_t)l->first + l->count > v->code.knowns || l->count > 32)
        return ASH_BAD_LABEL;
    if (v->reached && !implies(&v->code, &v->now, l))
        return ASH_NOT_KNOWN;
    forget(&v->now, ASH_WRITABLE);
    v->now.set = (v->now.set & ~ASH_WRITABLE) | l->set;
    uint32_t may = l->set & l->tracked;
    for (const struct ash_known *k = v->code.known + l->first, *end = k + l->count; k < end; k++) {
        if (k->reg >= 32 || !(may >> k->reg & 1) || k->kind > ASH_IN_FRAME || k->kind % 8 || k->zero || k->low > k->high)
            return ASH_BAD_LABEL;
        hold(&v->now.reg[k->reg], k->kind, k->low, k->high);
    }
    v->tracked = l->tracked;
    v->paid = 0;
    v->reached = true;
    v->until -= WORK(l);
    v->label++;
    return ASH_GOOD;
}

/* To `at` with what is known. Back only when fuel was taken for all instructions from there to here. */
RULE enum ash_error jump_to(struct ash_verifier *v, uint64_t at)
{
    const struct ash_label *l = label_at(v, at);

    if (!l || at >= v->code.words)
        return ASH_NO_LABEL;
    if (at <= v->at && v->paid < v->at - at + 1)
        return ASH_NOT_PAID;
    if (!implies(&v->code, &v->now, l))
        return ASH_NOT_KNOWN;
    v->last[at % 8] = l;
    v->until -= WORK(l);
    return ASH_GOOD;
}

/* a is a number from 0 to `high` now, unless that says nothing new or cannot be. */
static void bound(struct ash_value *a, int64_t high)
{
    if (a->kind == ASH_ANY || (a->kind == ASH_NUMBER && a->low < 0))
        hold(a, ASH_NUMBER, 0, high);
    else if (a->kind == ASH_NUMBER && a->low <= high && a->high > high)
        a->high = high;
}

void ash_compared(struct ash_state *s, uint32_t tracked, uint32_t w, bool taken)
{
    enum ash_op op = first_of(w);
    struct ash_value *a = known_of(s, w, 15), *b = known_of(s, w, 20);
    bool less = (op == OP_blt || op == OP_bltu) == taken;

    if (op < OP_blt || op > OP_bgeu || (op <= OP_bge && !(is_count(a) && is_count(b))))
        return;
    if (less && is_count(b) && b->high > 0 && tracked >> rs1_of(w) & 1)
        bound(a, b->high - 1);
    else if (!less && is_count(a) && tracked >> rs2_of(w) & 1)
        bound(b, a->high);
}

/*
 * One that compares knows more where it goes than is known here. The one after fuel was taken, `blt fuel, x0`, leaves;
 * `bge fuel, x0` goes on.
 */
RULE enum ash_error branch(struct ash_verifier *v, uint32_t w)
{
    struct ash_value *a = known_of(&v->now, w, 15), *b = known_of(&v->now, w, 20), a_before = *a, b_before = *b;
    bool looks = (w & 0x1ffe07f) == FUEL_LOOKED_AT, leaves = !(w >> 12 & 1);
    uint32_t before = v->paid, paid = looks ? before + v->pending : before;
    enum ash_error error;

    if (!(v->now.set >> rs1_of(w) & v->now.set >> rs2_of(w) & 1))
        return ASH_UNSET;
    if (b_immediate(w) & 3)
        return ASH_NO_LABEL;
    v->pending = looks ? 0 : v->pending;
    v->paid = leaves ? before : paid;
    ash_compared(&v->now, v->tracked, w, true);
    error = jump_to(v, v->at + (uint64_t)(b_immediate(w) >> 2));
    v->paid = leaves ? paid : before;
    *a = a_before;
    *b = b_before;
    ash_compared(&v->now, v->tracked, w, false);
    return error;
}

/* The next instruction is not reached from here. */
static enum ash_error leave(struct ash_verifier *v)
{
    v->reached = false;
    v->next = v->at + 1;
    return ASH_GOOD;
}

/* An entry of the table, or the end. */
RULE enum ash_error indirect(struct ash_verifier *v, uint32_t w)
{
    static const uint8_t ARGUMENTS[] = {
#define X(number, name, arguments, fuel) [number] = arguments,
        ASH_CALLS(X)
#undef X
    };
    int32_t offset = i_immediate(w);
    unsigned rd = rd_of(w);

    if (rs1_of(w) != ASH_ENTRIES || rd > 1 || offset < 0 || offset % 16 || offset / 16 >= ASH_CALL_END || (rd == 0) != (offset == 0))
        return ASH_BAD_CALL;
    for (unsigned i = 0; i < (rd ? ARGUMENTS[offset / 16] : 1); i++)
        if (!(v->now.set >> (A0 + i) & 1))
            return ASH_UNSET;
    if (!rd)
        return leave(v);
    forget(&v->now, LOST);
    v->now.set = (v->now.set & ~LOST) | 1U << A0 | 1U << 1;
    return ASH_GOOD;
}

RULE enum ash_error jump(struct ash_verifier *v, uint32_t w)
{
    if (rd_of(w))
        return ASH_RESERVED; /* no calls of its own: they could recur */
    if (j_immediate(w) & 3)
        return ASH_NO_LABEL;
    leave(v);
    return jump_to(v, v->at + (uint64_t)(j_immediate(w) >> 2));
}

/* ---- the pass ---- */

/* A reserved register is written: only `addi fuel, fuel, -n` may (the next instruction must look whether there is any left), and nop. */
RULE enum ash_error reserved(struct ash_verifier *v, uint32_t w)
{
    if (w == 0x13)
        return ASH_GOOD;
    if ((w & 0xfffff) != (0x13 | ASH_FUEL << 7 | ASH_FUEL << 15) || i_immediate(w) >= 0)
        return ASH_RESERVED;
    v->pending = (uint32_t)-i_immediate(w);
    v->next = v->at + 1;
    return ASH_GOOD;
}

/* Loads, stores and atomic operations. */
RULE enum ash_error by_address(struct ash_verifier *v, uint32_t w)
{
    struct ash_value *d = known_of(&v->now, w, 7), *a = known_of(&v->now, w, 15);
    bool store = (w & 0x7f) == 0x23, atomic = (w & 0x7f) == 0x2f;
    unsigned bytes = 1U << (w >> 12 & 3);
    enum ash_error error;

    if (!(v->now.set >> rs1_of(w) & 1) || ((store || atomic) && !(v->now.set >> rs2_of(w) & 1)))
        return ASH_UNSET;
    if (!store && !(ASH_WRITABLE >> rd_of(w) & 1))
        return ASH_RESERVED;
    error = access_memory(v, a, atomic ? 0 : store ? s_immediate(w) : i_immediate(w), (int32_t)bytes);
    if (error || store)
        return error;
    if (atomic || !(v->tracked >> rd_of(w) & 1))
        hold_any(d);
    else if (w >> 14 & 1)
        hold_bits(d, 8 * bytes);
    else
        hold_signed(d, 8 * bytes);
    v->now.set |= 1U << rd_of(w);
    return ASH_GOOD;
}

/* Any instruction but those that the pass gives to their rules at once. */
RULE enum ash_error other(struct ash_verifier *v, uint32_t w)
{
    enum ash_op op = ash_decode(w);
    struct ash_value *d = known_of(&v->now, w, 7), *a = known_of(&v->now, w, 15), *b = known_of(&v->now, w, 20);
    uint32_t reads = op == OP_lui ? 0 : 1U << rs1_of(w) | (w >> 5 & 1) << rs2_of(w); /* rs2: opcodes that have this bit */

    if (op == OP_NONE || op == OP_fence)
        return op ? ASH_GOOD : ASH_BAD_CODE;
    if (op == OP_amo_w || op == OP_amo_d)
        return by_address(v, w);
    if (reads & ~v->now.set)
        return ASH_UNSET;
    if (!(ASH_WRITABLE >> rd_of(w) & 1))
        return reserved(v, w);
    by_arithmetic(d, a, b, w >> 20 & 63, op);
    if (!(v->tracked >> rd_of(w) & 1))
        hold_any(d);
    v->now.set |= 1U << rd_of(w);
    return ASH_GOOD;
}

enum ash_error ash_verify_begin(struct ash_verifier *v, const struct ash_code *code)
{
    uint32_t size = code->window;

    v->code = *code;
    v->at = v->label = v->paid = v->pending = 0;
    v->tracked = ASH_WRITABLE;
    v->reached = true;
    if (!code->words || code->words > ASH_WORDS_MAX || code->labels > ASH_LABELS_MAX || code->knowns > ASH_KNOWNS_MAX)
        return ASH_EMPTY;
    if (size < ASH_WINDOW_MIN || size > ASH_WINDOW_MAX || size & (size - 1))
        return ASH_BAD_WINDOW;
    ash_state_begin(&v->now, size);
    for (unsigned i = 0; i < 8; i++)
        v->last[i] = &NOWHERE;
    v->next = code->labels ? code->label[0].at : ~0UL;
    return ASH_MORE;
}

/* Before the instruction `next`. */
RULE enum ash_error look(struct ash_verifier *v)
{
    const struct ash_label *l = v->label < v->code.labels ? &v->code.label[v->label] : 0;
    enum ash_error error = ASH_GOOD;

    if (l && l->at <= v->at)
        error = l->at == v->at ? arrive(v, l) : ASH_BAD_LABEL;
    else if (!v->reached)
        error = ASH_DEAD;
    else if (v->pending && (v->code.word[v->at] & 0x1ffe07f) != FUEL_LOOKED_AT)
        error = ASH_NOT_CHECKED;
    v->next = v->label < v->code.labels ? v->code.label[v->label].at : ~0UL;
    return error;
}

/*
 * The pass. Where it goes on is looked up by opcode and funct3 and jumped to from the end of each case, so that an instruction
 * costs what its own rule does. What is not tracked stays ANY: of it only is known whether it was set. A case that is not sure
 * leaves the instruction to the rules above, which look at all of it.
 */
#define CASE(name, unless, unsure, what)               \
    name : {                                           \
        int64_t bit = (int32_t)(one << (w >> 7 & 31)); \
        if (unless)                                    \
            goto unsure;                               \
        if (bit & special) {                           \
            if (bit & reserved)                        \
                goto unsure;                           \
            what;                                      \
        }                                              \
        set |= bit;                                    \
        NEXT;                                          \
    }
#define SET(shift)                ((uint32_t)set >> (w >> (shift) & 31))
#define IMMEDIATE(name, what)     CASE(name, !(SET(15) & 1), other, what)
#define SHIFT(name, bits, what)   CASE(name, w >> (20 + (bits)) || !(SET(15) & 1), other, what)
#define REGISTERS(name, what)     CASE(name, w >> 25 || !(SET(15) & SET(20) & 1), other, what)
#define LOAD(name, bytes, what)   CASE(name, !is_inside(v, A, i_immediate(w), bytes), address, what)
#define STORE(name, bytes)                                                       \
    name:                                                                        \
        if (!(SET(20) & 1) || !is_inside(v, A, s_immediate(w), bytes))           \
            goto address;                                                        \
        NEXT;
#define D known_of(s, w, 7)
#define A known_of(s, w, 15)
#define B known_of(s, w, 20)
#define N (&(const struct ash_value){i_immediate(w), i_immediate(w), ASH_NUMBER})
#define NEXT                                  \
    if (p == end)                             \
        continue;                             \
    w = *p++;                                 \
    x = w & mask;                             \
    goto *go[(x ^ x >> 5) & 1023] /* ASH_INDEX */

/* By a function that wants all of the verifier. */
#define BY(what)                        \
    KEPT(set);                          \
    s->set = (uint32_t)set;             \
    v->at = ((uint64_t)p - begin) / 4 - 1; \
    error = what;                       \
    goto on

/* Stays in a register, where the compiler would make it anew each time. */
#define KEPT(name) __asm__("" : "+r"(name))

#define ROW(opcode, a, b, c, d, e, f, g, h)                                                             \
    [AT(opcode, 0)] = &&a, [AT(opcode, 1)] = &&b, [AT(opcode, 2)] = &&c, [AT(opcode, 3)] = &&d,         \
    [AT(opcode, 4)] = &&e, [AT(opcode, 5)] = &&f, [AT(opcode, 6)] = &&g, [AT(opcode, 7)] = &&h,

/* From the word at p on, which is the one at v->at. */
RULE enum ash_error pass(struct ash_verifier *v, const uint32_t *p, bool one_only)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
    static const void *const go[1024] = {[0 ... 1023] = &&NONE, ASH_ROWS(ROW)};
#pragma GCC diagnostic pop
    const uint64_t begin = (uint64_t)p - 4 * v->at; /* where the first word is, or would be */
    const uint32_t *end = one_only ? p + 1 : p;
    struct ash_state *s = &v->now;
    int64_t set = (int32_t)s->set, special = (int32_t)(v->tracked | ~ASH_WRITABLE), reserved = (int32_t)~ASH_WRITABLE;
    uint32_t w, x, one = 1, mask = 0x707f;
    struct limit within = WITHIN;
    enum ash_error error;

    __asm__("" : "+r"(reserved), "+r"(one), "+r"(mask), "+r"(within.low), "+r"(within.high)); /* KEPT */
    for (unsigned i = 0; i < 4; i++) {
        v->last_in[i][0] = v->last_in[i][1 + ASH_NUMBER / 8] = INT64_MIN;
        v->last_in[i][1 + ASH_IN_WINDOW / 8] = (int64_t)v->code.window - (1 << i);
        v->last_in[i][1 + ASH_IN_FRAME / 8] = ASH_FRAME_SIZE - (1 << i);
    }
    for (;;) {
        if (p == end) {
            s->set = (uint32_t)set;
            v->at = ((uint64_t)p - begin) / 4;
            if (one_only || v->at >= v->code.words || (int64_t)v->at >= v->until)
                return ASH_GOOD;
            if (v->at >= v->next && (error = look(v)))
                return error;
            set = (int32_t)s->set;
            special = (int32_t)(v->tracked | ~ASH_WRITABLE);
            int64_t at = (int64_t)v->at, to = (int64_t)(v->next < v->code.words ? v->next : v->code.words);
            to = to < v->until ? to : v->until;
            end = p + (to > at ? to - at : 1);
        }
        NEXT;

        LOAD(lb, 1, hold_signed(D, 8))
        LOAD(lh, 2, hold_signed(D, 16))
        LOAD(lw, 4, hold_signed(D, 32))
        LOAD(ld, 8, hold_any(D))
        LOAD(lbu, 1, hold_bits(D, 8))
        LOAD(lhu, 2, hold_bits(D, 16))
        LOAD(lwu, 4, hold_bits(D, 32))
        STORE(sb, 1)
        STORE(sh, 2)
        STORE(sw, 4)
        STORE(sd, 8)
        CASE(lui, false, other, hold(D, ASH_NUMBER, u_immediate(w), u_immediate(w)))
        IMMEDIATE(addi, add(D, A, N, within))
        IMMEDIATE(andi, i_immediate(w) >= 0 ? and(D, A, N) : hold_within(D, A->kind, A->low + i_immediate(w) + 1, A->high, within))
    ori:
        IMMEDIATE(xori, or(D, A, N, within))
        IMMEDIATE(addiw, (add(D, A, N, within), to_word(D)))
        SHIFT(slli, 6, shift_left(D, A, w >> 20))
        SHIFT(srli, 6, shift_right(D, A, w >> 20))
        SHIFT(slliw, 5, (shift_left(D, A, w >> 20), to_word(D)))
        SHIFT(srliw, 5, shift_right_word(D, A, w >> 20))
        REGISTERS(add, add(D, A, B, within))
        REGISTERS(addw, (add(D, A, B, within), to_word(D)))
        REGISTERS(and, and(D, A, B))
    or:
        REGISTERS(xor, or(D, A, B, within))
    sltu:
        REGISTERS(slt, hold_bits(D, 1))

    blt: bge: bltu: bgeu: /* if nothing of it is tracked, or reserved, it is as beq */
        KEPT(w);
        if ((one << (w >> 15 & 31) | one << (w >> 20 & 31)) & special)
            goto compares;
    beq: bne:
        KEPT(w);
        if (!(SET(15) & SET(20) & 1) || w >> 8 & 1)
            goto compares;
        BY(jump_to(v, v->at + (uint64_t)(b_immediate(w) >> 2)));
    compares:
        BY(branch(v, p[-1]));
    jal:
        BY(jump(v, p[-1]));
    jalr:
        BY(indirect(v, p[-1]));
    address:
        BY(by_address(v, p[-1]));
    NONE: fence: amo_w: amo_d: slti: sltiu: sll: srl: sllw: srlw: divw: remw: remuw:
    other:
        BY(other(v, p[-1]));
    on:
        if (error)
            return error;
        set = (int32_t)s->set;
        v->until -= 2;
        if (++v->at >= v->next || (int64_t)v->at >= v->until)
            end = p;
    }
}

enum ash_error ash_step(struct ash_verifier *v, uint32_t w)
{
    uint64_t at = v->at;
    enum ash_error error;

    error = pass(v, &w, true);
    v->at = at;
    return error;
}

enum ash_error ash_verify_step(struct ash_verifier *v, uint32_t most)
{
    enum ash_error error;

    v->until = (int64_t)v->at + most;
    error = pass(v, v->code.word + v->at, false);
    if (error || v->at < v->code.words)
        return error ? error : ASH_MORE;
    return v->reached ? ASH_FALLS_OFF : v->label != v->code.labels ? ASH_BAD_LABEL : ASH_GOOD;
}
