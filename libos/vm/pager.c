/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pager in use: who calls it, from where, and how another takes its place. Threads come in by
 * masked_call, faults by their upcall. All pinned.
 */
#include <errno.h>
#include <signal.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>

#include "../session/session.h"
#include "vm.h"

extern char __text_end[], __rodata_end[], _end[];

PINNED_BSS struct pager pager_in_use;
static PINNED_BSS const struct pager *in_use; /* that was copied there */

/* ---- upcalls ---- */

PINNED_CODE int pager_fault(uintptr_t va, unsigned access)
{
    return pager_current->fault(va, access);
}

/* Masked code, perhaps our own, met what had vanished. */
PINNED_CODE int pager_restore(uintptr_t va, unsigned access)
{
    if (memory_restore(va) == 0)
        return 0;
    memory_restore_all();
    const struct page_entry *e = in_use ? pager_current->find(va) : 0;
    if (!e || e->kind != PAGE_PRESENT || access & ~rights_mapped(e))
        return -1;
    return page_enter(e->slot, va, rights_mapped(e)) ? -1 : 0;
}

/* ---- threads ---- */

#define UNUSED(...) (void)(struct { long x[4]; }){{__VA_ARGS__}}

PINNED_CODE const struct pager *pager_now(void)
{
    return in_use;
}

PINNED_CODE static long find_masked(long va, long b, long c, long d)
{
    UNUSED(b, c, d);
    long word = 0;
    const struct page_entry *e = pager_current->find((uintptr_t)va);
    if (e)
        __builtin_memcpy(&word, e, sizeof word);
    return word;
}

struct page_entry pager_find(uintptr_t va)
{
    struct page_entry e;
    long word = pager_call(find_masked, (long)va, 0, 0, 0);
    __builtin_memcpy(&e, &word, sizeof e);
    return e;
}

PINNED_CODE static long enter_masked(long va, long word, long c, long d)
{
    struct page_entry e;
    UNUSED(c, d);
    __builtin_memcpy(&e, &word, sizeof e);
    return pager_current->enter((uintptr_t)va, e);
}

int pager_enter(uintptr_t va, struct page_entry entry)
{
    long word;
    __builtin_memcpy(&word, &entry, sizeof word);
    return (int)pager_call(enter_masked, (long)PAGE_DOWN(va), word, 0, 0);
}

PINNED_CODE static long map_masked(long region, long b, long c, long d)
{
    struct region r = *(const struct region *)region;
    UNUSED(b, c, d);
    unsigned i = region_search(r.start);
    long error = i < region_count && regions[i].start < r.end ? EEXIST : region_room(1);
    if (!error)
        region_insert(&r);
    return error;
}

/* What masked code reads of the caller's lies in pinned memory, or is brought back when it vanished. */
int pager_map_region(const struct region *region)
{
    return (int)pager_call(map_masked, (long)region, 0, 0, 0);
}

int pager_map(uintptr_t va, size_t pages, unsigned rights, unsigned region_kind)
{
    struct region r = {.start = va,
                       .end = va + pages * AEGIS_PAGE_SIZE,
                       .rights = (uint8_t)rights,
                       .most = AEGIS_RWX,
                       .kind = (uint8_t)region_kind};
    return pager_map_region(&r);
}

PINNED_CODE static long unmap_masked(long va, long pages, long c, long d)
{
    UNUSED(c, d);
    return space_unmap((uintptr_t)va, (uintptr_t)(va + pages * AEGIS_PAGE_SIZE));
}

int pager_unmap(uintptr_t va, size_t pages)
{
    if (pages > 512)
        pager_forget(va, pages); /* most of it beforehand */
    return (int)pager_call(unmap_masked, (long)va, (long)pages, 0, 0);
}

int pager_protect(uintptr_t va, size_t pages, unsigned rights)
{
    return (int)pager_call(space_protect, (long)va, (long)(va + pages * AEGIS_PAGE_SIZE),
                           (long)rights, 0);
}

PINNED_CODE static long forget_masked(long va, long pages, long c, long d)
{
    UNUSED(c, d);
    space_forget((uintptr_t)va, (uintptr_t)(va + pages * AEGIS_PAGE_SIZE));
    return 0;
}

/* In steps, so that no slot of time is overrun; blocks do not lie across 2 MiB. */
int pager_forget(uintptr_t va, size_t pages)
{
    while (pages) {
        size_t step = 512 - (va / AEGIS_PAGE_SIZE & 511);
        step = step < pages ? step : pages;
        pager_call(forget_masked, (long)va, (long)step, 0, 0);
        va += step * AEGIS_PAGE_SIZE;
        pages -= step;
    }
    return 0;
}

PINNED_CODE static long take_masked(long va, long word, long c, long d)
{
    struct page_entry entry;
    long slot = 0;

    UNUSED(c, d);
    __builtin_memcpy(&entry, &word, sizeof entry);
    struct page_entry *e = pager_current->find((uintptr_t)va);
    if (e && e->kind == PAGE_PRESENT && !(e->rights & PAGE_SHARED) && !slot_order(e->slot)) {
        slot = e->slot;
        while (aegis_unmap(AEGIS_SLOT_SELF, (unsigned long)slot).error == AEGIS_E_AGAIN)
            ;
        *e = entry;
    }
    return slot;
}

