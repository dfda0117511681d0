/* SPDX-License-Identifier: BSD-2-Clause */
/* Every upcall, its registers, what is saved where; masking; nested faults; overruns; the FP unit. */
#include "lib/lib.h"
#include "parts.h"


static volatile unsigned long g[16];
static void clear(void)
{
    for (unsigned i = 0; i < 16; i++)
        g[i] = 0;
}

static void skip(unsigned long *state)
{
    volatile struct aegis_activation *u = activation();
    g[0] = u->exc_cause;
    g[1] = u->exc_pc;
    g[2] = u->exc_value;
    g[3] = state[1];
    state[0] = state[1]; /* as if it had returned */
    state[10] = 0;
}

void upcall_exception(void)
{
    struct my *m = my();
    unsigned long before = m->exceptions;
    m->exc_fn = (unsigned long)skip;
    take_breakpoint();
    EQUAL(g[0], 3 - 8);
    EQUAL(g[1], take_breakpoint);
    illegal();
    EQUAL(g[0], 2 - 8);
    EQUAL(g[1], illegal);
    ((void (*)(void))0x123450000)();
    EQUAL(g[0], 12 - 8);
    EQUAL(g[1], 0x123450000);
    EQUAL(g[2], 0x123450000);
    /* privileged instructions are the application's mistake and no more */
    page_get(S(0), 0);
    DONE(UNTIL_DONE(aegis_map(0, S(0), AREA | AEGIS_RWX)));
    static const uint32_t code[] = {0x10200073 /* sret */, 0x12000073 /* sfence.vma */, 0x18002573 /* csrr satp */,
                                    0x10016073 /* csrsi sstatus */, 0x30200073 /* mret */, 0x14d01073 /* csrw stimecmp */,
                                    0xc0202573 /* rdinstret */, 0x10500073 /* wfi: may be allowed to wait */};
    for (unsigned i = 0; i < 7; i++) {
        *(volatile uint32_t *)AREA = code[i];
        *(volatile uint32_t *)(AREA + 4) = 0x00008067;
        __asm__ volatile("fence.i");
        g[0] = 0;
        ((void (*)(void))AREA)();
        EQUAL(g[0], 2 - 8);
    }
    m->exc_fn = 0;
    page_put(S(0));
    EQUAL(probe_read(8), 1);
    EQUAL(activation()->exc_cause, 13 - 8);
    EQUAL(activation()->exc_value, 8);
    EQUAL(probe_write(16), 1);
    EQUAL(activation()->exc_cause, 15 - 8);
    EQUAL(probe_read(0xffffffc080000000UL), 1);
    EQUAL(probe_read(0xffffffff80000000UL), 1);
    EQUAL(probe_write(AEGIS_EXPOSED), 1);
    EQUAL(probe_write(AEGIS_LEDGER_VA), 1);
    EQUAL(probe_write(AEGIS_PINNED + 64 * 4096), 1);
    EQUAL(m->exceptions, before + 17);
}

static void nested_child(long again)
{
    my()->nested_pc = (unsigned long)(again ? 0 : (long)g[5]);
    activation()->masked = 1;
    g[6]++;
    *(volatile int *)0x18 = 1;
}

static void nested_told(void)
{
    volatile struct aegis_activation *u = AEGIS_ACTIVATION(0);
    g[0] = u->exc_cause;
    g[2] = u->exc_value;
    g[3] = u->masked;
    g[4]++;
    aegis_env_destroy(0);
}

void upcall_nested(void)
{
    struct child c;
    clear();
    g[5] = (unsigned long)nested_told;
    child_start(&c, 0, 0, nested_child, 0);
    CHECK(wait_for(env_gone, &c, 1000));
    EQUAL(g[4], 1);
    EQUAL(g[0], 15 - 8);
    EQUAL(g[2], 0x18);
    EQUAL(g[3], AEGIS_MASKED_NESTED);
    EQUAL(EXPOSED->env[c.index].end, AEGIS_END_SELF);
    child_end(&c);
}

/* A fault in the nested-fault handler is the end, told with its cause. */
void nested_fault_death(void)
{
    struct child c;
    clear();
    child_start(&c, 0, 0, nested_child, 1);
    CHECK(wait_for(env_gone, &c, 1000));
    EQUAL(EXPOSED->env[c.index].end, AEGIS_END_FAULT);
    EQUAL(EXPOSED->env[c.index].end_cause, 12);
    EQUAL(EXPOSED->env[c.index].end_pc, 0);
    child_end(&c);
}

