/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For CBMC (tests/ash/proof): what the verifier knows after an instruction is so, for every value of its registers and its
 * immediate, and every bound; against the interpreter, which knows nothing of the verifier. For loads and
 * stores: what the verifier lets pass touches the window, the frame or the unmapped pages beside them; and when it touched what
 * is mapped, what is known of the address afterwards is so. At a branch and at a label: what a label claims is so.
 */
#include "ash/verify.c"

#include "tests/host/ash_sound.h"

uint32_t nondet_u32(void);
uint64_t nondet_u64(void);
int64_t nondet_i64(void);
unsigned char nondet_u8(void);
_Bool nondet_bool(void);

#define MUST(condition, what) __CPROVER_assert(condition, what)
#define ASSUME(condition)     __CPROVER_assume(condition)

#define T0  5
#define T1  6
#define T2  7

static struct ash_verifier v;
static struct rv64 c;
static struct ash_label label;
static struct ash_known known;
static const struct ash_label nowhere = {.at = ~0U};

static void any_register(unsigned r)
{
    v.now.set |= 1U << r;
    v.now.reg[r].kind = 8 * ((int64_t)(nondet_u8() & 3) - 1);
    v.now.reg[r].low = nondet_i64();
    v.now.reg[r].high = nondet_i64();
    c.x[r] = nondet_u64();
    ASSUME(v.now.reg[r].low <= v.now.reg[r].high && v.now.reg[r].low >= -LIMIT && v.now.reg[r].high <= LIMIT);
    ASSUME(sound_holds(&v.now, r, c.x[r]));
}

static void begin(void)
{
    v.tracked = ASH_WRITABLE;
    v.code.window = ASH_WINDOW_MIN << (nondet_u8() & 15);
    ASSUME(v.code.window <= ASH_WINDOW_MAX);
    any_register(T0);
    any_register(T1);
}

/* WORD with any bits where FREE has ones: an instruction of t0 (and t1) into t2. */
static uint32_t instruction(void)
{
    return WORD | (nondet_u32() & FREE);
}

/* Its result. */
static void is_so(unsigned r, uint64_t value)
{
    MUST(sound_holds(&v.now, r, value), "what is known is so");
    MUST(v.now.reg[r].low <= v.now.reg[r].high, "bounds are in order");
    MUST(v.now.reg[r].low >= -LIMIT && v.now.reg[r].high <= LIMIT, "and within the limit");
}

void arithmetic(void)
{
    begin();
    uint32_t w = instruction();
    ASSUME(ash_step(&v, w) == ASH_GOOD);
    MUST(rv64_execute(&c, w), "the interpreter knows it");
    is_so(T2, c.x[T2]);
}

/* What a load makes of what is in memory. */
static int64_t loaded(unsigned function, uint64_t memory)
{
    return function == 0   ? (int8_t)memory
           : function == 1 ? (int16_t)memory
           : function == 2 ? (int32_t)memory
           : function == 4 ? (uint8_t)memory
           : function == 5 ? (uint16_t)memory
           : function == 6 ? (uint32_t)memory
                           : (int64_t)memory;
}

void memory(void)
{
    begin();
    int64_t kind = v.now.reg[T0].kind;
    uint32_t w = instruction();
    bool store = (WORD & 0x7f) == 0x23, atomic = (WORD & 0x7f) == 0x2f;
    ASSUME(ash_step(&v, w) == ASH_GOOD);

    uint64_t bytes = 1UL << (WORD >> 12 & 3), offset = atomic ? 0 : (uint64_t)(int64_t)(store ? s_immediate(w) : i_immediate(w));
    uint64_t base = kind == ASH_IN_WINDOW ? SOUND_WINDOW_AT : SOUND_FRAME_AT;
    uint64_t size = kind == ASH_IN_WINDOW ? v.code.window : ASH_FRAME_SIZE, guard = kind == ASH_IN_WINDOW ? ASH_WINDOW_GUARD : ASH_FRAME_GUARD;
    uint64_t first = c.x[T0] + offset, last = first + bytes - 1;
    MUST(kind == ASH_IN_WINDOW || kind == ASH_IN_FRAME, "through an address");
    MUST(first >= base - guard && last < base + size + guard && first <= last, "inside, or in the unmapped pages");
    if (first >= base && last < base + size)
        is_so(T0, c.x[T0]);
    if (!store)
        is_so(T2, atomic ? nondet_u64() : (uint64_t)loaded(WORD >> 12 & 7, nondet_u64()));
}

