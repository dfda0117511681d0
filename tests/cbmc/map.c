/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map, as a whole but for its quick path (translate.c): a block's pages stand where its claim says, each once, with the rights that were
 * asked for, in places that were empty or the claim's own; the shadow and the STLB say the same; a table that comes from the pool is
 * empty and every hart has let go of it. Which calls are refused is said exactly; what is refused changes nothing that translates.
 *
 * Blocks of one, two and four pages, some addresses and rights; a leaf table has eight entries, the STLB too. The claim's state, the
 * block's, what stands in the tables, whom the shadow names and what limbo answers are anything.
 *
 * unwind 9
 * proof one
 * proof two
 * proof four
 * proof spare
 * proof recycled
 * proof superpage
 * proof exhausted
 * proof null
 * proof exposed_pages
 * proof window_kernel
 * proof window_table
 * proof window_block
 * proof window_first
 * proof misaligned
 * proof lacking
 * proof unreadable
 * proof unknown
 * break one core/map.c: (m->level || *shadow_of(e, table, i + k) == (uint16_t)m->slot) => true
 * break one core/map.c: if (table[i]) => if (0)
 * break one core/map.c: *shadow_of(e, table, i) = (uint16_t)m->slot; => ;
 * break four core/map.c: pte += 1UL << (10 + 9 * m->level) => pte += 1UL << (11 + 9 * m->level)
 * break one core/map.c: stlb_put(e, va, pte, m->slot); => ;
 * break one core/map.c: m->again && c->where >> 12 != m->va >> 12 => 0
 * break two core/map.c: m->pte &= ~(uint64_t)PTE_MAY_W; => ;
 * break one core/map.c: head->flags & AEGIS_PAGE_IS_PRIVATE || rights & AEGIS_W => head->flags & AEGIS_PAGE_IS_PRIVATE
 * break one core/map.c: !m.again && !limbo_over(e->mask, e->stamp) => 0
 * break one core/map.c: c->where & (AEGIS_UNMAPPING | AEGIS_REKEYING), BUSY => 0, BUSY
 * break one core/map.c: page_soil(head); => ;
 * break one core/map.c: m.claim->where |= m.va | AEGIS_MAPPED | => m.claim->where |= AEGIS_MAPPED |
 * break one core/map.c: flush_here(e, m.va, m.count); => ;
 * break misaligned core/map.c: va & (size - 1) || => 0 ||
 * break window_kernel core/map.c: order || n < AEGIS_PINNED_FREE || => order ||
 * break window_first core/map.c: (in_window(m.va) ? AEGIS_PINNED_DOWN : 0) => 0
 * break window_block core/map.c: order || n < AEGIS_PINNED_FREE || => n < AEGIS_PINNED_FREE ||
 * break spare core/map.c: machine_clear(*table); => ;
 * break superpage core/map.c: REFUSE_IF(*middle, MAPPED); => ;
 * break spare core/map.c: limbo_over(e->mask, (*leaf)->stamp) ? 0 : AEGIS_E_AGAIN => 0
 * break recycled core/map.c: entry_take(middle_entry(e, va)); => ;
 * break recycled core/map.c: keep_bits(ledger_at(e, shadow[i]), old); => ;
 */
#define COUNT 7u
#define CLAIMS 2
#include "scene.h"

static unsigned flushed_pages, flushed_all;
#define machine_flush_page(va, asid) ((void)(va), (void)(asid), flushed_pages++)
#define machine_flush_env(asid)      ((void)(asid), flushed_all++)

/* A table and its shadow are objects of their own here, of eight entries: of a region only the first eight pages are used. */
#define leaf_shadow leaf_shadow_behind
#include "core/limbo.h"
#include "core/map.h"
#undef leaf_shadow
#undef LEAF_ENTRIES
#define LEAF_ENTRIES 8
static uint64_t table[LEAF_ENTRIES], root[4], middle[4], pinned[AEGIS_PINNED_FREE + 1], stlb[LEAF_ENTRIES];
static uint16_t shadow[LEAF_ENTRIES];
static uint16_t *leaf_shadow(uint64_t *of)
{
    MUST(of == table, "the leaf table's");
    return shadow;
}

