/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page_exchange: what is mapped afterwards is a page that root gave, a copy of the claim's, which the caller might read; only where no
 * other hart may hold translations, and in no other claim's place; the old page has one claim less. What is refused changes nothing.
 *
 * One address (VA), one leaf table, some rights; the claim, what stands in the table and in the STLB are anything.
 *
 * unwind 9
 * proof exchanged
 * break exchanged core/map.c: AEGIS_WHAT_ORDER(c->what) || old->flags & PAGE_UNREAD => AEGIS_WHAT_ORDER(c->what)
 * break exchanged core/map.c: AEGIS_WHAT_ORDER(c->what) || old->flags & PAGE_UNREAD => old->flags & PAGE_UNREAD
 * break exchanged core/map.c: TRY_CALL(ledger_use_page(e, slot, AEGIS_R, &c, &old)); => TRY_CALL(ledger_use_page(e, slot, 0, &c, &old));
 * break exchanged core/map.c: !limbo_only_here(e->mask) || !table || => !table ||
 * break exchanged core/map.c: place ? place != va >> 12 || (table[i] && *shadow != (uint16_t)slot) : table[i], MAPPED => place ? place != va >> 12 : table[i], MAPPED
 * break exchanged core/map.c: place ? place != va >> 12 || (table[i] && *shadow != (uint16_t)slot) : table[i], MAPPED => place ? place != va >> 12 || (table[i] && *shadow != (uint16_t)slot) : 0, MAPPED
 * break exchanged core/map.c: machine_copy(machine_direct(page), machine_direct(from)); => machine_copy(machine_direct(from), machine_direct(page));
 * break exchanged core/map.c: c->check = pages[page].check; => ;
 * break exchanged core/map.c: page_drop_claim(old); => ;
 * break exchanged core/map.c: stlb_put(e, va, table[i], slot); => ;
 */
#define COUNT 2u
#define CLAIMS 2
#include "scene.h"

static unsigned flushes;
#define machine_flush_page(va, asid) ((void)(va), (void)(asid), flushes++)
#include "core/limbo.h"
#include "core/map.c"
#include "core/ledger.c"
#include "around.h"

#define ENTRIES 512
#define VA      0x40205000UL /* symbolic, it would make each table access a choice of 512 */
#define NEW     (FIRST + 1)

static uint64_t table[2 * ENTRIES], root[ENTRIES], stlb[ENTRIES];
static struct env *e = &env[0];
static struct aegis_claim *c = &ledger[0][1];

static unsigned drops, copies, gifts;
static pfn_t copied_to, copied_from;

uint32_t limbo_enter(uint32_t mask)
{
    (void)mask;
    return nondet_u32();
}

bool limbo_over(uint32_t mask, uint32_t stamp)
{
    (void)mask, (void)stamp;
    return nondet_bool();
}

void machine_clear(void *page)
{
    (void)page;
    MUST(false, "a table is cleared");
}

void *machine_direct(uint32_t page)
{
    MUST(page == FIRST || page == NEW, "one of the two pages");
    return &records[page]; /* as good as the page: nobody looks into it */
}

void machine_copy(void *to, const void *from)
{
    copied_to = (pfn_t)((struct aegis_page *)to - records);
    copied_from = (pfn_t)((const struct aegis_page *)from - records);
    copies++;
}

/* A page that the root gives, claimed once, or any refusal (core/resource.c's). */
long page_by_root(struct env *by, unsigned long with, unsigned long name, unsigned long order, pfn_t from, pfn_t *page, bool *clean)
{
    (void)with, (void)name;
    MUST(by == e && !order && from == FIRST, "one page, for the claim's");
    if (nondet_bool())
        return AEGIS_E_NO_RESOURCE;
    gifts++;
    *page = NEW;
    *clean = nondet_bool();
    records[NEW] = (struct aegis_page){.state = AEGIS_PAGE_USED, .check = nondet_u64(), .claims = 1};
    ASSUME(records[NEW].check && records[NEW].check != records[FIRST].check); /* a check is never drawn twice */
    return 0;
}

