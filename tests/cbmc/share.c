/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * share: what arrives is what was there, with no right that the sharer lacks or did not name, under the check that the
 * resource has now; an occupied slot is left alone.
 *
 * unwind 6
 * proof page
 * break page core/ledger.c: d->what = what & k.keep; => d->what = what;
 * break page core/ledger.c: !LIKELY(*present == check)) => !LIKELY(*count))
 * break page core/ledger.c: == AEGIS_PAGE) || !LIKELY(!d->what) || => == AEGIS_PAGE) ||
 * break page core/ledger.c: !LIKELY(!(c->where & CLAIM_UNSETTLED)) => !LIKELY(1)
 * proof other
 * break other core/ledger.c: claim_fill(s->to, d, what & s->keep, c->check); => claim_fill(s->to, d, what, c->check);
 * break other core/ledger.c: REFUSE_IF(!env_may_hold(s->to, what & s->keep), => REFUSE_IF(0,
 * break other core/ledger.c: REFUSE_IF(c->where & CLAIM_UNSETTLED, => REFUSE_IF(0,
 */
#define COUNT 1u
#include "scene.h"

#define __asm__(...) (void)0 /* it keeps a constant from the compiler */
#include "core/ledger.c"
#undef __asm__

/* What core/cap.c and core/env.c answer is their own proofs' matter: anything. */
static uint64_t check_now, held;
bool resource_check(uint64_t what, uint64_t *check)
{
    (void)what;
    *check = check_now;
    return check_now != 0;
}

bool resource_hold(uint64_t what, uint64_t check)
{
    bool ok = nondet_bool() && check == (AEGIS_WHAT_TYPE(what) == AEGIS_PAGE ? records[FIRST].check : check_now);
    held += ok;
    return ok;
}

static bool allowed;
bool env_may_hold(const struct env *e, uint64_t what)
{
    (void)e, (void)what;
    return allowed = nondet_bool();
}

struct aegis_page *page_head_search(pfn_t page)
{
    (void)page;
    return NULL;
}

static struct aegis_claim c, d, before;
static unsigned rights;

static void begin(void)
{
    c = (struct aegis_claim){nondet_u64(), nondet_u64(), nondet_u64(), nondet_u32(), 0};
    before = d = (struct aegis_claim){nondet_u64(), nondet_u64(), 0, 0, 0};
    rights = nondet_u32() & AEGIS_RIGHTS;
    __CPROVER_havoc_object(records);
    check_now = nondet_u64();
    ASSUME(before.what || !before.check);
    ASSUME(AEGIS_WHAT_TYPE(c.what) != AEGIS_PAGE || AEGIS_WHAT_RESOURCE(c.what) == FIRST);
}

static void arrived(bool well, uint64_t check)
{
    if (!well) {
        MUST(same_claim(&before, &d), "a refusal changes nothing");
        return;
    }
    MUST(!before.what, "an occupied slot is refused");
    MUST(d.what == (c.what & ~((uint64_t)(uint16_t)~rights << 40)), "the same, with the rights that were named");
    MUST(!(AEGIS_WHAT_RIGHTS(d.what) & ~(AEGIS_WHAT_RIGHTS(c.what) & rights)), "no right is gained");
    MUST(d.check == c.check && check == c.check, "alive");
    MUST(!(c.where & CLAIM_UNSETTLED), "not one that is being cleared, or leaves");
}

/* The quick path; `keep` as share_run makes it. */
void page(void)
{
    begin();
    struct share_constants k = {(char *)&pages->claims, sizeof(struct aegis_page) << 32, ~((uint64_t)(uint16_t)~rights << 40), 1};
    uint32_t claims = records[FIRST].claims;
    bool well = share_page(&c, &d, k);
    MUST(records[FIRST].claims == claims + well, "it is counted");
    arrived(well, records[FIRST].check);
}

void other(void)
{
    static struct env to;

    begin();
    struct sharing s = {NULL, &to, 0, 1, 0, ~((uint64_t)(uint16_t)~rights << 40)};
    bool well = !share_claim(&s, &c, &d);
    MUST(!well || (allowed && held == 1), "its controllers are looked at; it is counted");
    arrived(well, AEGIS_WHAT_TYPE(c.what) == AEGIS_PAGE ? records[FIRST].check : check_now);
}