unsigned pager_take(uintptr_t va, struct page_entry entry)
{
    long word;
    __builtin_memcpy(&word, &entry, sizeof word);
    return (unsigned)pager_call(take_masked, (long)va, word, 0, 0);
}

PINNED_CODE static long put_masked(long va, long slot, long rights, long d)
{
    struct page_entry entry = {(uint16_t)slot, (uint8_t)rights, PAGE_PRESENT, 0};

    UNUSED(d);
    struct page_entry *e = pager_current->find((uintptr_t)va);
    long error = e && e->kind == PAGE_PRESENT ? EEXIST
                                              : pager_current->enter((uintptr_t)va, entry);
    if (!error && page_enter((unsigned)slot, (uintptr_t)va, rights_mapped(&entry)))
        error = ENOMEM;
    return error;
}

int pager_put(uintptr_t va, unsigned slot, unsigned rights)
{
    return (int)pager_call(put_masked, (long)PAGE_DOWN(va), slot, (long)rights, 0);
}

/* Masked code stores to a thread's stack: it must be there, and nobody else's (after a fork). */
PINNED_CODE static bool stores_to(const volatile void *first, size_t size)
{
    uintptr_t at[2] = {(uintptr_t)first, (uintptr_t)first + size - 1};

    for (unsigned i = 0; i < 2; i++) {
        const struct page_entry *e = pager_current->find(at[i]);
        if (!e || e->kind != PAGE_PRESENT || !(rights_mapped(e) & AEGIS_W))
            return false;
    }
    return true;
}

struct next {
    long result;
    uintptr_t va;
    struct page_entry entry;
};

PINNED_CODE static long next_masked(long next, long b, long c, long d)
{
    struct next *n = (struct next *)next;

    UNUSED(b, c, d);
    bool done = stores_to(n, sizeof *n);
    if (done) {
        const struct page_entry *e = pager_current->next(&n->va, AEGIS_EXPOSED);
        if (e)
            n->entry = *e;
        n->result = e != 0;
    }
    return done;
}

static bool entry_next(volatile struct next *n)
{
    do
        n->result = 0; /* so that it is ours */
    while (!pager_call(next_masked, (long)n, 0, 0, 0));
    return n->result;
}

int pager_each(int (*visit)(uintptr_t, struct page_entry *, void *), void *argument)
{
    struct next n = {0, 0, {0, 0, 0, 0}};

    for (; entry_next(&n); n.va += AEGIS_PAGE_SIZE) {
        int result = n.entry.kind == PAGE_PRESENT ? visit(n.va, &n.entry, argument) : 0;
        if (result)
            return result;
    }
    return 0;
}

/* 1: found, 0: there is none, -1: the caller's memory is to be touched first. */
PINNED_CODE static long region_masked(long va, long region, long next, long d)
{
    UNUSED(d);
    unsigned i = region_search((uintptr_t)va);
    long found = i < region_count && (next || regions[i].start <= (uintptr_t)va);
    if (found && !stores_to((void *)region, sizeof regions[i]))
        found = -1;
    if (found > 0)
        *(struct region *)region = regions[i];
    return found;
}

static bool region_copy(uintptr_t va, struct region *region, long next)
{
    struct region r;
    long found;

    do {
        ((volatile struct region *)&r)->start = ((volatile struct region *)&r)->spare = 0;
        found = pager_call(region_masked, (long)va, (long)&r, next, 0);
    } while (found < 0);
    if (found)
        *region = r;
    return found;
}

bool pager_region(uintptr_t va, struct region *region)
{
    return region_copy(va, region, 0);
}

bool pager_region_next(uintptr_t va, struct region *region)
{
    return region_copy(va, region, 1);
}

PINNED_CODE static long populate_masked(long va, long access, long c, long d)
{
    UNUSED(c, d);
    const struct page_entry *e = pager_current->find((uintptr_t)va);
    long result = e && e->kind == PAGE_PRESENT && !((unsigned long)access & ~rights_mapped(e))
                      ? 1
                      : pager_current->fault((uintptr_t)va, (unsigned)access);
    return result;
}

int pager_populate(uintptr_t va, size_t pages, unsigned access)
{
    for (uintptr_t end = va + pages * AEGIS_PAGE_SIZE; va < end; va += AEGIS_PAGE_SIZE) {
        long result;
        do {
            result = pager_call(populate_masked, (long)va, access, 0, 0);
            if (result == PAGER_DEFER)
                result = pager_current->deferred(va, access);
        } while (result == 0);
        if (result != 1)
            return (int)result;
    }
    return 0;
}

/* ---- one pager after another ---- */

static inline __attribute__((always_inline)) int carry(uintptr_t va, struct page_entry *e, void *to)
{
    return ((const struct pager *)to)->enter(va, *e);
}

PINNED_CODE static long carry_over(const struct pager *from, const struct pager *to)
{
    int error = to->init();
    return error ? error : entries_visit(from, carry, (void *)to);
}

