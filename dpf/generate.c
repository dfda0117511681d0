/* SPDX-License-Identifier: BSD-2-Clause */
#include "generate.h"

#include "rv64.h"

/*
 * Registers: a0 frame, a3 a4 a5 the bases behind one, two, three shifts, a1 the frame's end, a7 slots. Scratch: t0 the
 * key, t1 to t4. Each base is checked against the end once for all loads of a fragment that go through it.
 */
static const uint8_t base_register[DPF_SHIFTS + 1] = {A0, A3, A4, A5};

struct generator {
    struct dpf *d;
    unsigned count;
    uint16_t fail[DPF_CODE_MAX]; /* branches to the end */
    unsigned fails;
    unsigned slot; /* where failing goes */
    unsigned align;
    unsigned level;
    unsigned known; /* bytes behind the base that the frame has, when the fragment begins */
    bool full;
};

static void put(struct generator *g, uint32_t instruction)
{
    if (g->count < DPF_CODE_MAX)
        g->d->buffer[g->count++] = instruction;
    else
        g->full = true;
}

/* ---- constants ---- */

static void put_constant(struct generator *g, unsigned rd, int64_t value)
{
    int64_t low = (int64_t)((uint64_t)value << 52) >> 52;

    if (value == (int32_t)value) {
        int32_t high = (int32_t)((uint32_t)value + 0x800) >> 12;
        if (high & 0xfffff) {
            put(g, RV64_LUI(rd, high));
            if (low)
                put(g, RV64_ADDIW(rd, rd, low));
        } else {
            put(g, RV64_ADDI(rd, X0, low));
        }
        return;
    }
    int64_t rest = (int64_t)((uint64_t)value - (uint64_t)low) >> 12;
    unsigned shift = 12;
    while (!(rest & 1)) {
        rest >>= 1;
        shift++;
    }
    put_constant(g, rd, rest);
    put(g, RV64_SLLI(rd, rd, shift));
    if (low)
        put(g, RV64_ADDI(rd, rd, low));
}

/* ---- loads ---- */

static unsigned load_kind(unsigned width, bool signed_top)
{
    switch (width) {
    case 1:
        return signed_top ? 0 : LOAD_BYTE;
    case 2:
        return signed_top ? 1 : LOAD_HALF;
    case 4:
        return signed_top ? LOAD_WORD_SIGNED : LOAD_WORD;
    default:
        return LOAD_DOUBLE;
    }
}

static bool aligned(const struct generator *g, unsigned offset, unsigned width)
{
    unsigned known = 1U << (g->align >> 4);
    return known >= width && (((g->align & 15) + offset) & (width - 1)) == 0;
}

/* Little-endian, in pieces as large as the alignment that is known allows. t0 + depth is free, and those above. */
static void put_load(struct generator *g, unsigned rd, unsigned offset, unsigned width, bool signed_top)
{
    if (width == 1 || aligned(g, offset, width)) {
        put(g, RV64_LOAD(load_kind(width, signed_top), rd, base_register[g->level], offset));
        return;
    }
    unsigned half = width / 2, high = rd == T2 ? T3 : rd == T4 ? T5 : rd + 1;
    put_load(g, rd, offset, half, false);
    put_load(g, high, offset + half, half, signed_top);
    put(g, RV64_SLLI(high, high, 8 * half));
    put(g, RV64_OR(rd, rd, high));
}

/* In network order, as a number. */
static void put_load_number(struct generator *g, unsigned rd, unsigned offset, unsigned width)
{
    put(g, RV64_LOAD(LOAD_BYTE, rd, base_register[g->level], offset));
    for (unsigned i = 1; i < width; i++) {
        put(g, RV64_LOAD(LOAD_BYTE, T1, base_register[g->level], offset + i));
        put(g, RV64_SLLI(rd, rd, 8));
        put(g, RV64_OR(rd, rd, T1));
    }
}

static uint64_t width_mask(unsigned width)
{
    return width == 8 ? ~0UL : (1UL << 8 * width) - 1;
}

uint64_t generate_key(const struct dpf_atom *a, uint64_t value)
{
    uint64_t key = __builtin_bswap64(value) >> (64 - 8 * a->width);
    return a->width == 4 ? (uint64_t)(int64_t)(int32_t)key : key;
}

uint64_t generate_value(const struct dpf_atom *a, uint64_t key)
{
    return __builtin_bswap64(key) >> (64 - 8 * a->width);
}

static void put_mask(struct generator *g, unsigned rd, uint64_t mask, unsigned width, int64_t key)
{
    if (mask == width_mask(width))
        return;
    if (key >= 0 && key < 0x800) {
        put(g, RV64_ANDI(rd, rd, key));
        return;
    }
    put_constant(g, T4, key);
    put(g, RV64_AND(rd, rd, T4));
}

