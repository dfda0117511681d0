/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * claim: who shows the MAC of what there is now gets a claim on just that, in an empty slot, counted once; whoever does not gets
 * nothing. The MAC is any function; other harts may re-key or free what is claimed, or make it anew, whenever a lock is free.
 *
 * unwind 5
 * proof page
 * proof scheduled
 * proof device
 * proof root
 * break page core/cap.c: (whole ? siphash_inline : siphash)(kernel.key, what, check) == mac => true
 * break page core/cap.c: bool ok = head->check == check && check; => bool ok = true;
 * break root core/cap.c: bool ok = at && *at == check && check; => bool ok = at;
 * break root core/cap.c: : env_may_hold(e, what) && resource_hold(what, check))) => : resource_hold(what, check)))
 * break page core/cap.c: claim_fill(e, c, what, check); => claim_fill(e, c, what | 2UL << 40, check);
 * break page core/cap.c: long error = ledger_empty(e, slot, &c); => long error = ledger_empty(e, slot, &c) == AEGIS_E_BAD_SLOT ? AEGIS_E_BAD_SLOT : 0;
 * break scheduled core/cap.c: __atomic_fetch_add(count, ok, __ATOMIC_RELAXED); => __atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
 * break scheduled core/cap.c: if ((r & 0xff) >= AEGIS_SLICES) => if (0)
 * break device core/cap.c: r >= kinds[type].limit => r > kinds[type].limit
 */
#define COUNT 2u
#define CLAIMS 2
#include <aegis/layout.h>
#include "scene.h"
#include "core/siphash.h"

uint64_t __CPROVER_uninterpreted_mac(uint64_t a, uint64_t b);
uint64_t siphash(const uint64_t key[2], uint64_t a, uint64_t b)
{
    (void)key;
    return __CPROVER_uninterpreted_mac(a, b);
}

static void begin(void)
{
    exposed.page_first = FIRST;
    exposed.page_count = COUNT;
    env[0].ledger_pages = 1;
    env[0].ledger[0] = ledger[0];
    activation[0].env = &env[0];
    self = &activation[0];
}

/* Before a lock is taken others had it. */
static void others(const struct lock *l);
static inline void lock_take_after_others(struct lock *l)
{
    others(l);
    lock_take(l);
}

#define siphash_inline siphash
#define lock_take      lock_take_after_others
#include "core/cap.c"
#undef lock_take

static uint64_t *there; /* the check of what is claimed, null: there is no such thing */

static void others(const struct lock *l)
{
    if (there && (l == &kernel.page_lock || l == &kernel.table_lock) && nondet_bool())
        *there = nondet_u64();
}

/* Of two pages: each is free, a block of its own or half of one. */
struct aegis_page *page_head_search(pfn_t page)
{
    if (records[page].state == AEGIS_PAGE_USED)
        return &records[page];
    struct aegis_page *first = &records[page & ~1u];
    return page & 1 && (page & ~1u) >= FIRST && first->state == AEGIS_PAGE_USED && first->order ? first : NULL;
}

bool page_is_device(unsigned long page)
{
    (void)page;
    return false;
}

static bool allowed;
bool env_may_hold(const struct env *e, uint64_t what)
{
    (void)e, (void)what;
    return allowed = nondet_bool();
}

/* One claim of what `what` names, whose check and count stand there (null: there is no such thing). */
static void claim_of(uint64_t what, uint64_t *check, uint32_t *count)
{
    unsigned long mac = nondet_u64(), slot = nondet_u64();
    struct aegis_claim before[SLOTS];

    __CPROVER_havoc_object(ledger);
    for (unsigned i = 0; i < SLOTS; i++) {
        before[i] = ledger[0][i];
        ASSUME(before[i].what || same_claim(&before[i], &(const struct aegis_claim){0}));
    }
    there = check;
    if (check)
        *check = nondet_u64();
    uint32_t claims = count ? *count : 0;
    result_t done = call_claim(what, mac, slot);
    MUST(unlocked(), "the locks are given back");
    for (unsigned i = 0; i < SLOTS; i++)
        if (done.error || i != slot)
            MUST(same_claim(&before[i], &ledger[0][i]), "no other claim changes");
    MUST(!count || *count == claims + !done.error, "it is counted, once");
    if (done.error)
        return;
    const struct aegis_claim *c = &ledger[0][slot];
    MUST(slot < SLOTS && !before[slot].what, "an empty slot");
    MUST(check && *check && c->check == *check, "of what there is now");
    MUST(mac == __CPROVER_uninterpreted_mac(what, *check), "whose MAC was shown");
    MUST(c->what == what && !c->where && !c->tag && !c->step, "just that, mapped nowhere");
    MUST(allowed || AEGIS_WHAT_TYPE(what) == AEGIS_PAGE, "which it may hold");
}

