/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: dpf/filter.c dpf/cells.c dpf/trie.c dpf/table.c dpf/publish.c dpf/rivals.c dpf/generate.c dpf/validate.c tests/host/rv64.c */
/* flags: -I. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/dpf_run.h"

#include "tap.h"

/* ---- filters ---- */

static struct dpf_atom eq(unsigned offset, unsigned width, uint64_t value)
{
    uint64_t mask = width == 8 ? ~0UL : (1UL << 8 * width) - 1;
    return (struct dpf_atom){.kind = DPF_EQ, .width = (uint8_t)width, .offset = offset, .mask = mask, .low = value & mask};
}

static struct dpf_filter connection(uint32_t host, uint16_t port)
{
    struct dpf_filter f = {.count = 7};
    f.atom[0] = eq(12, 2, 0x0800);
    f.atom[1] = eq(23, 1, 6);
    f.atom[2] = eq(30, 4, 0x0a000001);
    f.atom[3] = eq(26, 4, host);
    f.atom[4] = (struct dpf_atom){.kind = DPF_SHIFT, .width = 1, .left = 2, .offset = 14, .mask = 15};
    f.atom[5] = eq(14, 2, port);
    f.atom[6] = eq(16, 2, 80);
    return f;
}

static void put(unsigned at, unsigned width, uint64_t value)
{
    for (unsigned i = 0; i < width; i++)
        frame[at + i] = (uint8_t)(value >> 8 * (width - 1 - i));
}

static void tcp_frame(uint32_t host, uint16_t port)
{
    memset(frames, 0, sizeof frames);
    frame_length = 60;
    put(12, 2, 0x0800);
    put(14, 1, 0x45);
    put(23, 1, 6);
    put(26, 4, host);
    put(30, 4, 0x0a000001);
    put(34, 2, port);
    put(36, 2, 80);
}

static unsigned seed = 1;

static unsigned draw(unsigned n)
{
    seed = seed * 1103515245 + 12345;
    return (seed >> 16) % n;
}

/* Few fields and few values, so that filters share prefixes, overlap and collide. */
static struct dpf_filter random_filter(void)
{
    static const uint8_t widths[] = {1, 2, 4, 8};
    struct dpf_filter f = {.count = 1 + draw(5)};
    unsigned shifts = 0;

    for (unsigned i = 0; i < f.count; i++) {
        struct dpf_atom *a = &f.atom[i];
        unsigned what = draw(8);
        a->offset = draw(6) * draw(4);
        if (what == 0 && shifts < DPF_SHIFTS) {
            *a = (struct dpf_atom){.kind = DPF_SHIFT, .width = 1 + (uint8_t)draw(2), .left = (uint8_t)draw(3),
                                   .add = (uint8_t)draw(5), .offset = a->offset, .mask = 1 + draw(15)};
            shifts++;
        } else if (what == 1) {
            a->kind = DPF_RANGE;
            a->width = widths[draw(3)];
            a->mask = a->width == 1 ? 0xff : a->width == 2 ? 0xffff : 0xffffffff;
            a->low = draw(3);
            a->high = a->low + draw(3);
        } else {
            *a = eq(a->offset, widths[draw(4)], draw(3));
            if (what == 2) {
                a->mask = 1 + draw(0x7f);
                a->low &= a->mask;
            }
        }
    }
    return f;
}

static void random_frame(void)
{
    memset(frames, 0xff, sizeof frames);
    frame_length = draw(40);
    for (unsigned i = 0; i < frame_length; i++)
        frame[i] = draw(4) ? 0 : (uint8_t)draw(3);
}

/* ---- tests ---- */

#define INSTALLED 200

static struct dpf_filter installed[INSTALLED];
static bool used[INSTALLED];
static unsigned born[INSTALLED]; /* the change that installed it */

