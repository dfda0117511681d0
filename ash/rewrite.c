/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two passes over the reachable code. The first finds what is known at each label: from the beginning on, until nothing
 * changes. The second writes the code, guards where what is known does not do, and fuel before each jump back.
 */
#include "rewrite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "encode.h"
#include "flow.h"
#include "needed.h"

#define SPENT (-2)   /* a target: where fuel is over */
#define AROUND (-3)  /* a target: behind the jump that follows */
#define OFTEN 4      /* after so many changes of a label its bounds jump */
#define END_MAX 16   /* instructions of an end that is written again */
#define FAR   2000   /* bytes: a place for SPENT at least this often */

/* An instruction that is to be written. */
struct out {
    uint32_t word;
    int32_t target; /* source instruction, SPENT, AROUND, or -1 */
    uint32_t from;  /* source instruction */
    bool fuel;      /* takes fuel for the jump back behind it */
    bool spent;     /* the place for SPENT begins */
    struct ash_state *behind; /* a branch: what is known when it was not taken */
};

struct rewriter {
    const struct ash_program *p;
    struct ash_result *r;
    struct flow *at_label; /* by source instruction */
    uint8_t *is_label, *reached, *changes, *waiting;
    struct flow_stack stack;
    struct out *out;
    uint32_t outs, room;
    uint32_t *place; /* by source instruction: where its first word went */
    bool writing, failed;
    uint32_t now;    /* source instruction */
};

static bool fail(struct rewriter *w, const char *message)
{
    if (!w->failed) {
        snprintf(w->r->message, sizeof w->r->message, "%s", message);
        w->r->address = w->p->source[w->now].address;
    }
    w->failed = true;
    return false;
}

const char *ash_error_text(enum ash_error error)
{
    static const char *const text[ASH_ERRORS] = {
        "safe", "not at its end yet", "no code, or too much of it", "a window of an impossible size", "a label that cannot be",
        "an instruction that handlers may not have", "a reserved register is written", "a register is read that was never set",
        "memory through something that is no address", "memory outside of the window", "a jump to where nothing begins",
        "a label claims more than is known", "a jump back without fuel", "fuel is taken and not looked at",
        "an indirect jump or call", "code that nothing leads to", "code that goes on behind its end"};
    return error < ASH_ERRORS && text[error] ? text[error] : "?";
}

static void put(struct rewriter *w, uint32_t word, int32_t target)
{
    if (!w->writing)
        return;
    if (w->outs == w->room) {
        w->room = w->room ? 2 * w->room : 256;
        w->out = realloc(w->out, w->room * sizeof *w->out);
        if (!w->out)
            abort();
    }
    w->out[w->outs++] = (struct out){.word = word, .target = target, .from = w->now};
}

/* ---- ends ---- */

/* How many instructions straight on from `at` to an end, if few; else 0. */
static uint32_t straight_to_end(const struct ash_source *s, uint32_t count, uint32_t at)
{
    for (uint32_t n = 0; n < END_MAX && at + n < count; n++) {
        enum ash_op op = ash_decode(s[at + n].word);
        if (op == OP_jalr && !rd_of(s[at + n].word))
            return n + 1;
        if ((op >= OP_beq && op <= OP_bgeu) || op == OP_jal)
            return 0;
    }
    return 0;
}

/*
 * Compilers like to jump back to an end that stands somewhere already; that is no loop and shall take no fuel. Such ends are
 * written once more, behind everything. The new program's source is to be freed.
 */
static struct ash_program with_ends(const struct ash_program *p)
{
    struct ash_source *s = malloc((size_t)p->count * (1 + END_MAX) * sizeof *s);
    uint32_t *again = calloc(p->count, sizeof *again);
    struct ash_program all = *p;

    if (!s || !again)
        abort();
    memcpy(s, p->source, p->count * sizeof *s);
    for (uint32_t i = 0; i < p->count; i++) {
        uint32_t to = (uint32_t)s[i].target, n;
        if (s[i].target < 0 || to > i || !(n = straight_to_end(s, p->count, to)))
            continue;
        if (!again[to]) {
            again[to] = all.count;
            memcpy(&s[all.count], &s[to], n * sizeof *s);
            all.count += n;
        }
        s[i].target = (int32_t)again[to];
    }
    free(again);
    ash_drop_dead(s, all.count);
    all.source = s;
    return all;
}

/* ---- one instruction ---- */

