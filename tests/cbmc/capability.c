/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capabilities: one that is made is never worth more than the claim that it is made from; the MAC is any function.
 *
 * unwind 6
 * proof made
 * break made core/cap.c: if (rights & ~(unsigned long)AEGIS_WHAT_RIGHTS(c->what)) => if (rights & ~(unsigned long)AEGIS_RIGHTS)
 * break made core/cap.c: first >> AEGIS_WHAT_ORDER(c->what) => first >> (AEGIS_WHAT_ORDER(c->what) + 1)
 * break made core/cap.c: slot == AEGIS_SLOT_SELF && => 0 &&
 */
#include "scene.h"

#include "core/siphash.h"

uint64_t __CPROVER_uninterpreted_mac(uint64_t what, uint64_t check);
static uint64_t mac_of(const uint64_t key[2], uint64_t what, uint64_t check)
{
    (void)key;
    return __CPROVER_uninterpreted_mac(what, check);
}
#define siphash_inline mac_of

#include "core/cap.c"
#include "core/ledger.c"
#include "core/page.c"

uint64_t siphash(const uint64_t key[2], uint64_t a, uint64_t b)
{
    return mac_of(key, a, b);
}

/* Not reached from what is called here, or any answer will do. */
bool env_may_hold(const struct env *e, uint64_t what)
{
    (void)e, (void)what;
    return nondet_bool();
}

/* rights and pages of `less` are among those of `more` */
static bool within(uint64_t less, uint64_t more)
{
    uint64_t size = 1UL << AEGIS_WHAT_ORDER(less), all = 1UL << AEGIS_WHAT_ORDER(more);
    uint64_t at = AEGIS_WHAT_RESOURCE(less), from = AEGIS_WHAT_RESOURCE(more);
    return AEGIS_WHAT_TYPE(less) == AEGIS_WHAT_TYPE(more) && !(AEGIS_WHAT_RIGHTS(less) & ~AEGIS_WHAT_RIGHTS(more)) &&
           at >= from && at + size <= from + all;
}

/* What capability_make hashes is what it was asked for; this is what may be asked for. */
void made(void)
{
    struct aegis_claim c = {nondet_u64(), nondet_u64(), 0, 0, 0};
    unsigned long slot = nondet_u64(), rights = nondet_u64(), first = nondet_u64(), order = nondet_u64();

    ASSUME(AEGIS_WHAT_ORDER(c.what) <= (AEGIS_WHAT_TYPE(c.what) == AEGIS_PAGE ? 18 : 0));
    ASSUME(AEGIS_WHAT_RESOURCE(c.what) <= UINT32_MAX - (1u << 18));
    if (capability_check(&c, slot, rights, first, order))
        return;
    uint64_t made = AEGIS_WHAT(AEGIS_WHAT_TYPE(c.what), rights, order, AEGIS_WHAT_RESOURCE(c.what) + first);
    MUST(within(made, c.what), "never more than the claim");
    MUST(!(slot == AEGIS_SLOT_SELF && rights & AEGIS_CONTROL), "nobody passes on control of itself");
    MUST(AEGIS_WHAT_TYPE(made) != AEGIS_PAGE || !(AEGIS_WHAT_RESOURCE(made) - AEGIS_WHAT_RESOURCE(c.what) & ((1u << order) - 1)), "a whole block");
}
