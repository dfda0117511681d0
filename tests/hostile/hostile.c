/* SPDX-License-Identifier: BSD-2-Clause */
/* What bad input gets, line by line: an error of its own, or that environment's end; never a way in. */
#include "lib/lib.h"

#define S(n) (FREE_SLOT + (n))

/* Said where the kernel let something through; the runner looks for the word. */
static void breach(const char *what)
{
    say("# forbidden: %s", what);
    lib_fail("hostile", 0, what, 1, 0);
}
#define NEVER(condition)                                                                           \
    do {                                                                                           \
        if (condition)                                                                             \
            breach(#condition);                                                                    \
    } while (0)

static volatile unsigned long g[24];
static volatile long stop;

static void clear(void)
{
    for (unsigned i = 0; i < 24; i++)
        g[i] = 0;
    stop = 0;
}

static unsigned long random_state = 88172645463325252UL;
static unsigned long draw(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* ---- capabilities ---- */

static void every_single_bit_change_of_a_capability_refused(void)
{
    page_get(S(0), 0);
    uint64_t what = LEDGER[S(0)].what, mac = aegis_capability_make(S(0), AEGIS_WHAT_RIGHTS(what), 0, 0).value;
    for (unsigned bit = 0; bit < 128; bit++) {
        uint64_t w = bit < 64 ? what ^ 1UL << bit : what, m = bit < 64 ? mac : mac ^ 1UL << (bit - 64);
        struct aegis_result r = aegis_claim(w, m, S(1));
        NEVER(r.error == 0);
        EQUAL(r.error, AEGIS_E_BAD_CAPABILITY);
        EQUAL(LEDGER[S(1)].what, 0);
    }
    DONE(aegis_claim(what, mac, S(1)));
    page_put(S(1));
    page_put(S(0));
}

static void capability_of_another_type_page_rekeyed_or_more_rights(void)
{
    unsigned long a = page_get(S(0), 0), b = page_get(S(1), 0);
    uint64_t mac = aegis_capability_make(S(0), AEGIS_R, 0, 0).value;
    for (unsigned type = 0; type < 256; type++)
        if (type != AEGIS_PAGE)
            NEVER(aegis_claim(AEGIS_WHAT(type, AEGIS_R, 0, a), mac, S(2)).error == 0);
    NEVER(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, 0, b), mac, S(2)).error == 0);
    for (unsigned order = 1; order < 256; order++)
        NEVER(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, order, a), mac, S(2)).error == 0);
    for (unsigned rights = 0; rights < 0x10000; rights += 2)
        if (rights != AEGIS_R)
            NEVER(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, rights, 0, a), mac, S(2)).error == 0);
    DONE(UNTIL_DONE(aegis_rekey(S(0))));
    NEVER(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, 0, a), mac, S(2)).error == 0);
    /* more than the claim holds cannot be had from it */
    mac = aegis_capability_make(S(0), AEGIS_R, 0, 0).value;
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, 0, a), mac, S(2)));
    for (unsigned right = 1; right < 0x10000; right <<= 1)
        if (right != AEGIS_R)
            GIVES(aegis_capability_make(S(2), AEGIS_R | right, 0, 0), NO_RIGHT);
    NEVER(aegis_map(0, S(2), AREA | AEGIS_R | AEGIS_W).error == 0);
    page_put(S(2));
    page_put(S(0));
    page_put(S(1));
    /* a capability of a page that was given back, and is somebody else's now */
    a = page_get(S(0), 0);
    mac = aegis_capability_make(S(0), AEGIS_R, 0, 0).value;
    page_put(S(0));
    DONE(UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, a, 0, S(0), NONE)));
    NEVER(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, 0, a), mac, S(2)).error == 0);
    page_put(S(0));
    for (unsigned i = 0; i < 20000; i++)
        NEVER(aegis_claim(AEGIS_WHAT(draw() % 9 | (draw() & 0x80), draw(), draw() % 20, EXPOSED->page_first + draw() % EXPOSED->page_count),
                          draw(), S(2)).error == 0);
}

static void slots_out_of_range_empty_or_of_another_type(void)
{
    static const unsigned long bad[] = {1024, 1025, 32767, 32768, 65535, 65536, 1UL << 31, 1UL << 32, 1UL << 63, ~0UL, ~0UL >> 5, -128UL};
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        unsigned long b = bad[i];
        GIVES(aegis_release(0, b), BAD_SLOT);
        GIVES(aegis_rekey(b), BAD_SLOT);
        GIVES(aegis_capability_make(b, AEGIS_R, 0, 0), BAD_SLOT);
        GIVES(aegis_map(0, b, AREA | AEGIS_R), BAD_SLOT);
        GIVES(aegis_map(b, S(0), AREA | AEGIS_R), BAD_SLOT);
        GIVES(aegis_unmap(0, b), BAD_SLOT);
        GIVES(aegis_slot_tag(0, b, 0), BAD_SLOT);
        GIVES(aegis_page_alloc(PAGES_ROOT, ANY, 0, b, NONE), BAD_SLOT);
        GIVES(aegis_page_alloc(b, ANY, 0, S(0), NONE), BAD_SLOT);
        GIVES(aegis_alloc(b, 0, S(0)), BAD_SLOT);
        GIVES(aegis_env_destroy(b), BAD_SLOT);
        GIVES(aegis_slice_lend(b, AEGIS_SLOT_SELF), BAD_SLOT);
        GIVES(aegis_slice_lend(AEGIS_SLOT_SLICE0, b), BAD_SLOT);
        GIVES(aegis_slice_recall(b), BAD_SLOT);
        GIVES(aegis_slice_ring(b, 0), BAD_SLOT);
        GIVES(aegis_revoke(b, AEGIS_SLOT_SELF, 1, 0), BAD_SLOT);
        GIVES(aegis_revoke_force(b, AEGIS_SLOT_SELF), BAD_SLOT);
        GIVES(aegis_share(b, 0, 1, 0), BAD_SLOT);
        GIVES(aegis_table_lend(0, b, AEGIS_TABLE_LEDGER, 0), BAD_SLOT);
        GIVES(aegis_activation_lend(0, b, 0), BAD_SLOT);
        GIVES(aegis_console_write(b, 1, AREA, 1), BAD_SLOT);
        GIVES(aegis_console_read(b, AREA, 1), BAD_SLOT);
        GIVES(aegis_irq_done(b), BAD_SLOT);
        GIVES(aegis_machine_end(b, 0), BAD_SLOT);
    }
}