/* What a capability says of rights goes into the MAC and into the claim; nothing here depends on them. */
#define RIGHTS 0x5a5

static void some(unsigned type, uint32_t r, uint64_t *check, uint32_t *count)
{
    allowed = false;
    claim_of(AEGIS_WHAT(type, RIGHTS, 0, r), check, count);
}

/* Of pages: a block's first, a page within it, one that is free, one that is not there. */
void page(void)
{
    begin();
    for (pfn_t r = FIRST - 1; r <= FIRST + COUNT; r++) {
        __CPROVER_havoc_object(records);
        for (unsigned i = FIRST; i < FIRST + COUNT; i++)
            ASSUME(block_sane(i));
        struct aegis_page *p = r >= FIRST && r < FIRST + COUNT ? page_head_search(r) : NULL;
        some(AEGIS_PAGE, r, p ? &p->check : NULL, p ? &p->claims : NULL);
    }
}

/* Of everything else the first, the last and what is behind it. */
#define ENDS(type, last, check, count)                                                             \
    some(type, 0, &check(0), &count(0));                                                           \
    some(type, last, &check(last), &count(last));                                                  \
    some(type, (last) + 1, NULL, NULL);

void scheduled(void)
{
    begin();
#define SLICE_CHECK(r)    exposed.slice[(r) >> 8][(r) & 255].check
#define SLICE_COUNT(r)    kernel.slice_claims[(r) >> 8][(r) & 255]
    exposed.slice[1][0].check = nondet_u64();
    some(AEGIS_SLICE, AEGIS_SLICES, NULL, NULL); /* not the next hart's first */
    ENDS(AEGIS_SLICE, (AEGIS_HARTS - 1) << 8 | (AEGIS_SLICES - 1), SLICE_CHECK, SLICE_COUNT)
    some(AEGIS_SLICE, AEGIS_HARTS << 8, NULL, NULL);
#define ENV_CHECK(r)      exposed.env[r].check
#define ENV_COUNT(r)      exposed.env[r].claims
    ENDS(AEGIS_ENV, AEGIS_ENVS - 1, ENV_CHECK, ENV_COUNT)
#define ENTRY_CHECK(r)    kernel.entry_check[r]
#define ENTRY_COUNT(r)    exposed.env[r].entries
    ENDS(AEGIS_ENTRY, AEGIS_ENVS - 1, ENTRY_CHECK, ENTRY_COUNT)
}

void device(void)
{
    begin();
#define IRQ_CHECK(r)      kernel.irq_check[r]
#define IRQ_COUNT(r)      kernel.irq_claims[r]
    ENDS(AEGIS_IRQ, AEGIS_IRQS - 1, IRQ_CHECK, IRQ_COUNT)
#define FILTER_CHECK(r)   exposed.net.filter[r].check
#define FILTER_COUNT(r)   kernel.filter_claims[r]
    ENDS(AEGIS_FILTER, AEGIS_FILTERS - 1, FILTER_CHECK, FILTER_COUNT)
#define ENDPOINT_CHECK(r) exposed.net.endpoint[r].check
#define ENDPOINT_COUNT(r) kernel.endpoint_claims[r]
    ENDS(AEGIS_ENDPOINT, AEGIS_ENDPOINTS - 1, ENDPOINT_CHECK, ENDPOINT_COUNT)
}

void root(void)
{
    begin();
    some(AEGIS_CONSOLE, 0, &kernel.single_check[AEGIS_CONSOLE], NULL);
    some(AEGIS_CONSOLE, 1, NULL, NULL);
    some(AEGIS_MACHINE, 0, &kernel.single_check[AEGIS_MACHINE], NULL);
    some(AEGIS_TYPES, 0, NULL, NULL);
    some(AEGIS_ROOT + AEGIS_PAGE, 3, &kernel.root_check[AEGIS_PAGE], NULL);
    some(AEGIS_ROOT + AEGIS_TYPES - 1, 3, &kernel.root_check[AEGIS_TYPES - 1], NULL);
    some(AEGIS_ROOT + AEGIS_TYPES, 3, NULL, NULL);
    some(0xff, 3, NULL, NULL);
}