/* Compiled code, the walk and the filters one by one say the same. */
static bool agree(void)
{
    uint64_t result = classify(NULL);
    uint32_t number = DPF_RESULT_NUMBER(result), depth = 0, last = 0;

    if (result == ~0UL)
        return false;
    for (unsigned i = 0; i < INSTALLED; i++)
        if (used[i] && (installed[i].count > depth || (installed[i].count == depth && born[i] > born[last])) &&
            dpf_match(&installed[i], frame, frame_length)) {
            depth = installed[i].count;
            last = i;
        }
    if (result >> 24 != depth || (!number) != (!depth)) {
        why = "not the longest match";
        return false;
    }
    if (number && (!used[number - 1] || !dpf_match(&installed[number - 1], frame, frame_length))) {
        why = "a filter that does not match";
        return false;
    }
    if (number && number - 1 != last) {
        why = "of two as long, the one that was installed before";
        return false;
    }
    if (dpf_walk(&d, frame, frame_length) != number) {
        why = "the walk says another";
        return false;
    }
    return true;
}

static bool change(void)
{
    static unsigned changes;
    unsigned i = draw(INSTALLED);

    if (used[i]) {
        used[i] = false;
        return dpf_remove(&d, &installed[i]) == 0;
    }
    do
        installed[i] = random_filter();
    while (dpf_check(&installed[i]));
    int error = dpf_insert(&d, &installed[i], i);
    used[i] = !error;
    born[i] = ++changes;
    return !error || error == DPF_DUPLICATE;
}

/* Until it is committed a change is not seen: compiled code says what was said before. */
static bool unseen(const struct dpf_filter *before, const bool *there)
{
    uint64_t result = classify(NULL);
    uint32_t depth = 0;

    for (unsigned i = 0; i < INSTALLED; i++)
        if (there[i] && before[i].count > depth && dpf_match(&before[i], frame, frame_length))
            depth = before[i].count;
    why = "a change is seen before it is committed";
    return result != ~0UL && result >> 24 == depth;
}

static bool change_unseen(void)
{
    static struct dpf_filter before[INSTALLED];
    static bool there[INSTALLED];

    memcpy(before, installed, sizeof before);
    memcpy(there, used, sizeof there);
    why = "a change was refused";
    if (!change())
        return false;
    for (unsigned i = 0; i < 4; i++) {
        random_frame();
        if (!unseen(before, there))
            return false;
    }
    return true;
}

/* Whoever would lose a frame to a filter that is not installed is among its rivals. */
static bool rivals_named(void)
{
    uint32_t rival[INSTALLED];
    struct dpf_filter f = random_filter();
    int count = dpf_check(&f) ? DPF_RIVALS : dpf_rivals(&d, &f, rival, INSTALLED);

    for (unsigned n = 0; count >= 0 && n < 4; n++) {
        random_frame();
        for (unsigned i = 0; dpf_match(&f, frame, frame_length) && i < INSTALLED; i++) {
            if (!used[i] || installed[i].count > f.count || !dpf_match(&installed[i], frame, frame_length))
                continue;
            int at = 0;
            while (at < count && rival[at] != i)
                at++;
            if (at == count) {
                why = "a rival is not named";
                return false;
            }
        }
    }
    return true;
}

static bool storm(unsigned rounds)
{
    setup();
    memset(used, 0, sizeof used);
    for (unsigned n = 0; n < rounds; n++) {
        if (!change_unseen())
            return false;
        if (!rivals_named())
            return false;
        dpf_commit(&d), dpf_reclaim(&d);
        for (unsigned i = 0; i < 8; i++) {
            random_frame();
            if (!agree())
                return false;
        }
    }
    for (unsigned i = 0; i < INSTALLED; i++) {
        if (used[i] && dpf_remove(&d, &installed[i])) {
            why = "not taken out";
            return false;
        }
        dpf_commit(&d), dpf_reclaim(&d);
    }
    why = "something was left behind";
    return d.filters == 0 && d.alternatives == 0 && d.data.free == DATA_CELLS && d.code.free == CODE_CELLS;
}