static void share_with_an_environment_not_controlled_or_over_an_occupied_slot(void)
{
    struct child c;
    child_make(&c, 0);
    struct aegis_result r = aegis_capability_make(c.slot, AEGIS_RING, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENV, AEGIS_RING, 0, c.index), r.value, S(0)));
    page_get(127, 0);
    GIVES(aegis_share(S(0), 127, 1, AEGIS_R), NO_RIGHT);
    DONE(aegis_share(c.slot, 127, 1, AEGIS_R));
    GIVES(aegis_share(c.slot, 127, 1, AEGIS_R | AEGIS_W), OCCUPIED);
    /* one occupied destination refuses all */
    page_get(126, 0);
    GIVES(aegis_share(c.slot, 126, 2, AEGIS_R), OCCUPIED);
    EQUAL(RECORDS[AEGIS_WHAT_RESOURCE(LEDGER[126].what) - EXPOSED->page_first].claims, 1);
    page_put(S(0));
    page_put(126);
    page_put(127);
    child_end(&c);
}

/* ---- control of one's controller ---- */

static void control_grabber(long unused)
{
    (void)unused;
    for (unsigned long s = 1; s < 128; s++) {
        uint64_t what = LEDGER[s].what;
        if (AEGIS_WHAT_TYPE(what) == AEGIS_ENV && AEGIS_WHAT_RIGHTS(what) & AEGIS_CONTROL)
            g[1]++;
    }
    g[2] = (unsigned long)aegis_capability_make(0, AEGIS_CONTROL, 0, 0).error;
    g[3] = (unsigned long)aegis_claim(AEGIS_WHAT(AEGIS_ENV, AEGIS_CONTROL, 0, 0), g[10], 100).error;
    g[0] = 1;
    for (;;)
        up_yield();
}

static void nobody_controls_its_controller(void)
{
    struct child c;
    clear();
    child_start(&c, 0, 0, control_grabber, 0);
    CHECK(wait_word(&g[0], 1));
    EQUAL(g[1], 0);
    EQUAL((long)g[2], AEGIS_E_NO_RIGHT);
    EQUAL((long)g[3], AEGIS_E_BAD_CAPABILITY);
    child_end(&c);
}

/* ---- pages ---- */

static void page_lent_then_mapped_writable(void)
{
    struct child c;
    child_make(&c, 0);
    page_get(S(0), 0);
    uint64_t what = LEDGER[S(0)].what;
    struct aegis_result cap = aegis_capability_make(S(0), AEGIS_RWX, 0, 0);
    DONE(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEDGER, 0));
    NEVER(UNTIL_DONE(aegis_map(0, S(0), AREA | AEGIS_R | AEGIS_W)).error == 0);
    /* by a second claim on it, made before or after */
    uint64_t more = AEGIS_WHAT(AEGIS_PAGE, AEGIS_RWX, 0, AEGIS_WHAT_RESOURCE(what));
    if (aegis_claim(more, cap.value, S(1)).error == 0) {
        NEVER(UNTIL_DONE(aegis_map(0, S(1), AREA | AEGIS_R | AEGIS_W)).error == 0);
        /* read-only first, then the right to write by map_protect */
        if (UNTIL_DONE(aegis_map(0, S(1), AREA | AEGIS_R)).error == 0) {
            UNTIL_DONE(aegis_map_protect(0, AREA, 1, AEGIS_R | AEGIS_W));
            NEVER(probe_write(AREA) == 0);
            UNTIL_DONE(aegis_map(0, S(1), AREA | AEGIS_R | AEGIS_W));
            NEVER(probe_write(AREA) == 0);
        }
        page_put(S(1));
    }
    /* in another environment */
    DONE(aegis_share(c.slot, AEGIS_SLOT_SLICE0, 0, 0));
    page_put(S(0));
    child_end(&c);
}

static void kernel_halves_are_mapped_by_nobody(void)
{
    uint64_t v[AEGIS_ENV_LENT];
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++) {
        page_get(S(i), 0);
        v[i] = S(i);
    }
    page_get(S(8), 1);
    struct aegis_result cap = aegis_capability_make(S(0), AEGIS_RWX, 0, 0), pair = aegis_capability_make(S(8), AEGIS_RWX, 1, 0);
    DONE(aegis_env_create(ENVS_ROOT, (unsigned long)v, S(10)));
    DONE(aegis_activation_lend(S(10), S(8), 0));
    uint64_t record = AEGIS_WHAT(AEGIS_PAGE, AEGIS_RWX, 0, AEGIS_WHAT_RESOURCE(LEDGER[S(0)].what));
    uint64_t half = AEGIS_WHAT(AEGIS_PAGE, AEGIS_RWX, 0, AEGIS_WHAT_RESOURCE(LEDGER[S(8)].what) + 1);
    NEVER(UNTIL_DONE(aegis_map(0, S(0), AREA | AEGIS_R)).error == 0);
    NEVER(UNTIL_DONE(aegis_map(0, S(8), AREA | AEGIS_R)).error == 0);
    if (aegis_claim(record, cap.value, S(11)).error == 0) {
        NEVER(UNTIL_DONE(aegis_map(0, S(11), AREA | AEGIS_R)).error == 0);
        NEVER(UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, ANY, 0, S(13), S(11))).error == 0);
        struct aegis_predicate p = {.slot = S(11), .operation = AEGIS_NE, .width = 8, .offset = 8, .value = 0};
        NEVER(aegis_slice_wait((unsigned long)&p, 1, 1).error == 0);
        page_put(S(11));
    }
    if (aegis_claim(half, pair.value, S(12)).error == 0) {
        NEVER(UNTIL_DONE(aegis_map(0, S(12), AREA | AEGIS_R)).error == 0);
        NEVER(UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, ANY, 0, S(13), S(12))).error == 0);
        page_put(S(12));
    }
    if (LEDGER[S(13)].what)
        page_put(S(13));
    DONE(UNTIL_DONE(aegis_env_destroy(S(10))));
    page_put(S(10));
    /* given back, they hold nothing of the kernel's */
    DONE(UNTIL_DONE(aegis_map(0, S(0), AREA | AEGIS_R)));
    DONE(UNTIL_DONE(aegis_map(0, S(8), (AREA + 0x2000) | AEGIS_R)));
    unsigned long addresses = 0;
    for (unsigned long o = 0; o < 4096; o += 8) {
        addresses += *(volatile unsigned long *)(AREA + o) >> 38 == 0x3ffffff;
        addresses += *(volatile unsigned long *)(AREA + 0x3000 + o) >> 38 == 0x3ffffff;
        addresses += *(volatile unsigned long *)(AREA + 0x3000 + o) >> 60 == 8;
    }
    NEVER(addresses != 0);
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++)
        page_put(S(i));
    page_put(S(8));
}

