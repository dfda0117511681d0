/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes an environment: pages lent for its tables, its image copied into pages that are shared with
 * it and then given up, the roots it may allocate from, the console and the archive, and a start
 * block that both keep.
 */
#include "spawn.h"

#include <stdbool.h>
#include <string.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/pager.h>
#include <aegis/upcall.h>

#include "../../libos/vm/vm.h"

#define WINDOW    0x180000UL /* where we map what we fill: 64 pages in the 2 MiB of our own image */
#define ORDER_MAX 5          /* of what is filled there: the start block */

static long repeat_release(unsigned env, unsigned slot)
{
    struct aegis_result r;
    do {
        r = aegis_release(env, slot);
    } while (r.error == AEGIS_E_AGAIN);
    return r.error;
}

static long block_unmap(unsigned slot)
{
    struct aegis_result r;
    do {
        r = aegis_unmap(AEGIS_SLOT_SELF, slot);
    } while (r.error == AEGIS_E_AGAIN);
    return r.error;
}

/* A block of our own, mapped at WINDOW. Its slot, or a negative error. */
static long block_open(unsigned order)
{
    long slot = page_get_whole(order);
    if (slot < 0)
        return slot;
    long error = page_map((unsigned)slot, WINDOW, AEGIS_R | AEGIS_W);
    return error ? error : slot;
}

/* ---- what the environment is made of ---- */

static long lend(const struct child *c, unsigned kind, unsigned order)
{
    long slot = page_get_whole(order);
    if (slot < 0)
        return slot;
    return aegis_table_lend(c->slot, (unsigned long)slot, kind, 0).error;
}

static long environment_make(struct child *c)
{
    uint64_t lent[AEGIS_ENV_LENT];

    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++) {
        long slot = page_get_whole(0);
        if (slot < 0)
            return slot;
        lent[i] = (uint64_t)slot;
    }
    c->slot = slot_find();
    struct aegis_result r = aegis_env_create(AEGIS_SLOT_ENVS, (unsigned long)lent, c->slot);
    c->index = (unsigned)r.value;
    c->slots = AEGIS_CLAIMS_PER_PAGE;
    return r.error;
}

/* A claim of ours becomes one of the child's too, in the same slot; its ledger grows until it has
 * that slot. */
static long give(struct child *c, unsigned slot, unsigned rights)
{
    while (slot >= c->slots) {
        long error = lend(c, AEGIS_TABLE_LEDGER, 0);
        if (error)
            return error;
        c->slots += AEGIS_CLAIMS_PER_PAGE;
    }
    struct aegis_result r;
    do {
        r = aegis_share(c->slot, slot, 1, rights);
    } while (r.error == AEGIS_E_AGAIN);
    return r.error;
}

static long map_there(const struct child *c, unsigned slot, uint64_t va, unsigned rights)
{
    struct aegis_result r;
    do {
        r = aegis_map(c->slot, slot, va | rights);
    } while (r.error == AEGIS_E_AGAIN);
    return r.error;
}

/* ---- the image ---- */

static void page_fill(const uint8_t *file, const struct elf_segment *s, uint64_t page)
{
    uint64_t from = page < s->va ? s->va : page, end = s->va + s->file_size;
    if (end > page + AEGIS_PAGE_SIZE)
        end = page + AEGIS_PAGE_SIZE;
    if (from < end)
        memcpy((uint8_t *)WINDOW + (from - page), file + s->file_offset + (from - s->va),
               end - from);
}

static long page_make(struct child *c, const uint8_t *file, const struct elf_segment *s,
                      uint64_t page)
{
    bool filled = page < s->va + s->file_size;
    long slot = filled ? block_open(0) : page_get_whole(0);
    if (slot < 0)
        return slot;
    if (filled)
        page_fill(file, s, page);
    long error = give(c, (unsigned)slot, s->rights);
    if (!error)
        error = map_there(c, (unsigned)slot, page, s->rights);
    repeat_release(AEGIS_SLOT_SELF, (unsigned)slot);
    return error;
}

static long image_make(struct child *c, const uint8_t *file, const struct elf_program *program)
{
    uint64_t last_table = 0; /* 0: none; no segment begins below AEGIS_USER_FIRST, but one may lie
                                in the first 2 MiB */
    bool any = false;

    for (unsigned i = 0; i < program->count; i++) {
        const struct elf_segment *s = &program->segment[i];
        for (uint64_t page = PAGE_DOWN(s->va); page < s->va + s->memory_size;
             page += AEGIS_PAGE_SIZE) {
            bool pinned = page - AEGIS_PINNED < AEGIS_PINNED_SIZE;
            if (!pinned && (!any || page >> 21 != last_table) && lend(c, AEGIS_TABLE_LEAF, 1))
                return AEGIS_E_NO_MEMORY;
            any |= !pinned;
            last_table = pinned ? last_table : page >> 21;
            long error = page_make(c, file, s, page);
            if (error)
                return error;
        }
    }
    return 0;
}