PINNED_CODE static void use(const struct pager *pager)
{
    pager_in_use = *pager;
    in_use = pager;
}

PINNED_CODE static long set_masked(long pager, long b, long c, long d)
{
    struct pager from = pager_in_use, to = *(const struct pager *)pager;
    bool same = from.init == to.init; /* the same table, whoever finds in it */

    UNUSED(b, c, d);
    long error = same ? 0 : carry_over(&from, &to);
    if (!error)
        use((const struct pager *)pager);
    if (!same && (error ? to.end : from.end))
        (error ? to.end : from.end)();
    return error;
}

int pager_set(const struct pager *pager)
{
    return (int)pager_call(set_masked, (long)pager, 0, 0, 0);
}

/* ---- the beginning ---- */

/* The kernel gives the first environment all rights to its image; the segments say which are meant. Text behind our data
 * is that of a program joined to us (apps/tcc): whoever loads it gives no right to write it.
 */
PINNED_CODE static unsigned image_rights(uintptr_t va, unsigned given)
{
    unsigned meant = va < (uintptr_t)__text_end     ? AEGIS_R | AEGIS_X
                     : va < (uintptr_t)__rodata_end ? AEGIS_R
                     : given & AEGIS_W              ? AEGIS_R | AEGIS_W
                                                    : AEGIS_R | AEGIS_X;
    return meant & given;
}

/* Entries of a block that lies within one segment. */
PINNED_CODE static int block_adopt(uintptr_t va, uintptr_t end, struct page_entry entry)
{
    const struct pager *p = pager_current;

    while (va < end) {
        size_t n = 1, left = (end - va) / AEGIS_PAGE_SIZE;
        if (p->enter(va, entry))
            return ENOMEM;
        struct page_entry *e = p->run ? p->run(va, &n) : 0;
        n = !e ? 1 : n < left ? n : left;
        va += n * AEGIS_PAGE_SIZE;
        while (n-- > 1)
            *++e = entry;
    }
    return 0;
}

/* What our creator mapped for us stands in the ledger: where it is, and with which rights. */
PINNED_CODE static int adopt(unsigned slot)
{
    uint64_t what = slot_claim(slot)->what, where = slot_claim(slot)->where;
    uintptr_t va = PAGE_DOWN(where), end = va + ((uintptr_t)AEGIS_PAGE_SIZE << AEGIS_WHAT_ORDER(what));

    if (AEGIS_WHAT_TYPE(what) != AEGIS_PAGE || !(where & AEGIS_MAPPED))
        return 0;
    slot_adopt(slot);
    if (va - SESSION_VA < SESSION_SIZE)
        return 0; /* no pager's */
    if (where & AEGIS_PINNED_DOWN) {
        memory_adopt(va, slot);
        return 0;
    }
    unsigned rights = image_rights(va, AEGIS_WHAT_RIGHTS(what) & AEGIS_RWX);
    struct page_entry entry = {(uint16_t)slot, (uint8_t)rights, PAGE_PRESENT, 0};
    return block_adopt(va, end, entry);
}

/* Most slots are empty. */
PINNED_CODE static int slots_adopt(unsigned slots)
{
    const volatile struct aegis_claim *c = slot_claim(0);
    int error = 0;

    for (unsigned i = 0; i < slots && !error; i += 4, c += 4) {
        if (!(c[0].what | c[1].what | c[2].what | c[3].what))
            continue;
        for (unsigned k = 0; k < 4 && !error; k++)
            if (c[k].what && c[k].where & AEGIS_MAPPED)
                error = adopt(i + k);
    }
    return error;
}

/* Data that is zero in the file is zero-filled when it is touched. */
PINNED_CODE static void image_region(uintptr_t start, uintptr_t end, unsigned rights,
                                     unsigned kind)
{
    struct region r = {.start = start,
                       .end = end,
                       .rights = (uint8_t)rights,
                       .most = AEGIS_RWX,
                       .kind = (uint8_t)kind};
    if (start < end)
        region_insert(&r);
}

PINNED_CODE int pager_boot(void)
{
    unsigned slots = AEGIS_EXPOSED_STATE->env[env_self()].pages * AEGIS_CLAIMS_PER_PAGE;
    uintptr_t text = (uintptr_t)__text_end, rodata = (uintptr_t)__rodata_end;
    const struct page_entry *e;

    memory_boot();
    use(aegis_pager);
    int error = pager_current->init();
    use(aegis_pager); /* which its init may have filled in */
    if (!error)
        error = slots_adopt(slots);
    image_region(0x10000, text, AEGIS_R | AEGIS_X, REGION_IMAGE);
    image_region(text, rodata, AEGIS_R, REGION_IMAGE);
    image_region(rodata, PAGE_UP((uintptr_t)_end), AEGIS_R | AEGIS_W, REGION_ZERO);
    uintptr_t start = VM_START;
    while (start < VM_START + VM_START_SIZE && (e = pager_current->find(start)) && e->kind == PAGE_PRESENT)
        start += AEGIS_PAGE_SIZE;
    image_region(VM_START, start, AEGIS_R | AEGIS_W, REGION_IMAGE);
    return error;
}