static uint64_t cost(unsigned filters)
{
    uint64_t count = 0;

    setup();
    for (unsigned i = 0; i < filters; i++) {
        struct dpf_filter f = connection(0x0a000100 + i * 7, (uint16_t)(1024 + i));
        if (dpf_check(&f) || dpf_insert(&d, &f, i))
            return 0;
        dpf_commit(&d), dpf_reclaim(&d);
    }
    tcp_frame(0x0a000100 + (filters - 1) * 7, (uint16_t)(1024 + filters - 1));
    return DPF_RESULT_NUMBER(classify(&count)) == filters ? count : 0;
}

static void test_refused(void)
{
    struct dpf_filter f = connection(1, 1), g;

    g = f, g.count = 0;
    tap(dpf_check(&g) == DPF_BAD_COUNT, "a filter without atoms is refused");
    g = f, g.count = DPF_ATOMS + 1;
    tap(dpf_check(&g) == DPF_BAD_COUNT, "a filter with too many atoms is refused");
    g = f, g.atom[0].kind = 9;
    tap(dpf_check(&g) == DPF_BAD_KIND, "an unknown kind is refused");
    g = f, g.atom[0].width = 3;
    tap(dpf_check(&g) == DPF_BAD_WIDTH, "a width of 3 is refused");
    g = f, g.atom[0].offset = 0xffffffff;
    tap(dpf_check(&g) == DPF_BAD_OFFSET, "an offset beyond all frames is refused");
    g = f, g.atom[0].mask = 0xff;
    tap(dpf_check(&g) == DPF_BAD_MASK, "a value outside its mask is refused");
    g = f, g.atom[4].left = 40;
    tap(dpf_check(&g) == DPF_BAD_SHIFT, "a shift without bound is refused");
    g = f, g.atom[0] = (struct dpf_atom){.kind = DPF_RANGE, .width = 2, .offset = 12, .mask = 0xffff, .low = 5, .high = 4};
    tap(dpf_check(&g) == DPF_BAD_RANGE, "an empty range is refused");
    tap(dpf_check(&f) == 0, "a connection's filter is taken");
}

/* IPv6: hop-by-hop, routing and destination options, each `words` of 8 bytes longer than 8, then TCP to a port; or any fewer of them. */
static struct dpf_filter chained(unsigned headers, uint16_t port)
{
    static const uint8_t kinds[] = {0, 43, 60, 6};
    struct dpf_filter f = {.count = 2};

    f.atom[0] = eq(12, 2, 0x86dd);
    f.atom[1] = eq(20, 1, headers ? kinds[0] : 6);
    for (unsigned i = 0; i < headers; i++) {
        f.atom[f.count++] = eq(54, 1, i + 1 < headers ? kinds[i + 1] : 6);
        f.atom[f.count++] = (struct dpf_atom){.kind = DPF_SHIFT, .width = 1, .left = 3, .add = 8, .offset = 55, .mask = 0x7f};
    }
    f.atom[f.count++] = eq(56, 2, port);
    return f;
}

static void chained_frame(unsigned headers, const uint8_t words[3], uint16_t port)
{
    static const uint8_t kinds[] = {0, 43, 60, 6};
    unsigned at = 54;

    memset(frames, 0, sizeof frames);
    put(12, 2, 0x86dd);
    frame[20] = headers ? 0 : 6;
    for (unsigned i = 0; i < headers; i++) {
        frame[at] = i + 1 < headers ? kinds[i + 1] : 6;
        frame[at + 1] = words[i];
        at += 8 + 8 * words[i];
    }
    put(at + 2, 2, port);
    frame_length = at + 4;
}

