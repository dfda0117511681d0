/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: dpf/filter.c dpf/cells.c dpf/trie.c dpf/table.c dpf/publish.c dpf/rivals.c dpf/generate.c dpf/validate.c tests/host/rv64.c */
/* flags: -I. */
/* What the generator makes of filters: its instructions are looked at, and run. */
#include <stdio.h>
#include <string.h>

#include "tests/host/dpf_run.h"

#include "tap.h"

/* ---- filters and frames ---- */

static uint64_t whole(unsigned width)
{
    return width == 8 ? ~0UL : (1UL << 8 * width) - 1;
}

static struct dpf_atom masked(unsigned offset, unsigned width, uint64_t mask, uint64_t value)
{
    return (struct dpf_atom){.kind = DPF_EQ, .width = (uint8_t)width, .offset = offset, .mask = mask, .low = value & mask};
}

static struct dpf_atom eq(unsigned offset, unsigned width, uint64_t value)
{
    return masked(offset, width, whole(width), value);
}

static struct dpf_atom shift(unsigned offset, uint64_t mask, unsigned left, unsigned add)
{
    return (struct dpf_atom){.kind = DPF_SHIFT, .width = 1, .left = (uint8_t)left, .add = (uint8_t)add, .offset = offset, .mask = mask};
}

#define FILTER(...) \
    ((struct dpf_filter){sizeof((struct dpf_atom[]){__VA_ARGS__}) / sizeof(struct dpf_atom), {__VA_ARGS__}})

static int insert(const struct dpf_filter *f, uint32_t number)
{
    int error = dpf_check(f) ? dpf_check(f) : dpf_insert(&d, f, number);

    dpf_commit(&d);
    dpf_reclaim(&d);
    return error;
}

static int take_out(const struct dpf_filter *f)
{
    int error = dpf_remove(&d, f);

    dpf_commit(&d);
    dpf_reclaim(&d);
    return error;
}

static void put(unsigned at, unsigned width, uint64_t value)
{
    for (unsigned i = 0; i < width; i++)
        frame[at + i] = (uint8_t)(value >> 8 * (width - 1 - i));
}

static void blank(void)
{
    memset(frames, 0, sizeof frames);
    frame_length = 100;
}

/* The filter that takes the frame, or -1. */
static int taker(void)
{
    return (int)DPF_RESULT_NUMBER(classify(NULL)) - 1;
}

/* ---- instructions ---- */

enum counted { FRAME_LOADS, BYTES, HALVES, WORDS, DOUBLES, SLOT_LOADS, OTHER_LOADS, CHECKS, COMPARISONS, WITH_ZERO, CONSTANTS, ANDS, AND_IMMEDIATES, KINDS };

struct code {
    unsigned n[KINDS], size;
    bool dispatches; /* through dispatch.S, which compares keys */
};

static bool is_base(unsigned r)
{
    return r == A0 || (r >= A3 && r <= A5);
}

static void count_load(struct code *c, uint32_t w)
{
    static const enum counted width[] = {BYTES, HALVES, WORDS, DOUBLES};
    unsigned rs = w >> 15 & 31;

    c->n[is_base(rs) ? FRAME_LOADS : rs == A7 ? SLOT_LOADS : OTHER_LOADS]++;
    if (is_base(rs))
        c->n[width[w >> 12 & 3]]++;
    c->dispatches |= rs == A7 && w >> 20 == 8 * DPF_SLOT_DISPATCH;
}

static struct code counted(const struct dpf_code *code)
{
    struct code c = {.size = code->size / 4};

    for (unsigned i = 0; i < c.size; i++) {
        uint32_t w = code->at[i], opcode = w & 0x7f, rd = w >> 7 & 31, rs1 = w >> 15 & 31, rs2 = w >> 20 & 31;
        if (opcode == 0x03)
            count_load(&c, w);
        else if (opcode == 0x63)
            c.n[rs1 == A1 ? CHECKS : rs2 == X0 ? WITH_ZERO : COMPARISONS]++;
        else if (opcode == 0x37 || opcode == 0x1b || (opcode == 0x13 && rs1 == X0))
            c.n[CONSTANTS] += rd == T4;
        else if (opcode == 0x13 && (w >> 12 & 7) == 7)
            c.n[AND_IMMEDIATES]++;
        else if (opcode == 0x33 && (w >> 12 & 7) == 7)
            c.n[ANDS]++;
    }
    return c;
}

