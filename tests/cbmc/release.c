/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * release: the slot is empty and its resource has one claim less when it says so, and not before every hart has let go of
 * what stood under the claim; until then the claim is the same, unmapped. What is refused is left alone.
 *
 * unwind 4
 * proof released
 * break released core/ledger.c: if (slot >= ledger_slots(e) || !limbo_only_here(e->mask)) => if (slot >= ledger_slots(e))
 * break released core/ledger.c: c->where & (AEGIS_MAPPED | AEGIS_UNMAPPING | CLAIM_UNSETTLED | CLAIM_REKEY) => c->where & (AEGIS_UNMAPPING | CLAIM_UNSETTLED | CLAIM_REKEY)
 * break released core/ledger.c: c->where & (AEGIS_MAPPED | AEGIS_UNMAPPING | CLAIM_UNSETTLED | CLAIM_REKEY) => c->where & (AEGIS_MAPPED | AEGIS_UNMAPPING | CLAIM_UNSETTLED)
 * break released core/ledger.c: if (AEGIS_WHAT_TYPE(c->what) != AEGIS_PAGE || p->check != c->check || => if (AEGIS_WHAT_TYPE(c->what) != AEGIS_PAGE ||
 * break released core/ledger.c: REFUSE_IF(!limbo_over(c->where & CLAIM_REKEY ? kernel.online : e->mask, c->step), => REFUSE_IF(0,
 * break released core/ledger.c: REFUSE_IF(!limbo_over(c->where & CLAIM_REKEY ? kernel.online : e->mask, c->step), => REFUSE_IF(!limbo_over(e->mask, c->step),
 * break released core/ledger.c: if (c->where & AEGIS_MAPPED) => if (0)
 * break released core/ledger.c: resource_drop(what, e); => ;
 * proof refused
 * break refused core/ledger.c: return slot == AEGIS_SLOT_SELF ? REFUSED(NO_RIGHT) : ledger_release(e, slot); => return ledger_release(e, slot);
 */
#define COUNT 1u
#define CLAIMS 2
#include "scene.h"

#include "core/ledger.c"

static struct env *e = &env[0];
static unsigned drops, asked_mask;
static uint64_t dropped;
static bool over;

/* Other harts are anywhere: whether they have let go is any answer. */
uint32_t limbo_enter(uint32_t mask)
{
    (void)mask;
    return nondet_u32();
}

bool limbo_over(uint32_t mask, uint32_t stamp)
{
    (void)stamp;
    asked_mask = mask;
    return over = nondet_bool();
}

/* As core/map.c leaves a claim, which is the proofs' in translate.c. */
void map_drop(struct env *from, struct aegis_claim *c, unsigned long slot)
{
    MUST(from == e && c == &ledger[0][slot] && c->where & AEGIS_MAPPED, "what is mapped");
    c->where &= AEGIS_FLAGS & ~(AEGIS_MAPPED | AEGIS_PINNED_DOWN);
}

void resource_drop(uint64_t what, const struct env *from)
{
    MUST(from == e, "by whom");
    dropped = what;
    drops++;
}

void page_drop_claim(struct aegis_page *head)
{
    MUST(head->check == records[head - records].check, "a block");
    dropped = AEGIS_WHAT(AEGIS_PAGE, 0, 0, head - records);
    drops++;
}

bool resource_check(uint64_t what, uint64_t *check)
{
    (void)what, (void)check;
    MUST(false, "release asks nobody whether a claim is alive");
    return false;
}

bool resource_hold(uint64_t what, uint64_t check)
{
    (void)what, (void)check;
    MUST(false, "release holds nothing");
    return false;
}

bool env_may_hold(const struct env *holder, uint64_t what)
{
    (void)holder, (void)what;
    return false;
}

struct aegis_page *page_head_search(pfn_t page)
{
    (void)page;
    return NULL;
}

void pct_forget(struct env *from, const struct env *gone)
{
    (void)from, (void)gone;
}

static void begin(void)
{
    e->ledger_pages = 1;
    e->ledger[0] = ledger[0];
    activation[0].env = e;
    activation[0].hart = &kernel.hart[0];
    kernel.hart[0].bit = 1;
    kernel.online = nondet_u32();
    e->mask = nondet_u32();
    self = &activation[0];
    __CPROVER_havoc_object(records);
}

/* Of slot 1, which holds anything. */
void released(void)
{
    struct aegis_claim *now = &ledger[0][1], before;

    begin();
    *now = before = (struct aegis_claim){nondet_u64(), nondet_u64(), nondet_u64(), nondet_u32(), nondet_u32()};
    bool page = AEGIS_WHAT_TYPE(before.what) == AEGIS_PAGE;
    ASSUME(!page || AEGIS_WHAT_RESOURCE(before.what) == FIRST);
    ASSUME(!(before.where & AEGIS_LEAVING && before.where & AEGIS_MAPPED)); /* as the first step leaves it */
    ASSUME(AEGIS_WHAT_TYPE(before.what) != AEGIS_ENTRY || !AEGIS_WHAT_RESOURCE(before.what));
    result_t done = call_release(0, 1);
    MUST(e->lock.serving == e->lock.next, "the lock is given back");
    if (done.error) {
        MUST(!drops, "nothing is given up");
        MUST(done.error == AEGIS_E_AGAIN || same_claim(&before, now), "a refusal changes nothing");
        MUST(done.error != AEGIS_E_AGAIN || (now->what == before.what && now->check == before.check &&
                                             (now->where & (AEGIS_MAPPED | AEGIS_LEAVING)) == AEGIS_LEAVING),
             "it waits, unmapped");
        return;
    }
    MUST(before.what, "a claim");
    MUST(!now->what && !now->check && !now->where && !now->tag && !now->step, "the slot is empty");
    MUST(drops == 1 && (page ? AEGIS_WHAT_TYPE(dropped) == AEGIS_PAGE && AEGIS_WHAT_RESOURCE(dropped) == FIRST : dropped == before.what),
         "one claim less");
    bool quiet = page && !(before.where & (AEGIS_MAPPED | AEGIS_UNMAPPING | CLAIM_UNSETTLED | CLAIM_REKEY)) && e->mask == 1;
    MUST(over || quiet, "every hart has let go");
    MUST(quiet || asked_mask == (before.where & CLAIM_REKEY ? kernel.online : e->mask), "of a re-keyed one all harts that run");
    MUST(over || before.check == records[FIRST].check, "a dead claim goes the long way");
}

void refused(void)
{
    begin();
    ledger[0][AEGIS_SLOT_SELF].what = AEGIS_WHAT(AEGIS_ENV, nondet_u32() & AEGIS_RIGHTS, 0, 0);
    MUST(call_release(0, AEGIS_SLOT_SELF).error, "not the claim on oneself");
    MUST(call_release(0, SLOTS).error == AEGIS_E_BAD_SLOT, "behind the ledger's end");
    MUST(call_release(0, ~0UL).error == AEGIS_E_BAD_SLOT, "behind the ledger's end");
    MUST(!drops, "nothing is given up");
}