/* One that is no branch: written, and followed. False: the verifier would refuse it, and nothing happened. */
static enum ash_error follow(struct rewriter *w, struct flow *f, uint32_t word)
{
    struct ash_verifier v = {.code = {.window = w->p->window, .words = 1}, .now = f->state, .tracked = ASH_WRITABLE, .reached = true, .next = ~0UL};
    struct flow before = *f;
    enum ash_error error;

    flow_step(f, &w->stack, w->p->window, word);
    error = ash_step(&v, word);
    if (error) {
        *f = before;
        return error;
    }
    f->state = v.now;
    put(w, word, -1);
    return ASH_GOOD;
}

static bool must_follow(struct rewriter *w, struct flow *f, uint32_t word)
{
    enum ash_error error = follow(w, f, word);
    return !error || fail(w, ash_error_text(error));
}

static bool guard_frame(struct rewriter *w, struct flow *f, unsigned r)
{
    return must_follow(w, f, SUB(X_T6, r, ASH_FRAME)) && must_follow(w, f, ANDI(X_T6, X_T6, 2047)) &&
           must_follow(w, f, ADD(X_T6, X_T6, ASH_FRAME));
}

static bool guard_window(struct rewriter *w, struct flow *f, unsigned r)
{
    const struct ash_state *s = &f->state;

    if (s->reg[r].kind == ASH_NUMBER && s->reg[r].low >= 0 && s->reg[r].high < (int64_t)w->p->window) /* a place counted from the base */
        return must_follow(w, f, ADD(X_T6, r, ASH_WINDOW));
    return must_follow(w, f, AND(X_T6, r, ASH_MASK)) && must_follow(w, f, ADD(X_T6, X_T6, ASH_WINDOW));
}

/* Memory through r, of which too little is known: t6 is made of it first, unless it was already. */
static bool guarded(struct rewriter *w, struct flow *f, uint32_t word)
{
    unsigned r = rs1_of(word), from = flow_from(f, r);
    uint32_t instead = (word & ~(31U << 15)) | (uint32_t)X_T6 << 15;

    if (from == FROM_BOTH)
        return fail(w, "an address that may be one of the frame or one of the window");
    w->r->guards += w->writing;
    if (f->guarded == r && follow(w, f, instead) == ASH_GOOD)
        return true;
    if (!(from == FROM_FRAME ? guard_frame(w, f, r) : guard_window(w, f, r)))
        return false;
    f->guarded = (uint8_t)r;
    return must_follow(w, f, instead);
}

static bool memory(struct rewriter *w, struct flow *f, uint32_t word, enum ash_op op)
{
    enum ash_error error;

    if (op >= OP_sb && op <= OP_sd && flow_from(f, rs2_of(word)) & FROM_FRAME && rs1_of(word) != X_SP)
        return fail(w, "the frame's address is stored; it is another one the next time");
    if (!rd_of(word) && ((op >= OP_lb && op <= OP_lwu) || op == OP_amo_w || op == OP_amo_d))
        word |= (uint32_t)X_T6 << 7; /* its value is not wanted */
    error = follow(w, f, word);
    if (error == ASH_NOT_ADDRESS || error == ASH_OUTSIDE)
        return guarded(w, f, word);
    return !error || fail(w, ash_error_text(error));
}

/* A place in the window, of which the linker knew the distance from the base. */
static bool data_place(struct rewriter *w, struct flow *f, uint32_t word)
{
    unsigned rd = rd_of(word);

    if (!(word & 0xfffff000))
        return must_follow(w, f, ADDI(rd, ASH_WINDOW, 0));
    return must_follow(w, f, word) && must_follow(w, f, ADD(rd, rd, ASH_WINDOW));
}

/* ---- control ---- */

/* What is known in f is known at `target`. */
static void leads_to(struct rewriter *w, const struct flow *f, uint32_t target)
{
    struct flow there = *f;

    if (w->writing)
        return;
    there.guarded = 0;
    flow_claimable(&there);
    if (!w->reached[target]) {
        w->at_label[target] = there;
        w->reached[target] = w->waiting[target] = 1;
    } else if (flow_join(&w->at_label[target], &there, w->changes[target] > OFTEN)) {
        w->waiting[target] = 1;
        w->changes[target] += w->changes[target] < 255;
    }
}

static void take_fuel(struct rewriter *w)
{
    put(w, ADDI(ASH_FUEL, ASH_FUEL, -1), -1);
    if (w->writing)
        w->out[w->outs - 1].fuel = true;
}

