/* SPDX-License-Identifier: BSD-2-Clause */
#include "map.h"

#include "limbo.h"
#include "user.h"

#define NO_REGION UINT32_MAX

static uint64_t *table_of(uint64_t pte)
{
    return machine_direct(PTE_PAGE(pte));
}

static bool is_leaf(uint64_t pte)
{
    return pte & PTE_RWX;
}

static uint64_t entry_take(uint64_t *entry)
{
    return __atomic_exchange_n(entry, 0, __ATOMIC_RELAXED);
}

/* ---- walking ---- */

/* Another hart may change the tables meanwhile: each entry is read once, and limbo keeps what it led to. */
uint64_t map_walk(struct env *e, unsigned long va, uint64_t **at)
{
    uint64_t *table = e->root;

    for (unsigned level = 2;; level--) {
        *at = &table[INDEX(va, level)];
        uint64_t pte = __atomic_load_n(*at, __ATOMIC_RELAXED);
        if (!(pte & PTE_V))
            return 0;
        if (is_leaf(pte) || level == 0)
            return pte + ((va >> 12 & ((1UL << 9 * level) - 1)) << 10);
        table = table_of(pte);
    }
}

static uint64_t *middle_entry(struct env *e, unsigned long va)
{
    uint64_t root = e->root[INDEX(va, 2)];
    if (!(root & PTE_V) || is_leaf(root))
        return NULL;
    return &table_of(root)[INDEX(va, 1)];
}

/* For C's quick paths, once every hart has let go of what was there, and for the refills of this hart if it runs e. */
static void leaf_remember(struct env *e, uint64_t region, uint64_t *table)
{
    struct activation *a = machine_self();

    e->leaf_region = limbo_over(e->mask, e->stamp) ? region : ~0UL;
    e->leaf_table = table;
    if (a->env == e) {
        a->leaf_table = (uint64_t)table;
        a->leaf_shadow = (uint64_t)leaf_shadow(table);
        a->leaf_region = region;
    }
}

uint64_t *map_leaf_search(struct env *e, unsigned long va)
{
    uint64_t *middle = middle_entry(e, va);
    if (!middle || !(*middle & PTE_V) || is_leaf(*middle))
        return NULL;
    uint64_t *table = table_of(*middle);
    leaf_remember(e, REGION(va), table);
    return table;
}

static bool in_window(unsigned long va)
{
    return va - AEGIS_PINNED < AEGIS_PINNED_SIZE;
}

static uint16_t *shadow_of(struct env *e, uint64_t *table, unsigned long i)
{
    return table == e->pinned ? &e->shadow[i % AEGIS_PINNED_TABLES] : &leaf_shadow(table)[i];
}

/* ---- flushing ---- */

static void others_must_see(struct env *e)
{
    if (limbo_only_here(e->mask) || !(e->mask & ~(1U << machine_hart())))
        return;
    e->stamp = limbo_enter(e->mask);
    if (!limbo_over(e->mask, e->stamp))
        e->leaf_region = ~0UL;
}

static void flush_here(struct env *e, unsigned long va, unsigned long count)
{
    if (count == 1)
        machine_flush_page(va, e->asid);
    else
        machine_flush_env(e->asid);
}

/* Here at once; elsewhere, if others may hold what was lost. A call that is made again loses nothing more. */
void map_flush(struct env *e, unsigned long va, unsigned long count, bool lost)
{
    flush_here(e, va, count);
    if (lost)
        others_must_see(e);
}

/* ---- the STLB ---- */

/* va is a page's; the entry is readable and not dirty, as `map` makes them. */
static inline uint64_t stlb_word(unsigned long va, uint64_t pte, unsigned long slot)
{
    uint64_t may = (pte & PTE_X) << 27 | (pte & PTE_W) << 31 | 1UL << 31 | PTE_A << 16;
    return va << 26 | may | (pte & 0x3ff) << 16 | slot;
}

static inline void stlb_put(struct env *e, unsigned long va, uint64_t pte, unsigned long slot)
{
    e->stlb[va >> 12 & e->stlb_mask] = stlb_word(va, pte, slot);
}

static inline void stlb_drop(struct env *e, unsigned long va)
{
    uint64_t *word = &e->stlb[va >> 12 & e->stlb_mask];
    if (*word >> 38 == va >> 12)
        *word = 0;
}

/* ---- leaf tables ---- */