/* What a comparison says of what it compares. */
void comparison(void)
{
    begin();
    uint32_t w = instruction();
    bool taken = nondet_bool();
    c.pc = 1 << 20;
    uint64_t to = c.pc + (uint64_t)(int64_t)b_immediate(w) - 4;
    ASSUME(to != c.pc);
    MUST(rv64_execute(&c, w), "the interpreter knows it");
    ASSUME((c.pc == to) == taken);
    ash_compared(&v.now, ~0U, w, taken);
    is_so(T0, c.x[T0]);
    is_so(T1, c.x[T1]);
}

/* A label with one claim, of t0 or of t1, anywhere; the pass is anywhere, before it or behind it. */
static void one_label(void)
{
    known = (struct ash_known){nondet_bool() ? T0 : T1, nondet_u8(), 0, (int32_t)nondet_u32(), (int32_t)nondet_u32()};
    label = (struct ash_label){nondet_u32(), nondet_u32(), nondet_u32(), 0, 1};
    v.code.label = &label;
    v.code.known = &known;
    v.code.labels = v.code.knowns = 1;
    v.code.words = nondet_u32();
    ASSUME(v.code.words <= ASH_WORDS_MAX);
    for (unsigned i = 0; i < 8; i++)
        v.last[i] = &nowhere;
}

/* What the label claims is so. */
static void claim_is_so(void)
{
    uint64_t base = known.kind == ASH_IN_WINDOW ? SOUND_WINDOW_AT : known.kind == ASH_IN_FRAME ? SOUND_FRAME_AT : 0;
    int64_t distance = (int64_t)(c.x[known.reg] - base);
    MUST(known.kind == ASH_NUMBER || known.kind == ASH_IN_WINDOW || known.kind == ASH_IN_FRAME, "of a kind that there is");
    MUST(distance >= known.low && distance <= known.high, "what it claims is so");
}

/* A branch: where it goes there is a label, whose claims are so; back only for fuel; where it goes on what is known is so. */
void branch_to(void)
{
    begin();
    one_label();
    v.at = ASH_WORDS_MAX / 2; /* from where a branch gets neither to the first instruction nor to the last that there may be */
    v.label = label.at <= v.at;
    v.paid = nondet_u32();
    v.pending = nondet_u32();
    uint32_t paid = v.paid, set = v.now.set, w = instruction();
    ASSUME(v.at < v.code.words && paid <= 1 << 20);
    c.pc = 4 * v.at + 4;
    uint64_t on = c.pc;
    ASSUME(b_immediate(w) != 4); /* where it goes on it goes to a label then (label_comes) */
    ASSUME(ash_step(&v, w) == ASH_GOOD);
    MUST(rv64_execute(&c, w), "the interpreter knows it");
    if (c.pc == on) {
        is_so(T0, c.x[T0]);
        is_so(T1, c.x[T1]);
        return;
    }
    MUST(c.pc == 4 * (uint64_t)label.at && label.at < v.code.words, "to an instruction, where a label is");
    MUST(!(label.set & ~set), "of registers that are set");
    MUST(label.at > v.at || paid > v.at - label.at, "back only when fuel was taken for what is between");
    claim_is_so();
}

