/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a program leaves behind is undone, by the ledger, which is the truth about claims, and by
 * the image:
 *
 *     RESTORING   blocks that are only read       must be the image's
 *                 data                            copied from the image, where they were written
 *                 the first of what is zero       cleared: .bss, heap, stack
 *                 session memory                  stays
 *                 all else                        released
 *     CLEARING    pinned data, the pager's nodes, the activation
 *     RESTING     no position. When it has one again, there is a start block: the program begins
 *
 * Masked, on the boot stack; who is cut short begins the stage anew (reset_entry), for each may be
 * done again. From CLEARING on nothing is touched that the kernel might unmap. Whoever finds
 * anything else than it should be ends the environment, which nobody misses. All pinned.
 */
#include "reset.h"

#include <aegis/aegis.h>
#include <aegis/exposed.h>

#include "../proc/image.h"
#include "../proc/space.h"
#include "../sched/thread.h"
#include "../session/chunk.h"
#include "fork.h"

#define DATA_MOST   512 /* bytes of pinned data that is not zero */
#define HEAP_KEPT   4   /* pages of heap and stack that stay */
#define STACK_KEPT  4
#define NODES       (WINDOW_END - WINDOW_FIRST)
#define CHUNK_ORDER 4 /* the smallest chunk's */
#define PRIVATE     (AEGIS_R | AEGIS_W)

enum { NONE, RESTORING, CLEARING, RESTING };

static PINNED_KEPT struct {
    unsigned stage;
    const struct image *image;
    uint64_t serial;
    uint16_t node[NODES]; /* slots, by page of the window */
    unsigned chunks;
    struct {
        uint16_t number, slot;
    } chunk[SESSION_CHUNKS_KEPT];
    uint64_t data[DATA_MOST / 8];
} kept;

extern char __rodata_end[], _end[], __pinned_data[], __pinned_bss[], __pinned_kept[],
    __pinned_end[];
void process_start(uint64_t gp);
void reset_entry(void);
void reset_enter(struct aegis_activation *a) __attribute__((noreturn));
void environment_begin(uint64_t gp);

/* ---- what stays ---- */

struct finding {
    const struct image_piece *next, *end; /* of the image */
    unsigned found;                       /* pieces of it */
    bool failed;
};

PINNED_CODE static const struct image_piece *piece_at(struct finding *f, uintptr_t va)
{
    const struct image_piece *p = f->next;

    if (p == f->end || p->va != va)
        for (p = kept.image->piece; p < f->end && p->va != va; p++)
            ;
    if (p == f->end)
        return 0;
    f->next = p + 1;
    f->found++;
    return p;
}

/* One page, nobody else's, that may be written here, where it is. */
PINNED_CODE static bool is_private(unsigned slot, uintptr_t va)
{
    const volatile struct aegis_page *page = slot_page(slot);
    const struct page_entry *e = pager_current->find(va);

    if (slot_order(slot) || page->claims != 1 || page->pins || !e || e->kind != PAGE_PRESENT ||
        e->slot != slot)
        return false;
    if (e->rights == (PRIVATE | PAGE_COW) && page_fault(va, AEGIS_W))
        return false;
    return e->rights == PRIVATE;
}

PINNED_CODE static void page_zero(uintptr_t va)
{
    words_zero((uint64_t *)va, (uint64_t *)(va + AEGIS_PAGE_SIZE));
}

PINNED_CODE static bool data_restore(const struct image_piece *p)
{
    if (aegis_page_dirty((void *)p->va))
        words_copy((uint64_t *)p->va, (const uint64_t *)p->pages,
                   (const uint64_t *)((uintptr_t)p->pages + AEGIS_PAGE_SIZE));
    return true;
}