static void spin_child(long unused)
{
    (void)unused;
    for (;;) {
        g[0]++;
        struct my *m = my();
        g[1] = m->ends;
        g[2] = m->begins;
        g[3] = m->forced;
        g[4] = m->dirty;
    }
}

/* s-registers hold over slices that end by upcall. */
static void registers_child(long unused)
{
    (void)unused;
    unsigned long wrong = 0;
    for (;;) {
        register unsigned long a __asm__("s2") = 0x1111, b __asm__("t3") = 0x2222, c __asm__("a5") = 0x3333;
        for (unsigned i = 0; i < 100000; i++) {
            __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c));
            wrong += a != 0x1111 || b != 0x2222 || c != 0x3333;
        }
        g[8]++;
        g[9] = wrong;
    }
}

static bool slices_ended(void *unused)
{
    (void)unused;
    return g[1] >= 2 && g[8] > 0;
}

void upcall_slice_end(void)
{
    struct child c, d;
    clear();
    child_start(&c, 0, 0, spin_child, 0);
    child_start(&d, 1, 0, registers_child, 0);
    CHECK(wait_for(slices_ended, 0, 20000));
    CHECK(g[2] >= g[1]);
    EQUAL(g[9], 0);
    child_end(&c);
    child_end(&d);
}

void upcall_slice_begin(void)
{
    struct child c;
    clear();
    child_start(&c, 0, 0, spin_child, 0);
    pause_ms(60);
    CHECK(g[2] >= 2);
    EQUAL(g[4], 0); /* every register was zero each time */
    EQUAL(my()->dirty, 0);
    child_end(&c);
}

void masked_holds_slice_end(void)
{
    struct my *m = my();
    volatile struct aegis_activation *u = activation();
    up_yield();
    unsigned long ends = m->ends, forced = m->forced;
    u->masked = 1;
    u->held = 0;
    unsigned long until = now() + milliseconds(100);
    while (!u->held && now() < until)
        ;
    EQUAL(u->held, AEGIS_HELD_SLICE_END);
    EQUAL(m->ends, ends);
    u->held = 0;
    up_yield(); /* unmasks when it comes back */
    EQUAL(m->ends, ends);
    EQUAL(m->forced, forced);
    EQUAL(u->masked, 0);
}

/* Told that it came; when nothing is masked any more it comes with a slot. */
void masked_holds_revocation(void)
{
    struct my *m = my();
    volatile struct aegis_activation *u = activation();
    page_get(S(0), 0);
    up_yield();
    unsigned long revokes = m->revokes;
    u->held = 0;
    u->masked = 1;
    DONE(aegis_revoke(PAGES_ROOT, AEGIS_SLOT_SELF, 1, now() + milliseconds(1000)));
    EQUAL(u->held & AEGIS_HELD_REVOKE, AEGIS_HELD_REVOKE);
    EQUAL(m->revokes, revokes);
    u->masked = u->held = 0;
    unsigned long until = now() + milliseconds(100);
    while (m->revokes == revokes && now() < until)
        ;
    EQUAL(m->revokes, revokes + 1);
    page_put(S(0));
    DONE(aegis_revoke_force(PAGES_ROOT, AEGIS_SLOT_SELF)); /* given back in time */
}

static void ignoring_child(long unused)
{
    (void)unused;
    for (;;)
        g[0]++, g[3] = my()->forced;
}

static void prepare_ignore(volatile struct aegis_activation *u, struct my *m)
{
    (void)u;
    m->ignore = 1;
}

/* It goes on where it was, with its state, some times; then it is ended. */
void overrun_forced_save_then_death(void)
{
    struct child c;
    clear();
    child_prepare = prepare_ignore;
    child_start(&c, 0, 0, ignoring_child, 0);
    child_prepare = 0;
    CHECK(wait_for(env_gone, &c, 3000));
    CHECK(g[3] >= 3);
    EQUAL(EXPOSED->env[c.index].end, AEGIS_END_OVERRUN);
    child_end(&c);
}

/* Masks itself, lets its slot end, and calls just before grace does: each time another 10 instructions later. */
static void late_child(long attempts)
{
    struct my *m = my();
    volatile struct aegis_activation *u = activation();

    g[0]++; /* once: it never begins anew */
    for (long k = 0; k < attempts; k++) {
        u->held = 0;
        while (!u->held)
            u->masked = 1; /* again: an overrun of the last attempt may come as late as here, and then unmasks */
        unsigned long until = now() + EXPOSED->grace_ticks - 5;
        while (now() < until)
            ;
        long left = 5 * k;
        __asm__ volatile("1: addi %0, %0, -1\n bgez %0, 1b" : "+r"(left));
        g[1] += up_wait(0, 0, 1) != AEGIS_E_TIMEOUT;
        g[2] = m->forced;
        g[3]++;
    }
    for (;;)
        up_yield();
}

