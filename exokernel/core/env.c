/* SPDX-License-Identifier: BSD-2-Clause */
#include "env.h"

#include "limbo.h"
#include "map.h"
#include "slice.h"
#include "user.h"

#define NOBODY AEGIS_ENVS

/* ---- lending ---- */

long lend_take(const struct aegis_claim *c, struct aegis_page *head, unsigned order, unsigned flags,
               bool *clean)
{
    long error = 0;

    REFUSE_IF(AEGIS_WHAT_ORDER(c->what) != order || head->order != order, BAD_RANGE);
    lock_take(&kernel.page_lock); /* nobody can claim it, and then map it, meanwhile */
    *clean = head->flags == AEGIS_PAGE_IS_CLEAN;
    if (head->pins || (head->flags && !*clean)) {
        error = REFUSED(LENT_PAGE);
    } else if (head->claims != 1 || c->where & (AEGIS_MAPPED | AEGIS_UNMAPPING | CLAIM_REKEY)) {
        error = REFUSED(MAPPED);
    } else {
        head->pins = 1;
        head->flags = (uint8_t)(AEGIS_PAGE_IS_LENT | flags) & 15;
    }
    lock_give(&kernel.page_lock);
    return error;
}

void lend_return(pfn_t page, bool clean)
{
    struct aegis_page *head = &pages[page];

    /* else it is the second of a pair, or the kernel's own */
    if (head->state == AEGIS_PAGE_USED && head->flags & AEGIS_PAGE_IS_LENT)
        page_return(head, clean);
}

/* A table begins empty; one that came back so from another environment is so already. */
static void *table_clear(pfn_t page, bool clean)
{
    void *table = machine_direct(page);

    if (!clean)
        machine_clear(table);
    return table;
}

/* ---- the table of environments ---- */

/* The first that the root covers: so those who ask for any leave the last ones to parts. */
static uint32_t index_take(uint64_t root, uint32_t controller)
{
    uint32_t order = AEGIS_WHAT_ORDER(root), count = order < 10 ? 1U << order : AEGIS_ENVS;
    uint32_t i = AEGIS_WHAT_RESOURCE(root) & -count, end = i + count;

    lock_take(&kernel.table_lock);
    while (i < end && i < AEGIS_ENVS && exposed.env[i].state != AEGIS_ENV_FREE)
        i++;
    if (i >= end || i >= AEGIS_ENVS) {
        i = NOBODY;
    } else {
        struct aegis_env_record *r = &exposed.env[i];
        r->controller = controller;
        r->check = check_new();
        kernel.entry_check[i] = check_new();
        r->end = AEGIS_END_NONE;
        r->claims = 2; /* its own, and its creator's */
        r->entries = 0;
        r->harts = 0;
        r->state = AEGIS_ENV_NEW;
    }
    lock_give(&kernel.table_lock);
    return i;
}

void env_free_index(uint32_t index)
{
    struct aegis_env_record *r = &exposed.env[index];

    if (r->state != AEGIS_ENV_DEAD || r->claims || r->entries)
        return;
    r->state = AEGIS_ENV_FREE;
    r->check = 0;
    kernel.entry_check[index] = 0;
}

bool env_may_hold(const struct env *e, uint64_t what)
{
    uint64_t check;

    if (AEGIS_WHAT_TYPE(what) != AEGIS_ENV || !(AEGIS_WHAT_RIGHTS(what) & AEGIS_CONTROL) ||
        !resource_check(what, &check))
        return true;
    for (unsigned i = 0; i < e->depth; i++)
        if (e->above[i] == check)
            return false;
    return true;
}

/* ---- creation ---- */

/* The record's page comes from the lender as it is: what the kernel relies on is set here. */
static struct env *record_fill(const pfn_t page[AEGIS_ENV_LENT], uint32_t index, uint32_t depth)
{
    struct env *e = machine_direct(page[AEGIS_ENV_RECORD]);