/* Accessed and dirty stand five bits lower in the claim. */
_Static_assert(PTE_A >> 5 == AEGIS_ACCESSED && PTE_D >> 5 == AEGIS_DIRTY, "accessed and dirty");
static inline void keep_bits(struct aegis_claim *c, uint64_t pte)
{
    c->where |= pte >> 5 & (AEGIS_ACCESSED | AEGIS_DIRTY);
}

static void forget_leaf(struct env *e)
{
    e->leaf_region = ~0UL;
    FOR_ACTIVATIONS(e, h, a)
        __atomic_store_n(&a->leaf_region, ~0UL, __ATOMIC_RELAXED);
}

/* Takes a leaf table out of use: the translations go, the STLB and the claims stay. */
static void leaf_recycle(struct env *e, struct leaf *leaf)
{
    uint64_t *table = machine_direct(leaf->page);
    uint16_t *shadow = leaf_shadow(table);
    unsigned long va = (unsigned long)leaf->region << 21;

    entry_take(middle_entry(e, va));
    forget_leaf(e);
    for (unsigned i = 0; i < LEAF_ENTRIES; i++) {
        uint64_t old = entry_take(&table[i]);
        if (old)
            keep_bits(ledger_at(e, shadow[i]), old);
    }
    leaf->region = NO_REGION;
    machine_flush_env(e->asid);
    leaf->stamp = limbo_enter(e->mask);
}

/* A spare one, better one that every hart has let go of. */
static struct leaf *leaf_spare(struct env *e)
{
    struct leaf *spare = NULL;

    for (unsigned i = 0; i < e->leaf_count; i++)
        if (e->leaf[i].region == NO_REGION) {
            spare = &e->leaf[i];
            if (limbo_over(e->mask, spare->stamp))
                break;
        }
    return spare;
}

/* When the pool is empty the next table in turn is recycled. */
static long leaf_pick(struct env *e, struct leaf **leaf)
{
    REFUSE_IF(e->leaf_count == 0, NO_TABLE);
    *leaf = leaf_spare(e);
    if (!*leaf) {
        *leaf = &e->leaf[e->leaf_hand++ % e->leaf_count];
        leaf_recycle(e, *leaf);
    }
    return limbo_over(e->mask, (*leaf)->stamp) ? 0 : AEGIS_E_AGAIN;
}

/* The leaf table for va, from the pool if there is none. Errors: NO_TABLE, MAPPED (a superpage), AGAIN. */
static long leaf_get(struct env *e, unsigned long va, uint64_t **table)
{
    struct leaf *leaf;

    *table = in_window(va) ? e->pinned : map_leaf(e, va);
    if (*table)
        return 0;
    uint64_t *middle = middle_entry(e, va);
    REFUSE_IF(!middle, NO_TABLE);
    REFUSE_IF(*middle, MAPPED);
    TRY(leaf_pick(e, &leaf));
    *table = machine_direct(leaf->page);
    machine_clear(*table); /* a refill of another hart may have come too late for it */
    leaf->region = (uint32_t)REGION(va);
    __atomic_store_n(middle, (uint64_t)leaf->page << 10 | PTE_V, __ATOMIC_RELEASE);
    leaf_remember(e, leaf->region, *table);
    return 0;
}

/* ---- map ---- */

#define RIGHTS_WRONG(rights) (!((rights) & AEGIS_R) || (rights) & ~(unsigned long)AEGIS_RWX)

struct mapping {
    struct aegis_claim *claim;
    unsigned long slot, va, count; /* count: of entries, at its level */
    uint64_t pte;                  /* of the first */
    unsigned level;
    bool again; /* the claim is mapped there already: put back what is missing */
};

static inline uint64_t first_entry(uint64_t what, unsigned long rights)
{
    return (uint64_t)AEGIS_WHAT_RESOURCE(what) << 10 | rights | MAY(what >> 40) | PTE_U | PTE_V;
}

static long address_check(unsigned long va, unsigned order)
{
    unsigned long size = (unsigned long)PAGE_SIZE << order;

    REFUSE_IF(va & (size - 1) || va < AEGIS_USER_FIRST || va > AEGIS_EXPOSED - size, BAD_ADDRESS);
    if (va < AEGIS_PINNED + AEGIS_PINNED_SIZE && va + size > AEGIS_PINNED) {
        unsigned long n = (va - AEGIS_PINNED) / PAGE_SIZE;
        REFUSE_IF(order || n < AEGIS_PINNED_FREE || n >= AEGIS_PINNED_TABLES, BAD_ADDRESS);
    }
    return 0;
}