static long use_page(struct env *by, unsigned long slot, unsigned rights, struct aegis_claim **claim, struct aegis_page **head);
#define ledger_use_page use_page
#include "core/map.c"
#undef ledger_use_page
#include "core/ledger.c"
#include "around.h"

#define REGION_AT 0x40200000UL
#define OTHER_AT  0x40400000UL
#define VA        (REGION_AT + 4 * PAGE_SIZE) /* symbolic, it would make each table access a choice */
#define BLOCK     (FIRST + 3)                 /* of four pages */
#define LEAF      100u
#define MIDDLE    101u
enum { LAST, POOL, NEWEST }; /* stamps */

static struct env *e = &env[0];
static struct aegis_claim *c = &ledger[0][1];
static bool over[3];

/* Which claim and block it is does not depend on whether they can be used: so pointers stay cheap. */
static long use_page(struct env *by, unsigned long slot, unsigned rights, struct aegis_claim **claim, struct aegis_page **head)
{
    long error = ledger_use_page(by, slot, rights, claim, head);

    MUST(error || (*claim == c && *head == &records[BLOCK]), "the slot's claim and its block");
    *claim = c;
    *head = &records[BLOCK];
    return error;
}

uint32_t limbo_enter(uint32_t mask)
{
    (void)mask;
    return NEWEST;
}

bool limbo_over(uint32_t mask, uint32_t stamp)
{
    (void)mask;
    return over[stamp];
}

void machine_clear(void *page)
{
    MUST(page == table, "a leaf table is cleared");
    for (unsigned i = 0; i < LEAF_ENTRIES; i++)
        table[i] = 0;
}

void *machine_direct(uint32_t page)
{
    MUST(page == LEAF || page == MIDDLE, "a table's page");
    return page == LEAF ? table : middle;
}

/* ---- one call ---- */

struct asked {
    unsigned long va;
    unsigned order, has, wants; /* rights: the claim's, the call's */
};

static struct {
    struct aegis_claim claim;
    struct aegis_page head;
    uint64_t entry[LEAF_ENTRIES], word[LEAF_ENTRIES];
    uint16_t whose[LEAF_ENTRIES];
    bool again, over;
} was;

static void begin(const struct asked *a)
{
    records[BLOCK] = (struct aegis_page){.state = AEGIS_PAGE_USED, .check = nondet_u64(), .flags = nondet_u32() & 15, .claims = 1};
    ASSUME(records[BLOCK].check);
    __CPROVER_havoc_object(table);
    __CPROVER_havoc_object(shadow);
    __CPROVER_havoc_object(stlb);
    __CPROVER_havoc_object(over);
    *c = (struct aegis_claim){AEGIS_WHAT(AEGIS_PAGE, a->has, a->order, BLOCK), nondet_u64(), nondet_u64(), nondet_u32(), nondet_u32()};
    ASSUME(c->where & AEGIS_MAPPED || !(c->where >> 12)); /* as map_drop leaves it */
    ledger[0][0] = (struct aegis_claim){AEGIS_WHAT(AEGIS_ENV, AEGIS_R, 0, 0), nondet_u64(), 0, 0, 0};
    caller_begin(root, stlb, LEAF_ENTRIES);
    e->activation[0] = &activation[0];
    e->pinned = pinned;
    e->mask = 1;
    e->stamp = LAST;
    e->leaf_region = ~0UL;
    root[1] = (uint64_t)MIDDLE << 10 | PTE_V;
    activation[0].leaf_region = ~0UL;
}

/* The leaf table stands in a region; what it holds there the shadow tells. */
static void table_at(unsigned long va)
{
    middle[INDEX(va, 1)] = (uint64_t)LEAF << 10 | PTE_V;
    e->leaf_count = 1;
    e->leaf[0] = (struct leaf){.page = LEAF, .region = (uint32_t)REGION(va), .stamp = POOL};
    for (unsigned i = 0; i < LEAF_ENTRIES; i++)
        ASSUME(shadow[i] < SLOTS);
}

