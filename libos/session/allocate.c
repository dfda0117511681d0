/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for shared objects, in the monitor, by its log: whoever is killed here has allocated or
 * freed nothing.
 *
 * Pages: blocks of 2^n (buddies), for each size a list; a byte a page says where a free block begins.
 * What is freed goes to the list `leaving` first, and single pages are given out from there again.
 * Objects: 14 sizes, cut from pages that are never given back, each with a list of free ones.
 *
 * What lies in a freed object must still be there when the free is taken back. So nothing that this
 * stay in the monitor has freed is given out in it: its first word stands in the log.
 */
#include <string.h>

#include "chunk.h"

#define A           (&SESSION->allocator)
#define PAGE        4096UL
#define MAP_PAGES   4096 /* pages of which one map knows */
#define SETTLE_STEP 4

struct page_run {
    struct page_run *next, *previous;
    uint64_t order; /* while leaving */
};

static const uint16_t class_size[SESSION_CLASSES] = {16,  32,  48,  64,  96,   128,  192,
                                                     256, 384, 512, 768, 1024, 1536, 2048};

static bool is_logged(const void *word)
{
    for (uint64_t n = SESSION->log_count; n--;)
        if (SESSION->log[n].word == word)
            return true;
    return false;
}

static uint64_t page_number(const void *page)
{
    return ((uintptr_t)page - SESSION_VA) / PAGE;
}

static struct page_run *page_at(uint64_t page)
{
    return (struct page_run *)(SESSION_VA + page * PAGE);
}

static uint8_t *map_at(uint64_t page)
{
    uint8_t *map = A->map[page / MAP_PAGES];
    return map ? &map[page % MAP_PAGES] : NULL;
}

/* ---- blocks ---- */

static void block_add(struct page_run *b, unsigned order)
{
    struct page_run *head = A->free[order];

    session_set(b->next, head);
    session_set(b->previous, NULL);
    if (head)
        session_set(head->previous, b);
    session_set(A->free[order], b);
    uint8_t *mark = map_at(page_number(b));
    session_set(*mark, (uint8_t)(order + 1));
}

/* What its new owner writes there is taken back with the rest. */
static void block_remove(struct page_run *b, unsigned order)
{
    uint8_t *mark = map_at(page_number(b));

    session_log(&b->next);
    session_log(&b->previous);
    if (b->previous)
        session_set(b->previous->next, b->next);
    else
        session_set(A->free[order], b->next);
    if (b->next)
        session_set(b->next->previous, b->previous);
    session_set(*mark, 0);
}

static void block_free(uint64_t page, unsigned order)
{
    for (; order + 1 < SESSION_ORDERS; order++) {
        uint64_t other = page ^ 1UL << order;
        const uint8_t *mark = map_at(other);
        if (!mark || *mark != order + 1)
            break;
        block_remove(page_at(other), order);
        page &= ~(1UL << order);
    }
    block_add(page_at(page), order);
}

static struct page_run *block_take(unsigned order)
{
    unsigned found = order;

    while (found < SESSION_ORDERS && !A->free[found])
        found++;
    if (found == SESSION_ORDERS)
        return NULL;
    struct page_run *b = A->free[found];
    block_remove(b, found);
    while (found > order) {
        found--;
        block_add(page_at(page_number(b) + (1UL << found)), found);
    }
    return b;
}

/* Of those that had left before this stay. False: there is none (any more). */
static bool settle_one(void)
{
    struct page_run *r = A->leaving;

    if (!r || is_logged(r))
        return false;
    unsigned order = (unsigned)r->order;
    session_set(A->leaving, r->next);
    block_free(page_number(r), order);
    return true;
}

bool allocator_settle(void)
{
    unsigned n = 0;

    while (n < SETTLE_STEP && settle_one())
        n++;
    return A->leaving != NULL;
}

bool allocator_has(unsigned order)
{
    if (order == 0 && *(struct page_run *volatile *)&A->leaving)
        return true;
    for (unsigned o = order; o < SESSION_ORDERS; o++)
        if (*(struct page_run *volatile *)&A->free[o])
            return true;
    return false;
}

/* A chunk that begins 16 MiB holds their map in its first page. The first chunk keeps its beginning
 * for the session itself. */
