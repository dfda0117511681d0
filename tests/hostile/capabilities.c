/* SPDX-License-Identifier: BSD-2-Clause */
/* Capabilities, slots, sharing and pages: whatever is not one's own. */
#include "hostile.h"

/* ---- capabilities ---- */

void every_single_bit_change_of_a_capability_refused(void)
{
    page_get(S(0), 0);
    uint64_t what = LEDGER[S(0)].what, mac = aegis_capability_make(S(0), AEGIS_WHAT_RIGHTS(what), 0, 0).value;
    for (unsigned bit = 0; bit < 128; bit++) {
        uint64_t w = bit < 64 ? what ^ 1UL << bit : what, m = bit < 64 ? mac : mac ^ 1UL << (bit - 64);
        FORGED(aegis_claim(w, m, S(1)));
        EQUAL(LEDGER[S(1)].what, 0);
    }
    DONE(aegis_claim(what, mac, S(1)));
    page_put(S(1));
    page_put(S(0));
}

void capability_of_another_type_page_rekeyed_or_more_rights(void)
{
    unsigned long a = page_get(S(0), 0), b = page_get(S(1), 0);
    uint64_t mac = aegis_capability_make(S(0), AEGIS_R, 0, 0).value;
    for (unsigned type = 0; type < 256; type++)
        if (type != AEGIS_PAGE)
            FORGED(aegis_claim(AEGIS_WHAT(type, AEGIS_R, 0, a), mac, S(2)));
    FORGED(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, 0, b), mac, S(2)));
    for (unsigned order = 1; order < 256; order++)
        FORGED(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, order, a), mac, S(2)));
    for (unsigned rights = 0; rights < 0x10000; rights += 2)
        if (rights != AEGIS_R)
            FORGED(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, rights, 0, a), mac, S(2)));
    DONE(UNTIL_DONE(aegis_rekey(S(0))));
    FORGED(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, 0, a), mac, S(2)));
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
    FORGED(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, 0, a), mac, S(2)));
    page_put(S(0));
    for (unsigned i = 0; i < 20000; i++)
        FORGED(aegis_claim(AEGIS_WHAT(draw() % 9 | (draw() & 0x80), draw(), draw() % 20, EXPOSED->page_first + draw() % EXPOSED->page_count),
                          draw(), S(2)));
}

void slots_out_of_range(void)
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

void share_with_an_environment_not_controlled_or_over_an_occupied_slot(void)
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

void nobody_controls_its_controller(void)
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

void page_lent_then_mapped_writable(void)
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
    page_put(S(0));
    /* in another environment, which has it too: lent, then shared */
    page_get(127, 0);
    DONE(aegis_table_lend(c.slot, 127, AEGIS_TABLE_LEDGER, 0));
    DONE(aegis_share(c.slot, 127, 1, AEGIS_RWX));
    NEVER(UNTIL_DONE(aegis_map(c.slot, 127, AREA | AEGIS_R | AEGIS_W)).error == 0);
    page_put(127);
    child_end(&c);
}

void kernel_halves_are_mapped_by_nobody(void)
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

void kernel_device_and_firmware_memory_by_name(void)
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
