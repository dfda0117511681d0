/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For CBMC (tests/ash/proof): what the verifier knows after an instruction is so, for every value of its registers and its
 * immediate, and every bound; against the interpreter, which knows nothing of the verifier. For loads and
 * stores: what the verifier lets pass touches the window, the frame or the unmapped pages beside them; and when it touched what
 * is mapped, what is known of the address afterwards is so.
 */
#include "tests/host/ash_sound.h"

#define LIMIT (1L << 61) /* as in verify.c */

uint32_t nondet_u32(void);
uint64_t nondet_u64(void);
int64_t nondet_i64(void);
unsigned char nondet_u8(void);

#define T0 5
#define T1 6
#define T2 7

static struct ash_verifier v;
static struct rv64 c;

static void any_register(unsigned r)
{
    v.now.set |= 1U << r;
    v.now.reg[r].kind = 8 * ((int64_t)(nondet_u8() & 3) - 1);
    v.now.reg[r].low = nondet_i64();
    v.now.reg[r].high = nondet_i64();
    c.x[r] = nondet_u64();
    __CPROVER_assume(v.now.reg[r].low <= v.now.reg[r].high && v.now.reg[r].low >= -LIMIT && v.now.reg[r].high <= LIMIT);
    __CPROVER_assume(sound_holds(&v.now, r, c.x[r]));
}

static void begin(void)
{
    v.tracked = ASH_WRITABLE;
    v.code.window = ASH_WINDOW_MIN << (nondet_u8() & 15);
    __CPROVER_assume(v.code.window <= ASH_WINDOW_MAX);
    any_register(T0);
    any_register(T1);
}

/* WORD with any bits where FREE has ones: an instruction of t0 (and t1) into t2. */
void arithmetic(void)
{
    begin();
    uint32_t w = WORD | (nondet_u32() & FREE);
    __CPROVER_assume(ash_step(&v, w) == ASH_GOOD);
    __CPROVER_assert(rv64_execute(&c, w), "the interpreter knows it");
    __CPROVER_assert(sound_holds(&v.now, T2, c.x[T2]), "what is known is so");
    __CPROVER_assert(v.now.reg[T2].low <= v.now.reg[T2].high, "bounds are in order");
    __CPROVER_assert(v.now.reg[T2].low >= -LIMIT && v.now.reg[T2].high <= LIMIT, "and within the limit");
}

void memory(void)
{
    begin();
    int64_t kind = v.now.reg[T0].kind;
    uint32_t w = WORD | (nondet_u32() & FREE);
    bool store = (WORD & 0x7f) == 0x23;
    __CPROVER_assume(ash_step(&v, w) == ASH_GOOD);

    uint64_t bytes = 1UL << (w >> 12 & 3), offset = (uint64_t)(int64_t)(store ? s_immediate(w) : i_immediate(w));
    uint64_t base = kind == ASH_IN_WINDOW ? SOUND_WINDOW_AT : SOUND_FRAME_AT;
    uint64_t size = kind == ASH_IN_WINDOW ? v.code.window : ASH_FRAME_SIZE, guard = kind == ASH_IN_WINDOW ? ASH_WINDOW_GUARD : ASH_FRAME_GUARD;
    uint64_t first = c.x[T0] + offset, last = first + bytes - 1;
    __CPROVER_assert(kind == ASH_IN_WINDOW || kind == ASH_IN_FRAME, "through an address");
    __CPROVER_assert(first >= base - guard && last < base + size + guard && first <= last, "inside, or in the unmapped pages");
    if (first >= base && last < base + size)
        __CPROVER_assert(sound_holds(&v.now, T0, c.x[T0]), "what is known of an address that did not trap is so");
}

/* A comparison: with only the claim that the label's own bound is implied, it is so there; and so is what is known behind. */
void comparison(void)
{
    begin();
    uint32_t w = WORD | (nondet_u32() & FREE);
    bool taken = nondet_u8() & 1;
    c.pc = 1 << 20;
    uint64_t to = c.pc + (uint64_t)(int64_t)b_immediate(w) - 4;
    __CPROVER_assume(to != c.pc);
    __CPROVER_assert(rv64_execute(&c, w), "the interpreter knows it");
    __CPROVER_assume((c.pc == to) == taken);
    ash_compared(&v.now, ~0U, w, taken);
    __CPROVER_assert(sound_holds(&v.now, T0, c.x[T0]) && sound_holds(&v.now, T1, c.x[T1]), "what a comparison says is so");
    __CPROVER_assert(v.now.reg[T0].low <= v.now.reg[T0].high && v.now.reg[T1].low <= v.now.reg[T1].high, "bounds are in order");
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
    __CPROVER_assert(ash_step(&v, first) == ASH_GOOD && ash_step(&v, second) == ASH_GOOD, "it is taken");
    rv64_execute(&c, first);
    rv64_execute(&c, second);
    __CPROVER_assert(v.now.reg[T1].kind == ASH_IN_WINDOW && v.now.reg[T1].low == 0 && v.now.reg[T1].high == (int64_t)v.code.window - 1, "it is known to be one");
    __CPROVER_assert(c.x[T1] - SOUND_WINDOW_AT < v.code.window, "it is in the window");
    __CPROVER_assert(c.x[T0] - SOUND_WINDOW_AT >= v.code.window || c.x[T1] == c.x[T0], "and the same if it was");
}

/* What the decoder makes of a branch's and a jump's offset is what the manual says, bit by bit. */
void offsets(void)
{
    uint32_t w = nondet_u32();
    int32_t b = b_immediate(w), j = j_immediate(w), s = s_immediate(w), i = i_immediate(w);

    for (unsigned n = 0; n < 32; n++) {
        unsigned b_bit = n == 0 ? 32 : n < 5 ? n + 7 : n < 11 ? n + 20 : n == 11 ? 7 : 31;
        unsigned j_bit = n == 0 ? 32 : n < 11 ? n + 20 : n == 11 ? 20 : n < 20 ? n : 31;
        unsigned s_bit = n < 5 ? n + 7 : n < 11 ? n + 20 : 31, i_bit = n < 11 ? n + 20 : 31;
        __CPROVER_assert((b >> n & 1) == (b_bit == 32 ? 0 : (int)(w >> b_bit & 1)), "branch");
        __CPROVER_assert((j >> n & 1) == (j_bit == 32 ? 0 : (int)(w >> j_bit & 1)), "jump");
        __CPROVER_assert((s >> n & 1) == (int)(w >> s_bit & 1) && (i >> n & 1) == (int)(w >> i_bit & 1), "store, load");
    }
}