static void test_chain(void)
{
    static const uint8_t words[3] = {1, 0, 2};
    bool right = true, cut = true;

    setup();
    for (unsigned headers = 0; headers <= 3; headers++) {
        struct dpf_filter f = chained(headers, 80), g = chained(headers, 81);
        right &= dpf_insert(&d, &f, 10 + headers) == 0 && (dpf_commit(&d), dpf_reclaim(&d), dpf_insert(&d, &g, 20 + headers)) == 0;
        dpf_commit(&d);
        dpf_reclaim(&d);
    }
    for (unsigned headers = 0; headers <= 3; headers++)
        for (unsigned port = 80; port < 83; port++) {
            chained_frame(headers, words, (uint16_t)port);
            uint64_t found = classify(NULL);
            right &= port == 82 ? found == 0 : found && DPF_RESULT_NUMBER(found) == 1 + 10 * (port - 79) + headers;
            frame_length--; /* the port's last byte is not there */
            cut &= classify(NULL) == 0;
        }
    tap(right, "a chain of IPv6's extension headers is followed, to the third");
    tap(cut, "and not beyond the frame's end");
    struct dpf_filter more = chained(3, 80);
    more.atom[more.count++] = more.atom[3];
    tap(dpf_check(&more) == DPF_BAD_SHIFT, "a fourth shift is refused");
}

static void test_overlap(void)
{
    struct dpf_filter a = connection(1, 1), b = connection(1, 2), c = connection(1, 1);

    c.count = 4;
    tap(!dpf_overlap(&a, &b), "filters of different ports do not overlap");
    tap(dpf_overlap(&a, &c) && dpf_overlap(&c, &a), "a prefix overlaps what extends it");
    tap(dpf_refines(&c, &a) && !dpf_refines(&a, &c), "and is refined by it");
    bool sound = true;
    for (unsigned i = 0; i < 200000 && sound; i++) {
        struct dpf_filter f = random_filter(), g = random_filter();
        if (dpf_check(&f) || dpf_check(&g))
            continue;
        random_frame();
        if (dpf_match(&f, frame, frame_length) && dpf_match(&g, frame, frame_length))
            sound = dpf_overlap(&f, &g);
    }
    tap(sound, "no frame matches two filters that are said not to overlap");
}

static void test_refines(void)
{
    struct dpf_filter range = connection(1, 1), one = connection(1, 80), short_load = connection(1, 1);
    bool sound = true;

    for (unsigned i = 0; i < range.count; i++)
        if (range.atom[i].kind == DPF_EQ && range.atom[i].low == 1 && range.atom[i].width == 2)
            range.atom[i] = (struct dpf_atom){.kind = DPF_RANGE, .width = 2, .offset = range.atom[i].offset, .mask = 0xffff,
                                              .low = 70, .high = 90};
    tap(dpf_refines(&range, &one) && !dpf_refines(&one, &range), "a port refines a range that holds it");
    one = connection(1, 91);
    tap(!dpf_refines(&range, &one), "a port outside does not");
    short_load.count = 1;
    short_load.atom[0] = (struct dpf_atom){.kind = DPF_EQ, .width = 4, .offset = 12, .mask = 0xffff0000, .low = 0x08000000};
    one = connection(1, 1), one.count = 1;
    tap(!dpf_refines(&short_load, &one), "what loads fewer bytes does not, though it knows all bits");
    for (unsigned i = 0; i < 200000 && sound; i++) {
        struct dpf_filter f = random_filter(), g = random_filter();
        if (dpf_check(&f) || dpf_check(&g) || !dpf_refines(&f, &g))
            continue;
        random_frame();
        sound = !dpf_match(&g, frame, frame_length) || dpf_match(&f, frame, frame_length);
    }
    tap(sound, "no frame matches a refinement but not what it refines");
}

/* Sockets come and go: the table of a port neither grows nor keeps what is gone. */
static void test_churn(void)
{
    setup();
    for (unsigned i = 0; i < 20; i++) {
        struct dpf_filter f = connection(7, (uint16_t)(i + 1));
        dpf_insert(&d, &f, i), dpf_commit(&d), dpf_reclaim(&d);
    }
    uint32_t data_free = d.data.free, code_free = d.code.free;
    bool good = true;
    for (unsigned i = 0; i < 20000 && good; i++) {
        struct dpf_filter f = connection(7, (uint16_t)(100 + i));
        good = !dpf_insert(&d, &f, 99);
        dpf_commit(&d), dpf_reclaim(&d);
        good &= !dpf_remove(&d, &f);
        dpf_commit(&d), dpf_reclaim(&d);
    }
    tap(good && d.data.free + 64 >= data_free && d.code.free == code_free, "a table in which 20,000 keys came and went is no larger");
}

