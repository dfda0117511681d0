/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: ash/verify.c ash/decode.c tests/host/rv64.c */
/* flags: -I. -Itests/host */
/* how: -max_total_time=60 -seed=1 -max_len=600 -len_control=0 -timeout=10 */
/*
 * Random handlers: what the verifier takes is run with random frames and windows, each access watched. The bytes are read as
 * a program that is plausible (labels claim what is known there, mostly), as random code would hardly ever be taken. It is
 * run twice, with other values in what is not the handler's: nothing that it leaves behind may differ.
 */
#include <string.h>

#include "ash/decode.h"
#include "ash/encode.h"
#include "ash_run.h"

#define WORDS  256
#define LABELS 48
#define WINDOW ASH_WINDOW_MIN

static const uint8_t *bytes, *bytes_end;

static uint32_t word[WORDS];
static unsigned words;
static struct ash_label label[LABELS];
static struct ash_known known[LABELS * 32];
static unsigned labels, knowns;

/* Branches forward whose label is still to come. */
static struct { unsigned at; struct ash_state state; } open[16];
static unsigned opened;

static struct ash_verifier v;

static uint32_t draw(uint32_t n)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < (n > 256 ? 4 : 1); i++)
        value = value << 8 | (bytes < bytes_end ? *bytes++ : 0);
    return n ? value % n : value;
}

static void emit(uint32_t w)
{
    if (words < WORDS)
        word[words++] = w;
}

static unsigned reg(void)
{
    static const uint8_t some[] = {5, 6, 7, 10, 11, 2, 8, 28, 23, 24, 25, 26, 27, 0, 1, 3};
    return some[draw(64) < 60 ? draw(9) : draw(16)];
}

/* One that is not reserved, mostly. */
static unsigned target(void)
{
    static const uint8_t some[] = {5, 6, 7, 10, 11, 2, 8, 28};
    return draw(64) ? some[draw(8)] : draw(32);
}

static unsigned base(void)
{
    return draw(4) ? target() : draw(2) ? ASH_WINDOW : ASH_FRAME;
}

/* What is known here, each bound perhaps loosened or left out; now and then a lie. */
static void claim(const struct ash_state *s)
{
    struct ash_label *l = &label[labels];

    *l = (struct ash_label){.at = words, .set = s->set & ASH_WRITABLE, .tracked = ASH_WRITABLE, .first = (uint16_t)knowns};
    for (unsigned r = 1; r < 32; r++) {
        int32_t wide = (int32_t)draw(4) * 1024;
        if (!(ASH_WRITABLE >> r & 1) || s->reg[r].kind == ASH_ANY || draw(8) == 0)
            continue;
        known[knowns++] = (struct ash_known){(uint8_t)r, (uint8_t)s->reg[r].kind, 0, (int32_t)(s->reg[r].low - wide), (int32_t)(s->reg[r].high + wide)};
        l->count++;
    }
    if (draw(32) == 0)
        l->set |= draw(0);
    if (draw(3) == 0) { /* what is not claimed may be left untracked */
        l->tracked = draw(0);
        for (unsigned i = 0; i < l->count; i++)
            l->tracked |= 1U << known[l->first + i].reg;
        l->tracked &= ASH_WRITABLE;
    }
    if (l->count && draw(32) == 0)
        known[knowns - 1].high = (int32_t)((uint32_t)known[knowns - 1].high - draw(64));
    labels++;
}

/* The hull of two states. */
static void join(struct ash_state *s, const struct ash_state *t)
{
    s->set &= t->set;
    for (unsigned r = 0; r < 32; r++) {
        if (s->reg[r].kind != t->reg[r].kind)
            s->reg[r].kind = ASH_ANY;
        s->reg[r].low = s->reg[r].low < t->reg[r].low ? s->reg[r].low : t->reg[r].low;
        s->reg[r].high = s->reg[r].high > t->reg[r].high ? s->reg[r].high : t->reg[r].high;
    }
}

static void here(void)
{
    struct ash_state s = v.now;
    bool any = v.reached;

    if (labels == LABELS || (labels && label[labels - 1].at == words))
        return;
    for (unsigned i = 0; i < opened; i++) {
        int32_t far = (int32_t)(words - open[i].at) * 4;
        uint32_t *w = &word[open[i].at];
        *w = (*w & 0x7f) == 0x6f ? with_j_offset(*w, far) : with_b_offset(*w, far);
        if (any)
            join(&s, &open[i].state);
        else
            s = open[i].state;
        any = true;
    }
    opened = 0;
    claim(&s);
}

/* The pass, as far as there is code: so that what is known is known. What it refuses is left as it is. */
static void follow(void)
{
    v.code.words = words;
    v.code.labels = labels;
    v.code.knowns = knowns;
    while (v.at < words) {
        uint32_t w = word[v.at];
        bool to_come = ((w & 0x7f) == 0x63 || (w & 0x7f) == 0x6f) && opened && open[opened - 1].at == v.at;
        if (to_come) { /* a branch whose label does not stand yet changes nothing */
            v.reached = (w & 0x7f) != 0x6f;
            if (v.pending) {
                v.paid += v.pending;
                v.pending = 0;
            }
            v.at++;
        } else {
            enum ash_error e = ash_verify_step(&v, 1);
            if (e != ASH_MORE && v.at < words)
                v.at++;
        }
    }
}

