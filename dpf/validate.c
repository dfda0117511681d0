/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is believed of generated code. It knows nothing of the trie or the generator: one pass over the words, forwards,
 * over what each register may hold. Where a branch arrives, nothing is known but what always holds (the bases that were
 * there when it was taken are the same; checked lengths are forgotten).
 */
#include "generate.h"

#include "rv64.h"

#define LENGTH_MAX 4096

enum what { ANYTHING, NUMBER, SMALL, SLOT_WORD, SLOTS_FAR, BUCKET, CHECKED };

struct known {
    uint8_t what[32];
    int64_t value[32];    /* NUMBER: the constant. SMALL: the bits it may have. SLOT_WORD: the last bucket of the direct table
                             that it is; 0: it is none. CHECKED: bytes beyond `from` */
    uint8_t from[32];     /* CHECKED: the base */
    uint16_t length[4];   /* bytes that may be read through each base */
    uint8_t bases;        /* bit n: base n is set */
};

static int base_of(unsigned r)
{
    return r == A0 ? 0 : r >= A3 && r <= A5 ? (int)(r - A3) + 1 : -1;
}

static bool is_scratch(unsigned r)
{
    return (r >= T0 && r <= T2) || (r >= T3 && r <= T5);
}

static int64_t immediate(uint32_t w)
{
    return (int32_t)w >> 20;
}

static unsigned rd_of(uint32_t w)
{
    return w >> 7 & 31;
}

static unsigned rs1_of(uint32_t w)
{
    return w >> 15 & 31;
}

static unsigned rs2_of(uint32_t w)
{
    return w >> 20 & 31;
}

static bool set(struct known *k, unsigned rd, enum what what, int64_t value)
{
    if (!is_scratch(rd))
        return false;
    k->what[rd] = (uint8_t)what;
    k->value[rd] = value;
    return true;
}

/* ---- one rule an instruction ---- */

static bool load_slot(struct known *k, unsigned rd, int64_t offset, unsigned slots, const uint8_t *last)
{
    return offset >= 0 && offset % 8 == 0 && offset / 8 < slots && set(k, rd, SLOT_WORD, last[offset / 8]);
}

static bool load(struct known *k, uint32_t w, unsigned slots, const uint8_t *last)
{
    static const uint8_t width[8] = {1, 2, 4, 8, 1, 2, 4, 0};
    unsigned kind = w >> 12 & 7, rs = rs1_of(w), rd = rd_of(w);
    int64_t offset = immediate(w);
    int base = base_of(rs);

    if (!width[kind])
        return false;
    if (rs == A7)
        return kind == LOAD_DOUBLE && load_slot(k, rd, offset, slots, last);
    if (k->what[rs] == SLOTS_FAR)
        return kind == LOAD_DOUBLE && load_slot(k, rd, k->value[rs] + offset, slots, last);
    if (k->what[rs] == BUCKET)
        return kind == LOAD_DOUBLE && offset == offsetof(struct dpf_table, bucket[0].target) && set(k, rd, SLOT_WORD, 0);
    if (base < 0 || !(k->bases >> base & 1) || offset < 0 || offset + width[kind] > k->length[base])
        return false;
    return kind == LOAD_BYTE ? set(k, rd, SMALL, 255) : kind == LOAD_HALF ? set(k, rd, SMALL, 65535) : set(k, rd, ANYTHING, 0);
}

static bool add_immediate(struct known *k, uint32_t w)
{
    unsigned rd = rd_of(w), rs = rs1_of(w);
    int64_t n = immediate(w);
    int from = base_of(rs), to = base_of(rd);

    if (rs == X0)
        return rd == A0 || set(k, rd, NUMBER, n); /* a0: a result; bases are over then (see `accepts`) */
    if (from >= 0 && is_scratch(rd) && n > 0 && n <= LENGTH_MAX && k->bases >> from & 1) {
        k->from[rd] = (uint8_t)from;
        return set(k, rd, CHECKED, n);
    }
    if (from >= 0 && from == to && from > 0)
        return n >= 0 && n < 256 && k->length[from] == 0; /* the `add` of a shift, before anything was checked */
    if (!is_scratch(rs) && rs != A0)
        return false;
    if (rd == A0 && rs == A0)
        return true;
    return set(k, rd, k->what[rs] == NUMBER ? NUMBER : ANYTHING, k->value[rs] + n);
}

static bool shift_left(struct known *k, uint32_t w)
{
    unsigned rd = rd_of(w), rs = rs1_of(w), n = w >> 20 & 63;

    if ((rd == A0 && rs == A0))
        return w >> 26 == 0;
    if (w >> 26 || !is_scratch(rs))
        return false;
    if (k->what[rs] == SMALL && n <= 16 && k->value[rs] << n <= 0xffffff)
        return set(k, rd, SMALL, k->value[rs] << n);
    return set(k, rd, k->what[rs] == NUMBER ? NUMBER : ANYTHING, (int64_t)((uint64_t)k->value[rs] << n));
}

static bool and_immediate(struct known *k, uint32_t w)
{
    int64_t n = immediate(w);
    return is_scratch(rs1_of(w)) && (n >= 0 ? set(k, rd_of(w), SMALL, n) : set(k, rd_of(w), ANYTHING, 0));
}

