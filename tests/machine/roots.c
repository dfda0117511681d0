/* SPDX-License-Identifier: BSD-2-Clause */
/* Roots of a part: a quota is a capability like any other. */
#include "lib/lib.h"
#include "parts.h"


/* A claim on [first, first + 2^order) of a type, which lies in S(n); made by `root`. */
static struct aegis_result part_claim(unsigned long root, unsigned type, unsigned rights, unsigned long first,
                                      unsigned order, unsigned n)
{
    unsigned long base = AEGIS_WHAT_RESOURCE(LEDGER[root].what);
    struct aegis_result r = aegis_capability_make(root, rights, first - base, order);
    return r.error ? r : aegis_claim(AEGIS_WHAT(type | AEGIS_ROOT, rights, order, first), r.value, S(n));
}

/* The first page of a free block of 2^order pages that begins at one of its multiples. */
static unsigned long block_free(unsigned order)
{
    unsigned long page = page_get(S(0), order);
    page_put(S(0));
    return page;
}

void root_of_a_part_of_the_pages(void)
{
    unsigned long first = block_free(4);
    DONE(part_claim(PAGES_ROOT, AEGIS_PAGE, AEGIS_ALLOC, first, 4, 1));
    GIVES(aegis_page_alloc(S(1), ANY, 0, S(2), NONE), NO_RIGHT);
    GIVES(aegis_page_alloc(S(1), ANY, 1, S(2), NONE), NO_RIGHT);
    GIVES(aegis_page_alloc(S(1), first + 16, 0, S(2), NONE), NO_RIGHT);
    GIVES(aegis_page_alloc(S(1), first - 1, 0, S(2), NONE), NO_RIGHT);
    GIVES(aegis_page_alloc(S(1), first, 5, S(2), NONE), NO_RIGHT);
    GIVES(aegis_page_alloc(S(1), first, 64, S(2), NONE), NO_RIGHT);
    GIVES(aegis_page_alloc(S(1), first + (1UL << 32), 0, S(2), NONE), NO_RIGHT);
    GIVES(aegis_page_alloc(S(1), first + 1, 1, S(2), NONE), BAD_RANGE);
    struct aegis_result r = UNTIL_DONE(aegis_page_alloc(S(1), first + 15, 0, S(2), NONE));
    DONE(r);
    EQUAL(r.value, first + 15);
    GIVES(aegis_page_alloc(S(1), first + 15, 0, S(3), NONE), NO_RESOURCE);
    GIVES(aegis_page_exchange(S(1), ANY, S(2), AREA | AEGIS_R), NO_RIGHT);
    GIVES(aegis_page_exchange(S(1), first + 16, S(2), AREA | AEGIS_R), NO_RIGHT);
    DONE(UNTIL_DONE(aegis_map(0, S(2), AREA | AEGIS_R))); /* there is a table now */
    EQUAL(UNTIL_DONE(aegis_page_exchange(S(1), first + 14, S(2), AREA | AEGIS_R)).value, first + 14);
    EQUAL(UNTIL_DONE(aegis_page_exchange(S(1), first + 15, S(2), AREA | AEGIS_R)).value, first + 15);
    /* clearing goes on by any name: the block is there */
    DONE(UNTIL_DONE(aegis_page_alloc(S(1), first, 3, S(3), NONE)));
    GIVES(aegis_capability_make(S(1), AEGIS_ALLOC, 0, 5), BAD_RANGE);
    GIVES(aegis_capability_make(S(1), AEGIS_ALLOC, 16, 0), BAD_RANGE);
    GIVES(aegis_capability_make(S(1), AEGIS_ALLOC, 2, 2), BAD_RANGE);
    GIVES(aegis_capability_make(S(1), AEGIS_ALLOC | AEGIS_REVOKE, 0, 0), NO_RIGHT);
    /* a part of the part, and no more by saying so */
    DONE(part_claim(S(1), AEGIS_PAGE, AEGIS_ALLOC, first + 8, 2, 4));
    GIVES(aegis_page_alloc(S(4), first + 12, 0, S(5), NONE), NO_RIGHT);
    r = aegis_capability_make(S(4), AEGIS_ALLOC, 0, 2);
    GIVES(aegis_claim(AEGIS_WHAT(AEGIS_PAGE | AEGIS_ROOT, AEGIS_ALLOC, 4, first), r.value, S(5)), BAD_CAPABILITY);
    GIVES(aegis_claim(AEGIS_WHAT(AEGIS_PAGE | AEGIS_ROOT, AEGIS_ALLOC, AEGIS_ROOT_ORDER, 0), r.value, S(5)), BAD_CAPABILITY);
    GIVES(aegis_claim(AEGIS_WHAT(AEGIS_PAGE | AEGIS_ROOT, AEGIS_ALLOC, 2, first + 12), r.value, S(5)), BAD_CAPABILITY);
    for (unsigned n = 1; n <= 4; n++)
        page_put(S(n));
}