/* That of one filter by itself. */
static struct code alone(struct dpf_filter f)
{
    setup();
    return insert(&f, 0) ? (struct code){0} : counted(&d.root.tests->code);
}

/* ---- tests ---- */

static void test_constants(void)
{
    struct code c = alone(FILTER(eq(23, 1, 6)));
    tap(c.n[FRAME_LOADS] == 1 && c.n[SLOT_LOADS] == 1 && !c.n[OTHER_LOADS] && c.n[CONSTANTS] == 1 && c.n[COMPARISONS] == 1,
        "a small value is one instruction's immediate");
    c = alone(FILTER(eq(14, 4, 0x12345678)));
    tap(c.n[FRAME_LOADS] == 1 && !c.n[OTHER_LOADS] && c.n[CONSTANTS] == 2 && c.n[COMPARISONS] == 1, "one of four bytes is in two instructions");
    c = alone(FILTER(eq(14, 8, 0x123456789abcdef0)));
    tap(c.n[FRAME_LOADS] == 1 && c.n[SLOT_LOADS] == 1 && !c.n[OTHER_LOADS], "one of eight bytes is in the code too");
    c = alone(FILTER(eq(14, 4, 0)));
    tap(!c.n[CONSTANTS] && c.n[WITH_ZERO] == 1 && !c.n[COMPARISONS], "zero is the register that is zero");
    c = alone(FILTER(masked(14, 1, 0xf0, 0x40)));
    tap(c.n[AND_IMMEDIATES] == 1 && !c.n[ANDS] && c.n[CONSTANTS] == 1, "a small mask is an immediate");
    c = alone(FILTER(masked(14, 4, 0xffffff00, 0x0a000000)));
    tap(c.n[ANDS] == 1 && !c.n[OTHER_LOADS], "a large one is in the code");
    c = alone(FILTER(eq(12, 2, 0x0800)));
    tap(!c.n[ANDS] && !c.n[AND_IMMEDIATES], "a whole field is not masked");
}

/* Two whole fields one behind the other: loads, and whether frames are found that have both, one, none. */
static struct code pair(unsigned offset, unsigned width, uint64_t a, uint64_t b, bool *right)
{
    struct code c = alone(FILTER(eq(offset, width, a), eq(offset + width, width, b)));

    for (unsigned wrong = 0; wrong < 4; wrong++) {
        blank();
        put(offset, width, a ^ (wrong & 1));
        put(offset + width, width, b ^ (uint64_t)(wrong & 2) << (8 * width - 2));
        *right &= taker() == (wrong ? -1 : 0);
    }
    blank();
    put(offset, width, a);
    put(offset + width, width, b);
    frame_length = offset + 2 * width - 1;
    *right &= taker() == -1;
    return c;
}

static void test_neighbours(void)
{
    static const struct {
        unsigned offset, width;
        enum counted kind;
    } whole_pairs[] = {{22, 1, HALVES}, {34, 2, WORDS}, {30, 4, DOUBLES}};
    bool one = true, right = true, two = true;

    for (unsigned i = 0; i < 3; i++) {
        unsigned width = whole_pairs[i].width;
        for (unsigned values = 0; values < 4; values++) {
            uint64_t a = values & 1 ? whole(width) : 0x12, b = values & 2 ? whole(width) - 0x70 : 0;
            struct code c = pair(whole_pairs[i].offset, width, a, b, &right);
            one &= c.n[FRAME_LOADS] == 1 && c.n[whole_pairs[i].kind] == 1 && c.n[COMPARISONS] + c.n[WITH_ZERO] == 1;
            c = pair(whole_pairs[i].offset + width, width, a, b, &right);
            two &= c.n[FRAME_LOADS] == 2 && c.n[COMPARISONS] + c.n[WITH_ZERO] == 2;
        }
    }
    tap(one, "neighbours of 1, 2 and 4 bytes are loaded and compared at once");
    tap(two, "but not across a border of what is loaded");
    tap(right, "and either way both must be there");
    struct code c = alone(FILTER(masked(34, 2, 0xff00, 0x1200), eq(36, 2, 80)));
    tap(c.n[FRAME_LOADS] == 2, "nor if one has a mask");
    c = alone(FILTER(eq(34, 2, 80), eq(38, 2, 80)));
    tap(c.n[FRAME_LOADS] == 2, "nor if there is something between them");
}

