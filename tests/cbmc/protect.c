/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map_protect: each page of the range that is there has the rights that were asked for, and none that its claim lacks (its entry says
 * what that one may); what is not there stays away, what the hardware recorded is kept, nothing beside the range changes, and the STLB
 * has forgotten it. Which calls are refused is said exactly, and what is refused changes nothing. Done is who lost nothing that another
 * hart may still hold; who lost something has told.
 *
 * Two leaf tables of eight entries next to each other, either of which may not be there, an STLB of eight words; their contents, the
 * rights and what limbo answers are anything. The places of a range are some; `refused`: any.
 *
 * unwind 17
 * proof one
 * proof some
 * proof both
 * proof all
 * proof refused
 * break one core/protect.c: (r->entry[i] & may) != may, NO_RIGHT => 0, NO_RIGHT
 * break both core/protect.c: TRY_CALL(protect_check(e, &run[1], MAY(rights))); => ;
 * break some core/protect.c: wipe(&e->stlb[r->va >> 12 & e->stlb_mask], r->count * sizeof *e->stlb); => ;
 * break some core/protect.c: wipe(&e->stlb[r->va >> 12 & e->stlb_mask] => wipe(&e->stlb[0]
 * break all core/protect.c: r->count * sizeof *e->stlb => (r->count - 1) * sizeof *e->stlb
 * break one core/protect.c: if (old) => if (1)
 * break some core/protect.c: *end = entry ? entry + r->count : entry => *end = entry ? entry + r->count + 1 : entry
 * break one core/protect.c: keep = ~(uint64_t)(PTE_RWX | PTE_V) | set => keep = ~(uint64_t)(PTE_RWX | PTE_V | PTE_D) | set
 * break one core/protect.c: set = rights ? rights | PTE_V : 0 => set = rights | PTE_V
 * break one core/protect.c: return had & ~keep; => return 0;
 * break both core/protect.c: lost |= protect_run(e, &run[1], rights); => protect_run(e, &run[1], rights);
 * break one core/protect.c: over && e->stamp == stamp ? => over ?
 * break one core/protect.c: over && e->stamp == stamp ? => e->stamp == stamp ?
 * break refused core/protect.c: r->count && !r->entry && map_walk(e, r->va, &at) => 0
 * break refused core/protect.c: count - 1 >= LEAF_ENTRIES => count > LEAF_ENTRIES
 * break refused core/protect.c: va > AEGIS_EXPOSED - count * PAGE_SIZE => va > AEGIS_EXPOSED
 * break refused core/protect.c: va < AEGIS_PINNED + AEGIS_PINNED_SIZE && va + count * PAGE_SIZE > AEGIS_PINNED => va - AEGIS_PINNED < AEGIS_PINNED_SIZE
 * break refused core/protect.c: rights & AEGIS_W && !(rights & AEGIS_R) => 0
 */
#define CLAIMS 2
#include "scene.h"

/* A region of eight pages: two of them, next to each other, have a table each. */
#define map_leaf map_leaf_of_512
#include "core/limbo.h"
#include "core/map.h"
#undef map_leaf
#undef LEAF_ENTRIES
#undef INDEX
#define LEAF_ENTRIES      8
#define INDEX(va, level)  ((va) >> 12 & 7)
#define FIRST_AT          0x40200000UL
static uint64_t *map_leaf(struct env *e, unsigned long va);
#include "core/protect.c"
#include "core/ledger.c"
#include "around.h"

#define PLACES (2 * LEAF_ENTRIES)
enum { LAST, NEWEST }; /* stamps */

static uint64_t table[PLACES], stlb[LEAF_ENTRIES], root[1];
static struct env *e = &env[0];
static bool there[2], superpage, over, elsewhere, told, here;

static uint64_t *map_leaf(struct env *of, unsigned long va)
{
    unsigned long n = (va - FIRST_AT) / (LEAF_ENTRIES * PAGE_SIZE);
    (void)of;
    return n < 2 && there[n] ? table + n * LEAF_ENTRIES : NULL;
}

/* Asked only where there is no leaf table. */
uint64_t map_walk(struct env *of, unsigned long va, uint64_t **at)
{
    MUST(!map_leaf(of, va), "where there is a table it is looked at");
    *at = NULL;
    return superpage ? PTE_V | PTE_R : 0;
}

/* As map.c has it: here at once; elsewhere, if others may hold what was lost, by a new stamp. */
void map_flush(struct env *of, unsigned long va, unsigned long count, bool lost)
{
    (void)va, (void)count;
    here = true;
    told |= lost;
    if (lost && elsewhere)
        of->stamp = NEWEST;
}

void map_drop(struct env *of, struct aegis_claim *c, unsigned long slot)
{
    (void)of, (void)c, (void)slot;
}

uint32_t limbo_enter(uint32_t mask)
{
    (void)mask;
    return NEWEST;
}

bool limbo_over(uint32_t mask, uint32_t stamp)
{
    (void)mask;
    return stamp == LAST && over;
}

void wipe(void *from, size_t size)
{
    for (size_t i = 0; i < size / sizeof(uint64_t); i++)
        ((uint64_t *)from)[i] = 0;
}

static struct {
    uint64_t table[PLACES], stlb[LEAF_ENTRIES];
} was;

static void begin(void)
{
    caller_begin(root, stlb, LEAF_ENTRIES);
    e->stamp = LAST;
    __CPROVER_havoc_object(table);
    __CPROVER_havoc_object(stlb);
    there[0] = nondet_bool(), there[1] = nondet_bool();
    superpage = nondet_bool(), over = nondet_bool(), elsewhere = nondet_bool();
    for (unsigned i = 0; i < PLACES; i++)
        was.table[i] = table[i];
    for (unsigned i = 0; i < LEAF_ENTRIES; i++)
        was.stlb[i] = stlb[i];
}

static void untouched(void)
{
    for (unsigned i = 0; i < PLACES; i++)
        MUST(table[i] == was.table[i], "what is refused changes nothing");
    for (unsigned i = 0; i < LEAF_ENTRIES; i++)
        MUST(stlb[i] == was.stlb[i], "nor does the STLB");
    MUST(!told, "nobody is told");
}

static bool rights_wrong(uint64_t rights)
{
    return rights & ~(uint64_t)AEGIS_RWX || (rights & (AEGIS_R | AEGIS_W)) == AEGIS_W;
}

/* Places `from` up to `to`. */
static void protect_with(unsigned from, unsigned to)
{
    uint64_t rights = nondet_u64(), may = MAY(rights), set = rights | (rights ? PTE_V : 0);
    bool lacking = false, large = false, lost = false;

    begin();
    for (unsigned i = from; i < to; i++) {
        bool present = there[i / LEAF_ENTRIES] && table[i];
        lacking |= present && (table[i] & may) != may;
        lost |= present && table[i] & (PTE_RWX | PTE_V) & ~set;
        large |= !there[i / LEAF_ENTRIES] && superpage;
    }
    result_t done = call_map_protect(0, FIRST_AT + from * PAGE_SIZE, to - from, rights);
    MUST(e->lock.serving == e->lock.next, "the lock is given back");
    if (done.error && done.error != AEGIS_E_AGAIN) {
        MUST(rights_wrong(rights) || lacking || large, "refused for a reason");
        MUST(done.error != AEGIS_E_NO_RIGHT || lacking, "NO_RIGHT: a claim lacks it");
        MUST(done.error != AEGIS_E_BAD_ADDRESS || large, "BAD_ADDRESS: of a superpage");
        untouched();
        return;
    }
    MUST(!rights_wrong(rights) && !lacking && !large, "not refused without one");
    for (unsigned i = 0; i < PLACES; i++) {
        bool ours = i >= from && i < to && there[i / LEAF_ENTRIES] && was.table[i];
        MUST(table[i] == (ours ? (was.table[i] & ~(uint64_t)(PTE_RWX | PTE_V)) | set : was.table[i]), "its rights and nothing else, of the range's and no other's");
    }
    for (unsigned i = from; i < to; i++)
        MUST(!stlb[((FIRST_AT >> 12) + i) & (LEAF_ENTRIES - 1)], "the STLB forgets it");
    for (unsigned i = 0; i < LEAF_ENTRIES; i++)
        MUST(!stlb[i] || stlb[i] == was.stlb[i], "and learns nothing");
    MUST(here && (!lost || told), "who may hold what was lost is told");
    MUST(!done.error == (over && !(lost && elsewhere)), "done: all have let go, and nothing was lost after that");
    MUST(done.error || done.value == to - from, "of so many");
}

void one(void) { protect_with(3, 4); }
void some(void) { protect_with(1, 5); }
void both(void) { protect_with(5, 11); }
void all(void) { protect_with(0, LEAF_ENTRIES); }

/* Any range: without a table in it there is nothing to change. */
void refused(void)
{
    uint64_t va = nondet_u64(), count = nondet_u64(), rights = nondet_u64();
    uint64_t window = AEGIS_PINNED, behind = AEGIS_PINNED + AEGIS_PINNED_SIZE;

    begin();
    there[0] = there[1] = false;
    result_t done = call_map_protect(0, va, count, rights);
    bool many = !count || count > LEAF_ENTRIES, end = !many && va + count * PAGE_SIZE > AEGIS_EXPOSED;
    bool place = va % PAGE_SIZE || !va || va > AEGIS_EXPOSED || end || (va < behind && va + count * PAGE_SIZE > window);
    MUST((done.error == AEGIS_E_BAD_RANGE) == many, "BAD_RANGE: none, or more than a table's");
    MUST(many || (done.error == AEGIS_E_BAD_ADDRESS) == (place || (!rights_wrong(rights) && superpage)),
         "BAD_ADDRESS: not a page's, the window's, the exposed, a superpage's");
    MUST(many || place || (done.error == AEGIS_E_BAD_RIGHTS) == rights_wrong(rights), "BAD_RIGHTS");
    for (unsigned i = 0; i < PLACES; i++)
        MUST(table[i] == was.table[i], "nothing changes");
}
