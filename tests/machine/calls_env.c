/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls on environments, their slices and what is taken back from them. */
#include "lib/lib.h"
#include "calls.h"

static void exit_now(long unused)
{
    (void)unused;
    aegis_env_destroy(0);
}

static void idle_child(long unused)
{
    (void)unused;
    for (;;)
        up_yield();
}

void call_env_create(void)
{
    uint64_t v[AEGIS_ENV_LENT];
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++) {
        page_get(S(i), 0);
        v[i] = S(i);
    }
    page_get(S(8), 1);
    unsigned long at = (unsigned long)v;
    GIVES(aegis_env_create(ENVS_ROOT, 0, S(10)), BAD_ADDRESS);
    GIVES(aegis_env_create(ENVS_ROOT, 0xffffffc080000000UL, S(10)), BAD_ADDRESS);
    GIVES(aegis_env_create(PAGES_ROOT, at, S(10)), WRONG_TYPE);
    GIVES(aegis_env_create(S(20), at, S(10)), EMPTY_SLOT);
    GIVES(aegis_env_create(ENVS_ROOT, at, S(0)), OCCUPIED);
    GIVES(aegis_env_create(ENVS_ROOT, at, BAD), BAD_SLOT);
    v[5] = v[4];
    GIVES(aegis_env_create(ENVS_ROOT, at, S(10)), LENT_PAGE);
    v[5] = S(8);
    GIVES(aegis_env_create(ENVS_ROOT, at, S(10)), BAD_RANGE);
    v[5] = S(30);
    GIVES(aegis_env_create(ENVS_ROOT, at, S(10)), EMPTY_SLOT);
    v[5] = BAD;
    GIVES(aegis_env_create(ENVS_ROOT, at, S(10)), BAD_SLOT);
    v[5] = image_first;
    GIVES(aegis_env_create(ENVS_ROOT, at, S(10)), MAPPED);
    v[5] = S(5);
    struct aegis_result r = aegis_capability_make(S(5), AEGIS_R | AEGIS_W, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_R | AEGIS_W, 0, AEGIS_WHAT_RESOURCE(LEDGER[S(5)].what)), r.value, S(9)));
    GIVES(aegis_env_create(ENVS_ROOT, at, S(10)), MAPPED); /* somebody else may write it */
    v[5] = S(9);
    GIVES(aegis_env_create(ENVS_ROOT, at, S(10)), NO_RIGHT);
    page_put(S(9));
    v[5] = S(5);
    r = aegis_env_create(ENVS_ROOT, at, S(10));
    DONE(r);
    EQUAL(EXPOSED->env[r.value].state, AEGIS_ENV_NEW);
    EQUAL(EXPOSED->env[r.value].controller, 0);
    GIVES(aegis_env_create(ENVS_ROOT, at, S(11)), LENT_PAGE);
    GIVES(aegis_map(0, S(AEGIS_ENV_RECORD), AREA | AEGIS_R), LENT_PAGE);
    GIVES(aegis_map(0, S(AEGIS_ENV_ROOT), AREA | AEGIS_R | AEGIS_W), LENT_PAGE);
    DONE(UNTIL_DONE(aegis_env_destroy(S(10))));
    page_put(S(10));
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++)
        page_put(S(i));
    page_put(S(8));
    r = aegis_capability_make(ENVS_ROOT, AEGIS_REVOKE, 0, AEGIS_ROOT_ORDER);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENV | AEGIS_ROOT, AEGIS_REVOKE, AEGIS_ROOT_ORDER, 0), r.value, S(2)));
    GIVES(aegis_env_create(S(2), at, S(10)), NO_RIGHT);
    page_put(S(2));
}