/* Where fuel is over, a place for it: behind what does not go on. */
static void put_spent(struct rewriter *w)
{
    uint32_t first = w->outs;

    put(w, ADDI(X_A0, 0, ASH_SPENT), -1);
    put(w, JALR(0, 0, ASH_ENTRIES), -1);
    if (w->writing)
        w->out[first].spent = true;
}

static bool branch(struct rewriter *w, struct flow *f, const struct ash_source *s)
{
    struct flow taken = *f;
    uint32_t reads = (1U << rs1_of(s->word) | 1U << rs2_of(s->word)) & ~f->state.set;

    if (reads)
        return fail(w, ash_error_text(ASH_UNSET));
    if ((uint32_t)s->target <= w->now) {
        take_fuel(w);
        put(w, BLT(ASH_FUEL, 0, 0), SPENT);
    }
    put(w, s->word, s->target);
    ash_compared(&taken.state, ASH_WRITABLE, s->word, true);
    leads_to(w, &taken, (uint32_t)s->target);
    ash_compared(&f->state, ASH_WRITABLE, s->word, false);
    if (w->writing) {
        struct ash_state *behind = malloc(sizeof *behind);
        if (!behind)
            abort();
        *behind = f->state;
        for (unsigned r = 0; r < 32; r++)
            if (behind->reg[r].low < INT32_MIN || behind->reg[r].high > INT32_MAX)
                behind->reg[r].kind = ASH_ANY;
        w->out[w->outs - 1].behind = behind;
    }
    return true;
}

static bool jump(struct rewriter *w, struct flow *f, const struct ash_source *s)
{
    if (rd_of(s->word))
        return fail(w, "a call of a function: inline it (recursion cannot be)");
    if ((uint32_t)s->target <= w->now) {
        take_fuel(w);
        put(w, BLT(ASH_FUEL, 0, 0), SPENT);
    }
    put(w, JAL(0, 0), s->target);
    leads_to(w, f, (uint32_t)s->target);
    return true;
}

static bool indirect(struct rewriter *w, struct flow *f, const struct ash_source *s)
{
    if (rs1_of(s->word) == ASH_ENTRIES)
        return must_follow(w, f, s->word);
    if (s->word == JALR(0, 0, X_RA))
        return must_follow(w, f, JALR(0, 0, ASH_ENTRIES));
    return fail(w, rd_of(s->word) ? "a call through a pointer, or of a function of a library" : "a jump through a register (a table of a switch?)");
}

/* One source instruction. *on: the next one follows. */
static bool one(struct rewriter *w, struct flow *f, bool *on)
{
    const struct ash_source *s = &w->p->source[w->now];
    enum ash_op op = ash_decode(s->word);

    *on = op != OP_jal && !(op == OP_jalr && !rd_of(s->word));
    if (op >= OP_beq && op <= OP_bgeu)
        return branch(w, f, s);
    if (op == OP_jal)
        return jump(w, f, s);
    if (op == OP_jalr)
        return indirect(w, f, s);
    if ((op >= OP_lb && op <= OP_sd) || op == OP_amo_w || op == OP_amo_d)
        return memory(w, f, s->word, op);
    if (op == OP_lui && s->data)
        return data_place(w, f, s->word);
    if (op != OP_NONE && op != OP_fence && (!rd_of(s->word) || s->word == ADDI(rd_of(s->word), rd_of(s->word), 0)))
        return true; /* nothing */
    return must_follow(w, f, s->word);
}

/* From a label until the code does not go on, or the next label. */
static bool run(struct rewriter *w, uint32_t from)
{
    struct flow f = w->at_label[from];
    bool on = true;

    for (w->now = from; on; w->now++) {
        if (w->now >= w->p->count) {
            w->now--;
            return fail(w, ash_error_text(ASH_FALLS_OFF));
        }
        if (w->now != from && w->is_label[w->now]) {
            leads_to(w, &f, w->now);
            return true;
        }
        w->place[w->now] = w->writing && !w->place[w->now] ? w->outs + 1 : w->place[w->now];
        if (!one(w, &f, &on))
            return false;
    }
    return true;
}

/* ---- the passes ---- */

