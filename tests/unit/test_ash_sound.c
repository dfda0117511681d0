/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: ash/verify.c ash/decode.c tests/host/rv64.c */
/* flags: -I. -Itests/host -O2 */
/* The verifier's arithmetic against an interpreter's: random instructions, random bounds, values at and between them. */
#include "ash/encode.h"
#include "ash_sound.h"

#include "tap.h"

static uint64_t seed = 1;

static uint64_t draw64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static uint32_t draw(uint32_t n)
{
    return (uint32_t)(draw64() >> 32) % n;
}

#define LIMIT (1L << 61)

/* Of any size, either sign, near powers of two. */
static int64_t bound(void)
{
    int64_t n = (1L << draw(62)) + (int64_t)draw(5) - 2;
    n = draw(3) == 0 ? (int64_t)(draw64() >> (3 + draw(60))) : n;
    n = n > LIMIT ? LIMIT : n;
    return draw(2) ? n : -n;
}

static void random_register(struct ash_state *s, struct rv64 *c, unsigned r)
{
    int64_t a = bound(), b = draw(3) ? bound() : a + (int64_t)draw(5), value;

    if (b > LIMIT)
        b = a;
    s->reg[r].kind = 8 * ((int64_t)draw(4) - 1);
    s->reg[r].low = a < b ? a : b;
    s->reg[r].high = a < b ? b : a;
    s->set |= 1U << r;
    value = draw(3) == 0 ? s->reg[r].low : draw(2) ? s->reg[r].high : s->reg[r].low + (int64_t)(draw64() % ((uint64_t)(s->reg[r].high - s->reg[r].low) + 1));
    c->x[r] = (uint64_t)value + (s->reg[r].kind == ASH_IN_WINDOW ? SOUND_WINDOW_AT : s->reg[r].kind == ASH_IN_FRAME ? SOUND_FRAME_AT : 0);
    if (s->reg[r].kind == ASH_ANY)
        c->x[r] = draw(2) ? draw64() : draw64() >> draw(64);
}

static uint32_t random_arithmetic(void)
{
    static const uint8_t opcodes[] = {0x13, 0x13, 0x1b, 0x33, 0x33, 0x3b, 0x37};
    uint32_t opcode = opcodes[draw(7)], w = ((uint32_t)draw64() & ~(0x7fU | 31U << 7 | 31U << 15)) | opcode | (X_T0 + draw(3)) << 7 | X_T0 << 15;

    if (opcode == 0x33 || opcode == 0x3b)
        w = (w & ~(31U << 20 | 127U << 25)) | X_T1 << 20 | (draw(3) == 0 ? 1U : draw(2) ? 0x20U : 0U) << 25;
    if ((opcode == 0x13 || opcode == 0x1b) && (w >> 12 & 3) == 1)
        w &= draw(2) ? 0x43ffffffU : 0x03ffffffU;
    return w;
}

/* Branches: where they lead, the label claims just what was known; it must hold there. */
static bool sound_branch(void)
{
    static const uint8_t functions[] = {6, 7, 4, 5};
    unsigned f = functions[draw(4)];
    struct ash_label label = {.at = 2, .set = 1U << X_T0 | 1U << X_T1, .tracked = ASH_WRITABLE, .first = 0, .count = 0};
    struct ash_known known[2];
    struct ash_code code = {(const uint32_t[]){encode_b(f, X_T0, X_T1, 8), NOP, NOP}, &label, known, 3, 1, 0, 8192};
    struct ash_verifier v;
    struct rv64 c = {.pc = 4};
    bool taken;

    ash_verify_begin(&v, &code);
    random_register(&v.now, &c, X_T0);
    random_register(&v.now, &c, X_T1);
    /* The strongest claim that is taken there, by halving from the side of the upper bound. */
    known[0] = (struct ash_known){draw(2) ? X_T0 : X_T1, ASH_NUMBER, 0, 0, (int32_t)(bound() >> draw(40))};
    label.count = 1;
    v.code.knowns = 1;
    bool implied = ash_step(&v, code.word[0]) == ASH_GOOD;
    c.x[0] = 0;
    rv64_execute(&c, code.word[0]);
    taken = c.pc != 4;
    if (taken)
        return !implied || (c.x[known[0].reg] <= (uint64_t)(int64_t)known[0].high && known[0].high >= 0);
    return sound_holds(&v.now, X_T0, c.x[X_T0]) && sound_holds(&v.now, X_T1, c.x[X_T1]);
}

int main(void)
{
    struct ash_code code = {(const uint32_t[]){NOP}, 0, 0, 1, 0, 0, 8192};
    bool arithmetic = true, branches = true;
    unsigned said = 0;

    for (unsigned i = 0; i < 3000000; i++) {
        struct ash_verifier v;
        struct rv64 c = {0};
        uint32_t w = random_arithmetic();
        ash_verify_begin(&v, &code);
        random_register(&v.now, &c, X_T0);
        random_register(&v.now, &c, X_T1);
        if (!sound_arithmetic(&v, &c, w)) {
            if (arithmetic)
                printf("# %08x: t0 %lx (%ld: %ld to %ld) t1 %lx (%ld: %ld to %ld): %lx (%ld: %ld to %ld)\n", w, c.x[X_T0], v.now.reg[X_T0].kind,
                       v.now.reg[X_T0].low, v.now.reg[X_T0].high, c.x[X_T1], v.now.reg[X_T1].kind, v.now.reg[X_T1].low, v.now.reg[X_T1].high, c.x[X_T2],
                       v.now.reg[X_T2].kind, v.now.reg[X_T2].low, v.now.reg[X_T2].high);
            arithmetic = false;
        }
        said += v.now.reg[rd_of(w)].kind != ASH_ANY;
    }
    tap(arithmetic, "what is known after arithmetic is so, 3,000,000 times");
    tap(said > 500000, "and often something is known");
    for (unsigned i = 0; i < 3000000 && branches; i++)
        branches = sound_branch();
    tap(branches, "what is known after a comparison is so, 3,000,000 times");
    return tap_failed;
}
