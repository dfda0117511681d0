/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel believes of a handler's code: one pass, forwards. For each register it knows whether it was set, and
 * bounds of its value as a number or as a distance from a base. A label says what is known where it stands; whatever
 * leads to it, from before or from behind, must know at least that much, so no instruction is looked at twice.
 */
#include "verify.h"

#include "decode.h"

#define LIMIT (1L << 61) /* bounds beyond are no bounds; two of them make no overflow */
#define RULE  static __attribute__((noinline)) /* so that what calls them needs no stack */
#define A0    10
#define RA    1
#define S0    8

/* What a call leaves: sp and s0 to s6; of the reserved ones nothing changes. */
#define KEPT (1U << 2 | 1U << 8 | 1U << 9 | 31U << 18 | 31U << ASH_FRAME | 1U)

static const int64_t GUARD[] = {[ASH_IN_WINDOW] = ASH_WINDOW_GUARD, [ASH_IN_FRAME] = ASH_FRAME_GUARD};

/* ---- what registers hold ---- */

/* low and high stay within the limit, also of what is ANY. */
static void set(struct ash_state *s, unsigned r, unsigned kind, int64_t low, int64_t high)
{
    s->set |= 1U << r;
    s->kind[r] = ASH_ANY;
    if (low < -LIMIT || high > LIMIT)
        return;
    s->kind[r] = (uint8_t)kind;
    s->low[r] = low;
    s->high[r] = high;
}

static void set_any(struct ash_state *s, unsigned r)
{
    s->set |= 1U << r;
    s->kind[r] = ASH_ANY;
}

/* A number from 0 to all that `bits` bits hold. */
static void set_bits(struct ash_state *s, unsigned r, unsigned bits)
{
    if (bits > 60)
        set_any(s, r);
    else
        set(s, r, ASH_NUMBER, 0, (1L << bits) - 1);
}

/* Of `bits` bits, the highest of them the sign. */
static void set_signed(struct ash_state *s, unsigned r, unsigned bits)
{
    if (bits > 60)
        set_any(s, r);
    else
        set(s, r, ASH_NUMBER, -(1L << (bits - 1)), (1L << (bits - 1)) - 1);
}

static bool is_number(const struct ash_state *s, unsigned r)
{
    return s->kind[r] == ASH_NUMBER;
}

/* A number that is not negative. */
static bool is_count(const struct ash_state *s, unsigned r)
{
    return is_number(s, r) && s->low[r] >= 0;
}

/* Those that never change. */
static void begin_kinds(struct ash_state *s)
{
    s->kinds[0] = s->kinds[1] = s->kinds[2] = s->kinds[3] = 0; /* ASH_ANY */
    s->kind[0] = s->kind[ASH_MASK] = ASH_NUMBER;
    s->kind[ASH_FRAME] = ASH_IN_FRAME;
    s->kind[ASH_WINDOW] = ASH_IN_WINDOW;
}

void ash_state_begin(struct ash_state *s, uint32_t window)
{
    *s = (struct ash_state){.set = 1U | 1U << RA | 1U << S0 | 1U << ASH_FUEL | 1U << ASH_ENTRIES};
    set(s, 0, ASH_NUMBER, 0, 0);
    set(s, 2, ASH_IN_WINDOW, window, window);
    set(s, A0, ASH_IN_FRAME, ASH_FRAME_START, ASH_FRAME_START);
    set(s, A0 + 1, ASH_NUMBER, 0, ASH_FRAME_MAX);
    set(s, ASH_FRAME, ASH_IN_FRAME, 0, 0);
    set(s, ASH_MASK, ASH_NUMBER, window - 1, window - 1);
    set(s, ASH_WINDOW, ASH_IN_WINDOW, 0, 0);
}

/* ---- arithmetic: what is known of the result, and ASH_ANY where nothing is ---- */

static void add(struct ash_state *s, unsigned rd, unsigned a, unsigned b)
{
    unsigned kind = is_number(s, b) ? s->kind[a] : is_number(s, a) ? s->kind[b] : ASH_ANY;
    set(s, rd, kind, s->low[a] + s->low[b], s->high[a] + s->high[b]);
}

