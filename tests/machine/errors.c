/* SPDX-License-Identifier: BSD-2-Clause */
/* What calls say of claims that are dead or not settled. */
#include "lib/lib.h"
#include "calls.h"

/* A claim on a root in slot S(n) that is dead; the root itself goes on in its slot. */
static void dead_root(unsigned long root, unsigned n)
{
    uint64_t what = LEDGER[root].what;
    struct aegis_result r = aegis_capability_make(root, AEGIS_WHAT_RIGHTS(what), 0, AEGIS_WHAT_ORDER(what));
    DONE(r);
    DONE(aegis_claim(what, r.value, S(n)));
    DONE(UNTIL_DONE(aegis_rekey(root)));
}

void errors_of_dead_claims(void)
{
    struct child c;
    uint64_t v[AEGIS_ENV_LENT] = {0};
    child_make(&c, 0);
    dead_root(AEGIS_SLOT_SLICES, 0);
    GIVES(aegis_alloc(S(0), ANY, S(1)), REVOKED);
    page_put(S(0));
    dead_root(PAGES_ROOT, 0);
    GIVES(aegis_page_alloc(S(0), ANY, 0, S(1), NONE), REVOKED);
    page_get(S(1), 0);
    GIVES(aegis_page_exchange(S(0), ANY, S(1), AREA | AEGIS_R), REVOKED);
    page_put(S(1));
    GIVES(aegis_revoke(S(0), c.slot, 1, 1), REVOKED);
    GIVES(aegis_revoke_force(S(0), c.slot), REVOKED);
    page_put(S(0));
    dead_root(ENVS_ROOT, 0);
    GIVES(aegis_env_create(S(0), (unsigned long)v, S(1)), REVOKED);
    page_put(S(0));
    dead_claim(6);
    GIVES(aegis_activation_lend(c.slot, S(6), 0), REVOKED);
    dead_end(6);
    /* in a slot that a child has too */
    page_get(127, 0);
    struct aegis_result r = aegis_capability_make(127, AEGIS_RWX | AEGIS_REKEY, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_RWX | AEGIS_REKEY, 0, AEGIS_WHAT_RESOURCE(LEDGER[127].what)), r.value, S(2)));
    aegis_rekey(S(2));
    GIVES(aegis_share(c.slot, 127, 1, AEGIS_R), REVOKED);
    DONE(UNTIL_DONE(aegis_rekey(S(2))));
    page_put(S(2));
    DONE(aegis_alloc(AEGIS_SLOT_SLICES, 7, S(3)));
    r = aegis_capability_make(S(3), AEGIS_LEND, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_SLICE, AEGIS_LEND, 0, 7), r.value, S(4)));
    DONE(aegis_rekey(S(3)));
    GIVES(aegis_slice_recall(S(4)), REVOKED);
    page_put(S(4));
    r = aegis_capability_make(S(3), 0, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_SLICE, 0, 0, 7), r.value, S(4)));
    GIVES(aegis_slice_recall(S(4)), NO_RIGHT);
    page_put(S(4));
    page_put(S(3));
    child_end(&c);
}

void errors_while_unsettled_or_without_a_right(void)
{
    struct child c;
    child_make(&c, 0);
    page_get(S(1), 4);
    GIVES(aegis_page_alloc(PAGES_ROOT, ANY, 4, 127, S(1)), AGAIN);
    GIVES(aegis_capability_make(127, AEGIS_R, 0, 0), BUSY);
    GIVES(aegis_share(c.slot, 127, 1, AEGIS_R), BUSY);
    GIVES(aegis_rekey(127), BUSY);
    GIVES(aegis_table_lend(c.slot, 127, AEGIS_TABLE_LEDGER, 0), BUSY);
    GIVES(aegis_activation_lend(c.slot, 127, 0), BUSY);
    uint64_t v[AEGIS_ENV_LENT] = {127, 127, 127, 127, 127, 127};
    GIVES(aegis_env_create(ENVS_ROOT, (unsigned long)v, S(2)), BUSY);
    page_put(127);
    page_put(S(1));
    struct aegis_result r = aegis_capability_make(PAGES_ROOT, AEGIS_ALLOC, 0, AEGIS_ROOT_ORDER);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE | AEGIS_ROOT, AEGIS_ALLOC, AEGIS_ROOT_ORDER, 0), r.value, S(3)));
    GIVES(aegis_revoke_force(S(3), c.slot), NO_RIGHT);
    page_put(S(3));
    page_get(S(4), 1);
    r = aegis_capability_make(S(4), AEGIS_R, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, 0, AEGIS_WHAT_RESOURCE(LEDGER[S(4)].what)), r.value, S(5)));
    GIVES(aegis_activation_lend(c.slot, S(5), 0), NO_RIGHT);
    page_put(S(5));
    page_put(S(4));
    DONE(UNTIL_DONE(aegis_env_destroy(c.slot)));
    GIVES(aegis_map_protect(c.slot, AREA, 1, AEGIS_R), NO_ENV);
    GIVES(aegis_map_clean(c.slot, AREA, 1), NO_ENV);
    page_put(c.slot);
}