void root_of_a_part_of_the_slices(void)
{
    DONE(part_claim(AEGIS_SLOT_SLICES, AEGIS_SLICE, AEGIS_ALLOC, 40, 2, 1));
    GIVES(aegis_alloc(S(1), ANY, S(2)), NO_RIGHT);
    GIVES(aegis_alloc(S(1), 0xff, S(2)), NO_RIGHT);
    GIVES(aegis_alloc(S(1), 39, S(2)), NO_RIGHT);
    GIVES(aegis_alloc(S(1), 44, S(2)), NO_RIGHT);
    GIVES(aegis_alloc(S(1), 1 << 8 | 40, S(2)), NO_RIGHT);
    DONE(aegis_alloc(S(1), 43, S(2)));
    GIVES(aegis_alloc(S(1), 43, S(3)), NO_RESOURCE);
    page_put(S(2));
    page_put(S(1));
    /* the upper half of a hart's names holds 0xff, and is not any of the hart */
    DONE(part_claim(AEGIS_SLOT_SLICES, AEGIS_SLICE, AEGIS_ALLOC, 128, 7, 1));
    GIVES(aegis_alloc(S(1), 0xff, S(2)), NO_RIGHT);
    page_put(S(1));
    DONE(part_claim(AEGIS_SLOT_SLICES, AEGIS_SLICE, AEGIS_ALLOC, 0, 8, 1));
    DONE(aegis_alloc(S(1), 0xff, S(2)));
    page_put(S(2));
    GIVES(aegis_alloc(S(1), ANY, S(2)), NO_RIGHT);
    page_put(S(1));
}

static struct aegis_result env_make(unsigned root, unsigned n)
{
    unsigned long v[AEGIS_ENV_LENT];

    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++) {
        v[i] = S(n + 1 + i);
        page_get(v[i], 0);
    }
    struct aegis_result r = aegis_env_create(root, (unsigned long)v, S(n));
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++)
        page_put(v[i]);
    return r;
}

/* Two indices and no third; who has the part ends whoever lives there, and nobody else. */
void root_of_a_part_of_the_environments(void)
{
    DONE(part_claim(ENVS_ROOT, AEGIS_ENV, AEGIS_ALLOC, 502, 1, 1));
    struct aegis_result a = env_make(S(1), 2), b = env_make(S(1), 10);
    DONE(a);
    DONE(b);
    EQUAL(a.value + b.value, 502 + 503);
    GIVES(env_make(S(1), 18), FULL);
    GIVES(aegis_alloc(S(1), 501, S(18)), NO_RIGHT);
    GIVES(aegis_alloc(S(1), 0, S(18)), NO_RIGHT);
    page_put(S(2)); /* its maker's claim is gone: nobody else has one */
    DONE(aegis_alloc(S(1), a.value, S(18)));
    EQUAL(AEGIS_WHAT_RIGHTS(LEDGER[S(18)].what), AEGIS_CONTROL | AEGIS_RING);
    DONE(UNTIL_DONE(aegis_env_destroy(S(18))));
    DONE(UNTIL_DONE(aegis_env_destroy(S(10))));
    page_put(S(10));
    page_put(S(18));
    page_put(S(1));
    GIVES(aegis_alloc(ENVS_ROOT, 502, S(1)), NO_RESOURCE); /* nobody lives there */
    GIVES(aegis_alloc(ENVS_ROOT, 1UL << 32, S(1)), NO_RESOURCE);
    GIVES(aegis_alloc(ENVS_ROOT, AEGIS_ENVS, S(1)), NO_RESOURCE);
    DONE(part_claim(ENVS_ROOT, AEGIS_ENV, AEGIS_ALLOC, AEGIS_ENVS, 4, 1)); /* of what there is not */
    GIVES(env_make(S(1), 2), FULL);
    page_put(S(1));
}

static volatile unsigned long said[2];

static void child_seizes(long root)
{
    said[0] = (unsigned long)aegis_alloc((unsigned long)root, 0, 127).error;
    said[1] = 1;
    for (;;)
        up_yield();
}

/* The right to the whole table does not make anybody its controller's controller. */
void root_never_gives_control_of_a_controller(void)
{
    struct child c;
    child_make(&c, 0);
    DONE(aegis_share(c.slot, ENVS_ROOT, 1, AEGIS_ALLOC));
    said[0] = said[1] = 0;
    child_on(&c, 0, child_seizes, ENVS_ROOT);
    child_slice(&c, 0);
    CHECK(wait_word(&said[1], 1));
    EQUAL(said[0], AEGIS_E_NO_RESOURCE);
    child_end(&c);
}