static void sub(struct ash_state *s, unsigned rd, unsigned a, unsigned b)
{
    unsigned kind = is_number(s, b) ? s->kind[a] : s->kind[a] == s->kind[b] && s->kind[a] ? ASH_NUMBER : ASH_ANY;
    set(s, rd, kind, s->low[a] - s->high[b], s->high[a] - s->low[b]);
}

/* Whatever the other is, and with a count is at most that count. */
static void and(struct ash_state *s, unsigned rd, unsigned a, unsigned b)
{
    if (is_count(s, a) && (!is_count(s, b) || s->high[a] < s->high[b]))
        set(s, rd, ASH_NUMBER, 0, s->high[a]);
    else if (is_count(s, b))
        set(s, rd, ASH_NUMBER, 0, s->high[b]);
    else
        set_any(s, rd);
}

/* All bits below the highest one of n. */
static int64_t filled(int64_t n)
{
    for (unsigned shift = 1; shift < 64; shift *= 2)
        n |= n >> shift;
    return n;
}

static void or(struct ash_state *s, unsigned rd, unsigned a, unsigned b)
{
    if (is_count(s, a) && is_count(s, b))
        set(s, rd, ASH_NUMBER, 0, filled(s->high[a] | s->high[b]));
    else
        set_any(s, rd);
}

static void multiply(struct ash_state *s, unsigned rd, unsigned a, unsigned b)
{
    if (is_count(s, a) && is_count(s, b) && s->high[a] <= INT32_MAX && s->high[b] < 1 << 29)
        set(s, rd, ASH_NUMBER, s->low[a] * s->low[b], s->high[a] * s->high[b]);
    else
        set_any(s, rd);
}

/* Unsigned: less than a divisor that is not 0. */
static void modulo(struct ash_state *s, unsigned rd, unsigned b)
{
    if (is_number(s, b) && s->low[b] > 0)
        set(s, rd, ASH_NUMBER, 0, s->high[b] - 1);
    else
        set_any(s, rd);
}

static bool fits_word(const struct ash_state *s, unsigned r)
{
    return is_number(s, r) && s->low[r] >= INT32_MIN && s->high[r] <= INT32_MAX;
}

/* The low half of what 64 bits would make, its sign extended: the same where it fits. */
static void to_word(struct ash_state *s, unsigned rd)
{
    if (!fits_word(s, rd))
        set_signed(s, rd, 32);
}

RULE enum ash_error by_registers(struct ash_verifier *v, uint32_t w, enum ash_op op)
{
    struct ash_state *s = &v->now;
    unsigned rd = rd_of(w), a = rs1_of(w), b = rs2_of(w);

    switch (op) {
    case OP_add:
        return add(s, rd, a, b), ASH_GOOD;
    case OP_sub:
        return sub(s, rd, a, b), ASH_GOOD;
    case OP_and:
        return and(s, rd, a, b), ASH_GOOD;
    case OP_or:
    case OP_xor:
        return or(s, rd, a, b), ASH_GOOD;
    case OP_slt:
    case OP_sltu:
        return set_bits(s, rd, 1), ASH_GOOD;
    case OP_addw:
        return add(s, rd, a, b), to_word(s, rd), ASH_GOOD;
    case OP_subw:
        return sub(s, rd, a, b), to_word(s, rd), ASH_GOOD;
    case OP_mul:
        return multiply(s, rd, a, b), ASH_GOOD;
    case OP_mulw:
        return multiply(s, rd, a, b), to_word(s, rd), ASH_GOOD;
    case OP_remu:
        return modulo(s, rd, b), ASH_GOOD;
    case OP_remuw:
        return fits_word(s, b) ? modulo(s, rd, b) : set_any(s, rd), to_word(s, rd), ASH_GOOD;
    default:
        return op >= OP_mulw || (op >= OP_addw && op <= OP_sraw) ? set_signed(s, rd, 32) : set_any(s, rd), ASH_GOOD;
    }
}

static void add_immediate(struct ash_state *s, unsigned rd, unsigned a, int32_t n)
{
    set(s, rd, s->kind[a], s->low[a] + n, s->high[a] + n);
}

/* x & n for a negative n takes at most ~n away, of an address too. */
static void and_immediate(struct ash_state *s, unsigned rd, unsigned a, int32_t n)
{
    if (n >= 0)
        set(s, rd, ASH_NUMBER, 0, is_count(s, a) && s->high[a] < n ? s->high[a] : n);
    else
        set(s, rd, s->kind[a], s->low[a] + n + 1, s->high[a]);
}