/* The pass comes to a label: what it claims is so; nothing else is known behind it. */
void label_comes(void)
{
    begin();
    one_label();
    any_register(T2);
    v.reached = nondet_bool();
    v.pending = nondet_u32();
    bool reached = v.reached;
    uint32_t set = v.now.set;
    ASSUME(arrive(&v, &label) == ASH_GOOD);
    MUST(!(v.now.set & ~ASH_WRITABLE & ~set) && !(v.tracked & ~ASH_WRITABLE), "no reserved register");
    MUST(v.now.set >> known.reg & v.tracked >> known.reg & 1, "what is claimed is set, and tracked");
    MUST(!v.paid && !v.pending, "a stretch begins: nothing was paid");
    MUST(v.now.reg[T2].kind == ASH_ANY, "nothing else is known");
    if (!reached) /* then nothing goes on to here: what is known is what the jumps to here know (branch_to) */
        return;
    MUST(!(v.now.set & ~set), "nothing is set but what was");
    claim_is_so();
    is_so(T0, c.x[T0]);
    is_so(T1, c.x[T1]);
}

/* The guard: whatever t0 is, t1 is an address in the window, and t0 itself if it was one. */
void guard(void)
{
    ash_state_begin(&v.now, ASH_WINDOW_MIN << (nondet_u8() & 7));
    v.code.window = (uint32_t)v.now.reg[2].high;
    v.now.set |= 1U << T0;
    v.tracked = ASH_WRITABLE;
    c.x[T0] = nondet_u64();
    c.x[ASH_MASK] = v.code.window - 1;
    c.x[ASH_WINDOW] = SOUND_WINDOW_AT;
    uint32_t first = 0x33 | 7 << 12 | T1 << 7 | T0 << 15 | ASH_MASK << 20, second = 0x33 | T1 << 7 | T1 << 15 | ASH_WINDOW << 20;
    ASSUME(ash_step(&v, first) == ASH_GOOD && ash_step(&v, second) == ASH_GOOD); /* tests/unit/test_ash.c: it is taken */
    rv64_execute(&c, first);
    rv64_execute(&c, second);
    MUST(v.now.reg[T1].kind == ASH_IN_WINDOW && v.now.reg[T1].low == 0 && v.now.reg[T1].high == (int64_t)v.code.window - 1, "it is known to be one");
    MUST(c.x[T1] - SOUND_WINDOW_AT < v.code.window, "it is in the window");
    MUST(c.x[T0] - SOUND_WINDOW_AT >= v.code.window || c.x[T1] == c.x[T0], "and the same if it was");
}

/* What the decoder makes of an offset is what the manual says, bit by bit. */
void offsets(void)
{
    uint32_t w = nondet_u32();
    int64_t b = b_immediate(w), j = j_immediate(w), s = s_immediate(w), i = i_immediate(w), u = u_immediate(w);

    for (unsigned n = 0; n < 64; n++) {
        unsigned b_bit = n == 0 ? 32 : n < 5 ? n + 7 : n < 11 ? n + 20 : n == 11 ? 7 : 31;
        unsigned j_bit = n == 0 ? 32 : n < 11 ? n + 20 : n == 11 ? 20 : n < 20 ? n : 31;
        unsigned s_bit = n < 5 ? n + 7 : n < 11 ? n + 20 : 31, i_bit = n < 11 ? n + 20 : 31, u_bit = n < 12 ? 32 : n < 31 ? n : 31;
        MUST((b >> n & 1) == (b_bit == 32 ? 0 : (int)(w >> b_bit & 1)), "branch");
        MUST((j >> n & 1) == (j_bit == 32 ? 0 : (int)(w >> j_bit & 1)), "jump");
        MUST((s >> n & 1) == (int)(w >> s_bit & 1) && (i >> n & 1) == (int)(w >> i_bit & 1), "store, load");
        MUST((u >> n & 1) == (u_bit == 32 ? 0 : (int)(w >> u_bit & 1)), "lui");
    }
}