/* Leaf tables that nothing stands in make room for superpages, one in a call. */
static long tables_give_way(struct env *e, unsigned long va, unsigned long count)
{
    for (unsigned i = 0; i < e->leaf_count; i++) {
        struct leaf *leaf = &e->leaf[i];
        const uint64_t *table = machine_direct(leaf->page);
        unsigned used = 0;
        if (leaf->region == NO_REGION || leaf->region - REGION(va) >= count)
            continue;
        for (unsigned k = 0; k < LEAF_ENTRIES; k++)
            used += table[k] != 0;
        REFUSE_IF(used, MAPPED);
        leaf_recycle(e, leaf);
        return AEGIS_E_AGAIN;
    }
    return 0;
}

/* The table in which the entries stand. */
static long table_get(struct env *e, const struct mapping *m, uint64_t **table)
{
    *table = e->root;
    if (m->level == 0)
        return leaf_get(e, m->va, table);
    e->large = 1;
    if (m->level == 2)
        return 0;
    *table = middle_entry(e, m->va);
    if (!*table)
        return is_leaf(e->root[INDEX(m->va, 2)]) ? REFUSED(MAPPED) : REFUSED(NO_TABLE);
    *table -= INDEX(m->va, 1);
    return m->again ? 0 : tables_give_way(e, m->va, m->count);
}

/* What is the claim's already stays: of pages some may be missing, of superpages none is ever dropped. */
static long enter(struct env *e, const struct mapping *m)
{
    unsigned long i = INDEX(m->va, m->level), va = m->va;
    uint64_t *table, pte = m->pte;

    TRY(table_get(e, m, &table));
    for (unsigned long k = 0; k < m->count; k++)
        if (table[i + k] &&
            !(m->again && (m->level || *shadow_of(e, table, i + k) == (uint16_t)m->slot)))
            return REFUSED(MAPPED);
    for (unsigned long k = 0; k < m->count; k++, i++, va += PAGE_SIZE, pte += 1UL << (10 + 9 * m->level)) {
        if (table[i])
            continue;
        if (!m->level)
            *shadow_of(e, table, i) = (uint16_t)m->slot;
        __atomic_store_n(&table[i], pte, __ATOMIC_RELAXED);
        if (!m->level && table != e->pinned) /* which is never recycled */
            stlb_put(e, va, pte, m->slot);
    }
    return 0;
}

static long map_check(struct mapping *m, unsigned long rights, struct aegis_page *head)
{
    struct aegis_claim *c = m->claim;
    unsigned order = AEGIS_WHAT_ORDER(c->what);

    TRY(address_check(m->va, order));
    m->again = c->where & AEGIS_MAPPED;
    REFUSE_IF(m->again && c->where >> 12 != m->va >> 12, MAPPED);
    m->pte = first_entry(c->what, rights);
    if (head->flags & (AEGIS_PAGE_IS_PRIVATE | AEGIS_PAGE_IS_LENT)) {
        REFUSE_IF(head->flags & AEGIS_PAGE_IS_PRIVATE || rights & AEGIS_W, LENT_PAGE);
        m->pte &= ~(uint64_t)PTE_MAY_W; /* nor by map_protect later */
    }
    REFUSE_IF(c->where & (AEGIS_UNMAPPING | AEGIS_REKEYING), BUSY);
    if (head->flags & AEGIS_PAGE_IS_CLEAN)
        page_soil(head);
    m->level = order < 9 ? 0 : order < 18 ? 1 : 2;
    m->count = 1UL << (order - 9 * m->level);
    return 0;
}

long map_claim(struct env *e, unsigned long slot, unsigned long va_rights)
{
    unsigned long rights = va_rights % PAGE_SIZE;
    struct mapping m = {.slot = slot, .va = va_rights - rights};
    struct aegis_page *head;

    REFUSE_IF(RIGHTS_WRONG(rights), BAD_RIGHTS);
    TRY(ledger_use_page(e, slot, (unsigned)rights, &m.claim, &head));
    TRY(map_check(&m, rights, head));
    /* a refill on another hart may be about to enter what stood here: it would meet the new entry */
    REFUSE_IF(!m.again && !limbo_over(e->mask, e->stamp), AGAIN);
    TRY(enter(e, &m));
    m.claim->where |= m.va | AEGIS_MAPPED | (in_window(m.va) ? AEGIS_PINNED_DOWN : 0);
    flush_here(e, m.va, m.count);
    return 0;
}

/* What the quick paths leave to the others: whatever is not one page, where the last leaf table is wanted. */
#define BUSY_FLAGS (AEGIS_MAPPED | AEGIS_UNMAPPING | AEGIS_REKEYING | CLAIM_UNSETTLED)