static void kernel_device_and_firmware_memory_by_name(void)
{
    static const unsigned long names[] = {0x80000, 0x80001, 0x8003f, 0x80040, 0x80200, 0x80201, 0x80240, 0x10000, 0x10001,
                                          0x0c000, 0x0c200, 0x02000, 0x00100, 0x10010, 0x10011, 0, 1, 0x7ffff, 0xfffff, 0xffffffe,
                                          0xfffffffe, 0x100000000UL, 0x100080000UL, 0x8000000000000UL, ~0UL, ~0UL - 1};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct aegis_result r = UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, names[i], 0, S(0), NONE));
        NEVER(r.error == 0);
        EQUAL(r.error, AEGIS_E_NO_RESOURCE);
    }
    unsigned long held = 0;
    for (unsigned long p = 0; p < EXPOSED->page_count; p++) {
        unsigned state = RECORDS[p].state;
        if (state != AEGIS_PAGE_KERNEL && state != AEGIS_PAGE_NONE && state != AEGIS_PAGE_USED)
            continue;
        if (held++ > 3000)
            break;
        struct aegis_result r = aegis_page_alloc(PAGES_ROOT, EXPOSED->page_first + p, 0, S(0), NONE);
        if (r.error == 0 && state == RECORDS[p].state)
            breach("a page that is not free by name");
        if (LEDGER[S(0)].what)
            UNTIL_DONE(aegis_release(0, S(0)));
    }
    for (unsigned order = 1; order <= 18; order++) {
        struct aegis_result r = UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, 0x80000, order, S(0), NONE));
        NEVER(r.error == 0);
    }
}

/* ---- addresses ---- */

static void user_ranges_misaligned_overflowing_kernel_unmapped_half_mapped(void)
{
    page_get(S(0), 0);
    DONE(UNTIL_DONE(aegis_map(0, S(0), AREA | AEGIS_R | AEGIS_W)));
    static const unsigned long bad[] = {0, 8, AREA - 8, AREA + 4096, AREA + 4096 - 4, 0x3fffffffffUL, AEGIS_USER_END, AEGIS_USER_END - 8,
                                        1UL << 39, 0x7fffffffffffffffUL, 1UL << 63, 0xffffffc080000000UL, 0xffffffc080200000UL,
                                        0xffffffff80000000UL, 0xfffffff010000000UL, ~0UL, ~0UL - 7, ~0UL - 63, AEGIS_EXPOSED - 8};
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        unsigned long b = bad[i];
        GIVES(aegis_map_vector(0, b, 1), BAD_ADDRESS);
        GIVES(aegis_map_vector(0, b, 64), BAD_ADDRESS);
        GIVES(aegis_env_create(ENVS_ROOT, b, S(1)), BAD_ADDRESS);
        GIVES(aegis_slice_wait(b, 1, 1), BAD_ADDRESS);
        GIVES(aegis_slice_wait(b, 8, 1), BAD_ADDRESS);
        GIVES(aegis_console_write(AEGIS_SLOT_CONSOLE, 2, b, 64), BAD_ADDRESS);
    }
    /* nothing was written to a page that may only be read */
    DONE(UNTIL_DONE(aegis_map_protect(0, AREA, 1, AEGIS_R)));
    struct aegis_result r = aegis_console_read(AEGIS_SLOT_CONSOLE, AREA, 8);
    CHECK(r.error == AEGIS_E_BAD_ADDRESS || r.error == AEGIS_E_AGAIN || (r.error == 0 && r.value == 0));
    page_put(S(0));
    static const unsigned long addresses[] = {1, 4, 2048, 0x3fffff, 0xffffffc080000000UL, 1UL << 38, 1UL << 39, 1UL << 55, 1UL << 63, ~0UL << 12};
    for (unsigned i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        unsigned long a = addresses[i];
        NEVER(aegis_map_protect(0, a, 1, AEGIS_R).error == 0);
        NEVER(aegis_map_clean(0, a, 1).error == 0);
        NEVER(aegis_map_protect(0, a, 512, AEGIS_R).error == 0);
    }
    GIVES(aegis_map_protect(0, AEGIS_EXPOSED - 4096, 512, AEGIS_R), BAD_ADDRESS);
    GIVES(aegis_map_protect(0, -4096UL, 512, AEGIS_R), BAD_ADDRESS);
    GIVES(aegis_map_clean(0, -4096UL, 512), BAD_ADDRESS);
}