/* In the pinned window: its data is put right later, as a whole. */
PINNED_CODE static bool window_keep(struct finding *f, unsigned slot, uint64_t what, uintptr_t va)
{
    unsigned n = (unsigned)((va - AEGIS_PINNED) / AEGIS_PAGE_SIZE);

    if (n - WINDOW_FIRST >= NODES)
        return false;
    if (va >= (uintptr_t)__pinned_data &&
        (slot_order(slot) || slot_page(slot)->claims != 1 || slot_page(slot)->pins))
        return false;
    if (va >= (uintptr_t)__pinned_end) {
        kept.node[n - WINDOW_FIRST] = (uint16_t)slot;
        return true;
    }
    const struct image_piece *p = piece_at(f, va);
    return p && (va >= (uintptr_t)__pinned_data || p->capability.what == what);
}

PINNED_CODE static bool chunk_keep(unsigned slot, uint64_t what, uintptr_t va)
{
    uint64_t first, page = (va - SESSION_VA) / AEGIS_PAGE_SIZE;
    unsigned n = chunk_of(page, &first);

    if (n >= SESSION_CHUNKS_KEPT || page != first || what != SESSION->chunk[n].what ||
        kept.chunks == SESSION_CHUNKS_KEPT)
        return false;
    kept.chunk[kept.chunks].number = (uint16_t)n;
    kept.chunk[kept.chunks++].slot = (uint16_t)slot;
    return true;
}

PINNED_CODE static bool is_kept_zero(uintptr_t va)
{
    return va - (uintptr_t)__rodata_end <
               (uintptr_t)_end + HEAP_KEPT * AEGIS_PAGE_SIZE - (uintptr_t)__rodata_end ||
           va - (VM_STACK_TOP - STACK_KEPT * AEGIS_PAGE_SIZE) < STACK_KEPT * AEGIS_PAGE_SIZE;
}

PINNED_CODE static bool page_keep(struct finding *f, unsigned slot, uint64_t what, uint64_t where)
{
    uintptr_t va = PAGE_DOWN(where);

    if (AEGIS_WHAT_TYPE(what) != AEGIS_PAGE || !(where & AEGIS_MAPPED))
        return false;
    if (where & AEGIS_PINNED_DOWN)
        return window_keep(f, slot, what, va);
    if (va - SESSION_VA < SESSION_SIZE)
        return chunk_keep(slot, what, va);
    if (va < (uintptr_t)__rodata_end) {
        const struct image_piece *p = piece_at(f, va);
        return p && p->capability.what == what;
    }
    if (!is_kept_zero(va) || !is_private(slot, va))
        return false;
    const struct image_piece *p = va < (uintptr_t)_end ? piece_at(f, va) : 0;
    if (p)
        return data_restore(p);
    page_zero(va);
    return true;
}

/* ---- the stages ---- */

PINNED_CODE static void slot_empty(unsigned slot)
{
    while (slot_claim(slot)->what && aegis_release(AEGIS_SLOT_SELF, slot).error == AEGIS_E_AGAIN)
        ;
}

PINNED_CODE static bool data_fetch(void)
{
    const struct image_piece *p = kept.image->piece, *end = p + kept.image->piece_count;

    while (p < end && p->va != (uintptr_t)__pinned_data)
        p++;
    if (p == end)
        return false;
    const uint64_t *from = (const uint64_t *)p->pages;
    words_copy(kept.data, from, from + (__pinned_bss - __pinned_data) / 8);
    return true;
}

PINNED_CODE static void claim_restore(struct finding *f, unsigned slot)
{
    uint64_t what = slot_claim(slot)->what, where = slot_claim(slot)->where;
    const struct image_piece *p = f->next;

    if (p < f->end && what == p->capability.what && p->va == PAGE_DOWN(where) &&
        where & AEGIS_MAPPED) {
        f->next++;
        f->found++;
    } else if (what && !page_keep(f, slot, what, where)) {
        if (AEGIS_WHAT_ORDER(what) >= CHUNK_ORDER && session_holds(slot))
            f->failed = true; /* what we read from may lie in it */
        else
            page_free(slot);
    }
}

/* Chunks that are wanted are claimed before claims are looked at. */
PINNED_CODE static bool image_touch(void)
{
    const struct image_piece *p = kept.image->piece, *end = p + kept.image->piece_count;

    for (; p < end && kept.image->serial == kept.serial; p++) {
        if ((uintptr_t)p->pages - SESSION_VA >= SESSION_SIZE)
            return false;
        if (p->rights & AEGIS_W)
            *(const volatile uint64_t *)p->pages;
    }
    return p == end;
}