static void or_immediate(struct ash_state *s, unsigned rd, unsigned a, int32_t n)
{
    if (n >= 0 && is_count(s, a))
        set(s, rd, ASH_NUMBER, 0, filled(s->high[a] | n));
    else
        set_any(s, rd);
}

static void shift_left(struct ash_state *s, unsigned rd, unsigned a, unsigned n)
{
    if (is_number(s, a) && s->low[a] >= -(LIMIT >> n) && s->high[a] <= LIMIT >> n)
        set(s, rd, ASH_NUMBER, (int64_t)((uint64_t)s->low[a] << n), (int64_t)((uint64_t)s->high[a] << n));
    else
        set_any(s, rd);
}

static void shift_right_logical(struct ash_state *s, unsigned rd, unsigned a, unsigned n)
{
    if (is_count(s, a))
        set(s, rd, ASH_NUMBER, s->low[a] >> n, s->high[a] >> n);
    else
        set_bits(s, rd, 64 - n);
}

/* Of the low word. By 0 it extends the sign. */
static void shift_right_word(struct ash_state *s, unsigned rd, unsigned a, unsigned n)
{
    if (is_count(s, a) && s->high[a] <= UINT32_MAX)
        set(s, rd, ASH_NUMBER, s->low[a] >> n, s->high[a] >> n);
    else
        set_bits(s, rd, 32 - n);
    to_word(s, rd);
}

/* Of the low `width` bits. */
static void shift_right_signed(struct ash_state *s, unsigned rd, unsigned a, unsigned n, unsigned width)
{
    if (width == 64 ? is_number(s, a) : fits_word(s, a))
        set(s, rd, ASH_NUMBER, s->low[a] >> n, s->high[a] >> n);
    else
        set_signed(s, rd, width - n);
}

RULE enum ash_error by_immediate(struct ash_verifier *v, uint32_t w, enum ash_op op)
{
    struct ash_state *s = &v->now;
    unsigned rd = rd_of(w), a = rs1_of(w), shift = w >> 20 & 63;
    int32_t n = i_immediate(w);

    switch (op) {
    case OP_addi:
        return add_immediate(s, rd, a, n), ASH_GOOD;
    case OP_addiw:
        return add_immediate(s, rd, a, n), to_word(s, rd), ASH_GOOD;
    case OP_andi:
        return and_immediate(s, rd, a, n), ASH_GOOD;
    case OP_ori:
    case OP_xori:
        return or_immediate(s, rd, a, n), ASH_GOOD;
    case OP_slti:
    case OP_sltiu:
        return set_bits(s, rd, 1), ASH_GOOD;
    case OP_slli:
        return shift_left(s, rd, a, shift), ASH_GOOD;
    case OP_slliw:
        return shift_left(s, rd, a, shift), to_word(s, rd), ASH_GOOD;
    case OP_srli:
        return shift_right_logical(s, rd, a, shift), ASH_GOOD;
    case OP_srliw:
        return shift_right_word(s, rd, a, shift), ASH_GOOD;
    case OP_srai:
        return shift_right_signed(s, rd, a, shift, 64), ASH_GOOD;
    case OP_sraiw:
        return shift_right_signed(s, rd, a, shift, 32), ASH_GOOD;
    default: /* lui */
        return set(s, rd, ASH_NUMBER, (int32_t)(w & 0xfffff000), (int32_t)(w & 0xfffff000)), ASH_GOOD;
    }
}

/* ---- memory ---- */

/*
 * `bytes` at r + offset: within what is mapped and the unmapped pages beside it. When the next instruction is reached
 * there was no trap, so it was within what is mapped: from there on r is known that well.
 */
static enum ash_error access_memory(struct ash_verifier *v, unsigned r, int32_t offset, int32_t bytes)
{
    struct ash_state *s = &v->now;
    unsigned kind = s->kind[r];
    int64_t end = (kind == ASH_IN_FRAME ? ASH_FRAME_SIZE : v->code.window) - bytes;