/* Every call with arguments drawn at random: no end of the kernel, no page lost. */
static void random_arguments(void)
{
    static const unsigned long interesting[] = {0, 1, 2, 3, 7, 8, 63, 64, 127, 128, 511, 512, 1023, 1024, 4095, 4096, 0xffff, 0xffffffff, 1UL << 31,
                                                1UL << 38, 1UL << 39, 1UL << 63, ~0UL, AREA, AREA + 2, AREA | 6, AREA | 14, AEGIS_PINNED,
                                                AEGIS_EXPOSED, AEGIS_LEDGER_VA, 0xffffffc080000000UL, S(0), S(1), S(2), S(3), 0x80200};
    struct child c;
    child_make(&c, 0);
    unsigned long n = sizeof interesting / sizeof interesting[0];
    for (unsigned i = 0; i < 60000; i++) {
        unsigned long number = draw() % (AEGIS_CALLS + 3), x[5];
        for (unsigned k = 0; k < 5; k++)
            x[k] = draw() % 4 == 0 ? draw() >> draw() % 64 : draw() % 5 == 0 ? c.slot : interesting[draw() % n];
        switch (number) { /* these end us, or give away what the tests stand on */
        case AEGIS_CALL_slice_yield: case AEGIS_CALL_slice_yield_to: case AEGIS_CALL_pct_return: case AEGIS_CALL_console_write:
        case AEGIS_CALL_slice_wait: case AEGIS_CALL_machine_end: case AEGIS_CALL_env_destroy: case AEGIS_CALL_slice_recall:
        case AEGIS_CALL_slice_lend: case AEGIS_CALL_revoke: case AEGIS_CALL_revoke_force: case AEGIS_CALL_console_read:
            continue;
        case AEGIS_CALL_release: case AEGIS_CALL_unmap: case AEGIS_CALL_rekey: case AEGIS_CALL_map:
            if (x[number == AEGIS_CALL_rekey ? 0 : 1] < FREE_SLOT || x[1] == c.slot)
                continue;
            break;
        case AEGIS_CALL_map_protect: case AEGIS_CALL_map_clean:
            if (x[1] < AREA)
                continue;
            break;
        case AEGIS_CALL_page_alloc: case AEGIS_CALL_alloc: case AEGIS_CALL_claim: case AEGIS_CALL_env_create:
            if (x[number == AEGIS_CALL_page_alloc ? 3 : 2] < FREE_SLOT || (number == AEGIS_CALL_page_alloc && x[2] > 6))
                continue;
            break;
        case AEGIS_CALL_table_lend: case AEGIS_CALL_activation_lend: case AEGIS_CALL_share:
            if (x[0] == 0)
                continue; /* would grow us for good */
            break;
        }
        raw_call((long)number, x[0], x[1], x[2], x[3], x[4]);
    }
    aegis_reserve_set(0, 0);
    child_end(&c);
    for (unsigned s = FREE_SLOT; s < 1024; s++)
        if (LEDGER[s].what)
            UNTIL_DONE(aegis_release(0, s));
}

/* ---- another hart at the same time ---- */

static void rewriter(long unused)
{
    (void)unused;
    volatile uint64_t *words = (volatile uint64_t *)AREA;
    g[0] = 1;
    for (unsigned i = 0; !stop; i++) {
        words[i % 512] = i % 3 == 0 ? ~0UL : i % 3 == 1 ? S(1) : (AREA + 0x1000) | 6;
        g[1]++;
    }
    aegis_env_destroy(0);
}

/* Rewrites the arguments while they are read, in a page that both have. */
static void another_hart_rewrites_arguments(void)
{
    struct child c;
    clear();
    page_get(127, 0);
    page_get(S(1), 0);
    DONE(UNTIL_DONE(aegis_map(0, 127, AREA | AEGIS_R | AEGIS_W)));
    child_make(&c, 0);
    page_get(S(0), 1);
    DONE(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEAF, 0));
    page_put(S(0));
    DONE(aegis_share(c.slot, 127, 1, AEGIS_R | AEGIS_W));
    DONE(UNTIL_DONE(aegis_map(c.slot, 127, AREA | AEGIS_R | AEGIS_W)));
    child_on(&c, 1, rewriter, 0);
    child_slice(&c, 1);
    CHECK(wait_word(&g[1], 10));
    for (unsigned i = 0; i < 4000; i++) {
        aegis_map_vector(0, AREA, 32);
        aegis_env_create(ENVS_ROOT, AREA + i % 64 * 8, S(5));
        aegis_slice_wait(AREA, 8, 1);
        if (LEDGER[S(1)].where & AEGIS_MAPPED)
            UNTIL_DONE(aegis_unmap(0, S(1)));
    }
    stop = 1;
    CHECK(wait_for(env_gone, &c, 1000));
    child_end(&c);
    page_put(127);
    page_put(S(1));
}

/* One environment on two harts: one unmaps and releases the page from which the other's calls read. */
static void shared_reader(long hart)
{
    (void)hart;
    unsigned long n = 0;
    while (!stop) {
        aegis_map_vector(0, AREA, 64);
        aegis_slice_wait(AREA, 8, 1);
        aegis_console_write(AEGIS_SLOT_CONSOLE, 0, AREA, 64);
        g[2] = ++n;
    }
    g[3] = 1;
    for (;;)
        up_yield();
}

static void shared_unmapper(long unused)
{
    (void)unused;
    while (!stop) {
        g[5] |= (unsigned long)(UNTIL_DONE(aegis_map(0, 127, AREA | AEGIS_R | AEGIS_W)).error);
        for (unsigned i = 0; i < 50; i++)
            __asm__ volatile("" ::: "memory");
        UNTIL_DONE(aegis_unmap(0, 127));
        UNTIL_DONE(aegis_release(0, 127));
        g[6] = (unsigned long)aegis_claim(g[10], g[11], 127).error;
        g[4]++;
    }
    g[3] = 1;
    for (;;)
        up_yield();
}

static void another_hart_unmaps_and_releases_arguments(void)
{
    struct child c;
    clear();
    page_get(127, 0);
    g[10] = AEGIS_WHAT(AEGIS_PAGE, AEGIS_R | AEGIS_W, 0, AEGIS_WHAT_RESOURCE(LEDGER[127].what));
    g[11] = aegis_capability_make(127, AEGIS_R | AEGIS_W, 0, 0).value;
    child_make(&c, 0);
    page_get(S(0), 1);
    DONE(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEAF, 0));
    page_put(S(0));
    DONE(aegis_share(c.slot, 127, 1, AEGIS_R | AEGIS_W));
    child_on(&c, 1, shared_reader, 0);
    child_on(&c, EXPOSED->harts > 2 ? 2 : 0, shared_unmapper, 0);
    child_slice(&c, 1);
    child_slice(&c, EXPOSED->harts > 2 ? 2 : 0);
    CHECK(wait_word(&g[4], 200));
    CHECK(wait_word(&g[2], 200));
    EQUAL(g[5], 0);
    EQUAL(g[6], 0);
    stop = 1;
    child_end(&c);
    page_put(127);
}

