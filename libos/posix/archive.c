/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot archive lies in claimed blocks of physical memory; they are mapped side by side, where
 * their physical addresses say. */
#include <errno.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>

#include "../vm/vm.h"
#include "process.h"

static const uint8_t *mapped;

static int block_map(unsigned slot)
{
    uint64_t what = slot_claim(slot)->what;
    uintptr_t va = VM_ARCHIVE + (uintptr_t)AEGIS_WHAT_RESOURCE(what) * AEGIS_PAGE_SIZE;
    uint64_t pages = 1UL << AEGIS_WHAT_ORDER(what);

    for (uint64_t i = 0; i < pages; i++) {
        struct page_entry entry = {(uint16_t)slot, AEGIS_R, PAGE_PRESENT, 0};
        int error = aegis_pager->enter(va + i * AEGIS_PAGE_SIZE, entry);
        if (error)
            return error;
    }
    return 0;
}

/* A block is the archive's if it lies in the range that the kernel names. */
static int is_archive(uint64_t what)
{
    const volatile struct aegis_range *range = &AEGIS_EXPOSED_STATE->archive;
    return AEGIS_WHAT_TYPE(what) == AEGIS_PAGE &&
           AEGIS_WHAT_RESOURCE(what) - range->first < range->count;
}

const uint8_t *archive_map(size_t *bytes)
{
    const volatile struct aegis_exposed *e = AEGIS_EXPOSED_STATE;

    *bytes = e->archive_bytes;
    if (!mapped && *bytes) {
        for (unsigned slot = AEGIS_SLOT_BOOT; slot < e->first_claims; slot++)
            if (is_archive(slot_claim(slot)->what) && block_map(slot))
                return NULL;
        mapped = (const uint8_t *)(VM_ARCHIVE + e->archive.first * AEGIS_PAGE_SIZE);
    }
    return mapped;
}

int archive_file(const char *name, struct cpio_file *file)
{
    size_t bytes;
    const uint8_t *archive = archive_map(&bytes);
    return archive && cpio_lookup(archive, bytes, name, file) ? 0 : ENOENT;
}
