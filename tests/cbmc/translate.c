/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A translation stands under a live claim of the ledger in which it lies, within its rights and its pages; what is lent is
 * never mapped writable, a kernel half not at all; a refill brings back what the claim allows.
 *
 * One claim, one leaf table, one address (`lent`: any), any contents. The STLB's words are as `stlb_sane` says: `mapped` proves that
 * `map` makes them so.
 *
 * unwind 5
 * proof mapped
 * break mapped core/map.c: rights & ~(what >> 40 & AEGIS_RWX) => 0
 * break mapped core/map.c: head->check != c->check => 0
 * break mapped core/map.c: head->flags || *entry => *entry
 * proof lent
 * break lent core/map.c: head->flags & AEGIS_PAGE_IS_PRIVATE || rights & AEGIS_W => head->flags & AEGIS_PAGE_IS_PRIVATE
 * break lent core/map.c: m->pte &= ~(uint64_t)PTE_MAY_W; => ;
 * proof refilled
 * break refilled core/map.c: word >> (26 + cause - 8) & 1 => 1
 * break refilled core/map.c: - (c->where >> 12) => - (c->where >> 13)
 * break refilled core/map.c: bool hit = word && word >> 38 == va >> 12 && => bool hit = word &&
 */
#define COUNT 1u
#include "scene.h"

#include "core/limbo.h"
#include "core/map.c"
#include "core/ledger.c"
#include "around.h"

#define ENTRIES 512
#define VA 0x40205000UL /* symbolic, it would make each table access a choice of 512 */

static uint64_t table[2 * ENTRIES], root[ENTRIES], pinned[ENTRIES], stlb[ENTRIES];
static bool let_go;

/* Other harts are anywhere: whether they have let go is any answer. */
uint32_t limbo_enter(uint32_t mask)
{
    (void)mask;
    return nondet_u32();
}

bool limbo_over(uint32_t mask, uint32_t stamp)
{
    (void)mask, (void)stamp;
    return let_go = nondet_bool();
}

NO_TABLES

static struct env *e = &env[0];
static struct aegis_claim *c = &ledger[0][1]; /* the claim; the others are empty */

/* A page's claim in slot 1 of the caller's ledger, and the leaf table of `va` at hand. */
static void begin(unsigned long va)
{
    __CPROVER_havoc_object(records);
    *c = (struct aegis_claim){(uint64_t)AEGIS_PAGE << 56 | (uint64_t)(nondet_u32() & 0xffff) << 40 | FIRST, nondet_u64(),
                              nondet_u64(), 0, nondet_u32()};
    ASSUME(c->where & AEGIS_MAPPED || !(c->where >> 12)); /* as map_drop leaves it */
    caller_begin(root, stlb, ENTRIES);
    e->pinned = pinned;
    e->leaf_region = REGION(va);
    e->leaf_table = table;
    ASSUME(va >= AEGIS_USER_FIRST && va < AEGIS_EXPOSED && !in_window(va));
}

static struct aegis_page *block(void)
{
    return &records[AEGIS_WHAT_RESOURCE(c->what)];
}

/* What the entry of va allows, the claim allows; and it leads to the claim's page. */
static void under_claim(uint64_t pte)
{
    MUST(PTE_PAGE(pte) == AEGIS_WHAT_RESOURCE(c->what), "the claim's page");
    MUST(!(pte & PTE_RWX & ~AEGIS_WHAT_RIGHTS(c->what)), "within the claim's rights");
    MUST(!(pte & (PTE_MAY_W | PTE_MAY_X) & ~MAY((uint64_t)AEGIS_WHAT_RIGHTS(c->what))), "now and by map_protect");
    MUST(block()->check == c->check, "the claim is alive");
}

/* A word allows no more than the claim in its slot, which is mapped there. */
static bool stlb_sane(uint64_t word, unsigned long va)
{
    return word >> 38 != va >> 12 || ((word & 0xffff) == 1 && c->where >> 12 == va >> 12 && c->where & AEGIS_MAPPED &&
                                      !((word >> 16 & PTE_RWX) & ~(uint64_t)AEGIS_WHAT_RIGHTS(c->what)) &&
                                      !((word >> 16 & (PTE_MAY_W | PTE_MAY_X)) & ~MAY((uint64_t)AEGIS_WHAT_RIGHTS(c->what))) &&
                                      !((word >> 33 & 1) && !(word >> 16 & PTE_W)) && !((word >> 30 & 1) && !(word >> 16 & PTE_X)));
}

void mapped(void)
{
    unsigned long va = VA, rights = nondet_u64() & 0xfff;

    begin(va);
    ASSUME(!(block()->flags) || block()->state == AEGIS_PAGE_USED);
    table[INDEX(va, 0)] = nondet_u64();
    uint64_t before = table[INDEX(va, 0)];
    bool done = map_quick(e, 1, va | rights);
    uint64_t pte = table[INDEX(va, 0)];
    if (!done) {
        MUST(pte == before, "a refusal changes nothing");
        return;
    }
    under_claim(pte);
    MUST(!before, "nothing is replaced");
    MUST(!(block()->flags & (AEGIS_PAGE_IS_LENT | AEGIS_PAGE_IS_PRIVATE)), "nothing that is lent");
    MUST((pte & PTE_RWX) == rights, "the rights that were asked for");
    MUST(leaf_shadow(table)[INDEX(va, 0)] == 1 && c->where >> 12 == va >> 12 && c->where & AEGIS_MAPPED, "the claim knows it");
    MUST(stlb_sane(stlb[va >> 12 & (ENTRIES - 1)], va), "so does the STLB");
}

void lent(void)
{
    unsigned long va = nondet_u64() & ~0xfffUL, rights = nondet_u64() & AEGIS_RWX;
    struct mapping m = {.claim = c, .slot = 1, .va = va};

    begin(va);
    struct aegis_claim *found;
    struct aegis_page *head;
    unsigned flags = block()->flags;
    if (ledger_use_page(e, 1, rights, &found, &head) || map_check(&m, rights, head))
        return;
    under_claim(m.pte);
    MUST(!(flags & AEGIS_PAGE_IS_PRIVATE), "a kernel half is never mapped");
    MUST(!(flags & AEGIS_PAGE_IS_LENT) || !(m.pte & (PTE_W | PTE_MAY_W)), "a lent page is never writable, nor becomes so");
    MUST(va < AEGIS_PINNED || va >= AEGIS_PINNED + AEGIS_PINNED_SIZE, "the window's tables are covered by nothing");
}

void refilled(void)
{
    unsigned long va = VA + 8;
    unsigned cause = nondet_u32();

    begin(va);
    ASSUME(cause == 12 || cause == 13 || cause == 15);
    uint64_t word = stlb[va >> 12 & (ENTRIES - 1)] = nondet_u64();
    ASSUME(!word || stlb_sane(word, va));
    e->lock = (struct lock){0, 0};
    bool hit = map_refill(e, va, cause);
    uint64_t pte = table[INDEX(va, 0)];
    if (!hit) {
        MUST(!pte, "a miss enters nothing");
        return;
    }
    under_claim(pte);
    MUST(c->where & AEGIS_MAPPED && c->where >> 12 == va >> 12, "the claim is mapped there");
    MUST(cause != 15 || AEGIS_WHAT_RIGHTS(c->what) & AEGIS_W, "a store wants W");
    MUST(cause != 12 || AEGIS_WHAT_RIGHTS(c->what) & AEGIS_X, "a jump wants X");
}