    wipe(e, offsetof(struct env, leaf));
    e->index = index;
    e->depth = depth;
    e->check = exposed.env[index].check;
    e->stamp = (uint32_t)kernel.epoch; /* stamps are compared as differences */
    e->satp = machine_satp(page[AEGIS_ENV_ROOT], index);
    e->root = machine_direct(page[AEGIS_ENV_ROOT]);
    e->pinned = machine_direct(page[AEGIS_ENV_PINNED]);
    e->stlb = machine_direct(page[AEGIS_ENV_STLB]);
    e->stlb_mask = PAGE_SIZE / 8 - 1;
    e->asid = machine_asid(index);
    e->leaf_region = ~0UL;
    e->ledger[0] = machine_direct(page[AEGIS_ENV_LEDGER]);
    e->ledger_pages = 1;
    return e;
}

/* clean: bit i, page i. */
static struct env *env_build(const pfn_t page[AEGIS_ENV_LENT], unsigned clean, uint32_t index, uint32_t depth)
{
    static const unsigned char shown[] = {AEGIS_ENV_ROOT, AEGIS_ENV_STLB, AEGIS_ENV_MIDDLE, AEGIS_ENV_PINNED};
    uint64_t *middle = machine_direct(page[AEGIS_ENV_MIDDLE]);
    struct env *e = record_fill(page, index, depth);

    for (unsigned i = AEGIS_ENV_ROOT; i < AEGIS_ENV_LENT; i++)
        table_clear(page[i], clean >> i & 1);
    e->root[0] = (uint64_t)page[AEGIS_ENV_MIDDLE] << 10 | PTE_V;
    machine_root_set(e->root, true);
    middle[AEGIS_PINNED >> 21] = (uint64_t)page[AEGIS_ENV_PINNED] << 10 | PTE_V;
    for (; e->tables < sizeof shown; e->tables++)
        map_window(e, AEGIS_PINNED_TABLES + e->tables, page[shown[e->tables]], PTE_R);
    map_window(e, AEGIS_PINNED_LEDGER, page[AEGIS_ENV_LEDGER], PTE_R);
    claim_fill(e, ledger_at(e, AEGIS_SLOT_SELF),
               AEGIS_WHAT(AEGIS_ENV, AEGIS_CONTROL | AEGIS_RING, 0, index), e->check);
    exposed.env[index].pages = 1;
    __atomic_store_n(&kernel.env[index], e, __ATOMIC_RELEASE);
    return e;
}

static void lent_return(const pfn_t page[AEGIS_ENV_LENT], unsigned count, unsigned clean)
{
    for (unsigned i = 0; i < count; i++)
        lend_return(page[i], clean >> i & 1);
}

/* The six slots, each a whole page: all are lent, or none. */
static long lent_take(struct env *e, const uint64_t slot[AEGIS_ENV_LENT], pfn_t page[AEGIS_ENV_LENT],
                      unsigned *clean)
{
    struct aegis_claim *c;
    struct aegis_page *head;
    bool is_clean;

    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++) {
        long error = ledger_use_page(e, slot[i], AEGIS_LEND, &c, &head);
        if (!error)
            error = lend_take(c, head, 0, i == AEGIS_ENV_RECORD ? AEGIS_PAGE_IS_PRIVATE : 0, &is_clean);
        if (error) {
            lent_return(page, i, *clean);
            return error;
        }
        *clean |= (unsigned)is_clean << i;
        page[i] = AEGIS_WHAT_RESOURCE(c->what);
    }
    return 0;
}