/* Two environments, two harts: one lends a page while the other, by a capability, tries to map it writable. */
static void lend_racer(long unused)
{
    (void)unused;
    while (!stop) {
        if (aegis_claim(g[10], g[11], 127).error)
            continue;
        if (UNTIL_DONE(aegis_map(0, 127, AREA | AEGIS_R | AEGIS_W)).error == 0) {
            g[4]++;
            uint32_t page = AEGIS_WHAT_RESOURCE(g[10]) - EXPOSED->page_first;
            if (RECORDS[page].flags & AEGIS_PAGE_IS_LENT)
                g[5]++; /* writable and lent */
        }
        UNTIL_DONE(aegis_release(0, 127));
        g[6]++;
    }
    aegis_env_destroy(0);
}

static void lending_against_claiming_on_another_hart(void)
{
    struct child c, d;
    clear();
    page_get(S(1), 0);
    g[10] = AEGIS_WHAT(AEGIS_PAGE, AEGIS_R | AEGIS_W, 0, AEGIS_WHAT_RESOURCE(LEDGER[S(1)].what));
    g[11] = aegis_capability_make(S(1), AEGIS_R | AEGIS_W, 0, 0).value;
    child_make(&c, 0);
    page_get(S(0), 1);
    DONE(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEAF, 0));
    page_put(S(0));
    child_on(&c, 1, lend_racer, 0);
    child_slice(&c, 1);
    unsigned lent = 0;
    for (unsigned i = 0; i < 60 && lent < 20; i++) {
        child_make(&d, 1);
        unsigned long until = now() + milliseconds(5);
        while (aegis_table_lend(d.slot, S(1), AEGIS_TABLE_LEDGER, 0).error && now() < until)
            ;
        lent += RECORDS[AEGIS_WHAT_RESOURCE(g[10]) - EXPOSED->page_first].flags & AEGIS_PAGE_IS_LENT;
        child_end(&d);
    }
    CHECK(lent > 0);
    NEVER(g[5] != 0);
    stop = 1;
    CHECK(wait_for(env_gone, &c, 1000));
    child_end(&c);
    page_put(S(1));
}

/* ---- destruction at bad moments ---- */

static void destroys_in_slice_end(long unused)
{
    (void)unused;
    for (;;)
        g[1]++;
}

static void end_self(void)
{
    g[0]++;
    aegis_env_destroy(0);
}

static void prepare_end_in_upcall(volatile struct aegis_activation *u, struct my *m)
{
    (void)m;
    u->up_slice_end = (uint64_t)end_self;
    u->up_exception = (uint64_t)end_self;
    u->up_revoke = (uint64_t)end_self;
}

static void destroy_from_inside_ones_own_upcall(void)
{
    struct child c;
    clear();
    child_prepare = prepare_end_in_upcall;
    child_start(&c, 0, 0, destroys_in_slice_end, 0);
    CHECK(wait_for(env_gone, &c, 1000));
    EQUAL(g[0], 1);
    EQUAL(EXPOSED->env[c.index].end, AEGIS_END_SELF);
    child_end(&c);
    child_start(&c, 0, 0, (void (*)(long))illegal, 0);
    CHECK(wait_for(env_gone, &c, 1000));
    EQUAL(g[0], 2);
    child_end(&c);
}

static void counting_child(long n)
{
    for (;;)
        g[n]++;
}

static void destroy_from_another_hart(void)
{
    for (unsigned i = 0; i < 20; i++) {
        struct child c;
        clear();
        child_make(&c, 0);
        for (unsigned h = 1; h < EXPOSED->harts && h < 4; h++) {
            child_on(&c, h, counting_child, h);
            child_slice(&c, h);
        }
        CHECK(wait_word(&g[1], 1));
        child_end(&c);
        unsigned long stood = g[1];
        spin_ms(2);
        EQUAL(g[1], stood);
    }
}

static volatile unsigned long mac;

static long slow_serve(long a)
{
    g[2]++;
    for (unsigned i = 0; i < 2000; i++)
        __asm__ volatile("" ::: "memory");
    return a + 1;
}

static void server(long unused)
{
    (void)unused;
    my()->entry_fn = (unsigned long)slow_serve;
    aegis_alloc(AEGIS_SLOT_SELF, 0, 7);
    mac = aegis_capability_make(7, AEGIS_CALL, 0, 0).value;
    for (;;)
        up_yield();
}

static void caller(long unused)
{
    (void)unused;
    long reply = 0;
    while (aegis_claim(g[10], mac, 7).error)
        up_yield();
    for (;;) {
        long error = pct_call(SYNC(7), 41, 0, 0, 0, 0, &reply);
        if (error == 0)
            g[3] += reply != 42, g[4]++;
        g[5] = (unsigned long)error;
        if (error)
            up_yield();
    }
}

/* Either side ends somewhere in a transfer, again and again, from another hart. */
static void destroy_in_the_middle_of_a_transfer(void)
{
    unsigned hart = EXPOSED->harts > 1 ? 1 : 0;
    for (unsigned i = 0; i < 24; i++) {
        struct child c, d;
        clear();
        mac = 0;
        child_start(&c, 0, hart, server, 0);
        g[10] = AEGIS_WHAT(AEGIS_ENTRY, AEGIS_CALL, 0, c.index);
        child_start(&d, 1, hart, caller, 0);
        CHECK(wait_word(&g[4], 3));
        spin_ms(draw() % 3);
        if (i & 1) {
            child_end(&c);
            CHECK(hart == 0 || wait_word(&g[5], 1)); /* DEAD, then NO_ENV */
            child_end(&d);
        } else {
            child_end(&d);
            child_end(&c);
        }
        EQUAL(g[3], 0);
    }
}

/* ---- exhaustion ---- */