/* ---- branches, leaving ---- */

static void put_fail(struct generator *g, unsigned function, unsigned a, unsigned b)
{
    if (g->full || g->fails == DPF_CODE_MAX) {
        g->full = true;
        return;
    }
    g->fail[g->fails++] = (uint16_t)g->count;
    put(g, RV64_B(function, a, b, 0));
}

/* Slot n's address is a7 + 8 n; beyond the reach of a load it takes two more instructions. */
static void put_slot_load(struct generator *g, unsigned rd, unsigned slot)
{
    unsigned offset = 8 * slot;

    if (offset < 2048) {
        put(g, RV64_LOAD(LOAD_DOUBLE, rd, A7, offset));
        return;
    }
    put(g, RV64_LUI(rd, (offset + 0x800) >> 12));
    put(g, RV64_ADD(rd, rd, A7));
    put(g, RV64_LOAD(LOAD_DOUBLE, rd, rd, offset));
}

static void put_leave(struct generator *g, unsigned slot)
{
    put_slot_load(g, T1, slot);
    put(g, RV64_JR(T1));
}

static void put_accept(struct generator *g, const struct dpf_state *s, unsigned slot)
{
    put_constant(g, A0, (int64_t)((uint64_t)s->depth << 24 | s->accepts));
    put_constant(g, T1, 8 * (int64_t)slot);
    put(g, RV64_JR(RA));
}

/* Failing branches lead to one exit, behind everything else. */
static int finish(struct generator *g)
{
    unsigned end = g->count;

    if (g->fails)
        put_leave(g, g->slot);
    if (g->full || end * 4 > 4000)
        return DPF_NO_MEMORY;
    for (unsigned i = 0; i < g->fails; i++) {
        uint32_t *at = &g->d->buffer[g->fail[i]];
        *at |= RV64_B(0, 0, 0, 4 * (end - g->fail[i])) & ~0x7fU;
    }
    return (int)g->count;
}

/* ---- tests ---- */

unsigned generate_known(const struct dpf_state *s)
{
    unsigned known = 0;

    for (const struct dpf_test *t = s->via; t && t->atom.kind != DPF_SHIFT; t = t->owner->via) {
        unsigned end = t->atom.offset + t->atom.width;
        known = end > known ? end : known;
    }
    return known;
}

static void put_check(struct generator *g, unsigned bytes)
{
    if (bytes <= g->known)
        return;
    put(g, RV64_ADDI(T0, base_register[g->level], bytes));
    put_fail(g, BRANCH_LTU, A1, T0);
}

static void put_equal(struct generator *g, const struct dpf_test *t)
{
    const struct dpf_atom *a = &t->atom;
    int64_t key = (int64_t)t->edges->key;

    put_load(g, T0, a->offset, a->width, a->width == 4);
    put_mask(g, T0, a->mask, a->width, (int64_t)generate_key(a, a->mask));
    if (key == 0) {
        put_fail(g, BRANCH_NE, T0, X0);
        return;
    }
    put_constant(g, T4, key);
    put_fail(g, BRANCH_NE, T0, T4);
}

/* The test behind an EQ one, if both can be compared at once: whole fields side by side, in one aligned load. */
static const struct dpf_test *neighbour(const struct generator *g, const struct dpf_test *t)
{
    const struct dpf_state *s = t->edges;
    const struct dpf_test *n = s->tests;
    unsigned width = t->atom.width;

    if (width > 4 || !n || dpf_state_joins(s) || s->entry_slot || n->table || n->atom.kind != DPF_EQ ||
        n->atom.width != width || n->atom.offset != t->atom.offset + width)
        return NULL;
    if (t->atom.mask != width_mask(width) || n->atom.mask != width_mask(width))
        return NULL;
    return aligned(g, t->atom.offset, 2 * width) ? n : NULL;
}

static void put_pair(struct generator *g, const struct dpf_test *t, const struct dpf_test *n)
{
    unsigned width = t->atom.width;
    uint64_t low = t->edges->key & width_mask(width), key = low | n->edges->key << 8 * width;

    if (width == 1)
        key &= 0xffff;
    put(g, RV64_LOAD(load_kind(2 * width, width == 2), T0, base_register[g->level], t->atom.offset));
    put_constant(g, T4, width == 2 ? (int32_t)key : (int64_t)key);
    put_fail(g, BRANCH_NE, T0, T4);
}

static void put_range(struct generator *g, const struct dpf_atom *a)
{
    put_load_number(g, T0, a->offset, a->width);
    put_mask(g, T0, a->mask, a->width, (int64_t)a->mask);
    if (a->low) {
        put_constant(g, T4, (int64_t)a->low);
        put_fail(g, BRANCH_LTU, T0, T4);
    }
    if (a->high != a->mask) {
        put_constant(g, T4, (int64_t)a->high);
        put_fail(g, BRANCH_LTU, T4, T0);
    }
}