/* Grace may end anywhere in a call that leaves the slot, and behind it: it comes back once, and says what it said. */
void overrun_anywhere_in_a_wait(void)
{
    struct child c;
    unsigned long attempts = EXPOSED->grace_ticks < EXPOSED->slice_ticks ? 48 : 3; /* by the clock each takes long */
    clear();
    child_start(&c, 0, 0, late_child, (long)attempts);
    CHECK(wait_word(&g[3], attempts));
    EQUAL(g[0], 1);
    EQUAL(g[1], 0);
    CHECK(g[2] >= attempts / 3);
    child_end(&c);
}

/* ---- FP ---- */

static void fp_child(long which)
{
    g[8 + which] = aegis_fp_take().value;
    if (which == 1) { /* nothing of whoever had the unit before */
        unsigned long word = 0, sum = 0;
#define LOOK(n) __asm__ volatile("fmv.x.d %0, f" #n : "=r"(word)); sum |= word;
        LOOK(0) LOOK(1) LOOK(2) LOOK(5) LOOK(8) LOOK(10) LOOK(15) LOOK(18) LOOK(27) LOOK(31)
        g[12] = sum;
    }
    for (;;) {
        unsigned long bits = 0x4000000000000000UL + (unsigned long)which, back = 0;
        __asm__ volatile("fmv.d.x f8, %0\n fmv.d.x f31, %0" ::"r"(bits));
        up_yield();
        /* whoever took the unit in between: ours is in our page, and comes back when we ask */
        aegis_fp_take();
        __asm__ volatile("fmv.x.d %0, f8" : "=r"(back));
        g[which] += back != bits;
        __asm__ volatile("fmv.x.d %0, f31" : "=r"(back));
        g[which] += back != bits;
        g[4 + which]++;
    }
}

static void fp_off_child(long unused)
{
    (void)unused;
    my()->exc_fn = (unsigned long)skip;
    g[14] = 1;
    __asm__ volatile("la ra, 1f\n fmv.d.x f0, zero\n 1:" ::: "ra", "a0", "memory");
    g[15] = g[0];
    aegis_env_destroy(0);
}

void fp_kept_per_activation(void)
{
    struct child c, d;
    clear();
    DONE(aegis_fp_take());
    __asm__ volatile("fmv.d.x f0, %0\n fmv.d.x f18, %0" ::"r"(0x5ec4e7UL));
    child_start(&d, 1, 0, fp_child, 1);
    child_start(&c, 0, 0, fp_child, 0);
    CHECK(wait_word(&g[5], 4));
    CHECK(wait_word(&g[4], 4));
    EQUAL(g[0], 0);
    EQUAL(g[1], 0);
    EQUAL(g[12], 0);
    child_end(&c);
    child_end(&d);
    DONE(aegis_fp_take());
    unsigned long back;
    __asm__ volatile("fmv.x.d %0, f18" : "=r"(back));
    EQUAL(back, 0x5ec4e7);
}

void fp_off_until_taken(void)
{
    struct child c;
    clear();
    DONE(aegis_fp_take());
    child_start(&c, 0, 0, fp_off_child, 0);
    CHECK(wait_for(env_gone, &c, 1000));
    EQUAL(g[14], 1);
    EQUAL(g[15], 2 - 8);
    child_end(&c);
}

/* ---- revocation ---- */

static void revoked_child(long give)
{
    for (;;) {
        struct my *m = my();
        volatile struct aegis_activation *u = activation();
        g[0] = m->revokes;
        g[1] = u->revoke_type;
        g[2] = u->revoke_count;
        g[3] = u->loss_count;
        g[4] = m->emergencies;
        for (unsigned i = 0; i < 4; i++)
            g[5 + i] = u->loss[i].slot | (unsigned long)u->loss[i].saved << 32;
        if (g[0] && give)
            for (unsigned s = 224; s < 226; s++)
                UNTIL_DONE(aegis_release(0, s));
        if (!give)
            up_yield();
    }
}