static struct dpf_filter connection(uint32_t host, uint16_t port)
{
    return FILTER(eq(12, 2, 0x0800), eq(23, 1, 6), eq(30, 4, 0x0a000001), eq(26, 4, host), shift(14, 15, 2, 0), eq(14, 2, port), eq(16, 2, 80));
}

static void test_bounds(void)
{
    struct code c = alone(FILTER(eq(12, 2, 0x0800), eq(23, 1, 6), eq(30, 4, 1), eq(26, 4, 2)));
    tap(c.n[FRAME_LOADS] > 3 && c.n[CHECKS] == 1, "the frame's end is compared with once, for the farthest load");
    bool cut = true;
    blank();
    put(12, 2, 0x0800);
    put(23, 1, 6);
    put(26, 4, 2);
    put(30, 4, 1);
    for (frame_length = 0; frame_length < 40; frame_length++)
        cut &= taker() == (frame_length < 34 ? -1 : 0);
    tap(cut, "and that is where it ends");
    c = alone(connection(3, 4));
    tap(c.n[CHECKS] == 2, "once more behind a shift");
    struct dpf_filter other = connection(5, 6), farther = FILTER(eq(12, 2, 0x0806), eq(60, 2, 1)), nearer = FILTER(eq(12, 2, 0x86dd), eq(6, 2, 1));
    const struct dpf_test *from = d.root.tests;
    tap(!insert(&other, 1), "another host's connection is installed");
    while (from && !from->table)
        from = from->edges->tests;
    c = counted(&from->edges->tests->code);
    tap(c.n[CHECKS] == 1 && c.n[FRAME_LOADS] > 0, "behind a table too, but what lies before the shift is known to be there");
    tap(!insert(&farther, 2) && !insert(&nearer, 3), "two that are parted by their first field are installed");
    const struct dpf_state *s = d.root.tests->edges;
    tap(counted(&s->tests->code).n[CHECKS] == 0 && counted(&s->next->tests->code).n[CHECKS] == 1, "what is behind a table looks again only if it goes farther");
}

