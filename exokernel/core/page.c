/* SPDX-License-Identifier: BSD-2-Clause */
#include "page.h"

#define CLEAN_AHEAD 1024 /* cleared pages that idle harts keep ready */

struct aegis_page *pages;

static pfn_t page_number(const struct aegis_page *p)
{
    return (pfn_t)(p - pages);
}

/* The step is odd, so 2^64 steps pass before one repeats. Checks are no secret (the page records show them). */
uint64_t check_new(void)
{
    return __atomic_add_fetch(&kernel.check, 0x9e3779b97f4a7c15, __ATOMIC_RELAXED);
}

/* ---- lists; page_lock is held ---- */

static uint32_t *list_of(const struct aegis_page *p)
{
    return p->state == AEGIS_PAGE_FREE ? &exposed.free_head[p->order]
                                       : &exposed.dirty_head[p->order];
}

static void count_free(const struct aegis_page *p, long sign)
{
    exposed.free_pages += sign * (1L << p->order);
    if (p->state == AEGIS_PAGE_FREE)
        exposed.clean_pages += sign * (1L << p->order);
}

static void list_put(struct aegis_page *p, unsigned order, unsigned state)
{
    p->state = state;
    p->order = order;
    uint32_t *head = list_of(p);
    p->next = *head;
    p->prev = 0;
    if (*head)
        pages[*head].prev = page_number(p);
    *head = page_number(p);
    count_free(p, 1);
}

static void list_take(struct aegis_page *p)
{
    if (p->prev)
        pages[p->prev].next = p->next;
    else
        *list_of(p) = p->next;
    if (p->next)
        pages[p->next].prev = p->prev;
    count_free(p, -1);
}

static bool is_free(const struct aegis_page *p)
{
    return p->state == AEGIS_PAGE_FREE || p->state == AEGIS_PAGE_FREE_DIRTY;
}

/* A cleared block joins its cleared buddies, as far as it goes. */
static void free_clean(pfn_t page, unsigned order)
{
    for (; order < AEGIS_ORDER_MAX; order++) {
        pfn_t other = page ^ (1U << order);
        struct aegis_page *buddy = &pages[other];
        if (!page_valid(other) || buddy->state != AEGIS_PAGE_FREE || buddy->order != order)
            break;
        list_take(buddy);
        pages[page | 1U << order].state = AEGIS_PAGE_TAIL;
        page &= ~(1U << order);
    }
    list_put(&pages[page], order, AEGIS_PAGE_FREE);
}

/* Cuts a free block down to the one of `order` that holds `page`; the rest goes back on the lists. */
static struct aegis_page *split(struct aegis_page *p, pfn_t page, unsigned order)
{
    unsigned state = p->state, from = p->order;
    pfn_t at = page_number(p);

    list_take(p);
    while (from > order) {
        pfn_t half = 1U << --from;
        list_put(&pages[at | (half & ~page)], from, state); /* the half that does not hold it */
        at |= half & page;
    }
    pages[at].state = state;
    pages[at].order = order;
    return &pages[at];
}

static struct aegis_page *find_any(unsigned order)
{
    for (unsigned o = order; o <= AEGIS_ORDER_MAX; o++) {
        uint32_t head = exposed.free_head[o] ? exposed.free_head[o] : exposed.dirty_head[o];
        if (head)
            return split(&pages[head], head, order);
    }
    return NULL;
}

/* The first page of the block, free or used, that holds a page; null: it is of none. */
static struct aegis_page *block_of(pfn_t page)
{
    for (unsigned o = 0; o <= AEGIS_ORDER_MAX; o++) {
        pfn_t first = page & ~((1U << o) - 1);
        struct aegis_page *p = &pages[first];
        if (!page_valid(first))
            return NULL;
        if (p->state != AEGIS_PAGE_TAIL)
            return (is_free(p) || p->state == AEGIS_PAGE_USED) && p->order >= o ? p : NULL;
    }
    return NULL;
}

static struct aegis_page *find_named(pfn_t page, unsigned order, long *error)
{
    struct aegis_page *p = block_of(page);

    if (!p || !is_free(p))
        return NULL;
    if (p->order >= order)
        return split(p, page, order);
    *error = AEGIS_E_AGAIN; /* free in pieces: they join when all is cleared */
    return NULL;
}

bool page_is_device(unsigned long page)
{
    for (unsigned i = 0; i < AEGIS_DEVICES && exposed.device[i].kind; i++)
        if (exposed.device[i].page == page)
            return true;
    return false;
}

/* A free block, or a page of registers that nobody has a claim on. */
static struct aegis_page *find(unsigned long name, unsigned order, bool device, long *error)
{
    if (device)
        return pages[name].claims ? NULL : &pages[name];
    return name == AEGIS_ANY ? find_any(order) : find_named((pfn_t)name, order, error);
}