static void exhausts_pages(void)
{
    /* big blocks first, then what is left of small ones; then one environment's ledger is full */
    unsigned n = 0;
    struct aegis_result r = {0, 0};
    for (int order = 12; order >= 0; order--)
        for (; n < 300; n++) {
            r = aegis_page_alloc(PAGES_ROOT, ANY, (unsigned long)order, S(n), NONE);
            if (r.error && r.error != AEGIS_E_AGAIN)
                break;
            if (r.error == AEGIS_E_AGAIN && !LEDGER[S(n)].what) {
                n--; /* it cleared one for us: again */
                continue;
            }
        }
    if (n < 300) {
        EQUAL(r.error, AEGIS_E_NO_MEMORY);
        EQUAL(EXPOSED->free_pages, 0);
        GIVES(aegis_page_alloc(PAGES_ROOT, ANY, 0, S(301), NONE), NO_MEMORY);
        /* the kernel goes on: calls, slices, exceptions */
        up_yield();
        EQUAL(probe_read(0), 1);
    }
    while (n--)
        page_put(S(n));
}

static void exhausts_slots_of_the_ledger(void)
{
    unsigned long page = page_get(S(0), 0), n = 0;
    uint64_t what = AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, 0, page), m = aegis_capability_make(S(0), AEGIS_R, 0, 0).value;
    for (unsigned long s = 1; s < 1024; s++) {
        struct aegis_result r = aegis_claim(what, m, s);
        if (LEDGER[s].check != RECORDS[page - EXPOSED->page_first].check)
            EQUAL(r.error, AEGIS_E_OCCUPIED);
        n += r.error == 0;
    }
    EQUAL(RECORDS[page - EXPOSED->page_first].claims, n + 1);
    GIVES(aegis_claim(what, m, 1024), BAD_SLOT);
    for (unsigned long s = 1; s < 1024; s++)
        if (LEDGER[s].what == what && s != S(0))
            page_put(s);
    page_put(S(0));
    /* ledger pages: up to 256, then FULL */
    struct child c;
    child_make(&c, 0);
    struct aegis_result r = {0, 0};
    for (n = 0; n < 300; n++) {
        page_get(S(0), 0);
        r = aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEDGER, 0);
        page_put(S(0));
        if (r.error)
            break;
    }
    EQUAL(r.error, AEGIS_E_FULL);
    EQUAL(n, 255);
    GIVES(aegis_release(c.slot, 32768), BAD_SLOT);
    child_end(&c);
}

static void stlb_flooder(long unused)
{
    (void)unused;
    unsigned long lost = 0;
    for (unsigned i = 0; i < 64; i++) {
        /* the same word of the STLB for all */
        UNTIL_DONE(aegis_map(0, 256 + i, (AREA + i * 0x200000UL + 300 * 4096) | AEGIS_R | AEGIS_W));
    }
    for (unsigned i = 0; i < 64; i++)
        lost += probe_write(AREA + i * 0x200000UL + 300 * 4096) != 0;
    g[1] = lost;
    /* what is lost comes back by the claim */
    for (unsigned i = 0; i < 64; i++) {
        struct aegis_result r = UNTIL_DONE(aegis_map(0, 256 + i, (AREA + i * 0x200000UL + 300 * 4096) | AEGIS_R | AEGIS_W));
        g[2] += r.error != 0;
        g[3] += probe_write(AREA + i * 0x200000UL + 300 * 4096) != 0;
    }
    g[0] = 1;
    for (;;)
        up_yield();
}

static void exhausts_the_stlb(void)
{
    struct child c;
    clear();
    child_make(&c, 0);
    for (unsigned i = 0; i < 2; i++) {
        page_get(S(0), 0);
        DONE(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEDGER, 0));
        page_put(S(0));
    }
    page_get(S(0), 1);
    DONE(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEAF, 0));
    page_put(S(0));
    page_get(S(0), 0);
    /* one claim a place, all on one page */
    uint64_t what = AEGIS_WHAT(AEGIS_PAGE, AEGIS_R | AEGIS_W, 0, AEGIS_WHAT_RESOURCE(LEDGER[S(0)].what));
    uint64_t m = aegis_capability_make(S(0), AEGIS_R | AEGIS_W, 0, 0).value;
    for (unsigned i = 0; i < 64; i++)
        DONE(aegis_claim(what, m, 256 + i));
    DONE(aegis_share(c.slot, 256, 64, AEGIS_R | AEGIS_W));
    for (unsigned i = 0; i < 64; i++)
        page_put(256 + i);
    page_put(S(0));
    child_on(&c, 0, stlb_flooder, 0);
    child_slice(&c, 0);
    CHECK(wait_word(&g[0], 1));
    CHECK(g[1] > 0);
    EQUAL(g[2], 0);
    EQUAL(g[3], 0);
    child_end(&c);
}

static void exhausts_slice_positions(void)
{
    unsigned n = 0;
    struct aegis_result r;
    while ((r = aegis_alloc(AEGIS_SLOT_SLICES, ANY, S(n))).error == 0)
        n++;
    EQUAL(r.error, AEGIS_E_FULL);
    EQUAL(n, 64 * EXPOSED->harts - 1);
    up_yield();
    while (n--)
        page_put(S(n));
}

static void exhausts_environments(void)
{
    uint64_t v[AEGIS_ENV_LENT];
    unsigned n = 0;
    struct aegis_result r = {0, 0};
    for (; n < 1100; n++) {
        for (unsigned i = 0; i < AEGIS_ENV_LENT; i++) {
            r = UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, ANY, 0, S(400 + i), NONE));
            v[i] = S(400 + i);
        }
        if (r.error || n == 390)
            break;
        r = aegis_env_create(ENVS_ROOT, (unsigned long)v, S(n));
        for (unsigned i = 0; i < AEGIS_ENV_LENT; i++)
            UNTIL_DONE(aegis_release(0, S(400 + i)));
        if (r.error)
            break;
    }
    CHECK(n == 390 || r.error == AEGIS_E_FULL || r.error == AEGIS_E_NO_MEMORY);
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++)
        if (LEDGER[S(400 + i)].what)
            page_put(S(400 + i));
    while (n--) {
        DONE(UNTIL_DONE(aegis_env_destroy(S(n))));
        page_put(S(n));
    }
}