void call_table_lend(void)
{
    struct child c;
    child_make(&c, 0);
    page_get(S(0), 0);
    page_get(S(1), 1);
    page_get(S(2), 3);
    GIVES(aegis_table_lend(c.slot, S(0), 4, 0), BAD_RANGE);
    GIVES(aegis_table_lend(c.slot, S(0), ~0UL, 0), BAD_RANGE);
    GIVES(aegis_table_lend(c.slot, S(1), AEGIS_TABLE_LEDGER, 0), BAD_RANGE);
    GIVES(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEAF, 0), BAD_RANGE);
    GIVES(aegis_table_lend(c.slot, S(1), AEGIS_TABLE_MIDDLE, 5UL << 30), BAD_RANGE);
    GIVES(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_MIDDLE, 0), MAPPED);
    GIVES(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_MIDDLE, AEGIS_EXPOSED), BAD_ADDRESS);
    GIVES(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_MIDDLE, ~0UL), BAD_ADDRESS);
    GIVES(aegis_table_lend(c.slot, S(30), AEGIS_TABLE_LEDGER, 0), EMPTY_SLOT);
    GIVES(aegis_table_lend(c.slot, BAD, AEGIS_TABLE_LEDGER, 0), BAD_SLOT);
    GIVES(aegis_table_lend(c.slot, AEGIS_SLOT_CONSOLE, AEGIS_TABLE_LEDGER, 0), WRONG_TYPE);
    GIVES(aegis_table_lend(S(0), S(0), AEGIS_TABLE_LEDGER, 0), WRONG_TYPE);
    GIVES(aegis_table_lend(c.slot, image_first, AEGIS_TABLE_LEDGER, 0), MAPPED);
    /* nothing of that was lent */
    EQUAL(RECORDS[AEGIS_WHAT_RESOURCE(LEDGER[S(0)].what) - EXPOSED->page_first].pins, 0);
    EQUAL(RECORDS[AEGIS_WHAT_RESOURCE(LEDGER[S(1)].what) - EXPOSED->page_first].pins, 0);
    DONE(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEDGER, 0));
    EQUAL(EXPOSED->env[c.index].pages, 2);
    GIVES(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEDGER, 0), LENT_PAGE);
    DONE(aegis_table_lend(c.slot, S(2), AEGIS_TABLE_STLB, 0));
    GIVES(aegis_table_lend(c.slot, S(1), AEGIS_TABLE_STLB, 0), BAD_RANGE); /* smaller than the present one */
    DONE(aegis_table_lend(c.slot, S(1), AEGIS_TABLE_LEAF, 0));
    page_get(S(3), 0);
    DONE(aegis_table_lend(c.slot, S(3), AEGIS_TABLE_MIDDLE, 5UL << 30));
    page_get(S(4), 0);
    struct aegis_result r = aegis_capability_make(S(4), AEGIS_R | AEGIS_W, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_R | AEGIS_W, 0, AEGIS_WHAT_RESOURCE(LEDGER[S(4)].what)), r.value, S(5)));
    GIVES(aegis_table_lend(c.slot, S(4), AEGIS_TABLE_LEDGER, 0), MAPPED);
    GIVES(aegis_table_lend(c.slot, S(5), AEGIS_TABLE_LEDGER, 0), NO_RIGHT);
    page_put(S(5));
    DONE(UNTIL_DONE(aegis_env_destroy(c.slot)));
    GIVES(aegis_table_lend(c.slot, S(4), AEGIS_TABLE_LEDGER, 0), NO_ENV);
    page_put(c.slot);
    for (unsigned i = 0; i < 5; i++)
        page_put(S(i));
    dead_claim(6);
    GIVES(aegis_table_lend(0, S(6), AEGIS_TABLE_LEDGER, 0), REVOKED);
    dead_end(6);
    child_make(&c, 0);
    unsigned n = 0;
    while ((UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, ANY, 1, S(0), NONE))).error == 0 &&
           (r = aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEAF, 0)).error == 0) {
        page_put(S(0));
        n++;
    }
    GIVES(r, FULL);
    CHECK(n > 80);
    page_put(S(0));
    child_end(&c);
}