/* ---- the start block ---- */

static char *copy_strings(char *to, uint64_t *pointers, const struct strings *s)
{
    const char *from = s->text;

    for (unsigned i = 0; i < s->count; i++) {
        size_t n = strlen(from) + 1;
        memcpy(to, from, n);
        pointers[i] = VM_START + (uint64_t)(to - (char *)WINDOW);
        to += n;
        from += n;
    }
    pointers[s->count] = 0;
    return to;
}

static size_t start_size(const struct strings *a, const struct strings *e)
{
    return sizeof(struct start_block) + 8 * (a->count + e->count + 2) + a->size + e->size;
}

static long start_make(struct child *c, const struct strings *arguments,
                       const struct strings *environment)
{
    size_t size = start_size(arguments, environment);
    unsigned order = 0;

    while (((size_t)AEGIS_PAGE_SIZE << order) < size)
        order++;
    if (order > ORDER_MAX)
        return AEGIS_E_BAD_RANGE;
    long slot = block_open(order);
    if (slot < 0)
        return slot;
    struct start_block *start = (struct start_block *)WINDOW;
    uint64_t *pointers = (uint64_t *)(start + 1);
    *start = (struct start_block){.magic = START_MAGIC,
                                  .argc = arguments->count,
                                  .envc = environment->count,
                                  .argv = sizeof *start,
                                  .parent = env_self()};
    char *text = (char *)(pointers + arguments->count + environment->count + 2);
    text = copy_strings(text, pointers, arguments);
    copy_strings(text, pointers + arguments->count + 1, environment);
    c->start = start;
    c->start_slot = (unsigned)slot;
    long error = lend(c, AEGIS_TABLE_LEAF, 1);
    if (!error)
        error = give(c, c->start_slot, AEGIS_R | AEGIS_W);
    return error ? error : map_there(c, c->start_slot, VM_START, AEGIS_R | AEGIS_W);
}

/* ---- what it may use ---- */

static long archive_give(struct child *c)
{
    const volatile struct aegis_exposed *e = AEGIS_EXPOSED_STATE;

    for (unsigned slot = AEGIS_SLOT_BOOT; slot < e->first_claims; slot++) {
        uint64_t what = slot_claim(slot)->what;
        if (AEGIS_WHAT_TYPE(what) != AEGIS_PAGE ||
            AEGIS_WHAT_RESOURCE(what) - e->archive.first >= e->archive.count)
            continue;
        long error = give(c, slot, AEGIS_R);
        if (error)
            return error;
    }
    return 0;
}

/* It may allocate, and take nothing from others; the machine's end stays ours. */
static long rights_give(struct child *c)
{
    static const unsigned roots[] = {AEGIS_SLOT_PAGES, AEGIS_SLOT_SLICES, AEGIS_SLOT_ENVS};
    long error = 0;

    for (unsigned i = 0; i < sizeof roots / sizeof roots[0] && !error; i++)
        error = give(c, roots[i], AEGIS_ALLOC);
    if (!error)
        error = give(c, AEGIS_SLOT_CONSOLE, AEGIS_R | AEGIS_W);
    return error ? error : archive_give(c);
}

static unsigned hart_here(void)
{
    return (unsigned)(((uintptr_t)aegis_activation_current() - AEGIS_PINNED) / AEGIS_PAGE_SIZE);
}

static long activation_make(struct child *c, uint64_t entry)
{
    long slot = page_get_whole(1);
    if (slot < 0)
        return slot;
    /* the window's places are aligned to blocks */
    long error = page_map((unsigned)slot, WINDOW + 2 * AEGIS_PAGE_SIZE * 16, AEGIS_R | AEGIS_W);
    if (error)
        return error;
    ((struct aegis_activation *)(WINDOW + 2 * AEGIS_PAGE_SIZE * 16))->up_slice_begin = entry;
    error = block_unmap((unsigned)slot);
    if (!error)
        error = aegis_activation_lend(c->slot, (unsigned long)slot, hart_here()).error;
    return error;
}

/* The start block is made last: it stays mapped in the window. */
long child_make(struct child *c, const uint8_t *file, const struct elf_program *program,
                const struct strings *arguments, const struct strings *environment)
{
    long error = environment_make(c);

    if (error)
        return error;
    error = rights_give(c);
    if (!error)
        error = image_make(c, file, program);
    if (!error)
        error = start_make(c, arguments, environment);
    if (!error)
        error = activation_make(c, program->entry);
    if (error)
        while (aegis_env_destroy(c->slot).error == AEGIS_E_AGAIN)
            ;
    return error;
}

long child_run(struct child *c)
{
    unsigned slot = slot_find();
    long error = aegis_alloc(AEGIS_SLOT_SLICES, hart_here() << 8 | 0xff, slot).error;
    return error ? error : aegis_slice_lend(slot, c->slot).error;
}