void page_drop_claim(struct aegis_page *head)
{
    MUST(head == &records[FIRST], "the old page's");
    drops++;
}

static void exchange_with(unsigned long rights)
{
    __CPROVER_havoc_object(records);
    exposed.page_first = FIRST;
    exposed.page_count = COUNT;
    caller_begin(root, stlb, ENTRIES);
    e->leaf_region = REGION(VA);
    e->leaf_table = table;
    *c = (struct aegis_claim){(uint64_t)AEGIS_PAGE << 56 | (uint64_t)(nondet_u32() & 0xffff) << 40 | (uint64_t)(nondet_u32() & 0xff) << 32 | FIRST,
                              nondet_u64(), nondet_u64(), nondet_u32(), nondet_u32()};
    uint64_t *entry = &table[INDEX(VA, 0)], *word = &stlb[VA >> 12 & (ENTRIES - 1)];
    uint16_t *shadow = &leaf_shadow(table)[INDEX(VA, 0)];
    *entry = nondet_u64();
    *shadow = (uint16_t)nondet_u32();
    *word = nondet_u64();
    struct aegis_claim before = *c;
    struct aegis_page old = records[FIRST];
    uint64_t stood = *entry, knew = *word;
    uint16_t whose = *shadow;
    bool only_here = e->mask == 1;
    ASSUME(!(before.where >> 12) || before.where & AEGIS_MAPPED);

    result_t done = call_page_exchange(0, nondet_u64(), 1, VA | rights);
    MUST(e->lock.serving == e->lock.next, "the lock is given back");
    if (done.error) {
        MUST(same_claim(&before, c) && *entry == stood && *shadow == whose && *word == knew && !drops && !copies && !gifts,
             "a refusal changes nothing");
        return;
    }
    MUST(only_here, "no other hart may hold translations");
    MUST(AEGIS_WHAT_RIGHTS(before.what) & AEGIS_R && before.check == old.check && !(before.where & CLAIM_UNSETTLED), "of a live claim, which may read");
    MUST(!AEGIS_WHAT_ORDER(before.what) && !(old.flags & (AEGIS_PAGE_IS_PRIVATE | AEGIS_PAGE_IS_DEVICE)), "of one page of memory that is no kernel half");
    MUST(!stood || (whose == 1 && before.where >> 12 == VA >> 12), "in an empty place, or the claim's own");
    MUST(!(before.where >> 12) || before.where >> 12 == VA >> 12, "the claim was mapped there or nowhere");
    MUST(gifts == 1 && copies == 1 && copied_to == NEW && copied_from == FIRST, "a copy of it");
    MUST(drops == 1, "the old page has one claim less");
    MUST(done.value == NEW && AEGIS_WHAT_RESOURCE(c->what) == NEW && c->check == records[NEW].check, "the claim is the new page's");
    MUST(AEGIS_WHAT_RIGHTS(c->what) == PAGE_RIGHTS && !AEGIS_WHAT_ORDER(c->what) && c->tag == before.tag, "with a new page's rights, and its tag");
    MUST(c->where == (VA | AEGIS_MAPPED) && *shadow == 1, "mapped there, and not yet dirty");
    MUST(PTE_PAGE(*entry) == NEW && (*entry & PTE_RWX) == rights && !(*entry & (PTE_A | PTE_D)), "which is what the table says");
    MUST(*word >> 38 == VA >> 12 && (*word & 0xffff) == 1 && (*word >> 16 & PTE_RWX) == rights, "and the STLB");
    MUST(flushes, "the hart forgets the old one");
}

/* Symbolic rights would make the address one that is looked up. */
void exchanged(void)
{
    static const unsigned some[] = {0, AEGIS_R, AEGIS_W, AEGIS_X, AEGIS_R | AEGIS_W, AEGIS_R | AEGIS_X, AEGIS_RWX, AEGIS_R | 0x10};

    for (unsigned i = 0; i < sizeof some / sizeof some[0]; i++)
        if (nondet_bool()) {
            exchange_with(some[i]);
            return;
        }
}