void call_activation_lend(void)
{
    struct child c;
    child_make(&c, 0);
    page_get(S(0), 0);
    page_get(S(1), 1);
    GIVES(aegis_activation_lend(c.slot, S(1), EXPOSED->harts), BAD_RANGE);
    GIVES(aegis_activation_lend(c.slot, S(1), 8), BAD_RANGE);
    GIVES(aegis_activation_lend(c.slot, S(1), ~0UL), BAD_RANGE);
    GIVES(aegis_activation_lend(c.slot, S(0), 0), BAD_RANGE);
    GIVES(aegis_activation_lend(c.slot, S(20), 0), EMPTY_SLOT);
    GIVES(aegis_activation_lend(c.slot, BAD, 0), BAD_SLOT);
    GIVES(aegis_activation_lend(c.slot, AEGIS_SLOT_CONSOLE, 0), WRONG_TYPE);
    GIVES(aegis_activation_lend(S(1), S(1), 0), WRONG_TYPE);
    DONE(UNTIL_DONE(aegis_map(0, S(1), AREA | AEGIS_R)));
    GIVES(aegis_activation_lend(c.slot, S(1), 0), MAPPED);
    DONE(UNTIL_DONE(aegis_unmap(0, S(1))));
    EQUAL(EXPOSED->env[c.index].state, AEGIS_ENV_NEW);
    DONE(aegis_activation_lend(c.slot, S(1), 0));
    EQUAL(EXPOSED->env[c.index].state, AEGIS_ENV_LIVE);
    EQUAL(EXPOSED->env[c.index].harts, 1);
    GIVES(aegis_activation_lend(c.slot, S(1), 0), LENT_PAGE);
    page_get(S(2), 1);
    GIVES(aegis_activation_lend(c.slot, S(2), 0), OCCUPIED);
    EQUAL(RECORDS[AEGIS_WHAT_RESOURCE(LEDGER[S(2)].what) - EXPOSED->page_first].pins, 0);
    GIVES(aegis_map(0, S(1), AREA | AEGIS_R), LENT_PAGE);
    DONE(UNTIL_DONE(aegis_env_destroy(c.slot)));
    GIVES(aegis_activation_lend(c.slot, S(2), 0), NO_ENV);
    page_put(c.slot);
    page_put(S(0));
    page_put(S(1));
    page_put(S(2));
}

void call_env_destroy(void)
{
    struct child c;
    child_start(&c, 0, 0, exit_now, 0);
    CHECK(wait_for(env_gone, &c, 1000));
    EQUAL(EXPOSED->env[c.index].end, AEGIS_END_SELF);
    struct aegis_result r = UNTIL_DONE(aegis_env_destroy(c.slot));
    CHECK(r.error == 0 || r.error == AEGIS_E_NO_ENV);
    page_put(c.slices[0]);
    page_put(c.slot);
    child_start(&c, 0, 0, idle_child, 0);
    pause_ms(30);
    DONE(UNTIL_DONE(aegis_env_destroy(c.slot)));
    EQUAL(EXPOSED->env[c.index].state, AEGIS_ENV_DEAD);
    EQUAL(EXPOSED->env[c.index].end, AEGIS_END_CONTROLLER);
    page_put(c.slices[0]);
    page_put(c.slot);
    EQUAL(EXPOSED->env[c.index].state, AEGIS_ENV_FREE);
    GIVES(aegis_env_destroy(BAD), BAD_SLOT);
    GIVES(aegis_env_destroy(S(3)), EMPTY_SLOT);
    GIVES(aegis_env_destroy(AEGIS_SLOT_CONSOLE), WRONG_TYPE);
    child_make(&c, 0);
    r = aegis_capability_make(c.slot, AEGIS_RING, 0, 0);
    DONE(r);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENV, AEGIS_RING, 0, c.index), r.value, S(0)));
    GIVES(aegis_env_destroy(S(0)), NO_RIGHT);
    child_end(&c);
    EQUAL(EXPOSED->env[c.index].state, AEGIS_ENV_DEAD); /* a claim on it is left */
    page_put(S(0));
}

static volatile unsigned long ran;
static void count_child(long step)
{
    for (;;) {
        ran += (unsigned long)step;
        up_yield();
    }
}