static void test_validator(void)
{
    static const struct dpf_state begin;
    static const uint32_t bad[][3] = {
        {RV64_LOAD(LOAD_WORD, T0, A0, 0), RV64_LOAD(LOAD_DOUBLE, T1, A7, 16), RV64_JR(T1)}, /* nothing was checked */
        {RV64_ADDI(T1, X0, 0), RV64_JR(T1), RV64_JR(T1)},                                   /* to a number */
        {RV64_LOAD(LOAD_DOUBLE, T1, A7, -8), RV64_JR(T1), RV64_JR(T1)},                     /* before the slots */
        {0x00b53023, RV64_LOAD(LOAD_DOUBLE, T1, A7, 16), RV64_JR(T1)},                      /* a store */
        {0x00000073, RV64_LOAD(LOAD_DOUBLE, T1, A7, 16), RV64_JR(T1)},                      /* ecall */
        {RV64_B(BRANCH_EQ, X0, X0, -4), RV64_LOAD(LOAD_DOUBLE, T1, A7, 16), RV64_JR(T1)},   /* backwards */
        {RV64_B(BRANCH_EQ, X0, X0, 2), RV64_LOAD(LOAD_DOUBLE, T1, A7, 16), RV64_JR(T1)},    /* into an instruction */
        {RV64_B(BRANCH_EQ, X0, X0, 64), RV64_LOAD(LOAD_DOUBLE, T1, A7, 16), RV64_JR(T1)},   /* out */
        {RV64_ADDI(A3, A7, 0), RV64_LOAD(LOAD_DOUBLE, T1, A7, 16), RV64_JR(T1)},            /* a base out of nothing */
        {RV64_ADDI(RA, X0, 0), RV64_LOAD(LOAD_DOUBLE, T1, A7, 16), RV64_JR(T1)},            /* ra */
        {RV64_LOAD(LOAD_DOUBLE, T1, A7, 16), RV64_LOAD(LOAD_DOUBLE, T2, T1, 0), RV64_JR(T2)}, /* through a slot's word */
        {RV64_ADDI(A0, X0, 1), RV64_ADDI(T0, X0, 0), RV64_JR(RA)},                          /* accepting without a slot */
        {RV64_ADDI(T0, X0, 0), RV64_ADDI(T0, X0, 0), RV64_ADDI(T0, X0, 0)},                 /* no end */
    };
    bool all = true;

    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
        all &= !validate(bad[i], 3, DPF_SLOTS, d.last, &begin);
    tap(all, "the validator refuses what reads, writes or jumps elsewhere");
    static const uint32_t good[] = {RV64_LOAD(LOAD_DOUBLE, T1, A7, 16), RV64_JR(T1)};
    tap(validate(good, 2, DPF_SLOTS, d.last, &begin) && !validate(good, 2, 2, d.last, &begin) && !validate(good, 1, DPF_SLOTS, d.last, &begin),
        "and takes a jump through a slot that there is");
}

int main(void)
{
    test_refused();
    test_chain();
    test_overlap();
    test_refines();
    test_churn();
    test_validator();
    bool good = true;
    for (seed = 1; seed < 200 && good; seed += 7) {
        unsigned first = seed;
        good = storm(300);
        if (!good)
            printf("# seed %u: %s\n", first, why);
        seed = first;
    }
    tap(good, "compiled filters, the trie and the filters one by one agree while filters come and go");
    uint64_t ten = cost(10), thousand = cost(1000);
    printf("# %lu instructions with 10 filters, %lu with 1,000\n", ten, thousand);
    tap(ten && ten <= 45, "a connection of ten is found in 45 instructions");
    tap(thousand && 10 * thousand <= 13 * ten, "and of a thousand in 1.3 times that");
    return tap_failed;
}