CALL_SELF(env_create, 3, (root, slots, slot))
{
    struct aegis_claim *c, *r;
    uint64_t lent[AEGIS_ENV_LENT];
    pfn_t page[AEGIS_ENV_LENT];
    unsigned clean = 0;

    TRY_CALL(user_read(e, lent, slots, sizeof lent));
    TRY_CALL(ledger_use(e, root, AEGIS_ENV | AEGIS_ROOT, AEGIS_ALLOC, &r));
    TRY_CALL(ledger_empty(e, slot, &c));
    TRY_CALL(lent_take(e, lent, page, &clean));
    uint32_t index = index_take(r->what, e->index);
    if (index == NOBODY) {
        lent_return(page, AEGIS_ENV_LENT, clean);
        return FAIL(FULL);
    }
    struct env *made = env_build(page, clean, index, e->depth < ENV_DEPTH ? e->depth + 1 : ENV_DEPTH);
    for (unsigned i = 1; i < made->depth; i++)
        made->above[i] = e->above[i - 1];
    made->above[made->depth - 1] = exposed.env[0].check; /* whatever is forgotten between */
    made->above[0] = e->check;
    claim_fill(e, c, AEGIS_WHAT(AEGIS_ENV, AEGIS_CONTROL | AEGIS_RING, 0, index), made->check);
    return OK_VALUE(index);
}

/* ---- tables ---- */

struct lending {
    struct env *from, *to;
    struct aegis_claim *claim;
    struct aegis_page *head;
    pfn_t page;
    unsigned order;
    bool clean;
    unsigned long va;
};

static long lend_ledger(struct lending *l)
{
    struct env *e = l->to;

    REFUSE_IF(e->ledger_pages == AEGIS_LEDGER_PAGES, FULL);
    map_window(e, AEGIS_PINNED_LEDGER + e->ledger_pages, l->page, PTE_R);
    e->ledger[e->ledger_pages] = table_clear(l->page, l->clean);
    exposed.env[e->index].pages = ++e->ledger_pages;
    return 0;
}

static long lend_middle(struct lending *l)
{
    uint64_t *entry = &l->to->root[l->va >> 30 & 255];

    REFUSE_IF(l->va >= AEGIS_EXPOSED, BAD_ADDRESS);
    REFUSE_IF(*entry, MAPPED);
    table_clear(l->page, l->clean);
    l->to->middles++;
    __atomic_store_n(entry, (uint64_t)l->page << 10 | PTE_V, __ATOMIC_RELEASE);
    return 0;
}

static long lend_leaf(struct lending *l)
{
    struct env *e = l->to;

    REFUSE_IF(e->leaf_count == LEAF_POOL, FULL);
    e->leaf[e->leaf_count++] = (struct leaf){l->page, UINT32_MAX, e->stamp};
    return 0;
}

static long lend_stlb(struct lending *l)
{
    struct env *e = l->to;
    uint64_t mask = ((uint64_t)PAGE_SIZE << l->order) / 8 - 1;

    REFUSE_IF(mask < e->stlb_mask, BAD_RANGE);
    REFUSE_IF(e->mask & ~machine_self()->hart->bit, BUSY); /* a refill there might see the new mask and the old table */
    for (unsigned i = 0; i < 1U << l->order; i++)
        machine_clear(machine_direct(l->page + i));
    e->stlb = machine_direct(l->page);
    e->stlb_mask = mask;
    FOR_ACTIVATIONS(e, h, a) { /* the table first: a small mask fits both */
        __atomic_store_n(&a->stlb, (uint64_t)e->stlb, __ATOMIC_RELEASE);
        __atomic_store_n(&a->stlb_mask, mask << 3, __ATOMIC_RELEASE);
    }
    return 0;
}

static long table_take(struct lending *l, unsigned long kind)
{
    static const struct {
        long (*lend)(struct lending *l);
        unsigned least, most; /* orders */
    } kinds[] = {{lend_ledger, 0, 0}, {lend_middle, 0, 0}, {lend_leaf, 1, 1}, {lend_stlb, 0, 3}};
    unsigned count = 1U << l->order;

    REFUSE_IF(l->order < kinds[kind].least || l->order > kinds[kind].most, BAD_RANGE);
    if (kind != AEGIS_TABLE_LEDGER &&
        l->to->tables + count > AEGIS_PINNED_LEDGER - AEGIS_PINNED_TABLES)
        return REFUSED(FULL);
    long error = kinds[kind].lend(l);
    for (unsigned i = 0; !error && kind != AEGIS_TABLE_LEDGER && i < count; i++)
        map_window(l->to, AEGIS_PINNED_TABLES + l->to->tables++, l->page + i, PTE_R);
    return error;
}