    if (kind != ASH_IN_WINDOW && kind != ASH_IN_FRAME)
        return ASH_NOT_ADDRESS;
    if (s->low[r] + offset < -GUARD[kind] || s->high[r] + offset > end + GUARD[kind])
        return ASH_OUTSIDE;
    if (s->high[r] + offset < 0 || s->low[r] + offset > end)
        return ASH_OUTSIDE; /* always */
    if (s->low[r] < -offset)
        s->low[r] = -offset;
    if (s->high[r] > end - offset)
        s->high[r] = end - offset;
    return ASH_GOOD;
}

RULE enum ash_error load(struct ash_verifier *v, uint32_t w, enum ash_op op)
{
    unsigned function = op - OP_lb;
    enum ash_error error = access_memory(v, rs1_of(w), i_immediate(w), 1 << (function & 3));

    if (error)
        return error;
    if (function <= 3)
        set_signed(&v->now, rd_of(w), 8U << function);
    else
        set_bits(&v->now, rd_of(w), 8U << (function & 3));
    return ASH_GOOD;
}

RULE enum ash_error store(struct ash_verifier *v, uint32_t w, enum ash_op op)
{
    return access_memory(v, rs1_of(w), s_immediate(w), 1 << (op - OP_sb));
}

RULE enum ash_error atomic(struct ash_verifier *v, uint32_t w, enum ash_op op)
{
    enum ash_error error = access_memory(v, rs1_of(w), 0, op == OP_amo_w ? 4 : 8);

    if (!error)
        set_any(&v->now, rd_of(w));
    return error;
}

/* ---- control ---- */

