/* SPDX-License-Identifier: BSD-2-Clause */
/* Every argument that names a claim, wrong in one way at a time, the others right: which of two slots it was is seen here. */
#include "lib/lib.h"
#include "calls.h"
#include "parts.h"

#define REFUSED(call) EQUAL((call).error, error)
#define PAGE S(0)
#define PAIR S(1) /* two pages: what an activation takes */
#define SLICE S(2)
#define LENT S(10) /* AEGIS_ENV_LENT pages that a new environment could have */
#define FREE S(20)

static struct child other;

static void open(void)
{
    child_make(&other, 0);
    page_get(PAGE, 0);
    DONE(UNTIL_DONE(aegis_map(0, PAGE, AREA | AEGIS_R | AEGIS_W)));
    page_get(PAIR, 1);
    DONE(aegis_alloc(AEGIS_SLOT_SLICES, 9, SLICE));
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++)
        page_get(LENT + i, 0);
}

static void close(void)
{
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++)
        page_put(LENT + i);
    page_put(SLICE);
    page_put(PAIR);
    page_put(PAGE);
    child_end(&other);
}

/* The vector of env_create, x at each of its places. */
static void as_lent(unsigned long x, long error)
{
    for (unsigned k = 0; k < AEGIS_ENV_LENT; k++) {
        uint64_t v[AEGIS_ENV_LENT];
        for (unsigned i = 0; i < AEGIS_ENV_LENT; i++)
            v[i] = i == k ? x : LENT + i;
        REFUSED(aegis_env_create(ENVS_ROOT, (unsigned long)v, FREE));
    }
}

/* x where a claim on pages is used. */
static void as_pages(unsigned long x, long error)
{
    struct aegis_mapping item = {x, (AREA + 0x1000) | AEGIS_R};
    struct aegis_predicate p = {.slot = (uint16_t)x, .operation = AEGIS_EQ, .width = 8};
    REFUSED(aegis_map(0, x, (AREA + 0x1000) | AEGIS_R));
    REFUSED(aegis_map_vector(0, (unsigned long)&item, 1));
    REFUSED(aegis_page_alloc(PAGES_ROOT, ANY, 0, FREE, x));
    REFUSED(aegis_page_exchange(PAGES_ROOT, ANY, x, AREA | AEGIS_R));
    REFUSED(aegis_table_lend(other.slot, x, AEGIS_TABLE_LEDGER, 0));
    REFUSED(aegis_activation_lend(other.slot, x, 0));
    REFUSED(aegis_slice_wait((unsigned long)&p, 1, 1));
    as_lent(x, error);
}

/* x where one on a root, a slice, a line, the console, the machine is used. */
static void as_another(unsigned long x, long error)
{
    uint64_t v[AEGIS_ENV_LENT];
    char text[8] = {0};
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++)
        v[i] = LENT + i;
    REFUSED(aegis_alloc(x, 8, FREE));
    REFUSED(aegis_page_alloc(x, ANY, 0, FREE, NONE));
    REFUSED(aegis_page_alloc(x, ANY, 1, FREE, NONE));
    REFUSED(aegis_page_exchange(x, ANY, PAGE, AREA | AEGIS_R));
    REFUSED(aegis_env_create(x, (unsigned long)v, FREE));
    REFUSED(aegis_revoke(x, other.slot, 1, 1));
    REFUSED(aegis_revoke_force(x, other.slot));
    REFUSED(aegis_slice_lend(x, other.slot));
    REFUSED(aegis_slice_recall(x));
    REFUSED(aegis_console_write(x, 1, (unsigned long)text, 8));
    REFUSED(aegis_console_read(x, (unsigned long)text, 8));
    REFUSED(aegis_irq_done(x));
    REFUSED(aegis_machine_end(x, 0));
}

/* x where an environment is named over which CONTROL is wanted. */
static void as_controlled(unsigned long x, long error)
{
    struct aegis_mapping item = {PAGE, AREA | AEGIS_R};
    REFUSED(aegis_share(x, 100, 1, AEGIS_R));
    REFUSED(aegis_release(x, 100));
    REFUSED(aegis_slot_tag(x, AEGIS_SLOT_CONSOLE, 0));
    REFUSED(aegis_map(x, image_first, AREA | AEGIS_R));
    REFUSED(aegis_map_vector(x, (unsigned long)&item, 1));
    REFUSED(aegis_map_protect(x, AREA, 1, AEGIS_R));
    REFUSED(aegis_map_clean(x, AREA, 1));
    REFUSED(aegis_unmap(x, image_first));
    REFUSED(aegis_table_lend(x, LENT, AEGIS_TABLE_LEDGER, 0));
    REFUSED(aegis_activation_lend(x, PAIR, 0));
}

/* x where one is named to which time is given (RING). */
static void as_rung(unsigned long x, long error)
{
    EQUAL(up_yield_to(x), error);
    REFUSED(aegis_slice_lend(SLICE, x));
    REFUSED(aegis_slice_ring(x, 0));
}

static void as_revoked(unsigned long x, long error)
{
    REFUSED(aegis_revoke(PAGES_ROOT, x, 1, 1));
    REFUSED(aegis_revoke_force(PAGES_ROOT, x));
}