static void put_shift(struct generator *g, const struct dpf_atom *a)
{
    unsigned from = base_register[g->level], to = base_register[g->level + 1];

    put_load_number(g, T0, a->offset, a->width);
    put_mask(g, T0, a->mask, a->width, (int64_t)a->mask);
    if (a->left)
        put(g, RV64_SLLI(T0, T0, a->left));
    put(g, RV64_ADD(to, from, T0));
    if (a->add)
        put(g, RV64_ADDI(to, to, a->add));
    g->align = generate_align((uint8_t)g->align, a);
    g->level++;
    g->known = 0;
}

uint8_t generate_align(uint8_t align, const struct dpf_atom *shift)
{
    unsigned low = (unsigned)__builtin_ctzl(shift->mask) + shift->left, known = align >> 4;

    if (low < known)
        known = low;
    return (uint8_t)(known << 4 | (((align & 15) + shift->add) & ((1U << known) - 1)));
}

static void put_dispatch(struct generator *g, const struct dpf_test *t)
{
    const struct dpf_atom *a = &t->atom;

    put_load(g, T0, a->offset, a->width, a->width == 4);
    put_mask(g, T0, a->mask, a->width, (int64_t)generate_key(a, a->mask));
    put_slot_load(g, T1, t->table_slot);
    put_slot_load(g, T2, DPF_SLOT_DISPATCH);
    put(g, RV64_JR(T2));
}

/* A mask that lies in one byte: this byte is the index of a bucket, whatever it is. */
static void put_direct(struct generator *g, const struct dpf_test *t)
{
    const struct dpf_atom *a = &t->atom;
    unsigned byte = t->table->shift / 8, scale = 4 - t->table->shift % 8;
    uint64_t mask = generate_value(a, a->mask) >> 8 * byte;

    put(g, RV64_LOAD(LOAD_BYTE, T0, base_register[g->level], a->offset + byte));
    if (mask != 0xff)
        put(g, RV64_ANDI(T0, T0, mask));
    if (scale)
        put(g, RV64_SLLI(T0, T0, scale));
    put_slot_load(g, T1, t->table_slot);
    put(g, RV64_ADD(T1, T1, T0));
    put(g, RV64_LOAD(LOAD_DOUBLE, T1, T1, offsetof(struct dpf_table, bucket[0].target)));
    put(g, RV64_JR(T1));
}

/* How far from the base the fragment looks before its next shift, or its end. */
static unsigned reach(const struct dpf_test *t)
{
    unsigned bytes = 0;

    for (;;) {
        unsigned end = t->atom.offset + t->atom.width;
        bytes = end > bytes ? end : bytes;
        const struct dpf_state *s = t->edges;
        if (t->atom.kind == DPF_SHIFT || t->table || dpf_state_joins(s) || !s->tests || s->entry_slot)
            return bytes;
        t = s->tests;
    }
}

static void put_test(struct generator *g, const struct dpf_test *t)
{
    if (t->table && !t->table->hash)
        put_direct(g, t);
    else if (t->table)
        put_dispatch(g, t);
    else if (t->atom.kind == DPF_EQ)
        put_equal(g, t);
    else if (t->atom.kind == DPF_RANGE)
        put_range(g, &t->atom);
    else
        put_shift(g, &t->atom);
}

static void put_chain(struct generator *g, const struct dpf_test *t)
{
    bool check = true;

    for (;;) {
        if (check)
            put_check(g, reach(t));
        const struct dpf_test *pair = !t->table && t->atom.kind == DPF_EQ ? neighbour(g, t) : NULL;
        if (pair)
            put_pair(g, t, pair);
        else
            put_test(g, t);
        t = pair ? pair : t;
        if (t->table)
            return;
        const struct dpf_state *s = t->edges;
        if (!s->tests) {
            put_accept(g, s, g->slot);
            return;
        }
        if (s->entry_slot) {
            put_leave(g, s->entry_slot);
            return;
        }
        check = t->atom.kind == DPF_SHIFT;
        t = s->tests;
    }
}

int generate_test(struct dpf *d, const struct dpf_test *t)
{
    struct generator g = {.d = d, .slot = dpf_slot_of(t), .align = t->owner->align, .level = t->owner->level,
                          .known = generate_known(t->owner)};

    put_chain(&g, t);
    return finish(&g);
}

int generate_accept(struct dpf *d, const struct dpf_state *s, unsigned slot)
{
    struct generator g = {.d = d};

    put_accept(&g, s, slot);
    return finish(&g);
}

int generate_leave(struct dpf *d, unsigned slot)
{
    struct generator g = {.d = d};

    put_leave(&g, slot);
    return finish(&g);
}