static void test_alignment(void)
{
    static const struct {
        unsigned offset, width, loads;
        enum counted kind;
    } fields[] = {{12, 2, 1, HALVES}, {13, 2, 2, BYTES}, {14, 4, 1, WORDS}, {16, 4, 2, HALVES}, {15, 4, 4, BYTES},
                  {14, 8, 1, DOUBLES}, {18, 8, 2, WORDS}, {16, 8, 4, HALVES}, {17, 8, 8, BYTES}};
    /* Behind shifts: by multiples of 4, of 8, of 2, of 1; and 1 farther. */
    static const struct {
        uint64_t mask;
        unsigned left, add, offset, width, loads;
        enum counted kind;
    } behind[] = {{15, 2, 0, 14, 4, 1, WORDS}, {15, 2, 0, 14, 8, 2, WORDS}, {15, 2, 0, 16, 2, 1, HALVES}, {15, 2, 0, 16, 4, 2, HALVES},
                  {7, 3, 8, 14, 8, 1, DOUBLES}, {7, 3, 0, 18, 8, 2, WORDS}, {7, 1, 0, 14, 4, 2, HALVES}, {7, 0, 0, 14, 4, 4, BYTES},
                  {7, 0, 0, 14, 2, 2, BYTES}, {15, 2, 1, 13, 4, 1, WORDS}, {15, 2, 1, 14, 4, 4, BYTES}, {0x38, 0, 0, 14, 8, 1, DOUBLES},
                  {15, 2, 2, 14, 4, 2, HALVES}};
    bool first = true, later = true, right = true;

    for (unsigned i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        uint64_t value = 0x8192a3b4c5d6e7f8 & whole(fields[i].width);
        struct code c = alone(FILTER(eq(fields[i].offset, fields[i].width, value)));
        first &= c.n[FRAME_LOADS] == fields[i].loads && c.n[fields[i].kind] == fields[i].loads;
        blank();
        put(fields[i].offset, fields[i].width, value);
        right &= taker() == 0;
        frame[fields[i].offset + fields[i].width / 2] ^= 1;
        right &= taker() == -1;
    }
    tap(first, "a field is one load where it lies right, and as few pieces as can be where not");
    for (unsigned i = 0; i < sizeof behind / sizeof behind[0]; i++) {
        uint64_t value = 0x8192a3b4c5d6e7f8 & whole(behind[i].width);
        struct code c = alone(FILTER(shift(0, behind[i].mask, behind[i].left, behind[i].add), eq(behind[i].offset, behind[i].width, value)));
        later &= c.n[FRAME_LOADS] == 1 + behind[i].loads && c.n[behind[i].kind] - (behind[i].kind == BYTES) == behind[i].loads;
        blank();
        frame[0] = (uint8_t)(behind[i].mask & 0x28) | 2;
        unsigned base = (unsigned)((frame[0] & behind[i].mask) << behind[i].left) + behind[i].add;
        put(base + behind[i].offset, behind[i].width, value);
        right &= taker() == 0;
    }
    tap(later, "behind a shift too, by what the shift can be");
    tap(right, "and each finds its frames and no others");
}

/* ---- disjunctions ---- */

static void test_hash(void)
{
    struct code two, many;
    bool right = true;

    setup();
    for (unsigned i = 0; i < 100; i++) {
        struct dpf_filter f = FILTER(eq(34, 2, 1000 + 7 * i));
        right &= !insert(&f, i);
        if (i == 1)
            two = counted(&d.root.tests->code);
    }
    many = counted(&d.root.tests->code);
    for (unsigned port = 900; port < 1800; port++) {
        blank();
        put(34, 2, port);
        unsigned i = (port - 1000) / 7;
        right &= taker() == (port >= 1000 && (port - 1000) % 7 == 0 && i < 100 ? (int)i : -1);
    }
    tap(many.dispatches && many.n[FRAME_LOADS] == 1 && !many.n[COMPARISONS] && many.size == two.size, "100 values of a port are one load and a table");
    tap(right, "in which each is found, and no other");
    for (unsigned i = 0; i < 2; i++) {
        struct dpf_filter f = FILTER(masked(34, 2, 0x0ff0, i << 4));
        i || (setup(), 0);
        insert(&f, i);
    }
    tap(counted(&d.root.tests->code).dispatches, "so are those of a byte that lies across two: keys are compared");
}

/* Every value of the byte, in a frame all bits of which beside the mask are set or clear. */
static bool each_found(const struct dpf_atom *a, unsigned byte, const bool *there)
{
    unsigned mask = a->mask >> 8 * (a->width - 1 - byte) & 0xff;

    for (unsigned v = 0; v < 256; v++) {
        memset(frames, v & 1 ? 0xff : 0, sizeof frames);
        frame_length = a->offset + a->width;
        frame[a->offset + byte] = (uint8_t)v;
        if (taker() != (there[v & mask] ? (int)(v & mask) : -1))
            return false;
        frame_length--;
        if (taker() != -1)
            return false;
    }
    return true;
}

static struct dpf_filter direct_filter(struct dpf_atom a, unsigned byte, unsigned value)
{
    a.low = (uint64_t)value << 8 * (a.width - 1 - byte);
    return FILTER(a);
}