static void as_any_claim(unsigned long x, long error)
{
    REFUSED(aegis_capability_make(x, 0, 0, 0));
    REFUSED(aegis_rekey(x));
    REFUSED(aegis_release(0, x));
    REFUSED(aegis_release(other.slot, x));
    REFUSED(aegis_slot_tag(0, x, 0));
    REFUSED(aegis_slot_tag(other.slot, x, 0));
    REFUSED(aegis_unmap(0, x));
    REFUSED(aegis_unmap(other.slot, x));
}

static void everywhere(unsigned long x, long error)
{
    as_pages(x, error);
    as_another(x, error);
    as_controlled(x, error);
    as_rung(x, error);
    as_revoked(x, error);
    REFUSED(aegis_env_destroy(x));
}

void each_slot_out_of_range(void)
{
    static const unsigned long bad[] = {1024, BAD};
    const long error = AEGIS_E_BAD_SLOT;
    uint64_t v[AEGIS_ENV_LENT];
    open();
    struct aegis_result r = aegis_capability_make(PAGE, AEGIS_R, 0, 0);
    uint64_t what = AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, 0, AEGIS_WHAT_RESOURCE(LEDGER[PAGE].what));
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++)
        v[i] = LENT + i;
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        everywhere(bad[i], error);
        as_any_claim(bad[i], error);
        /* where it is to be put */
        REFUSED(aegis_claim(what, r.value, bad[i]));
        REFUSED(aegis_alloc(AEGIS_SLOT_SLICES, 8, bad[i]));
        REFUSED(aegis_page_alloc(PAGES_ROOT, ANY, 0, bad[i], NONE));
        REFUSED(aegis_env_create(ENVS_ROOT, (unsigned long)v, bad[i]));
        REFUSED(aegis_share(other.slot, bad[i], 1, AEGIS_R));
        REFUSED(aegis_reserve_set(bad[i], 1));
    }
    close();
}

void each_slot_empty(void)
{
    open();
    everywhere(S(30), AEGIS_E_EMPTY_SLOT);
    as_any_claim(127, AEGIS_E_EMPTY_SLOT); /* the other has no slot beyond it */
    close();
}

/* One's own entry: of no type that any of these takes. */
void each_slot_of_another_type(void)
{
    open();
    DONE(aegis_alloc(AEGIS_SLOT_SELF, 0, S(30)));
    everywhere(S(30), AEGIS_E_WRONG_TYPE);
    const long error = AEGIS_E_WRONG_TYPE;
    REFUSED(aegis_unmap(0, S(30)));
    REFUSED(aegis_unmap(other.slot, AEGIS_SLOT_CONSOLE));
    /* a root, but of something else */
    REFUSED(aegis_page_alloc(AEGIS_SLOT_SLICES, ANY, 0, FREE, NONE));
    REFUSED(aegis_page_exchange(ENVS_ROOT, ANY, PAGE, AREA | AEGIS_R));
    REFUSED(aegis_alloc(PAGES_ROOT, 1, FREE));
    as_pages(PAGES_ROOT, error);
    page_put(S(30));
    close();
}

void each_environment_without_the_right(void)
{
    open();
    struct aegis_result r = aegis_capability_make(other.slot, AEGIS_RING, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENV, AEGIS_RING, 0, other.index), r.value, S(30)));
    as_controlled(S(30), AEGIS_E_NO_RIGHT);
    GIVES(aegis_env_destroy(S(30)), NO_RIGHT);
    page_put(S(30));
    r = aegis_capability_make(other.slot, AEGIS_CONTROL, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENV, AEGIS_CONTROL, 0, other.index), r.value, S(30)));
    as_rung(S(30), AEGIS_E_NO_RIGHT);
    page_put(S(30));
    close();
}

void each_environment_gone(void)
{
    open();
    DONE(UNTIL_DONE(aegis_env_destroy(other.slot)));
    as_controlled(other.slot, AEGIS_E_NO_ENV);
    as_rung(other.slot, AEGIS_E_NO_ENV);
    as_revoked(other.slot, AEGIS_E_NO_ENV);
    close();
}

void each_page_without_the_right(void)
{
    open();
    page_get(S(29), 0);
    struct aegis_result r = aegis_capability_make(S(29), 0, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, 0, 0, AEGIS_WHAT_RESOURCE(LEDGER[S(29)].what)), r.value, S(30)));
    as_pages(S(30), AEGIS_E_NO_RIGHT);
    GIVES(aegis_capability_make(S(30), AEGIS_R, 0, 0), NO_RIGHT);
    GIVES(aegis_rekey(S(30)), NO_RIGHT);
    page_put(S(30));
    page_put(S(29));
    close();
}

void each_page_dead(void)
{
    open();
    dead_claim(30);
    as_pages(S(30), AEGIS_E_REVOKED);
    GIVES(aegis_capability_make(S(30), AEGIS_R, 0, 0), REVOKED);
    GIVES(aegis_rekey(S(30)), REVOKED);
    dead_end(30);
    close();
}

/* A block that is being filled. */
void each_page_unsettled(void)
{
    open();
    page_get(S(29), 4);
    GIVES(aegis_page_alloc(PAGES_ROOT, ANY, 4, S(30), S(29)), AGAIN);
    as_pages(S(30), AEGIS_E_BUSY);
    GIVES(aegis_capability_make(S(30), AEGIS_R, 0, 0), BUSY);
    GIVES(aegis_rekey(S(30)), BUSY);
    GIVES(aegis_unmap(0, S(30)), BUSY);
    page_put(S(30));
    page_put(S(29));
    close();
}