static long ask(const struct asked *a, unsigned long slot)
{
    was.claim = *c;
    was.head = records[BLOCK];
    was.again = c->where & AEGIS_MAPPED;
    was.over = over[LAST];
    for (unsigned i = 0; i < LEAF_ENTRIES; i++) {
        was.entry[i] = table[i];
        was.word[i] = stlb[i];
        was.whose[i] = shadow[i];
    }
    return map_claim(e, slot, a->va | a->wants);
}

/* ---- what is refused, and what is not ---- */

static bool address_wrong(const struct asked *a)
{
    unsigned long size = (unsigned long)PAGE_SIZE << a->order, first = AEGIS_PINNED + AEGIS_PINNED_FREE * PAGE_SIZE;
    bool within = a->va >= AEGIS_PINNED && a->va < AEGIS_PINNED + AEGIS_PINNED_SIZE;
    bool spare = !a->order && a->va >= first && a->va < AEGIS_PINNED + AEGIS_PINNED_TABLES * PAGE_SIZE;
    return a->va % size || !a->va || a->va + size > AEGIS_EXPOSED || (within && !spare);
}

/* The checks in map's table of errors but those of the tables. */
static bool refusable(const struct asked *a, long done)
{
    bool rights = !(a->wants & AEGIS_R) || a->wants & ~AEGIS_RWX, right = a->wants & ~a->has;
    bool dead = was.head.check != was.claim.check;
    bool busy = was.claim.where & (AEGIS_CLEARING | AEGIS_LEAVING | AEGIS_UNMAPPING | AEGIS_REKEYING);
    bool elsewhere = was.again && was.claim.where >> 12 != a->va >> 12;
    bool lent = was.head.flags & AEGIS_PAGE_IS_PRIVATE || (was.head.flags & AEGIS_PAGE_IS_LENT && a->wants & AEGIS_W);
    bool wait = !was.again && !was.over;

    MUST(done != AEGIS_E_BAD_RIGHTS || rights, "BAD_RIGHTS: without R, or none of a page's");
    MUST(done != AEGIS_E_NO_RIGHT || right, "NO_RIGHT: the claim lacks one");
    MUST(done != AEGIS_E_REVOKED || dead, "REVOKED: the claim is dead");
    MUST(done != AEGIS_E_BUSY || busy, "BUSY: the claim is on its way");
    MUST(done != AEGIS_E_BAD_ADDRESS || address_wrong(a), "BAD_ADDRESS");
    MUST(done != AEGIS_E_LENT_PAGE || lent, "LENT_PAGE");
    return rights || right || dead || busy || elsewhere || lent || wait || address_wrong(a);
}

/* Entries `from` up to `to` of the leaf table, their shadow and STLB words are what they were. */
static void untouched(unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++)
        MUST(table[i] == was.entry[i] && shadow[i] == was.whose[i] && stlb[i] == was.word[i], "nothing else changes");
}

static uint64_t entry_for(const struct asked *a, unsigned k)
{
    uint64_t may = MAY((uint64_t)a->has) & ~(was.head.flags & AEGIS_PAGE_IS_LENT ? (uint64_t)PTE_MAY_W : 0);
    return (uint64_t)(BLOCK + k) << 10 | a->wants | may | PTE_U | PTE_V;
}

/* One that was missing is there, and the shadow and the STLB know it. */
static void stands(const struct asked *a, unsigned i, unsigned k)
{
    uint64_t word = stlb[i];
    MUST(table[i] == entry_for(a, k), "the block's k-th page, as was asked");
    MUST(shadow[i] == 1, "the shadow names the claim");
    MUST(word >> 38 == (a->va >> 12) + k && (word & 0xffff) == 1 && (word >> 16 & (PTE_RWX | PTE_MAY_W | PTE_MAY_X)) == (table[i] & (PTE_RWX | PTE_MAY_W | PTE_MAY_X)),
         "so does the STLB");
    MUST((word >> 31 & 1) == 1 && (word >> 33 & 1) == !!(table[i] & PTE_W) && (word >> 30 & 1) == !!(table[i] & PTE_X), "with the faults that it cures");
}