static void branch_forward(uint32_t w)
{
    if (opened == 16)
        return here();
    open[opened].at = words;
    emit(w);
    open[opened++].state = v.now;
}

static void branch_back(void)
{
    unsigned to, far;

    if (!labels)
        return;
    to = label[draw(labels)].at;
    far = words - to + (draw(16) ? 2 : 1);
    emit(ADDI(X_S8, X_S8, -(int32_t)far));
    emit(BGE(X_S8, 0, -4 * (int32_t)(words - to)));
}

static void arithmetic(void)
{
    static const uint8_t functions[] = {0, 7, 0, 7, 6, 4, 2, 3, 1, 5};
    unsigned f = functions[draw(10)];

    switch (draw(6)) {
    case 0:
        return emit(f == 1 || f == 5 ? encode_i(0x13, f, target(), reg(), (int)(draw(64) | draw(2) << 10 * (f == 5))) :
                                       encode_i(0x13, f, target(), reg(), (int)draw(0) >> draw(20)));
    case 1:
        return emit(encode_i(0x1b, draw(2) ? 0 : draw(2) ? 1 : 5, target(), reg(), (int)draw(32)));
    case 2:
        return emit(LUI(target(), draw(4) ? draw(8) : draw(1 << 20)));
    case 3:
        return emit(encode_r(0x33, draw(8), draw(3) ? 0 : draw(2) ? 1 : 0x20, target(), reg(), reg()));
    case 4:
        return emit(encode_r(0x3b, draw(8), draw(3) ? 0 : draw(2) ? 1 : 0x20, target(), reg(), reg()));
    default:
        return emit(ADD(target(), base(), reg()));
    }
}

static void one(void)
{
    unsigned r;

    switch (draw(12)) {
    case 0:
        return here();
    case 1:
        return branch_forward(draw(4) ? encode_b((0x765410 >> 4 * draw(6)) & 7, reg(), reg(), 4) : JAL(0, 4));
    case 2:
        return branch_back();
    case 3:
    case 4:
        return emit(encode_i(0x03, draw(7), target(), base(), draw(4) ? (int)draw(64) : (int)draw(4096) - 2048));
    case 5:
        return emit(encode_s(draw(4), reg(), base(), draw(4) ? (int)draw(64) : (int)draw(4096) - 2048));
    case 6:
        r = target();
        emit(AND(r, reg(), X_S9));
        return emit(ADD(r, r, X_S10));
    case 7:
        return emit(draw(4) ? AMO(4 * draw(8), 2 + draw(2), target(), reg(), base()) : draw(0));
    case 8:
        return emit(JALR(1, 16 * (int)(1 + draw(ASH_CALL_END)), X_S11));
    default:
        return arithmetic();
    }
}

static void generate(void)
{
    struct ash_code code = {word, label, known, 1, 0, 0, WINDOW};

    words = labels = knowns = opened = 0;
    ash_verify_begin(&v, &code);
    while (bytes < bytes_end && words < WORDS - 8) {
        one();
        follow();
    }
    if (opened)
        here();
    emit(ADDI(X_A0, 0, 0));
    emit(JALR(0, 0, X_S11));
}

static void fill(uint8_t *at, size_t size, uint32_t seed)
{
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525 + 1013904223;
        at[i] = (uint8_t)(seed >> 24);
    }
}

static uint64_t answer(unsigned number, const uint64_t *arguments)
{
    return number * 77 + (number <= 4 && number != 3 && number != 2 ? arguments[0] : 0);
}

static uint8_t left[2][WINDOW + ASH_FRAME_SIZE];

static void run_once(unsigned which, uint32_t seed, uint64_t *result)
{
    struct rv64 c;
    enum run_end end;

    fill(run.window, WINDOW, seed);
    fill(run.frame, ASH_FRAME_SIZE, seed + 1);
    run.poison = which ? 0x123456789abcdef1 : 0xfedcba9876543211;
    run.call = answer;
    end = run_handler(&c, seed % ASH_FRAME_MAX, 3000);
    if (end == RUN_BROKEN) {
        printf("%s\n", run.broken);
        abort();
    }
    *result = end == RUN_ENDED ? c.x[10] : ~0UL;
    memcpy(left[which], run.window, WINDOW);
    memcpy(left[which] + WINDOW, run.frame, ASH_FRAME_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ash_code code;
    uint64_t result[2];

    bytes = data;
    bytes_end = data + size;
    generate();
    code = (struct ash_code){word, label, known, words, labels, knowns, WINDOW};
    ash_verify_begin(&v, &code);
    if (ash_verify_step(&v, ~0U) != ASH_GOOD)
        return 0;
    run_begin(&code);
    for (uint32_t seed = 0; seed < 4; seed++) {
        run_once(0, seed * 999 + (uint32_t)size, &result[0]);
        run_once(1, seed * 999 + (uint32_t)size, &result[1]);
        if (result[0] != result[1] || memcmp(left[0], left[1], sizeof left[0])) {
            printf("what is not its own shows\n");
            abort();
        }
    }
    return 0;
}