/* ---- ignoring the kernel ---- */

static void ignores_all(volatile struct aegis_activation *u, struct my *m)
{
    (void)u;
    m->ignore = 1;
}

static void ignoring_slice_end(void)
{
    struct child c;
    clear();
    child_prepare = ignores_all;
    child_start(&c, 0, 0, counting_child, 1);
    child_prepare = 0;
    CHECK(wait_for(env_gone, &c, 60000)); /* 64 overruns, each with its forfeit */
    EQUAL(EXPOSED->env[c.index].end, AEGIS_END_OVERRUN);
    child_end(&c);
}

/* An activation of nothing but kernel addresses. */
static void kernel_pcs(volatile struct aegis_activation *u, struct my *m)
{
    volatile uint64_t *pc = &u->up_exception;
    for (unsigned i = 0; i < 9; i++)
        pc[i] = 0xffffffff80000000UL + 8 * i;
    (void)m;
}

static void upcall_pcs_at_kernel_addresses(void)
{
    static const unsigned long places[] = {0xffffffff80000000UL, 0xffffffc080200000UL, 0xfffffff010000000UL, 1, ~0UL, 0x4000000000UL,
                                           AEGIS_EXPOSED, AEGIS_LEDGER_VA};
    (void)places;
    struct child c;
    clear();
    child_prepare = kernel_pcs;
    child_start(&c, 0, 0, counting_child, 1);
    child_prepare = 0;
    pause_ms(400);
    EQUAL(g[1], 0);
    child_end(&c);
}

static void faults_in_its_handler(long unused)
{
    (void)unused;
    my()->exc_again = 1;
    g[0]++;
    *(volatile int *)24 = 1;
    g[1]++;
}

static void faulting_in_the_fault_handler(void)
{
    struct child c;
    clear();
    child_start(&c, 0, 0, faults_in_its_handler, 0);
    CHECK(wait_for(env_gone, &c, 1000));
    EQUAL(g[0], 1);
    EQUAL(g[1], 0);
    EQUAL(EXPOSED->env[c.index].end, AEGIS_END_FAULT);
    child_end(&c);
}

static void closes_its_gate(long unused)
{
    (void)unused;
    aegis_alloc(AEGIS_SLOT_SELF, 0, 7);
    mac = aegis_capability_make(7, AEGIS_CALL | AEGIS_SEND, 0, 0).value;
    for (;;)
        up_yield();
}

static _Noreturn long never_back(long a)
{
    (void)a;
    for (;;)
        up_yield();
}

static void prepare_never(volatile struct aegis_activation *u, struct my *m)
{
    (void)u;
    m->async_fn = (unsigned long)never_back;
    m->entry_fn = (unsigned long)never_back;
}

static void a_gate_closed_for_ever(void)
{
    struct child c;
    long reply;
    clear();
    mac = 0;
    unsigned long low = low_slot(0);
    child_prepare = prepare_never;
    child_start(&c, 0, 0, closes_its_gate, 0);
    child_prepare = 0;
    CHECK(wait_word(&mac, 1));
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENTRY, AEGIS_CALL | AEGIS_SEND, 0, c.index), mac, low));
    EQUAL(up_send(ASYNC(low), 1), 1);
    for (unsigned i = 0; i < 5; i++)
        EQUAL(pct_call(SYNC(low), 1, 0, 0, 0, 0, &reply), AEGIS_E_BUSY);
    page_put(low);
    child_end(&c);
}

static void scribbler(long seed)
{
    volatile uint64_t *word = (volatile uint64_t *)AEGIS_ACTIVATION(0);
    unsigned long x = (unsigned long)seed * 0x9e3779b97f4a7c15UL + 1;
    g[0]++;
    for (;;)
        for (unsigned i = 0; i < 512; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            word[i] = x & 1 ? x : x & 2 ? 0 : x & 4 ? ~0UL : 0xffffffff80000000UL | (x & 0xfffff);
            g[1]++;
        }
}

static void scribbled_activation_page(void)
{
    for (long seed = 0; seed < 8; seed++) {
        struct child c;
        clear();
        child_start(&c, 0, 0, scribbler, seed);
        pause_ms(100);
        CHECK(g[0] >= 1);
        unsigned long begins = my()->begins;
        up_yield();
        CHECK(my()->begins > begins);
        child_end(&c);
    }
}

static void ignoring_revocation(void)
{
    struct child c;
    clear();
    child_make(&c, 0);
    page_get(S(0), 0);
    DONE(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEDGER, 0));
    page_put(S(0));
    for (unsigned s = 224; s < 232; s++)
        page_get(s, 0);
    DONE(aegis_share(c.slot, 224, 8, AEGIS_RWX));
    for (unsigned s = 224; s < 232; s++)
        page_put(s);
    child_on(&c, 0, counting_child, 1);
    child_slice(&c, 0);
    CHECK(wait_word(&g[1], 1));
    unsigned long free = EXPOSED->free_pages;
    DONE(aegis_revoke(PAGES_ROOT, c.slot, 8, now()));
    struct aegis_result r;
    do
        r = aegis_revoke_force(PAGES_ROOT, c.slot);
    while (r.error == AEGIS_E_AGAIN);
    DONE(r);
    EQUAL(EXPOSED->free_pages, free + 8);
    child_end(&c);
}

static void a_donated_slot_that_never_comes_back(void)
{
    struct child c, d;
    clear();
    child_make(&c, 0);
    child_on(&c, 0, counting_child, 1);
    DONE(aegis_alloc(AEGIS_SLOT_SLICES, 9, S(0)));
    DONE(aegis_slice_lend(S(0), c.slot));
    CHECK(wait_word(&g[1], 1));
    DONE(aegis_slice_recall(S(0)));
    unsigned long stood = g[1];
    pause_ms(40);
    EQUAL(g[1], stood);
    DONE(aegis_slice_lend(S(0), c.slot));
    child_end(&c);
    EQUAL(EXPOSED->slice[0][9].runs, AEGIS_ANY);
    child_make(&d, 0); /* and it can be lent to another */
    child_on(&d, 0, counting_child, 2);
    DONE(aegis_slice_lend(S(0), d.slot));
    CHECK(wait_word(&g[2], 1));
    child_end(&d);
    page_put(S(0));
    /* donated with the rest of ours: we begin again at our next */
    child_make(&c, 0);
    child_on(&c, 0, counting_child, 3);
    EQUAL(up_yield_to(c.slot), 1);
    CHECK(g[3] > 0);
    child_end(&c);
}