void call_slice_yield_to(void)
{
    struct child c;
    child_make(&c, 0);
    child_on(&c, 0, count_child, 1);
    ran = 0;
    EQUAL(up_yield_to(c.slot), 1); /* it runs in our slot, yields, and we begin anew */
    EQUAL(ran, 1);
    EQUAL(up_yield_to(BAD), AEGIS_E_BAD_SLOT);
    EQUAL(up_yield_to(S(0)), AEGIS_E_EMPTY_SLOT);
    EQUAL(up_yield_to(AEGIS_SLOT_CONSOLE), AEGIS_E_WRONG_TYPE);
    struct child d;
    child_make(&d, 1);
    EQUAL(up_yield_to(d.slot), AEGIS_E_BUSY); /* no activation here */
    struct aegis_result r = aegis_capability_make(d.slot, 0, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENV, 0, 0, d.index), r.value, S(0)));
    EQUAL(up_yield_to(S(0)), AEGIS_E_NO_RIGHT);
    page_put(S(0));
    DONE(UNTIL_DONE(aegis_env_destroy(d.slot)));
    EQUAL(up_yield_to(d.slot), AEGIS_E_NO_ENV);
    page_put(d.slot);
    child_end(&c);
}

void call_slice_lend(void)
{
    struct child c;
    child_make(&c, 0);
    DONE(aegis_alloc(AEGIS_SLOT_SLICES, 5, S(0)));
    GIVES(aegis_slice_lend(S(0), c.slot), NO_RESOURCE);
    child_on(&c, 0, count_child, 1);
    DONE(aegis_slice_lend(S(0), c.slot));
    EQUAL(EXPOSED->slice[0][5].runs, c.index);
    EQUAL(EXPOSED->slice[0][5].owner, 0);
    EQUAL(EXPOSED->env[c.index].positions, 1);
    ran = 0;
    CHECK(wait_word(&ran, 3));
    DONE(aegis_slice_recall(S(0)));
    unsigned long before = ran;
    pause_ms(30);
    EQUAL(ran, before);
    GIVES(aegis_slice_lend(BAD, c.slot), BAD_SLOT);
    GIVES(aegis_slice_lend(S(1), c.slot), EMPTY_SLOT);
    GIVES(aegis_slice_lend(AEGIS_SLOT_CONSOLE, c.slot), WRONG_TYPE);
    GIVES(aegis_slice_lend(S(0), BAD), BAD_SLOT);
    GIVES(aegis_slice_lend(S(0), S(0)), WRONG_TYPE);
    struct aegis_result r = aegis_capability_make(S(0), 0, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_SLICE, 0, 0, 5), r.value, S(2)));
    GIVES(aegis_slice_lend(S(2), c.slot), NO_RIGHT);
    page_put(S(2));
    r = aegis_capability_make(S(0), AEGIS_LEND, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_SLICE, AEGIS_LEND, 0, 5), r.value, S(2)));
    DONE(aegis_rekey(S(0)));
    GIVES(aegis_slice_lend(S(2), c.slot), REVOKED);
    page_put(S(2));
    DONE(UNTIL_DONE(aegis_env_destroy(c.slot)));
    GIVES(aegis_slice_lend(S(0), c.slot), NO_ENV);
    page_put(c.slot);
    page_put(S(0));
}

void call_slice_recall(void)
{
    struct child c;
    child_start(&c, 0, 0, count_child, 1);
    ran = 0;
    CHECK(wait_word(&ran, 2));
    DONE(aegis_slice_recall(c.slices[0]));
    EQUAL(EXPOSED->env[c.index].positions, 0);
    GIVES(aegis_slice_recall(BAD), BAD_SLOT);
    GIVES(aegis_slice_recall(S(1)), EMPTY_SLOT);
    GIVES(aegis_slice_recall(AEGIS_SLOT_CONSOLE), WRONG_TYPE);
    child_end(&c);
}

