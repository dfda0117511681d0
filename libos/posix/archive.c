/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot archive lies in claimed blocks of physical memory; they are mapped side by side, where
 * their physical addresses say. */
#include <errno.h>

#include <aegis/exposed.h>

#include "../vm/vm.h"
#include "process.h"

static const uint8_t *mapped;

const uint8_t *archive_map(size_t *bytes)
{
    const volatile struct aegis_exposed *e = AEGIS_EXPOSED_STATE;

    *bytes = e->archive_bytes;
    if (!mapped && *bytes) {
        uintptr_t va = VM_ARCHIVE + e->archive.first * AEGIS_PAGE_SIZE;
        if (pager_map(va, e->archive.count, AEGIS_R, REGION_ARCHIVE))
            return NULL;
        mapped = (const uint8_t *)va;
    }
    return mapped;
}

int archive_file(const char *name, struct cpio_file *file)
{
    size_t bytes;
    const uint8_t *archive = archive_map(&bytes);
    return archive && cpio_lookup(archive, bytes, name, file) ? 0 : ENOENT;
}