/* One page under a live claim that is not mapped, where the last leaf table has nothing. False: look closely. */
static inline bool map_quick(struct env *e, unsigned long slot, unsigned long va_rights)
{
    unsigned long rights = va_rights % PAGE_SIZE, va = va_rights - rights;

    if (REGION(va) != e->leaf_region || va < AEGIS_USER_FIRST || !(rights & AEGIS_R) || slot >= ledger_slots(e))
        return false;
    struct aegis_claim *c = ledger_at(e, slot);
    uint64_t what = c->what;
    struct aegis_page *head = &pages[AEGIS_WHAT_RESOURCE(what)];
    uint64_t *entry = &e->leaf_table[INDEX(va, 0)];
    /* the type a page's, the order 0, and of the rights none that the claim lacks */
    if ((what & ~((uint64_t)AEGIS_RIGHTS << 40)) >> 32 != AEGIS_PAGE << 24 || rights & ~(what >> 40 & AEGIS_RWX) ||
        head->check != c->check || c->where & BUSY_FLAGS || head->flags || *entry)
        return false;
    uint64_t pte = first_entry(what, rights);
    leaf_shadow(e->leaf_table)[INDEX(va, 0)] = (uint16_t)slot;
    __atomic_store_n(entry, pte, __ATOMIC_RELAXED);
    stlb_put(e, va, pte, slot);
    c->where |= va | AEGIS_MAPPED;
    machine_flush_page(va, e->asid);
    return true;
}

result_t call_map(unsigned long env, unsigned long slot, unsigned long va_rights)
{
    return env_call_quick(env, slot, va_rights, map_quick, map_claim);
}

CALL_ENV(map_vector, 2, (vector, count))
{
    struct aegis_mapping item[AEGIS_VECTOR];
    unsigned long done = 0;
    uint32_t hand = e->leaf_hand; /* one table is recycled in a call, no more */
    long error = 0;

    REFUSE_CALL_IF(count > AEGIS_VECTOR, BAD_RANGE);
    TRY_CALL(user_read(env_self(), item, vector, count * sizeof item[0]));
    while (done < count && !error) {
        error = e->leaf_hand != hand ? AEGIS_E_AGAIN : map_claim(e, item[done].slot, item[done].va_rights);
        done += !error;
    }
    return (result_t){error, done};
}

/* ---- unmap ---- */

void map_drop(struct env *e, struct aegis_claim *c, unsigned long slot)
{
    unsigned order = AEGIS_WHAT_ORDER(c->what), level = order < 9 ? 0 : order < 18 ? 1 : 2;
    unsigned long va = c->where & ~(unsigned long)AEGIS_FLAGS, first = INDEX(va, level);
    uint64_t *table = level == 2 ? e->root : in_window(va) ? e->pinned : NULL;

    c->where &= AEGIS_FLAGS & ~(AEGIS_MAPPED | AEGIS_PINNED_DOWN);
    if (!table)
        table = level ? table_of(e->root[INDEX(va, 2)]) : map_leaf(e, va);
    for (unsigned long k = 0; k < 1UL << (order - 9 * level); k++) {
        if (!level)
            stlb_drop(e, va + k * PAGE_SIZE);
        if (table && (level || *shadow_of(e, table, first + k) == (uint16_t)slot))
            keep_bits(c, entry_take(&table[first + k]));
    }
    map_flush(e, va, 1UL << order, true);
}

static long unmap_step(struct env *e, unsigned long slot, AEGIS_P1(unused))
{
    struct aegis_claim *c;

    TRY(ledger_any(e, slot, &c));
    REFUSE_IF(AEGIS_WHAT_TYPE(c->what) != AEGIS_PAGE, WRONG_TYPE);
    REFUSE_IF(c->where & (CLAIM_UNSETTLED | CLAIM_REKEY), BUSY); /* `step` is in use */
    if (c->where & AEGIS_MAPPED) {
        map_drop(e, c, slot);
        c->step = e->stamp;
        c->where |= AEGIS_UNMAPPING;
    }
    REFUSE_IF(!(c->where & AEGIS_UNMAPPING), NOT_MAPPED);
    REFUSE_IF(!limbo_over(e->mask, c->step), AGAIN);
    c->where &= ~(uint64_t)AEGIS_UNMAPPING;
    return 0;
}