static const struct ash_label *label_at(const struct ash_code *c, uint32_t at)
{
    uint32_t low = 0, high = c->labels;

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (c->label[middle].at == at)
            return &c->label[middle];
        if (c->label[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

/* Whether all that the label claims is so. What its fields may be is looked at when the pass comes to it. */
static bool implies(const struct ash_code *c, const struct ash_state *s, const struct ash_label *l)
{
    if (l->set & ~s->set || (uint32_t)l->first + l->count > c->knowns || l->count > 32)
        return false;
    for (const struct ash_known *k = c->known + l->first, *end = k + l->count; k < end; k++) {
        unsigned r = k->reg & 31;
        if (s->kind[r] != k->kind || s->low[r] < k->low || s->high[r] > k->high)
            return false;
    }
    return true;
}

static bool claim_possible(const struct ash_label *l, const struct ash_known *k)
{
    return k->reg < 32 && l->set >> k->reg & 1 && k->kind >= ASH_NUMBER && k->kind <= ASH_IN_FRAME && !k->zero &&
           k->low <= k->high;
}

/* The pass comes to a label: from here on its claims are what is known. */
static enum ash_error arrive(struct ash_verifier *v, const struct ash_label *l)
{
    if (v->pending)
        return ASH_NOT_CHECKED;
    if (l->set & ~ASH_WRITABLE || (uint32_t)l->first + l->count > v->code.knowns || l->count > 32)
        return ASH_BAD_LABEL;
    if (v->reached && !implies(&v->code, &v->now, l))
        return ASH_NOT_KNOWN;
    begin_kinds(&v->now);
    v->now.set = (v->now.set & ~ASH_WRITABLE) | l->set;
    for (const struct ash_known *k = v->code.known + l->first, *end = k + l->count; k < end; k++) {
        if (!claim_possible(l, k))
            return ASH_BAD_LABEL;
        set(&v->now, k->reg, k->kind, k->low, k->high);
    }
    v->paid = 0;
    v->reached = true;
    v->label++;
    return ASH_GOOD;
}

/* To `at` with what is known in s. Back only when fuel was taken for all instructions from there to here. */
static enum ash_error jump_to(struct ash_verifier *v, const struct ash_state *s, uint64_t at)
{
    const struct ash_label *l = at < v->code.words ? label_at(&v->code, (uint32_t)at) : 0;

    if (!l)
        return ASH_NO_LABEL;
    if (at <= v->at && v->paid < v->at - at + 1)
        return ASH_NOT_PAID;
    return implies(&v->code, s, l) ? ASH_GOOD : ASH_NOT_KNOWN;
}

/* r is a number from 0 to `high` now, unless that says nothing new or cannot be. */
static void bound(struct ash_state *s, unsigned r, int64_t high)
{
    if (s->kind[r] > ASH_NUMBER || !(ASH_WRITABLE >> r & 1))
        return;
    if (!is_count(s, r))
        set(s, r, ASH_NUMBER, 0, high);
    else if (s->low[r] <= high && s->high[r] > high)
        s->high[r] = high;
}

void ash_compared(struct ash_state *s, uint32_t w, bool taken)
{
    enum ash_op op = decode(w);
    unsigned a = rs1_of(w), b = rs2_of(w);
    bool less = (op == OP_blt || op == OP_bltu) == taken;

    if (op < OP_blt || (op <= OP_bge && !(is_count(s, a) && is_count(s, b))))
        return;
    if (less && is_count(s, b) && s->high[b] > 0)
        bound(s, a, s->high[b] - 1);
    else if (!less && is_count(s, a))
        bound(s, b, s->high[a]);
}

static void copy_register(struct ash_state *to, const struct ash_state *from, unsigned r)
{
    to->kind[r] = from->kind[r];
    to->low[r] = from->low[r];
    to->high[r] = from->high[r];
}

/* A branch that compares: what is known where it goes is more than what is known here. */
static enum ash_error branch_comparing(struct ash_verifier *v, uint32_t w, int64_t to)
{
    unsigned a = rs1_of(w), b = rs2_of(w);
    struct ash_state before;
    enum ash_error error;

    copy_register(&before, &v->now, a);
    copy_register(&before, &v->now, b);
    ash_compared(&v->now, w, true);
    error = jump_to(v, &v->now, to);
    copy_register(&v->now, &before, a);
    copy_register(&v->now, &before, b);
    ash_compared(&v->now, w, false);
    return error;
}

/* The instruction after fuel was taken: `blt fuel, x0` leaves, `bge fuel, x0` goes on. */
static enum ash_error branch_looking(struct ash_verifier *v, enum ash_op op, int64_t to)
{
    uint32_t paid = v->paid + v->pending, before = v->paid;
    enum ash_error error;

    v->pending = 0;
    v->paid = op == OP_bge ? paid : before;
    error = jump_to(v, &v->now, to);
    v->paid = op == OP_bge ? before : paid;
    return error;
}

RULE enum ash_error branch(struct ash_verifier *v, uint32_t w, enum ash_op op)
{
    unsigned a = rs1_of(w), b = rs2_of(w);
    int64_t to = (int64_t)v->at + b_immediate(w) / 4;

    if (b_immediate(w) & 3)
        return ASH_NO_LABEL;
    if (a == ASH_FUEL && b == 0 && (op == OP_blt || op == OP_bge))
        return branch_looking(v, op, to);
    return op >= OP_blt ? branch_comparing(v, w, to) : jump_to(v, &v->now, to);
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

    if (rs1_of(w) != ASH_ENTRIES || rd > RA || offset < 0 || offset % 16 || offset / 16 >= ASH_CALL_END || (rd == 0) != (offset == 0))
        return ASH_BAD_CALL;
    for (unsigned i = 0; i < (rd ? ARGUMENTS[offset / 16] : 1); i++)
        if (!(v->now.set >> (A0 + i) & 1))
            return ASH_UNSET;
    if (!rd)
        return leave(v);
    for (unsigned r = 0; r < 32; r++)
        v->now.kind[r] = KEPT >> r & 1 ? v->now.kind[r] : ASH_ANY;
    v->now.set = (v->now.set & KEPT) | 1U << A0 | 1U << RA;
    return ASH_GOOD;
}

RULE enum ash_error jump(struct ash_verifier *v, uint32_t w)
{
    if (rd_of(w))
        return ASH_RESERVED; /* no calls of its own: they could recur */
    if (j_immediate(w) & 3)
        return ASH_NO_LABEL;
    leave(v);
    return jump_to(v, &v->now, (int64_t)v->at + j_immediate(w) / 4);
}

/* ---- the pass ---- */

static const uint8_t RULE_OF[OP_COUNT] = {
    ASH_NO_RULE,
#define X(name, rule) ASH_##rule,
    ASH_INSTRUCTIONS(X)
#undef X
};

/* One of the registers `read` was never set, or a reserved one is written: only `addi fuel, fuel, -n` may (the next instruction
 * must look whether there is any left), and nop. */
RULE enum ash_error unusual(struct ash_verifier *v, uint32_t w, uint64_t read)
{
    if (read & ~(uint64_t)v->now.set)
        return ASH_UNSET;
    if (w == 0x13)
        return ASH_GOOD;
    if ((w & 0xfffff) != (0x13 | ASH_FUEL << 7 | ASH_FUEL << 15) || i_immediate(w) >= 0)
        return ASH_RESERVED;
    v->pending = (uint32_t)-i_immediate(w);
    v->next = v->at + 1;
    return ASH_GOOD;
}

static inline __attribute__((always_inline)) enum ash_error step(struct ash_verifier *v, uint32_t w)
{
    enum ash_op op = decode(w);
    uint64_t set = v->now.set, may = ASH_WRITABLE, rd = rd_of(w), a = rs1_of(w), b = rs2_of(w);

    switch (RULE_OF[op]) {
    case ASH_UPPER:
        return may >> rd & 1 ? by_immediate(v, w, op) : unusual(v, w, 0);
    case ASH_IMMEDIATE:
        return set >> a & may >> rd & 1 ? by_immediate(v, w, op) : unusual(v, w, 1UL << a);
    case ASH_LOAD:
        return set >> a & may >> rd & 1 ? load(v, w, op) : unusual(v, w, 1UL << a);
    case ASH_REGISTERS:
        return set >> a & set >> b & may >> rd & 1 ? by_registers(v, w, op) : unusual(v, w, 1UL << a | 1UL << b);
    case ASH_ATOMIC:
        return set >> a & set >> b & may >> rd & 1 ? atomic(v, w, op) : unusual(v, w, 1UL << a | 1UL << b);
    case ASH_STORE:
        return set >> a & set >> b & 1 ? store(v, w, op) : ASH_UNSET;
    case ASH_BRANCH:
        return set >> a & set >> b & 1 ? branch(v, w, op) : ASH_UNSET;
    case ASH_JUMP:
        return jump(v, w);
    case ASH_INDIRECT:
        return indirect(v, w); /* what it reads is its own matter */
    default:
        return op == OP_fence ? ASH_GOOD : ASH_BAD_CODE;
    }
}

enum ash_error ash_step(struct ash_verifier *v, uint32_t w)
{
    return step(v, w);
}

enum ash_error ash_verify_begin(struct ash_verifier *v, const struct ash_code *code)
{
    uint32_t size = code->window;

    *v = (struct ash_verifier){.code = *code, .reached = true};
    if (!code->words || code->words > ASH_WORDS_MAX || code->labels > ASH_LABELS_MAX || code->knowns > ASH_KNOWNS_MAX)
        return ASH_EMPTY;
    if (size < ASH_WINDOW_MIN || size > ASH_WINDOW_MAX || size & (size - 1))
        return ASH_BAD_WINDOW;
    ash_state_begin(&v->now, size);
    v->next = code->labels ? code->label[0].at : ~0UL;
    return ASH_MORE;
}

static enum ash_error end(const struct ash_verifier *v)
{
    return v->reached ? ASH_FALLS_OFF : v->label != v->code.labels ? ASH_BAD_LABEL : ASH_GOOD;
}

/* Before the instruction `next`. */
RULE enum ash_error look(struct ash_verifier *v)
{
    const struct ash_code *c = &v->code;
    const struct ash_label *l = v->label < c->labels ? &c->label[v->label] : 0;
    uint32_t w = c->word[v->at];
    enum ash_error error = ASH_GOOD;

    if (l && l->at <= v->at)
        error = l->at == v->at ? arrive(v, l) : ASH_BAD_LABEL;
    else if (!v->reached)
        error = ASH_DEAD;
    else if (v->pending && (w & 0x1ffe07f) != (0x4063 | ASH_FUEL << 15)) /* blt or bge fuel, x0 */
        error = ASH_NOT_CHECKED;
    v->next = v->label < c->labels ? c->label[v->label].at : ~0UL;
    return error;
}

enum ash_error ash_verify_step(struct ash_verifier *v, uint32_t most)
{
    uint64_t at = v->at, end_at = most < v->code.words - at ? at + most : v->code.words;
    const uint32_t *word = v->code.word + at;
    enum ash_error error;

    for (; at < end_at; v->at = ++at) {
        if (at >= v->next && (error = look(v)))
            return error;
        error = step(v, *word++);
        if (error)
            return error;
    }
    return v->at < v->code.words ? ASH_MORE : end(v);
}