void call_slice_wait(void)
{
    struct aegis_predicate p = {.slot = AEGIS_NONE, .operation = AEGIS_NE, .width = 8, .offset = 0, .value = 1};
    unsigned long at = (unsigned long)&p;
    struct aegis_result r = aegis_slice_wait(at, 1, 0); /* holds at once: magic is not 1 */
    DONE(r);
    EQUAL(r.value, 0);
    p.operation = AEGIS_EQ;
    unsigned long before = now();
    EQUAL(up_wait(&p, 1, before + milliseconds(20)), 1);
    EQUAL(activation()->wake, AEGIS_WAKE_TIMEOUT);
    CHECK(now() - before >= milliseconds(20) && now() - before < milliseconds(60));
    GIVES(aegis_slice_wait(at, 1, 1), TIMEOUT);
    GIVES(aegis_slice_wait(0, 1, 1), BAD_ADDRESS);
    GIVES(aegis_slice_wait(at, 9, 1), BAD_RANGE);
    GIVES(aegis_slice_wait(at, ~0UL, 1), BAD_RANGE);
    p.width = 3;
    GIVES(aegis_slice_wait(at, 1, 1), BAD_RANGE);
    p.width = 8;
    p.offset = 4;
    GIVES(aegis_slice_wait(at, 1, 1), BAD_RANGE);
    p.offset = 0xfffffff8;
    GIVES(aegis_slice_wait(at, 1, 1), BAD_RANGE);
    p.offset = 0;
    p.operation = 4;
    GIVES(aegis_slice_wait(at, 1, 1), BAD_RANGE);
    p.operation = AEGIS_EQ;
    p.slot = 40000;
    GIVES(aegis_slice_wait(at, 1, 1), BAD_SLOT);
    p.slot = S(0);
    GIVES(aegis_slice_wait(at, 1, 1), EMPTY_SLOT);
    p.slot = AEGIS_SLOT_CONSOLE;
    GIVES(aegis_slice_wait(at, 1, 1), WRONG_TYPE);
    page_get(S(0), 0);
    p.slot = S(0);
    CHECK(aegis_slice_wait(at, 1, 1).error != AEGIS_E_EMPTY_SLOT);
    p.value = 0;
    DONE(aegis_slice_wait(at, 1, 1));
    p.offset = 4096;
    GIVES(aegis_slice_wait(at, 1, 1), BAD_RANGE);
    p.offset = 4092;
    p.width = 4;
    DONE(aegis_slice_wait(at, 1, 1));
    r = aegis_capability_make(S(0), AEGIS_W, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_W, 0, AEGIS_WHAT_RESOURCE(LEDGER[S(0)].what)), r.value, S(1)));
    p.slot = S(1);
    GIVES(aegis_slice_wait(at, 1, 1), NO_RIGHT);
    page_put(S(1));
    page_put(S(0));
    dead_claim(6);
    p.slot = S(6);
    GIVES(aegis_slice_wait(at, 1, 1), REVOKED);
    dead_end(6);
    EQUAL(EXPOSED->env[0].sleeping[0], 0);
}

void call_slice_ring(void)
{
    DONE(aegis_slice_ring(AEGIS_SLOT_SELF, 0));
    GIVES(aegis_slice_ring(AEGIS_SLOT_SELF, 8), BAD_RANGE);
    GIVES(aegis_slice_ring(AEGIS_SLOT_SELF, ~0UL), BAD_RANGE);
    GIVES(aegis_slice_ring(BAD, 0), BAD_SLOT);
    GIVES(aegis_slice_ring(S(0), 0), EMPTY_SLOT);
    GIVES(aegis_slice_ring(AEGIS_SLOT_CONSOLE, 0), WRONG_TYPE);
    struct child c;
    child_make(&c, 0);
    DONE(aegis_slice_ring(c.slot, 0));
    struct aegis_result r = aegis_capability_make(c.slot, 0, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENV, 0, 0, c.index), r.value, S(0)));
    GIVES(aegis_slice_ring(S(0), 0), NO_RIGHT);
    page_put(S(0));
    DONE(UNTIL_DONE(aegis_env_destroy(c.slot)));
    GIVES(aegis_slice_ring(c.slot, 0), NO_ENV);
    page_put(c.slot);
}