static void claimed(const struct asked *a)
{
    MUST(c->where == (was.claim.where | a->va | AEGIS_MAPPED | (in_window(a->va) ? AEGIS_PINNED_DOWN : 0)), "the claim knows where");
    MUST(c->what == was.claim.what && c->check == was.claim.check && c->tag == was.claim.tag && c->step == was.claim.step, "and is what it was");
    MUST(flushed_all || (flushed_pages && !a->order), "the hart forgets that nothing stood there");
    MUST(!(records[BLOCK].flags & AEGIS_PAGE_IS_CLEAN), "the block is no longer clean");
}

/* ---- the table is there ---- */

static void enter_with(const struct asked *a)
{
    unsigned first = INDEX(a->va, 0), count = 1u << a->order;
    bool occupied = false;

    begin(a);
    table_at(REGION_AT);
    if (nondet_bool()) { /* or it is looked up */
        e->leaf_region = REGION(REGION_AT);
        e->leaf_table = table;
    }
    long done = ask(a, 1);
    for (unsigned k = 0; k < count; k++)
        occupied |= was.entry[first + k] && !(was.again && was.whose[first + k] == 1);
    bool refused = refusable(a, done) || occupied;
    MUST(refused == !!done, "refused if and only if there is a reason");
    MUST(done != AEGIS_E_MAPPED || occupied || (was.again && was.claim.where >> 12 != a->va >> 12), "MAPPED: the place is taken, or the claim elsewhere");
    if (done) {
        untouched(0, LEAF_ENTRIES);
        MUST(same_claim(&was.claim, c), "a refusal changes nothing");
        return;
    }
    untouched(0, first);
    untouched(first + count, LEAF_ENTRIES);
    for (unsigned k = 0; k < count; k++)
        if (was.entry[first + k])
            untouched(first + k, first + k + 1); /* the claim's own, with its accessed and dirty bits */
        else
            stands(a, first + k, k);
    claimed(a);
}

/* Symbolic rights would make the address one that is looked up; several cases in one proof take far longer than one after another. */
#define PROOF(name, ...)                               \
    void name(void)                                    \
    {                                                  \
        static const struct asked it = {__VA_ARGS__};  \
        enter_with(&it);                               \
    }
PROOF(one, VA, 0, AEGIS_RWX, AEGIS_RWX)
PROOF(two, VA, 1, AEGIS_RWX, AEGIS_R)
PROOF(four, VA, 2, AEGIS_R | AEGIS_X, AEGIS_R | AEGIS_X)
PROOF(unreadable, VA, 0, AEGIS_RWX, AEGIS_W)
PROOF(unknown, VA, 0, AEGIS_RWX | 0x10, AEGIS_R | 0x10)
PROOF(lacking, VA, 0, AEGIS_R, AEGIS_R | AEGIS_W)
PROOF(misaligned, VA + PAGE_SIZE, 1, AEGIS_RWX, AEGIS_R)

/* ---- elsewhere ---- */

/* Where no table of the pool stands: the window, and addresses that are nobody's. */
static void place_with(const struct asked *a)
{
    bool good = !address_wrong(a);
    unsigned long i = INDEX(a->va, 0);

    begin(a);
    table_at(REGION_AT);
    pinned[i % AEGIS_PINNED_TABLES] = nondet_u64();
    e->shadow[i % AEGIS_PINNED_TABLES] = (uint16_t)nondet_u32();
    uint64_t stood = pinned[i % AEGIS_PINNED_TABLES];
    bool own = c->where & AEGIS_MAPPED && e->shadow[i % AEGIS_PINNED_TABLES] == 1;
    long done = ask(a, 1);
    bool refused = refusable(a, done) || (good && stood && !own);
    MUST(refused == !!done, "refused if and only if there is a reason");
    untouched(0, LEAF_ENTRIES); /* the STLB knows nothing of the window */
    if (done) {
        MUST(same_claim(&was.claim, c) && pinned[i % AEGIS_PINNED_TABLES] == stood, "a refusal changes nothing");
        return;
    }
    MUST(pinned[i] == (stood ? stood : entry_for(a, 0)) && e->shadow[i] == 1, "the page, in the window's own table");
    claimed(a);
}