/* Its image must have been what it was all the time. */
PINNED_CODE static bool restore(void)
{
    struct finding f = {kept.image->piece, kept.image->piece + kept.image->piece_count, 0, false};

    if (!image_touch() || !data_fetch())
        return false;
    unsigned slots = AEGIS_EXPOSED_STATE->env[env_self()].pages * AEGIS_CLAIMS_PER_PAGE;
    for (unsigned i = 0; i < NODES; i++)
        kept.node[i] = 0;
    kept.chunks = 0;
    for (unsigned slot = SLOT_OTHERS; slot < SLOT_FIRST_PAGE; slot++)
        if (slot_claim(slot)->what)
            slot_empty(slot);
    for (unsigned slot = SLOT_FIRST_PAGE; slot < slots; slot += 4) {
        const volatile struct aegis_claim *c = slot_claim(slot);
        if (c[0].what | c[1].what | c[2].what | c[3].what)
            for (unsigned i = 0; i < 4; i++)
                claim_restore(&f, slot + i);
    }
    return !f.failed && f.found == kept.image->piece_count && kept.image->serial == kept.serial;
}

PINNED_CODE static void activation_clear(struct aegis_activation *a)
{
    uint64_t *word = (uint64_t *)a, *end = word + sizeof *a / 8;

    words_zero(word, &a->slice_pc);
    a->slice_pc = a->held = a->pct_slices = 0;
    words_zero(a->fp, end);
    a->save_slot = AEGIS_NONE;
}

PINNED_CODE static void clear(struct aegis_activation *a)
{
    words_zero((uint64_t *)__pinned_bss, (uint64_t *)__pinned_kept);
    words_copy((uint64_t *)__pinned_data, kept.data,
               kept.data + (__pinned_bss - __pinned_data) / 8);
    for (unsigned i = 0; i < NODES; i++)
        if (kept.node[i]) {
            page_zero(AEGIS_PINNED + (WINDOW_FIRST + i) * (uintptr_t)AEGIS_PAGE_SIZE);
            window_slot[WINDOW_FIRST + i] = kept.node[i];
        }
    for (unsigned i = 0; i < kept.chunks; i++)
        session_chunk_kept(kept.chunk[i].number, kept.chunk[i].slot);
    activation_clear(a);
}

PINNED_CODE static void life_count(void)
{
    uint16_t *lives = &SESSION->lives[env_self()];
    __atomic_store_n(lives, *lives + 1, __ATOMIC_SEQ_CST);
}

/* ---- the way in ---- */

/* A slot begins: the next program's first, or one in which the last one's is to be gone on with. */
PINNED_CODE void environment_begin(uint64_t gp)
{
    struct aegis_activation *a = GP_ACTIVATION(gp);

    if (kept.stage == RESTING &&
        (slot_claim(SLOT_START)->what || slot_claim(SLOT_START_OTHER)->what))
        process_start(gp);
    if (kept.stage == RESTORING) {
        if (!restore())
            for (;;)
                aegis_env_destroy(AEGIS_SLOT_SELF);
        life_count(); /* it is gone for others from here on */
        kept.stage = CLEARING;
    }
    if (kept.stage == CLEARING) {
        clear(a);
        kept.stage = RESTING;
    }
    slot_empty(SLOT_SLICE);
    slot_empty(SLOT_SLICE_OTHER);
    for (;;)
        aegis_slice_yield();
}

PINNED_CODE static void begin(struct context *context, void *unused, struct aegis_activation *a)
{
    (void)context, (void)unused;
    kept.stage = RESTORING;
    a->up_slice_begin = (uint64_t)reset_entry;
    reset_enter(a);
}

void reset(const struct image *image, uint64_t serial)
{
    kept.image = image;
    kept.serial = serial;
    context_call(&thread_self()->context, begin, 0);
    __builtin_unreachable();
}

bool reset_possible(void)
{
    return __pinned_bss - __pinned_data <= DATA_MOST && tables_few();
}