/* Values come and go in a field whose mask lies in one of its bytes. */
static bool direct_right(struct dpf_atom a, unsigned byte, unsigned most)
{
    unsigned mask = a.mask >> 8 * (a.width - 1 - byte) & 0xff, seed = mask, values = 0;
    bool there[256] = {false};

    setup();
    for (unsigned n = 0; n < 30; n++) {
        seed = seed * 1103515245 + 12345;
        unsigned v = seed >> 16 & mask;
        struct dpf_filter f = direct_filter(a, byte, v);
        if (there[v] ? dpf_remove(&d, &f) : dpf_insert(&d, &f, v))
            return false;
        bool unseen = each_found(&a, byte, there);
        there[v] = !there[v];
        values += there[v] ? 1 : -1U;
        dpf_commit(&d);
        if (!unseen || !each_found(&a, byte, there))
            return false;
        dpf_reclaim(&d);
        struct code c = counted(d.root.tests ? &d.root.tests->code : &(struct dpf_code){0});
        if (values > 1 && (c.dispatches || c.n[FRAME_LOADS] != 1 || c.n[BYTES] != 1 || c.n[COMPARISONS] || c.n[OTHER_LOADS] != 1 || c.size > most))
            return false;
    }
    for (unsigned v = 0; v < 256; v++) {
        struct dpf_filter f = direct_filter(a, byte, v);
        if (there[v] && take_out(&f))
            return false;
    }
    return d.data.free == DATA_CELLS && d.code.free == CODE_CELLS;
}

static void test_direct(void)
{
    static const unsigned widths[] = {1, 2, 4, 8};
    bool whole_bytes = true, parts = true;

    for (unsigned w = 0; w < 4; w++)
        for (unsigned byte = 0; byte < widths[w]; byte++)
            for (unsigned offset = 22; offset < 24; offset++)
                whole_bytes &= direct_right(masked(offset, widths[w], 0xffUL << 8 * (widths[w] - 1 - byte), 0), byte, 10);
    tap(whole_bytes, "values of a byte are indexes: no key is compared, wherever it lies in its field, while they come and go");
    for (uint64_t mask = 1; mask < 256; mask++)
        parts &= direct_right(masked(23, 1, mask, 0), 0, 11) && direct_right(masked(22, 4, mask << 24, 0), 0, 11);
    tap(parts, "so are those of each mask within a byte");
    setup();
    uint64_t count = 0;
    for (unsigned i = 0; i < 2; i++) {
        struct dpf_filter f = FILTER(eq(23, 1, i ? 17 : 6));
        insert(&f, i);
    }
    blank();
    frame[23] = 17;
    tap(DPF_RESULT_NUMBER(classify(&count)) == 2 && count == 4 + 2 + 6 + 4, "which of two protocols it is costs 6 instructions, beside beginning, bound and accepting");
}