void allocator_add(unsigned chunk)
{
    unsigned order;
    uint64_t page = chunk_first(chunk, &order), end = page + (1UL << order);

    if (chunk == 0) {
        A->map[0] = A->first_map;
        page = (sizeof(struct session) + PAGE - 1) / PAGE;
    } else if (!A->map[page / MAP_PAGES]) {
        session_set(A->map[page / MAP_PAGES], (uint8_t *)page_at(page));
        page++;
    }
    session_set(SESSION->free_bytes, SESSION->free_bytes + (end - page) * PAGE);
    while (page < end) {
        unsigned o = page ? (unsigned)__builtin_ctzl(page | 1UL << (SESSION_ORDERS - 1)) : 0;
        while (page + (1UL << o) > end)
            o--;
        block_free(page, o);
        page += 1UL << o;
    }
}

static unsigned order_of(size_t count)
{
    return count <= 1 ? 0 : (unsigned)(64 - __builtin_clzl(count - 1));
}

static void *leaving_take(unsigned order)
{
    struct page_run *r = A->leaving;

    if (!r || is_logged(r))
        return NULL;
    if (r->order != order) {
        allocator_settle();
        return NULL;
    }
    session_log(&r->next);
    session_log(&r->previous);
    session_log(&r->order);
    session_set(A->leaving, r->next);
    return r;
}

void *session_pages_raw(size_t count)
{
    unsigned order = order_of(count);
    void *pages = order < SESSION_ORDERS ? leaving_take(order) : NULL;

    if (!pages && order < SESSION_ORDERS)
        pages = block_take(order);
    if (pages)
        session_set(SESSION->free_bytes, SESSION->free_bytes - (PAGE << order));
    return pages;
}

void *session_pages(size_t count)
{
    void *pages = session_pages_raw(count);
    return pages ? memset(pages, 0, count * PAGE) : NULL;
}

void session_pages_free(void *pages, size_t count)
{
    struct page_run *r = pages;
    unsigned order = order_of(count);

    session_set(r->next, A->leaving);
    session_log(&r->previous);
    session_set(r->order, order);
    session_set(A->leaving, r);
    session_set(SESSION->free_bytes, SESSION->free_bytes + (PAGE << order));
}

/* ---- objects ---- */

static unsigned class_of(size_t size)
{
    unsigned c = 0;

    if (size > 256)
        c = 8;
    else if (size > 64)
        c = 4;
    while (class_size[c] < size)
        c++;
    return c;
}

/* One that was never given out; a page is cut up from its beginning. */
static void *fresh_take(struct session_class *c, unsigned size)
{
    uintptr_t at = c->fresh;

    if (at % PAGE == 0 || at % PAGE + size > PAGE) {
        at = (uintptr_t)session_pages_raw(1);
        if (!at)
            return NULL;
        session_set(c->pages, c->pages + 1);
    }
    session_set(c->fresh, at + size);
    return (void *)at;
}

void *session_alloc(size_t size)
{
    if (size > class_size[SESSION_CLASSES - 1])
        return NULL;
    unsigned n = class_of(size);
    struct session_class *c = &A->classes[n];
    uint64_t *object = c->free;

    if (object && !is_logged(object)) {
        session_log(object);
        session_set(c->free, *(uint64_t **)object);
    } else {
        object = fresh_take(c, class_size[n]);
    }
    return object ? memset(object, 0, class_size[n]) : NULL;
}

void session_free(void *object, size_t size)
{
    struct session_class *c = &A->classes[class_of(size)];

    session_set(*(uint64_t **)object, c->free);
    session_set(c->free, object);
}

static uint64_t class_used(const struct session_class *c, unsigned size)
{
    uint64_t objects = c->pages * (PAGE / size);

    if (c->fresh % PAGE)
        objects -= (PAGE - c->fresh % PAGE) / size;
    for (const uint64_t *o = c->free; o; o = *(uint64_t *const *)o)
        objects--;
    return objects * size;
}

uint64_t session_used(void)
{
    uint64_t total = 0;
    unsigned order;

    for (unsigned k = 0; k < SESSION->chunk_count; k++) {
        chunk_first(k, &order);
        total += PAGE << order;
    }
    total -= SESSION->free_bytes;
    for (unsigned n = 0; n < SESSION_CLASSES; n++)
        total += class_used(&A->classes[n], class_size[n]) - A->classes[n].pages * PAGE;
    return total;
}