static bool analyse(struct rewriter *w)
{
    struct flow first = {0};
    bool again = true;

    ash_state_begin(&first.state, w->p->window);
    leads_to(w, &first, w->p->entry);
    while (again) {
        again = w->stack.changed;
        w->stack.changed = false;
        for (uint32_t i = 0; i < w->p->count; i++) {
            if (!w->reached[i] || (!w->waiting[i] && !again))
                continue;
            w->waiting[i] = 0;
            if (!run(w, i))
                return false;
        }
        again = w->stack.changed;
        for (uint32_t i = 0; i < w->p->count; i++)
            again |= w->waiting[i];
    }
    return true;
}

/* The code, in the order it had; the entry first. */
static bool any_loop(const struct rewriter *w)
{
    for (uint32_t i = 0; i < w->outs; i++)
        if (w->out[i].target == SPENT)
            return true;
    return false;
}

static bool write_code(struct rewriter *w)
{
    uint32_t last_spent = 0;

    w->writing = true;
    if (w->p->entry != 0) {
        w->now = w->p->entry;
        put(w, JAL(0, 0), (int32_t)w->p->entry);
        if (!w->is_label[w->p->entry])
            return fail(w, "the entry is no label");
    }
    for (uint32_t i = 0; i < w->p->count; i++) {
        if (!w->reached[i])
            continue;
        if (!run(w, i))
            return false;
        uint32_t last = w->out[w->outs - 1].word;
        if ((w->outs - last_spent) * 4 > FAR && any_loop(w) && ((last & 0x7f) == 0x6f || (last & 0xfff) == 0x67)) {
            put_spent(w);
            last_spent = w->outs;
        }
    }
    if (any_loop(w))
        put_spent(w);
    return true;
}

static uint32_t nearest_spent(const struct rewriter *w, uint32_t from)
{
    uint32_t best = 0;

    for (uint32_t i = 0; i < w->outs; i++)
        if (w->out[i].spent && i > from && (!best || i < best))
            best = i;
    return best;
}

static uint32_t place_of(const struct rewriter *w, uint32_t i)
{
    const struct out *o = &w->out[i];
    return o->target == SPENT ? nearest_spent(w, i) : w->place[o->target] - 1;
}

static void insert_out(struct rewriter *w, uint32_t at, struct out o)
{
    put(w, 0, -1);
    memmove(&w->out[at + 1], &w->out[at], (w->outs - 1 - at) * sizeof o);
    w->out[at] = o;
    for (uint32_t i = 0; i < w->p->count; i++)
        if (w->place[i] > at + 1)
            w->place[i]++;
}

/* A branch that is too far for its offset: one around a jump. The place of the branch stays the branch's. */
static bool widen_branches(struct rewriter *w)
{
    for (uint32_t i = 0; i < w->outs; i++) {
        struct out *o = &w->out[i];
        int64_t far = o->target == -1 || (o->word & 0x7f) != 0x63 ? 0 : ((int64_t)place_of(w, i) - i) * 4;
        if (far < -4000 || far > 4000) {
            struct out jump = {.word = JAL(0, 0), .target = o->target, .from = o->from};
            if (o->target == SPENT)
                return fail(w, "a loop that is too long");
            o->word = with_b_offset(o->word ^ 1U << 12, 8);
            o->target = AROUND;
            insert_out(w, i + 1, jump);
            i = (uint32_t)-1;
        }
    }
    return true;
}

/* How much fuel each jump back takes: all instructions from its target to itself. */
static bool set_fuel(struct rewriter *w)
{
    for (uint32_t i = 0; i < w->outs; i++) {
        uint32_t back = i + 2, n;
        if (!w->out[i].fuel)
            continue;
        if (w->out[back].target == AROUND)
            back++;
        n = back - place_of(w, back) + 1;
        w->now = w->out[i].from;
        if (n > 2047)
            return fail(w, "a loop of more than 2,047 instructions");
        w->out[i].word = ADDI(ASH_FUEL, ASH_FUEL, -(int32_t)n);
    }
    return true;
}

static void set_offsets(struct rewriter *w)
{
    for (uint32_t i = 0; i < w->outs; i++) {
        struct out *o = &w->out[i];
        int32_t far;
        if (o->target == -1 || o->target == AROUND)
            continue;
        far = ((int32_t)place_of(w, i) - (int32_t)i) * 4;
        o->word = (o->word & 0x7f) == 0x6f ? with_j_offset(o->word, far) : with_b_offset(o->word, far);
    }
}

/* ---- labels ---- */