COLD long page_take(unsigned long name, unsigned order, uint32_t owner, pfn_t *page, bool *clean)
{
    long error = name == AEGIS_ANY ? AEGIS_E_NO_MEMORY : AEGIS_E_NO_RESOURCE;
    bool device = name != AEGIS_ANY && (name > UINT32_MAX || !page_valid((pfn_t)name));

    REFUSE_IF(order > AEGIS_ORDER_MAX, BAD_RANGE);
    REFUSE_IF(name != AEGIS_ANY && (name & ((1UL << order) - 1)), BAD_RANGE);
    REFUSE_IF(device && (order || !page_is_device(name)), NO_RESOURCE);
    lock_take(&kernel.page_lock);
    struct aegis_page *p = find(name, order, device, &error);
    if (p) {
        *clean = p->state != AEGIS_PAGE_FREE_DIRTY;
        *page = page_number(p);
        p->check = check_new();
        p->claims = 1;
        p->pins = 0;
        p->flags &= AEGIS_PAGE_IS_DEVICE;
        p->next = owner;
        p->prev = 0;
        p->state = AEGIS_PAGE_USED;
    }
    lock_give(&kernel.page_lock);
    if (p)
        return 0;
    bool in_vain = error == AEGIS_E_NO_RESOURCE || (error == AEGIS_E_NO_MEMORY && exposed.free_pages < 1UL << order);
    return !in_vain && page_reap() ? AEGIS_E_AGAIN : (name == AEGIS_ANY ? REFUSED(NO_MEMORY) : REFUSED(NO_RESOURCE));
}

pfn_t page_take_one(uint32_t owner, uint64_t *check, bool *clean)
{
    struct aegis_exposed *x = &exposed;

    lock_take(&kernel.page_lock);
    pfn_t page = x->free_head[0];
    uint32_t *head = &x->free_head[0];
    bool cleared = page;
    if (!page)
        page = *(head = &x->dirty_head[0]);
    *clean = cleared;
    if (LIKELY(page)) {
        struct aegis_page *p = &pages[page];
        uint32_t next = p->next;
        *head = next;
        if (next)
            pages[next].prev = 0;
        x->free_pages--;
        if (cleared)
            x->clean_pages--;
        p->check = *check = check_new();
        p->claims = 1;
        p->next = owner;
        p->state = AEGIS_PAGE_USED; /* pins and prev are 0, as of all on a list's head */
        p->flags = 0;
    }
    lock_give(&kernel.page_lock);
    return page;
}

struct aegis_page *page_head_search(pfn_t page)
{
    struct aegis_page *p = block_of(page);
    return p && p->state == AEGIS_PAGE_USED ? p : NULL;
}

static inline void free_if_idle(struct aegis_page *head)
{
    if (head->claims || head->pins) {
        dev_reap_wanted |= !head->claims && !(head->flags & AEGIS_PAGE_IS_LENT); /* an endpoint's, whose owner let go of it? */
        return;
    }
    head->check = 0;
    if (head->flags & AEGIS_PAGE_IS_DEVICE)
        return;
    head->flags = 0;
    list_put(head, head->order, AEGIS_PAGE_FREE_DIRTY);
}

__attribute__((flatten)) void page_drop_claim(struct aegis_page *head)
{
    lock_take(&kernel.page_lock);
    if (__atomic_sub_fetch(&head->claims, 1, __ATOMIC_RELAXED) == 0)
        free_if_idle(head);
    lock_give(&kernel.page_lock);
}

__attribute__((flatten)) void page_return(struct aegis_page *head, bool clean)
{
    lock_take(&kernel.page_lock);
    ASSERT(head->pins);
    head->pins--;
    head->flags = clean ? AEGIS_PAGE_IS_CLEAN : 0;
    free_if_idle(head);
    lock_give(&kernel.page_lock);
}

void page_soil(struct aegis_page *head)
{
    lock_take(&kernel.page_lock);
    head->flags &= (uint8_t)~AEGIS_PAGE_IS_CLEAN & 15;
    lock_give(&kernel.page_lock);
}

bool page_reap_ahead(void)
{
    if (exposed.clean_pages >= CLEAN_AHEAD || exposed.clean_pages >= exposed.free_pages || !lock_try(&kernel.reap_lock))
        return false;
    bool found = page_reap();
    lock_give(&kernel.reap_lock);
    return found;
}

COLD bool page_reap(void)
{
    struct aegis_page *p = NULL;

    lock_take(&kernel.page_lock);
    for (unsigned o = 0; o <= AEGIS_ORDER_MAX && !p; o++)
        if (exposed.dirty_head[o])
            p = split(&pages[exposed.dirty_head[o]], exposed.dirty_head[o], 0);
    if (p) {
        p->state = AEGIS_PAGE_KERNEL; /* nobody's while it is being cleared */
        lock_give(&kernel.page_lock);
        machine_clear(machine_direct(page_number(p)));
        lock_take(&kernel.page_lock);
        free_clean(page_number(p), 0);
    }
    lock_give(&kernel.page_lock);
    return p != NULL;
}

__attribute__((noinline)) void wipe(void *from, size_t size)
{
    uint64_t *word = from;

#pragma GCC unroll 16
    for (size_t i = 0; i < size / sizeof *word; i++)
        word[i] = 0;
}

/* ---- boot ---- */

void page_boot(pfn_t first, uint64_t count, struct aegis_page *records)
{
    exposed.page_first = first;
    exposed.page_count = count;
    pages = records - first;
    wipe(records, count * sizeof *records);
}

unsigned page_order_at(pfn_t first, uint64_t count)
{
    unsigned order = 0;

    while (order < AEGIS_ORDER_MAX && !(first & 1U << order) && 2UL << order <= count)
        order++;
    return order;
}

void page_boot_free(pfn_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        pages[first + i].state = AEGIS_PAGE_TAIL;
    while (count) {
        unsigned order = page_order_at(first, count);
        list_put(&pages[first], order, AEGIS_PAGE_FREE_DIRTY);
        first += 1U << order;
        count -= 1UL << order;
    }
}