#define PLACE(name, ...)                               \
    void name(void)                                    \
    {                                                  \
        static const struct asked it = {__VA_ARGS__};  \
        place_with(&it);                               \
    }
#define WINDOW(n) (AEGIS_PINNED + (n) * PAGE_SIZE)
PLACE(null, 0, 0, AEGIS_RWX, AEGIS_R)
PLACE(exposed_pages, AEGIS_EXPOSED, 0, AEGIS_RWX, AEGIS_R)
PLACE(window_kernel, WINDOW(AEGIS_PINNED_FREE - 1), 0, AEGIS_RWX, AEGIS_RWX)
PLACE(window_first, WINDOW(AEGIS_PINNED_FREE), 0, AEGIS_RWX, AEGIS_RWX)
PLACE(window_table, WINDOW(AEGIS_PINNED_TABLES), 0, AEGIS_RWX, AEGIS_R)
PLACE(window_block, WINDOW(AEGIS_PINNED_FREE), 1, AEGIS_RWX, AEGIS_R)

/* ---- the table comes from the pool ---- */

enum { SPARE, ELSEWHERE, NONE };

static void take_with(unsigned pool, uint64_t above)
{
    static const struct asked a = {VA, 0, AEGIS_RWX, AEGIS_R};
    unsigned i = INDEX(VA, 0), at = INDEX(VA, 1);

    begin(&a);
    table_at(OTHER_AT);
    e->leaf_hand = nondet_u32();
    if (pool != ELSEWHERE) {
        middle[INDEX(OTHER_AT, 1)] = 0;
        e->leaf[0].region = NO_REGION;
        e->leaf_count = pool == SPARE;
    } else {
        e->leaf_region = REGION(OTHER_AT);
        e->leaf_table = table;
        activation[0].leaf_region = REGION(OTHER_AT);
    }
    middle[at] = above;
    uint32_t wait = pool == ELSEWHERE ? NEWEST : POOL;
    long done = ask(&a, 1);
    bool checked = refusable(&a, done), moved = pool == ELSEWHERE && !checked && !above;
    MUST(!!done == (checked || above || pool == NONE || !over[wait]), "refused if and only if there is a reason");
    MUST(done != AEGIS_E_NO_TABLE || pool == NONE, "NO_TABLE: the pool has none");
    if (moved) {
        MUST(!middle[INDEX(OTHER_AT, 1)] && flushed_all, "where it was it is no more, nor in this hart");
        MUST(!done || (e->leaf[0].region == NO_REGION && e->leaf[0].stamp == NEWEST), "and is spare");
        MUST(activation[0].leaf_region != REGION(OTHER_AT) && e->leaf_region != REGION(OTHER_AT), "nor do refills find it");
        bool touched = false;
        for (unsigned k = 0; k < LEAF_ENTRIES; k++)
            touched |= was.whose[k] == 1 && was.entry[k] & PTE_A;
        MUST(!touched || c->where & AEGIS_ACCESSED, "the claims keep what the hardware recorded");
        for (unsigned k = 0; k < LEAF_ENTRIES; k++)
            MUST((done || k != i) ? !table[k] : true, "no entry is left in it");
    } else if (done) {
        untouched(0, LEAF_ENTRIES);
        MUST(same_claim(&was.claim, c) && middle[at] == above, "a refusal changes nothing");
    }
    if (done)
        return;
    MUST(middle[at] == ((uint64_t)LEAF << 10 | PTE_V) && e->leaf[0].region == REGION(VA), "the table stands in its region");
    MUST(over[wait], "every hart has let go of it");
    for (unsigned k = 0; k < LEAF_ENTRIES; k++)
        MUST(k == i || !table[k], "and was empty");
    stands(&a, i, 0);
}

void spare(void) { take_with(SPARE, 0); }
void recycled(void) { take_with(ELSEWHERE, 0); }
void exhausted(void) { take_with(NONE, 0); }
void superpage(void) { take_with(SPARE, (uint64_t)512 << 10 | PTE_V | PTE_R | PTE_U); }