static void claim(struct ash_result *r, uint32_t at, const struct ash_state *s)
{
    struct ash_label *l = &r->label[r->labels++];

    *l = (struct ash_label){.at = at, .set = s ? s->set & ASH_WRITABLE : 0, .first = (uint16_t)r->knowns};
    for (unsigned i = 0; s && i < 32; i++)
        if (ASH_WRITABLE >> i & s->set >> i & 1 && s->reg[i].kind != ASH_ANY) {
            r->known[r->knowns++] = (struct ash_known){(uint8_t)i, (uint8_t)s->reg[i].kind, 0, (int32_t)s->reg[i].low, (int32_t)s->reg[i].high};
            l->count++;
        }
}

static bool claims(struct rewriter *w)
{
    struct ash_result *r = w->r;
    struct ash_state start;
    uint8_t *wanted = calloc(w->outs + 2, 1);
    const struct ash_state **known = calloc(w->outs + 2, sizeof *known);

    if (!wanted || !known)
        abort();
    for (uint32_t i = 0; i < w->outs; i++)
        if (w->out[i].target == AROUND) {
            wanted[i + 2] = 1;
            known[i + 2] = known[i + 2] ? known[i + 2] : w->out[i].behind;
        }
    ash_state_begin(&start, w->p->window);
    wanted[0] = 1; /* so that not everything is tracked from there on */
    known[0] = &start;
    for (uint32_t i = 0; i < w->outs; i++)
        if (w->out[i].target >= 0 || w->out[i].target == SPENT) {
            wanted[place_of(w, i)] = 1;
            known[place_of(w, i)] = w->out[i].target == SPENT ? 0 : &w->at_label[w->out[i].target].state;
        }
    r->label = calloc(w->outs + 1, sizeof *r->label);
    r->known = calloc((size_t)(w->outs + 1) * 32, sizeof *r->known);
    if (!r->label || !r->known)
        abort();
    for (uint32_t i = 0; i < w->outs && r->knowns <= ASH_KNOWNS_MAX; i++) {
        if (!wanted[i])
            continue;
        claim(r, i, known[i]); /* nothing is known where fuel is over */
    }
    free(wanted);
    free(known);
    return r->labels <= ASH_LABELS_MAX && r->knowns <= ASH_KNOWNS_MAX ? true : fail(w, "too many labels");
}

static bool finish(struct rewriter *w)
{
    struct ash_result *r = w->r;
    struct ash_code code;
    struct ash_verifier v;
    enum ash_error error;

    r->words = w->outs;
    r->word = calloc(w->outs, sizeof *r->word);
    if (!r->word)
        abort();
    for (uint32_t i = 0; i < w->outs; i++)
        r->word[i] = w->out[i].word;
    ash_claims_needed(r);
    code = (struct ash_code){r->word, r->label, r->known, r->words, r->labels, r->knowns, w->p->window};
    error = ash_verify_begin(&v, &code);
    if (error == ASH_MORE)
        error = ash_verify_step(&v, ~0U);
    if (error) {
        w->now = v.at < w->outs ? w->out[v.at].from : 0;
        return fail(w, ash_error_text(error));
    }
    return true;
}

static void find_labels(struct rewriter *w)
{
    w->is_label[w->p->entry] = 1;
    for (uint32_t i = 0; i < w->p->count; i++)
        if (w->p->source[i].target >= 0)
            w->is_label[w->p->source[i].target] = 1;
}

bool ash_rewrite(const struct ash_program *p, struct ash_result *r)
{
    struct ash_program all;
    struct rewriter w = {.p = &all, .r = r};
    bool good;

    *r = (struct ash_result){0};
    if (!p->count || p->count > ASH_SOURCE_MAX)
        return false;
    all = with_ends(p);
    p = &all;
    w.at_label = calloc(p->count, sizeof *w.at_label);
    w.is_label = calloc(p->count, 4);
    w.place = calloc(p->count, sizeof *w.place);
    if (!w.at_label || !w.is_label || !w.place)
        abort();
    w.reached = w.is_label + p->count;
    w.changes = w.reached + p->count;
    w.waiting = w.changes + p->count;
    find_labels(&w);
    good = analyse(&w) && write_code(&w) && widen_branches(&w) && set_fuel(&w) && claims(&w);
    if (good) {
        set_offsets(&w);
        good = finish(&w);
    }
    free((void *)all.source);
    free(w.at_label);
    free(w.is_label);
    free(w.place);
    for (uint32_t i = 0; i < w.outs; i++)
        free(w.out[i].behind);
    free(w.out);
    return good;
}

void ash_result_free(struct ash_result *r)
{
    free(r->word);
    free(r->label);
    free(r->known);
}