void call_revoke(void)
{
    struct child c;
    child_start(&c, 0, 0, idle_child, 0);
    GIVES(aegis_revoke(PAGES_ROOT, c.slot, 0, 1), BAD_RANGE);
    GIVES(aegis_revoke(PAGES_ROOT, c.slot, 100000, 1), BAD_RANGE);
    GIVES(aegis_revoke(AEGIS_SLOT_CONSOLE, c.slot, 1, 1), WRONG_TYPE);
    GIVES(aegis_revoke(PAGES_ROOT, AEGIS_SLOT_CONSOLE, 1, 1), WRONG_TYPE);
    GIVES(aegis_revoke(BAD, c.slot, 1, 1), BAD_SLOT);
    GIVES(aegis_revoke(S(0), c.slot, 1, 1), EMPTY_SLOT);
    GIVES(aegis_revoke(PAGES_ROOT, S(0), 1, 1), EMPTY_SLOT);
    struct aegis_result r = aegis_capability_make(PAGES_ROOT, AEGIS_ALLOC, 0, AEGIS_ROOT_ORDER);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE | AEGIS_ROOT, AEGIS_ALLOC, AEGIS_ROOT_ORDER, 0), r.value, S(2)));
    GIVES(aegis_revoke(S(2), c.slot, 1, 1), NO_RIGHT);
    page_put(S(2));
    DONE(aegis_revoke(PAGES_ROOT, c.slot, 1, now() + milliseconds(50)));
    GIVES(aegis_revoke(PAGES_ROOT, c.slot, 1, 1), PENDING);
    GIVES(aegis_revoke_force(PAGES_ROOT, c.slot), BUSY);
    DONE(UNTIL_DONE(aegis_env_destroy(c.slot)));
    GIVES(aegis_revoke(PAGES_ROOT, c.slot, 1, 1), NO_ENV);
    GIVES(aegis_revoke_force(PAGES_ROOT, c.slot), NO_ENV);
    page_put(c.slices[0]);
    page_put(c.slot);
}

void call_revoke_force(void)
{
    struct child c;
    child_start(&c, 0, 0, idle_child, 0);
    page_get(S(0), 0);
    DONE(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEDGER, 0));
    page_put(S(0));
    GIVES(aegis_revoke_force(PAGES_ROOT, c.slot), NO_TRANSFER);
    GIVES(aegis_revoke_force(AEGIS_SLOT_CONSOLE, c.slot), WRONG_TYPE);
    GIVES(aegis_revoke_force(BAD, c.slot), BAD_SLOT);
    GIVES(aegis_revoke_force(PAGES_ROOT, S(0)), EMPTY_SLOT);
    GIVES(aegis_revoke_force(PAGES_ROOT, AEGIS_SLOT_CONSOLE), WRONG_TYPE);
    DONE(aegis_revoke(PAGES_ROOT, c.slot, 1, now()));
    DONE(UNTIL_DONE(aegis_release(c.slot, image_end - 1))); /* it gave one back */
    struct aegis_result r = UNTIL_DONE(aegis_revoke_force(PAGES_ROOT, c.slot));
    DONE(r);
    GIVES(aegis_revoke_force(PAGES_ROOT, c.slot), NO_TRANSFER);
    child_end(&c);
}

void call_reserve_set(void)
{
    DONE(aegis_reserve_set(200, 8));
    GIVES(aegis_reserve_set(200, 9), BAD_RANGE);
    GIVES(aegis_reserve_set(200, ~0UL), BAD_RANGE);
    GIVES(aegis_reserve_set(BAD, 1), BAD_SLOT);
    GIVES(aegis_reserve_set(~0UL, 1), BAD_SLOT);
    GIVES(aegis_reserve_set(1020, 8), BAD_SLOT);
    DONE(aegis_reserve_set(0, 0));
}