static void revoke_start(struct child *c, long give)
{
    clear();
    child_start(c, 0, 0, revoked_child, give);
    page_get(S(0), 0);
    DONE(aegis_table_lend(c->slot, S(0), AEGIS_TABLE_LEDGER, 0));
    page_put(S(0));
    for (unsigned s = 224; s < 232; s++) {
        CHECK(s >= image_end);
        page_get(s, 0);
    }
    DONE(aegis_share(c->slot, 224, 8, AEGIS_RWX | AEGIS_LEND));
    for (unsigned s = 224; s < 232; s++)
        page_put(s);
    pause_ms(25);
}

void upcall_revoke(void)
{
    struct child c;
    revoke_start(&c, 1);
    DONE(aegis_revoke(PAGES_ROOT, c.slot, 2, now() + milliseconds(500)));
    CHECK(wait_word(&g[0], 1));
    pause_ms(30);
    EQUAL(g[1], AEGIS_PAGE);
    EQUAL(g[2], 2);
    GIVES(aegis_revoke_force(PAGES_ROOT, c.slot), OK); /* it gave them back */
    EQUAL(g[3], 0);
    child_end(&c);
}

void revoke_force_takes_highest_first_and_tells(void)
{
    struct child c;
    revoke_start(&c, 0);
    DONE(aegis_revoke(PAGES_ROOT, c.slot, 3, now() + milliseconds(20)));
    GIVES(aegis_revoke_force(PAGES_ROOT, c.slot), BUSY);
    pause_ms(40);
    DONE(UNTIL_DONE(aegis_revoke_force(PAGES_ROOT, c.slot)));
    CHECK(wait_word(&g[3], 3));
    EQUAL(g[5], 231);
    EQUAL(g[6], 230);
    EQUAL(g[7], 229);
    child_end(&c);
}

static void reserved_child(long unused)
{
    aegis_reserve_set(230, 2);
    volatile struct aegis_activation *u = activation();
    UNTIL_DONE(aegis_map(0, 229, AREA | AEGIS_R | AEGIS_W));
    *(volatile unsigned long *)AREA = 0xfeed;
    u->save_slot = 228;
    (void)unused;
    for (;;) {
        g[3] = u->loss_count;
        g[5] = u->loss[0].slot | (unsigned long)u->loss[0].saved << 32;
        if (g[3] && !g[9]) {
            UNTIL_DONE(aegis_map(0, 228, (AREA + 0x1000) | AEGIS_R));
            g[8] = *(volatile unsigned long *)(AREA + 0x1000);
            g[9] = 1;
        }
        up_yield();
    }
}

void repossession_vector_saves_and_reserve_spares(void)
{
    struct child c;
    clear();
    child_make(&c, 0);
    page_get(S(0), 0);
    DONE(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEDGER, 0));
    page_put(S(0));
    for (unsigned s = 224; s < 232; s++)
        page_get(s, 0);
    DONE(aegis_share(c.slot, 224, 8, AEGIS_RWX | AEGIS_LEND));
    for (unsigned s = 224; s < 232; s++)
        page_put(s);
    page_get(S(1), 1);
    DONE(aegis_table_lend(c.slot, S(1), AEGIS_TABLE_LEAF, 0));
    page_put(S(1));
    child_on(&c, 0, reserved_child, 0);
    child_slice(&c, 0);
    pause_ms(25);
    DONE(aegis_revoke(PAGES_ROOT, c.slot, 1, now()));
    DONE(UNTIL_DONE(aegis_revoke_force(PAGES_ROOT, c.slot)));
    CHECK(wait_word(&g[9], 1));
    EQUAL(g[5], 229 | 1UL << 32); /* 230 and 231 were spared */
    EQUAL(g[8], 0xfeed);
    child_end(&c);
}

void upcall_emergency(void)
{
    struct child c;
    revoke_start(&c, 0);
    DONE(aegis_revoke(PAGES_ROOT, c.slot, 9, now())); /* more than lies outside the first page */
    struct aegis_result r;
    do
        r = aegis_revoke_force(PAGES_ROOT, c.slot);
    while (r.error == AEGIS_E_AGAIN);
    EQUAL(r.error, AEGIS_E_BUSY);
    CHECK(wait_word(&g[4], 1));
    EQUAL(g[3], 8);
    pause_ms(250);
    DONE(UNTIL_DONE(aegis_revoke_force(PAGES_ROOT, c.slot)));
    CHECK(wait_for(env_gone, &c, 1000));
    EQUAL(EXPOSED->env[c.index].end, AEGIS_END_REVOKED);
    child_end(&c);
}
