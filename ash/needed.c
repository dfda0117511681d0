/* SPDX-License-Identifier: BSD-2-Clause */
/* Backwards, until nothing changes: what is read; what becomes an address, what that is made of, what a comparison bounds it by. */
#include "needed.h"

#include <stdlib.h>

#include "decode.h"
#include "encode.h"

#define BIT(r)  (1U << (r))
#define CALLED  (BIT(X_RA) | 255U << X_A0 | 7U << X_T0 | 15U << 28) /* what a call leaves nothing of */

/* What an instruction reads. */
static uint32_t reads_of(uint32_t w, enum ash_op op)
{
    uint32_t a = BIT(rs1_of(w)), b = BIT(rs2_of(w));

    if (op == OP_lui || op == OP_jal || op == OP_fence)
        return 0;
    return op == OP_jalr || (op >= OP_lb && op <= OP_lwu) || (op >= OP_addi && op <= OP_sraiw) ? a : a | b;
}

/* ---- code that is for nothing ---- */

static uint32_t live_at(const uint32_t *live, uint32_t count, int32_t target)
{
    return target >= 0 && (uint32_t)target < count ? live[target] : ~0U;
}

/* What is read from instruction i on. An end wants a0, a call its arguments. */
static uint32_t live_before(const struct ash_source *s, uint32_t count, const uint32_t *live, uint32_t i)
{
    uint32_t w = s[i].word, after = live[i + 1];
    enum ash_op op = ash_decode(w);

    if (op == OP_jalr)
        return rd_of(w) ? (after & ~CALLED) | 3U << X_A0 : BIT(X_A0);
    if (op == OP_jal)
        return live_at(live, count, s[i].target);
    if (op >= OP_beq && op <= OP_bgeu)
        return after | live_at(live, count, s[i].target) | reads_of(w, op);
    if (op >= OP_sb && op <= OP_sd)
        return after | reads_of(w, op);
    return op == OP_amo_w || op == OP_amo_d || after >> rd_of(w) & 1 ? (after & ~BIT(rd_of(w))) | reads_of(w, op) : after;
}

/* Its result is not read. */
static bool is_dead(uint32_t w, uint32_t after)
{
    enum ash_op op = ash_decode(w);
    bool value = op == OP_lui || (op >= OP_lb && op <= OP_lwu) || op >= OP_addi;

    return value && ASH_WRITABLE >> rd_of(w) & 1 && !(after >> rd_of(w) & 1);
}

void ash_drop_dead(struct ash_source *s, uint32_t count)
{
    uint32_t *live = calloc(count + 1, sizeof *live);
    bool more = true;

    if (!live)
        abort();
    while (more) {
        more = false;
        for (uint32_t i = count; i-- > 0;) {
            uint32_t before = live_before(s, count, live, i);
            more |= before != live[i];
            live[i] = before;
        }
    }
    for (uint32_t i = 0; i < count; i++)
        if (is_dead(s[i].word, live[i + 1]))
            s[i] = (struct ash_source){.word = NOP, .target = -1, .address = s[i].address};
    free(live);
}

/* ---- what bounds are for ---- */

static uint32_t at_target(const struct ash_result *r, const uint32_t *needed, int64_t at)
{
    for (uint32_t i = 0; i < r->labels; i++)
        if (r->label[i].at == at)
            return needed[i];
    return 0;
}

/* What is needed before instruction `at`, when `after` is needed behind it. */
static uint32_t before(const struct ash_result *r, const uint32_t *needed, uint32_t at, uint32_t after)
{
    uint32_t w = r->word[at], reads;
    enum ash_op op = ash_decode(w);

    reads = reads_of(w, op);
    if ((op == OP_andi && i_immediate(w) >= 0) || (op == OP_and && rs2_of(w) == ASH_MASK))
        reads = 0; /* which bounds it by itself */
    if (op == OP_jal)
        return at_target(r, needed, at + j_immediate(w) / 4);
    if (op == OP_jalr)
        return rd_of(w) ? after & ~CALLED : 0;
    if (op >= OP_beq && op <= OP_bgeu) {
        after |= at_target(r, needed, at + b_immediate(w) / 4);
        return op >= OP_blt && after & reads ? after | reads : after; /* each bounds the other */
    }
    if (op >= OP_sb && op <= OP_sd)
        return after | BIT(rs1_of(w));
    if ((op >= OP_lb && op <= OP_lwu) || op == OP_amo_w || op == OP_amo_d)
        return (after & ~BIT(rd_of(w))) | BIT(rs1_of(w));
    return after >> rd_of(w) & 1 ? (after & ~BIT(rd_of(w))) | reads : after;
}

static bool backwards(const struct ash_result *r, uint32_t *needed)
{
    uint32_t now = 0, label = r->labels;
    bool more = false;

    for (uint32_t at = r->words; at-- > 0;) {
        if (label)
            r->label[label - 1].tracked |= now & ASH_WRITABLE;
        now = before(r, needed, at, now);
        if (label && r->label[label - 1].at == at) {
            label--;
            more |= (now & ~needed[label]) != 0;
            needed[label] |= now;
        }
    }
    return more;
}

void ash_claims_needed(struct ash_result *r)
{
    uint32_t *needed = calloc(r->labels + 1, sizeof *needed), knowns = 0;

    if (!needed)
        abort();
    while (backwards(r, needed))
        ;
    for (uint32_t i = 0; i < r->labels; i++) {
        struct ash_label *l = &r->label[i];
        const struct ash_known *k = &r->known[l->first], *end = k + l->count;
        l->first = (uint16_t)knowns;
        l->tracked |= needed[i] & ASH_WRITABLE;
        for (; k < end; k++)
            if (needed[i] >> k->reg & 1)
                r->known[knowns++] = *k;
        l->count = (uint16_t)(knowns - l->first);
    }
    r->knowns = knowns;
    free(needed);
}