/* A page that is mapped by the last leaf table, and on this hart only. False: look closely. */
static inline bool unmap_quick(struct env *e, unsigned long slot, AEGIS_P1(unused))
{
    if (slot >= ledger_slots(e) || !limbo_only_here(e->mask))
        return false;
    struct aegis_claim *c = ledger_at(e, slot);
    uint64_t where = c->where, *table = e->leaf_table;
    unsigned long va = where & ~(uint64_t)AEGIS_FLAGS, i = INDEX(where, 0);
    if (REGION(where) != e->leaf_region || (where & BUSY_FLAGS) != AEGIS_MAPPED || AEGIS_WHAT_ORDER(c->what) ||
        leaf_shadow(table)[i] != (uint16_t)slot)
        return false;
    stlb_drop(e, va);
    c->where = (where & (AEGIS_FLAGS & ~(uint64_t)AEGIS_MAPPED));
    keep_bits(c, entry_take(&table[i]));
    machine_flush_page(va, e->asid);
    return true;
}

result_t call_unmap(unsigned long env, unsigned long slot)
{
    return env_call_quick(env, slot, 0, unmap_quick, unmap_step);
}

/* ---- exchange: what copy on write does, in one call ---- */

CALL_SELF(page_exchange, 4, (root, name, slot, va_rights))
{
    unsigned long rights = va_rights % PAGE_SIZE, va = va_rights - rights, i = INDEX(va, 0);
    struct aegis_claim *c;
    struct aegis_page *old;
    pfn_t page;
    bool clean;

    REFUSE_CALL_IF(RIGHTS_WRONG(rights), BAD_RIGHTS);
    TRY_CALL(address_check(va, 0));
    TRY_CALL(ledger_use_page(e, slot, AEGIS_R, &c, &old));
    pfn_t from = AEGIS_WHAT_RESOURCE(c->what);
    REFUSE_CALL_IF(AEGIS_WHAT_ORDER(c->what) || old->flags & PAGE_UNREAD, BAD_RANGE);
    /* what takes more than this call: on another hart the old page could be read as if it were the new one; no table */
    uint64_t *table = in_window(va) ? NULL : map_leaf(e, va), place = c->where >> 12;
    REFUSE_CALL_IF(!limbo_only_here(e->mask) || !table || c->where & (AEGIS_UNMAPPING | CLAIM_REKEY), BUSY);
    uint16_t *shadow = &leaf_shadow(table)[i];
    REFUSE_CALL_IF(place ? place != va >> 12 || (table[i] && *shadow != (uint16_t)slot) : table[i], MAPPED);
    TRY_CALL(page_by_root(e, root, name, 0, from, &page, &clean));
    machine_copy(machine_direct(page), machine_direct(from));
    c->what = AEGIS_WHAT(AEGIS_PAGE, PAGE_RIGHTS, 0, page);
    c->check = pages[page].check;
    c->where = va | AEGIS_MAPPED;
    *shadow = (uint16_t)slot;
    table[i] = first_entry(c->what, rights);
    stlb_put(e, va, table[i], slot);
    machine_flush_page(va, e->asid);
    page_drop_claim(old);
    return OK_VALUE(page);
}

/* ---- refills that the fast path left: the leaf table must be looked up, or taken from the pool ---- */

bool map_refill(struct env *e, unsigned long va, unsigned cause)
{
    lock_take(&e->lock);
    uint64_t word = va < AEGIS_USER_END ? e->stlb[va >> 12 & e->stlb_mask] : 0;
    unsigned long slot = word & 0xffff;
    struct aegis_claim *c;
    struct aegis_page *head;
    uint64_t *table;

    bool hit = word && word >> 38 == va >> 12 && word >> (26 + cause - 8) & 1 &&
               !ledger_use_page(e, slot, 0, &c, &head) && c->where & AEGIS_MAPPED &&
               !leaf_get(e, va, &table);
    if (hit) {
        uint64_t page = AEGIS_WHAT_RESOURCE(c->what) + (va >> 12) - (c->where >> 12);
        uint64_t dirty = cause == 15 ? PTE_D : 0;
        *shadow_of(e, table, INDEX(va, 0)) = (uint16_t)slot;
        __atomic_fetch_or(&table[INDEX(va, 0)], page << 10 | (word >> 16 & 0x3ff) | dirty,
                          __ATOMIC_RELAXED);
        machine_flush_page(va, e->asid);
    }
    lock_give(&e->lock);
    return hit;
}

void map_window(struct env *e, unsigned n, pfn_t page, uint64_t rights)
{
    e->pinned[n] = (uint64_t)page << 10 | rights | PTE_U | PTE_V;
    machine_flush_page(AEGIS_PINNED + (unsigned long)n * PAGE_SIZE, e->asid);
}
