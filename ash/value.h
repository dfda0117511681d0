/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What registers hold, as bounds, and what instructions make of it: each function says what is known of the result, ASH_ANY
 * where nothing is. Trusted. A handler of some pages takes each of them a thousand times, so all of it stands in the pass.
 */
#pragma once

#include "decode.h"

#define LIMIT  (1L << 61) /* bounds beyond are no bounds; two of them make no overflow */
#define WITHIN ((struct limit){-LIMIT, LIMIT})
#define INLINE static inline __attribute__((always_inline))
#define RULE   static __attribute__((noinline)) /* so that the pass needs no more registers than it has */

struct limit {
    int64_t low, high;
};

#define hold_any(d)  ((void)((d)->kind = ASH_ANY))
#define is_count(a)  ((a)->kind == ASH_NUMBER && (a)->low >= 0) /* a number that is not negative */
#define fits_word(a) ((a)->kind == ASH_NUMBER && (a)->low >= INT32_MIN && (a)->high <= INT32_MAX)

/* Bounds that are within the limit. */
INLINE void hold(struct ash_value *d, int64_t kind, int64_t low, int64_t high)
{
    *d = (struct ash_value){low, high, kind};
}

INLINE void hold_within(struct ash_value *d, int64_t kind, int64_t low, int64_t high, struct limit within)
{
    if (low < within.low || high > within.high)
        hold_any(d); /* whose bounds stay within the limit too */
    else
        hold(d, kind, low, high);
}

INLINE void hold_if(bool known, struct ash_value *d, int64_t low, int64_t high)
{
    if (known)
        hold(d, ASH_NUMBER, low, high);
    else
        hold_any(d);
}

/* A number from 0 to all that `bits` bits hold. */
INLINE void hold_bits(struct ash_value *d, unsigned bits)
{
    hold_if(bits <= 60, d, 0, (int64_t)((1UL << (bits & 63)) - 1));
}

/* Of `bits` bits, the highest of them the sign. */
INLINE void hold_signed(struct ash_value *d, unsigned bits)
{
    hold_if(bits <= 60, d, (int64_t)(-1UL << ((bits - 1) & 63)), (int64_t)((1UL << ((bits - 1) & 63)) - 1));
}

/* The low half of what 64 bits would make, its sign extended: the same where it fits. */
INLINE void to_word(struct ash_value *d)
{
    if (!fits_word(d))
        hold_signed(d, 32);
}

INLINE void add(struct ash_value *d, const struct ash_value *a, const struct ash_value *b, struct limit within)
{
    int64_t kind = b->kind == ASH_NUMBER ? a->kind : a->kind == ASH_NUMBER ? b->kind : ASH_ANY;
    hold_within(d, kind, a->low + b->low, a->high + b->high, within);
}

INLINE void sub(struct ash_value *d, const struct ash_value *a, const struct ash_value *b)
{
    int64_t kind = b->kind == ASH_NUMBER ? a->kind : a->kind == b->kind && a->kind != ASH_ANY ? ASH_NUMBER : ASH_ANY;
    hold_within(d, kind, a->low - b->high, a->high - b->low, WITHIN);
}

/* Whatever the other is, and with a count is at most that count. */
INLINE void and(struct ash_value *d, const struct ash_value *a, const struct ash_value *b)
{
    bool both = is_count(a) && is_count(b);
    int64_t high = both ? (a->high < b->high ? a->high : b->high) : is_count(a) ? a->high : b->high;
    hold_if(both || is_count(a) || is_count(b), d, 0, high);
}

/* All bits below the highest one of n. */
INLINE int64_t filled(int64_t n)
{
#pragma GCC unroll 6
    for (unsigned shift = 1; shift < 64; shift *= 2)
        n |= n >> shift;
    return n;
}

INLINE void or(struct ash_value *d, const struct ash_value *a, const struct ash_value *b, struct limit within)
{
    int64_t high = filled(a->high | b->high);
    hold_if(is_count(a) && is_count(b) && high <= within.high, d, 0, high);
}

INLINE void multiply(struct ash_value *d, const struct ash_value *a, const struct ash_value *b)
{
    bool known = is_count(a) && is_count(b) && a->high <= INT32_MAX && b->high < 1 << 29;
    hold_if(known, d, (int64_t)((uint64_t)a->low * (uint64_t)b->low), (int64_t)((uint64_t)a->high * (uint64_t)b->high));
}

INLINE void shift_left(struct ash_value *d, const struct ash_value *a, unsigned n)
{
    bool known = a->kind == ASH_NUMBER && a->low >= -(LIMIT >> n) && a->high <= LIMIT >> n;
    hold_if(known, d, (int64_t)((uint64_t)a->low << n), (int64_t)((uint64_t)a->high << n));
}

INLINE void shift_right(struct ash_value *d, const struct ash_value *a, unsigned n)
{
    if (is_count(a))
        hold(d, ASH_NUMBER, a->low >> n, a->high >> n);
    else
        hold_bits(d, 64 - n);
}

/* Of the low word. By 0 it extends the sign. */
INLINE void shift_right_word(struct ash_value *d, const struct ash_value *a, unsigned n)
{
    if (is_count(a) && a->high <= UINT32_MAX)
        hold(d, ASH_NUMBER, a->low >> n, a->high >> n);
    else
        hold_bits(d, 32 - n);
    to_word(d);
}

/* Of the low `width` bits. */
INLINE void shift_right_signed(struct ash_value *d, const struct ash_value *a, unsigned n, unsigned width)
{
    if (width == 64 ? a->kind == ASH_NUMBER : fits_word(a))
        hold(d, ASH_NUMBER, a->low >> n, a->high >> n);
    else
        hold_signed(d, width - n);
}

/* What is seldom, or comes in too many kinds. n: what is shifted by. */
RULE void by_arithmetic(struct ash_value *d, const struct ash_value *a, const struct ash_value *b, unsigned n, enum ash_op op)
{
    switch (op) {
    case OP_slti:
    case OP_sltiu:
        return hold_bits(d, 1);
    case OP_srai:
        return shift_right_signed(d, a, n, 64);
    case OP_sraiw:
        return shift_right_signed(d, a, n, 32);
    case OP_sub:
        return sub(d, a, b);
    case OP_subw:
        return sub(d, a, b), to_word(d);
    case OP_mul:
        return multiply(d, a, b);
    case OP_mulw:
        return multiply(d, a, b), to_word(d);
    case OP_remu:
        return hold_if(b->kind == ASH_NUMBER && b->low > 0, d, 0, b->high - 1); /* less than a divisor that is not 0 */
    case OP_remuw:
        return hold_if(fits_word(b) && b->low > 0, d, 0, b->high - 1), to_word(d);
    default:
        return op >= OP_mulw || (op >= OP_addw && op <= OP_sraw) ? hold_signed(d, 32) : hold_any(d);
    }
}