/* Lends the claim's block for a purpose; that which fails gives it back. */
static result_t lend(struct lending *l, unsigned long slot, unsigned flags,
                     long purpose(struct lending *, unsigned long), unsigned long x)
{
    TRY_CALL(ledger_use_page(l->from, slot, AEGIS_LEND, &l->claim, &l->head));
    l->order = AEGIS_WHAT_ORDER(l->claim->what);
    l->page = AEGIS_WHAT_RESOURCE(l->claim->what);
    TRY_CALL(lend_take(l->claim, l->head, l->order, flags, &l->clean));
    long error = purpose(l, x);
    if (error)
        lend_return(l->page, l->clean);
    return (result_t){error, 0};
}

CALL_PAIR(table_lend, AEGIS_CONTROL, 4, (env, slot, kind, va))
{
    struct lending l = {.from = self, .to = to, .va = va};

    return kind > AEGIS_TABLE_STLB ? FAIL(BAD_RANGE) : lend(&l, slot, 0, table_take, kind);
}

/* ---- activations ---- */

struct activation *env_activate(struct env *e, pfn_t pair, struct hart *h)
{
    struct activation *a = (struct activation *)((char *)machine_direct(pair) + PAGE_SIZE);

    wipe(a, sizeof *a);
#pragma GCC unroll 16
    for (unsigned i = 0; i < 2 * AEGIS_ENTRY_SLOTS; i++)
        a->entry[i] = (uint64_t)h->null;
    a->env = e;
    a->index = e->index;
    a->page = pair;
    a->hart = h;
    a->badge = e->check;
    a->satp = e->satp;
    a->gate = e->satp;
    a->run = 0; /* the first time C looks, and sets it */
    a->uva = AEGIS_PINNED + (uint64_t)h->index * PAGE_SIZE + AEGIS_GP;
    a->stlb = (uint64_t)e->stlb;
    a->stlb_mask = e->stlb_mask << 3;
    a->ledger = (uint64_t)e->ledger;
    a->leaf_region = ~0UL;
    a->deadline = ~0UL;
    machine_activation_fill(a, h);
    map_window(e, AEGIS_PINNED_ACTIVATION + h->index, pair, PTE_R | PTE_W | PTE_MAY_W);
    e->mask |= 1U << h->index;
    exposed.env[e->index].harts |= 1U << h->index;
    a->sleeping = &exposed.env[e->index].sleeping[h->index];
    *a->sleeping = 0;
    __atomic_store_n(&e->activation[h->index], a, __ATOMIC_RELEASE);
    return a;
}

static long activation_take(struct lending *l, unsigned long hart)
{
    REFUSE_IF(l->order != 1, BAD_RANGE);
    REFUSE_IF(l->to->activation[hart], OCCUPIED);
    env_activate(l->to, l->page, &kernel.hart[hart]);
    exposed.env[l->to->index].state = AEGIS_ENV_LIVE;
    return 0;
}

CALL_PAIR(activation_lend, AEGIS_CONTROL, 3, (env, slot, hart))
{
    struct lending l = {.from = self, .to = to};

    REFUSE_CALL_IF(hart >= AEGIS_HARTS || !(kernel.online & 1U << hart), BAD_RANGE);
    return lend(&l, slot, AEGIS_PAGE_IS_PRIVATE, activation_take, hart);
}

/* ---- boot ---- */

struct env *env_boot_first(const pfn_t page[AEGIS_ENV_LENT])
{
    uint32_t index = index_take(AEGIS_WHAT(0, 0, AEGIS_ROOT_ORDER, 0), NOBODY);
    exposed.env[index].claims = 1;
    exposed.env[index].state = AEGIS_ENV_LIVE;
    return env_build(page, 0, index, 0);
}

void env_boot_table(struct env *e, unsigned kind, pfn_t page, unsigned order)
{
    struct lending l = {.from = e, .to = e, .head = &pages[page], .page = page, .order = order};

    ASSERT(table_take(&l, kind) == 0);
}