/* A shift: from the base before, by what at most two bytes make. */
static bool base_add(struct known *k, unsigned rd, unsigned a, unsigned b)
{
    int from = base_of(a), to = base_of(rd);

    if (from < 0 || to != from + 1 || !(k->bases >> from & 1) || k->what[b] != SMALL || k->value[b] > 0xffff || !is_scratch(b))
        return false;
    k->bases |= (uint8_t)(1U << to);
    k->length[to] = 0;
    for (int i = to + 1; i < 4; i++)
        k->bases &= (uint8_t)~(1U << i);
    return true;
}

/* A table, and 16 times an index that it has. */
static bool is_bucket(const struct known *k, unsigned a, unsigned b)
{
    return k->what[a] == SLOT_WORD && k->what[b] == SMALL && k->value[a] && k->value[b] % 16 == 0 && k->value[b] / 16 <= k->value[a];
}

static bool arithmetic(struct known *k, uint32_t w)
{
    unsigned rd = rd_of(w), a = rs1_of(w), b = rs2_of(w), function = w >> 12 & 7;

    if (w >> 25 || (function != 0 && function != 6 && function != 7))
        return false;
    if (function == 0 && base_of(rd) > 0)
        return base_add(k, rd, a, b);
    if (function == 0 && b == A7 && is_scratch(a) && k->what[a] == NUMBER)
        return k->value[a] >= 0 && k->value[a] < LENGTH_MAX * 8 && set(k, rd, SLOTS_FAR, k->value[a]);
    if (function == 0)
        return is_bucket(k, a, b) && set(k, rd, BUCKET, 0);
    if (!is_scratch(a) || !is_scratch(b))
        return false;
    if (function == 7 && k->what[b] == NUMBER && k->value[b] >= 0)
        return set(k, rd, SMALL, k->value[b]);
    if (function == 6 && k->what[a] == SMALL && k->what[b] == SMALL)
        return set(k, rd, SMALL, k->value[a] | k->value[b]);
    return set(k, rd, ANYTHING, 0);
}

/* Forward, inside; and `end < base + n` falls through with n bytes checked. */
static bool branch(struct known *k, uint32_t w, unsigned at, unsigned count, uint8_t *arrives)
{
    uint32_t offset = (w >> 31) << 12 | (w >> 7 & 1) << 11 | (w >> 25 & 63) << 5 | (w >> 8 & 15) << 1;
    unsigned a = rs1_of(w), b = rs2_of(w), function = w >> 12 & 7;

    if ((w >> 31) || offset % 4 || offset == 0 || at + offset / 4 >= count)
        return false;
    if (function != BRANCH_NE && function != BRANCH_LTU && function != BRANCH_EQ && function != BRANCH_GEU)
        return false;
    arrives[at + offset / 4] = 1;
    if (function == BRANCH_LTU && a == A1 && is_scratch(b) && k->what[b] == CHECKED && k->bases >> k->from[b] & 1) {
        uint16_t *length = &k->length[k->from[b]];
        *length = (uint16_t)(k->value[b] > *length ? k->value[b] : *length);
    }
    return true;
}

static void arrive(struct known *k)
{
    for (unsigned i = 0; i < 32; i++)
        k->what[i] = ANYTHING;
    k->bases = 0; /* an exit reads slots only */
}

/* Through a slot's word; or accepting, which tells dispatch.S the slot in t1. True: the piece ends here. */
static bool jump(const struct known *k, uint32_t w, unsigned slots)
{
    unsigned rs = rs1_of(w);

    if (w != RV64_JR(rs))
        return false;
    if (rs == RA)
        return k->what[T1] == NUMBER && k->value[T1] >= 0 && k->value[T1] % 8 == 0 && k->value[T1] / 8 < slots;
    return k->what[rs] == SLOT_WORD && !k->value[rs];
}

static bool step(struct known *k, const uint32_t *code, unsigned at, unsigned count, unsigned slots, const uint8_t *last, uint8_t *arrives)
{
    uint32_t w = code[at];
    unsigned function = w >> 12 & 7, rd = rd_of(w), rs = rs1_of(w);

    switch (w & 0x7f) {
    case 0x03:
        return load(k, w, slots, last);
    case 0x13:
        if (function == 0)
            return add_immediate(k, w);
        if (function == 1)
            return shift_left(k, w);
        return function == 7 && and_immediate(k, w);
    case 0x1b:
        if (function || (rd == A0 && rs == A0))
            return !function;
        return is_scratch(rs) && set(k, rd, k->what[rs] == NUMBER ? NUMBER : ANYTHING, (int32_t)(k->value[rs] + immediate(w)));
    case 0x37:
        return rd == A0 || set(k, rd, NUMBER, (int32_t)(w & 0xfffff000));
    case 0x33:
        return arithmetic(k, w);
    case 0x63:
        return branch(k, w, at, count, arrives);
    default:
        return false;
    }
}

bool validate(const uint32_t *code, unsigned count, unsigned slots, const uint8_t *last, const struct dpf_state *from)
{
    uint8_t arrives[DPF_CODE_MAX] = {0};
    struct known k = {.bases = (uint8_t)((2U << from->level) - 1)};
    bool ended = false;

    if (!count || count > DPF_CODE_MAX)
        return false;
    k.length[from->level] = (uint16_t)generate_known(from);
    for (unsigned i = 0; i < count; i++) {
        if (arrives[i])
            arrive(&k);
        else if (ended)
            return false; /* nobody gets here */
        ended = (code[i] & 0x7f) == 0x67;
        if (ended ? !jump(&k, code[i], slots) : !step(&k, code, i, count, slots, last, arrives))
            return false;
        if (!ended && rd_of(code[i]) == A0 && (code[i] & 0x7f) != 0x63)
            k.bases = 0; /* a result stands there now */
    }
    return ended;
}