/* Two that give each other the hart within the grace time, for ever. */
static void ping_prepare(volatile struct aegis_activation *u, struct my *m);

static void ping_end(void)
{
    for (;;) {
        register long a0 __asm__("a0") = 126;
        register long a7 __asm__("a7") = AEGIS_CALL_slice_yield_to;
        __asm__ volatile("ecall" : "+r"(a0) : "r"(a7) : "memory", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "a1", "a2", "a3", "a4", "a5", "a6");
        g[8]++;
        if (a0 != 0) {
            g[9]++;
            aegis_slice_yield();
        }
    }
}

static void ping(long which)
{
    for (;;)
        g[which]++;
}

static void ping_prepare(volatile struct aegis_activation *u, struct my *m)
{
    (void)m;
    u->up_slice_end = (uint64_t)ping_end;
}

static void two_that_pass_the_hart_between_them_in_grace(void)
{
    struct child c, d, victim;
    clear();
    child_make(&c, 0);
    child_make(&d, 1);
    child_prepare = ping_prepare;
    child_on(&c, 0, ping, 1);
    child_on(&d, 0, ping, 2);
    child_prepare = 0;
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENV, AEGIS_RING, 0, d.index), aegis_capability_make(d.slot, AEGIS_RING, 0, 0).value, 126));
    DONE(aegis_share(c.slot, 126, 1, AEGIS_RING));
    page_put(126);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENV, AEGIS_RING, 0, c.index), aegis_capability_make(c.slot, AEGIS_RING, 0, 0).value, 126));
    DONE(aegis_share(d.slot, 126, 1, AEGIS_RING));
    page_put(126);
    child_start(&victim, 2, 0, ping, 3);
    child_slice(&c, 0);
    child_slice(&d, 0);
    unsigned long start = now(), turns = my()->begins;
    pause_ms(300);
    /* 30 slices, three of them others': about ten turns for us at the least */
    turns = my()->begins - turns;
    CHECK(turns >= 5);
    CHECK(now() - start < milliseconds(450));
    child_end(&c);
    child_end(&d);
    child_end(&victim);
}

/* ---- fair share ---- */

static void share_child(long which)
{
    for (;;)
        g[which]++;
}

/* The neighbour of one that ignores every upcall, and is replaced when it dies, keeps its share within 2 %. */
static void neighbour_of_an_ignorer_keeps_its_share(void)
{
    struct child good, bad;
    clear();
    if (EXPOSED->grace_ticks * 4 > EXPOSED->slice_ticks) {
        say("# shares are not measured by the host's clock");
        return;
    }
    /* beside one that behaves: 100 slices */
    child_start(&good, 0, 0, share_child, 1);
    child_start(&bad, 1, 0, share_child, 2);
    pause_ms(30);
    unsigned long t = now(), n = g[1];
    pause_ms(1000);
    unsigned long fair = (g[1] - n) * 1000 / (now() - t);
    child_end(&bad);
    unsigned long time = 0, work = 0, begun = now();
    unsigned deaths = 0;
    while (deaths == 0 && now() - begun < milliseconds(10000)) {
        child_prepare = ignores_all;
        child_start(&bad, 1, 0, share_child, 3);
        child_prepare = 0;
        up_yield();
        t = now(); /* only while we do nothing but yield */
        n = g[1];
        while (EXPOSED->env[bad.index].state == AEGIS_ENV_LIVE && now() - t < milliseconds(6000))
            up_yield();
        time += now() - t;
        work += g[1] - n;
        deaths += EXPOSED->env[bad.index].state != AEGIS_ENV_LIVE;
        child_end(&bad);
    }
    unsigned long beside = work * 1000 / time;
    CHECK(deaths > 0);
    if (beside * 100 < fair * 98)
        breach("the neighbour's share");
    say("# %d beside one that behaves, %d beside one that does not, %d of them died", fair, beside, (long)deaths);
    child_end(&good);
}

#define T(name) {#name, name, 1}
#define T4(name) {#name, name, 2}
const struct test tests[] = {
    T(every_single_bit_change_of_a_capability_refused),
    T(capability_of_another_type_page_rekeyed_or_more_rights),
    T(slots_out_of_range_empty_or_of_another_type),
    T(share_with_an_environment_not_controlled_or_over_an_occupied_slot),
    T(nobody_controls_its_controller),
    T(page_lent_then_mapped_writable),
    T(kernel_halves_are_mapped_by_nobody),
    T(kernel_device_and_firmware_memory_by_name),
    T(user_ranges_misaligned_overflowing_kernel_unmapped_half_mapped),
    T4(another_hart_rewrites_arguments),
    T4(another_hart_unmaps_and_releases_arguments),
    T4(lending_against_claiming_on_another_hart),
    T(destroy_from_inside_ones_own_upcall),
    T4(destroy_from_another_hart),
    T(destroy_in_the_middle_of_a_transfer),
    T(exhausts_pages),
    T(exhausts_slots_of_the_ledger),
    T(exhausts_the_stlb),
    T(exhausts_slice_positions),
    T(exhausts_environments),
    T(ignoring_slice_end),
    T(ignoring_revocation),
    T(faulting_in_the_fault_handler),
    T(upcall_pcs_at_kernel_addresses),
    T(a_gate_closed_for_ever),
    T(scribbled_activation_page),
    T(a_donated_slot_that_never_comes_back),
    T(two_that_pass_the_hart_between_them_in_grace),
    T(neighbour_of_an_ignorer_keeps_its_share),
    T(random_arguments),
};
const unsigned test_count = sizeof tests / sizeof tests[0];
