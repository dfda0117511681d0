/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capabilities: one that is made is never worth more than the claim that it is made from; the MAC is any function.
 *
 * unwind 6
 * proof made
 * break made core/cap.c: rights & ~(unsigned long)AEGIS_WHAT_RIGHTS(c->what) => rights & ~(unsigned long)AEGIS_RIGHTS
 * break made core/cap.c: order > has || first >> has || => order > has ||
 * break made core/cap.c: first & ((1UL << order) - 1) => 0
 * break made core/cap.c: slot == AEGIS_SLOT_SELF && => 0 &&
 * break made core/cap.c: TRY_CALL(ledger_use(e, slot, type, 0, &c)); => ;
 */
#define COUNT 1u
#include "scene.h"

/* What is there now is claim.c's matter: here the check of anything is any value. */
static uint64_t check_now;
static bool resource_check_any(uint64_t what, uint64_t *check)
{
    (void)what;
    *check = check_now;
    return check_now != 0;
}

#include "core/siphash.h"
#include "core/cap.c"
#define resource_check resource_check_any
#include "core/ledger.c"

static struct {
    uint64_t what, check;
    unsigned times;
} hashed;

uint64_t siphash(const uint64_t key[2], uint64_t a, uint64_t b)
{
    (void)key;
    hashed.what = a;
    hashed.check = b;
    hashed.times++;
    return nondet_u64();
}

/* Rights and pages of `less` are among those of `more`. */
static bool within(uint64_t less, uint64_t more)
{
    uint64_t size = 1UL << AEGIS_WHAT_ORDER(less), all = 1UL << AEGIS_WHAT_ORDER(more);
    uint64_t at = AEGIS_WHAT_RESOURCE(less), from = AEGIS_WHAT_RESOURCE(more);
    return AEGIS_WHAT_TYPE(less) == AEGIS_WHAT_TYPE(more) && !(AEGIS_WHAT_RIGHTS(less) & ~AEGIS_WHAT_RIGHTS(more)) &&
           at >= from && at + size <= from + all;
}

/* A claim covers pages, or a root's names, as many as a power of two and aligned to it; of anything else one. */
static bool whole(uint64_t what)
{
    unsigned order = AEGIS_WHAT_ORDER(what), type = AEGIS_WHAT_TYPE(what);
    unsigned most = type == AEGIS_PAGE ? 18 : type & AEGIS_ROOT ? AEGIS_ROOT_ORDER : 0;
    return order <= most && !(AEGIS_WHAT_RESOURCE(what) & ((1UL << order) - 1));
}

void made(void)
{
    unsigned long slot = nondet_u64(), rights = nondet_u64(), first = nondet_u64(), order = nondet_u64();
    struct env *e = &env[0];
    struct aegis_claim before[SLOTS];

    e->ledger_pages = 1;
    e->ledger[0] = ledger[0];
    activation[0].env = e;
    self = &activation[0];
    __CPROVER_havoc_object(ledger);
    check_now = nondet_u64();
    for (unsigned i = 0; i < SLOTS; i++) {
        before[i] = ledger[0][i];
        ASSUME(whole(before[i].what));
        ASSUME(AEGIS_WHAT_TYPE(before[i].what) != AEGIS_ENV || AEGIS_WHAT_RESOURCE(before[i].what) < AEGIS_ENVS);
        ASSUME(before[i].check || !before[i].what);
    }
    result_t done = call_capability_make(slot, rights, first, order);
    for (unsigned i = 0; i < SLOTS; i++)
        MUST(same_claim(&before[i], &ledger[0][i]), "no claim changes");
    MUST(e->lock.serving == e->lock.next, "the lock is given back");
    if (done.error) {
        MUST(!hashed.times && !done.value, "nothing is told of what is refused");
        return;
    }
    MUST(slot < SLOTS && before[slot].what, "of a claim");
    MUST(hashed.times == 1 && within(hashed.what, before[slot].what), "never more than the claim");
    MUST(AEGIS_WHAT_ORDER(hashed.what) == order && whole(hashed.what), "a whole block");
    MUST(!(slot == AEGIS_SLOT_SELF && AEGIS_WHAT_RIGHTS(hashed.what) & AEGIS_CONTROL), "nobody passes on control of itself");
    MUST(hashed.check == before[slot].check, "under the claim's check");
    MUST(hashed.check == (AEGIS_WHAT_TYPE(hashed.what) == AEGIS_ENV ? exposed.env[AEGIS_WHAT_RESOURCE(hashed.what)].check : check_now),
         "of one that is alive");
}