/* What a slot holds is a table up to bucket 15; nothing but one of its targets can be had from it. */
static void test_validator(void)
{
    enum { SLOT = 20, TARGET = offsetof(struct dpf_table, bucket[0].target) };
    static const struct dpf_state begin;
    static uint8_t last[DPF_SLOTS] = {[SLOT] = 15, [SLOT + 1] = 7};
    uint32_t good[] = {RV64_ADDI(T0, A0, 30),          RV64_B(BRANCH_LTU, A1, T0, 4 * 8), RV64_LOAD(LOAD_BYTE, T0, A0, 23),
                       RV64_ANDI(T0, T0, 15),          RV64_SLLI(T0, T0, 4),              RV64_LOAD(LOAD_DOUBLE, T1, A7, 8 * SLOT),
                       RV64_ADD(T1, T1, T0),           RV64_LOAD(LOAD_DOUBLE, T1, T1, TARGET), RV64_JR(T1),
                       RV64_LOAD(LOAD_DOUBLE, T1, A7, 16), RV64_JR(T1)};
    static const struct {
        unsigned at;
        uint32_t word;
    } bad[] = {
        {3, RV64_ANDI(T0, T0, 31)},                          /* a bucket that it does not have */
        {3, RV64_ADDI(T4, X0, 0)},                           /* any */
        {3, RV64_ANDI(T0, T0, -1)},
        {4, RV64_SLLI(T0, T0, 3)},                           /* between two words of one */
        {4, RV64_SLLI(T0, T0, 5)},                           /* beyond them */
        {4, RV64_ADDI(T0, T0, 0)},
        {5, RV64_LOAD(LOAD_DOUBLE, T1, A7, 8 * SLOT + 8)},   /* a shorter table */
        {5, RV64_LOAD(LOAD_DOUBLE, T1, A7, 8 * SLOT + 16)},  /* code */
        {6, RV64_ADD(T1, T0, T0)},                           /* no table */
        {6, RV64_ADDI(T1, T1, 0)},
        {7, RV64_LOAD(LOAD_DOUBLE, T1, T1, TARGET - 8)},     /* another word */
        {7, RV64_LOAD(LOAD_DOUBLE, T1, T1, TARGET + 8)},
        {7, RV64_LOAD(LOAD_WORD, T1, T1, TARGET)},
        {7, RV64_ADD(T1, T1, T0)},                           /* twice */
        {7, RV64_ADDI(T0, X0, 0)},                           /* to the bucket itself */
    };
    static const uint32_t not_one[] = {RV64_ADDI(T0, X0, 5),
                                       RV64_ANDI(T0, T0, 0),
                                       RV64_LOAD(LOAD_DOUBLE, T1, A7, 16),
                                       RV64_ADD(T1, T1, T0),
                                       RV64_LOAD(LOAD_DOUBLE, T1, T1, TARGET),
                                       RV64_JR(T1)};
    static const uint32_t table[] = {RV64_LOAD(LOAD_DOUBLE, T1, A7, 8 * SLOT), RV64_JR(T1)};
    unsigned count = sizeof good / sizeof good[0];
    bool all = true;

    tap(validate(good, count, DPF_SLOTS, last, &begin), "the validator takes an index that the table has");
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint32_t word = good[bad[i].at];
        good[bad[i].at] = bad[i].word;
        if (validate(good, count, DPF_SLOTS, last, &begin)) {
            printf("# taken: %u\n", i);
            all = false;
        }
        good[bad[i].at] = word;
    }
    tap(all, "and none that may not have one, and nothing else of it");
    tap(!validate(not_one, 6, DPF_SLOTS, last, &begin), "not the first bucket of what is no table");
    tap(!validate(table, 2, DPF_SLOTS, last, &begin), "nor is a table jumped to");
}

/* Memory ends at any step of an insertion: nothing has changed, and when there is some again the same filter is taken and found. */
static bool starved(unsigned offset, unsigned width, bool code_ends)
{
    struct cells *pool = code_ends ? &d.code : &d.data;

    for (unsigned left = 0; left < 100; left++) {
        struct dpf_filter f[3];
        setup();
        for (unsigned i = 0; i < 3; i++)
            f[i] = FILTER(eq(12, 2, 0x0800), eq(offset, width, 5 + i), eq(60, 1, 1));
        insert(&f[0], 0);
        uint32_t rest = pool->free - left;
        void *held = cells_take(pool, (size_t)rest * CELL_SIZE);
        int error = insert(&f[1], 1);
        for (unsigned again = 0; again < 2; again++) {
            for (unsigned i = 0; i < 3; i++) {
                blank();
                put(12, 2, 0x0800);
                put(60, 1, 1);
                put(offset, width, 5 + i);
                if (taker() != (i == 0 || (i == 1 && (!error || again)) || (i == 2 && again) ? (int)i : -1))
                    return false;
            }
            if (again)
                break;
            cells_give(pool, held, (size_t)rest * CELL_SIZE);
            if ((error && insert(&f[1], 1)) || insert(&f[2], 2))
                return false;
        }
        if (!error)
            return left > 0;
    }
    return false;
}

static void test_starved(void)
{
    tap(starved(34, 2, true) && starved(23, 1, true), "cells for code that end at any step of making a table leave what was there, and it is made later");
    tap(starved(34, 2, false) && starved(23, 1, false), "and so do those for data");
}

int main(void)
{
    test_constants();
    test_neighbours();
    test_bounds();
    test_alignment();
    test_hash();
    test_direct();
    test_validator();
    test_starved();
    return tap_failed;
}
