/* SPDX-License-Identifier: BSD-2-Clause */
/* Reader of the boot archive (cpio "newc"), which it does not trust. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpio_file {
    const char *name; /* ends in 0; no leading "/" or "./" */
    const uint8_t *data;
    size_t size;
    uint32_t mode, mtime, links, inode;
};

/* The member at *offset (0 at first), which moves to the next. False: the end, or the archive is
 * broken from here on. */
bool cpio_read(const uint8_t *archive, size_t bytes, size_t *offset, struct cpio_file *file);
/* Whether reading on comes to the archive's trailer: else it is truncated, or broken somewhere. */
bool cpio_whole(const uint8_t *archive, size_t bytes);
/* The member of that name. */
bool cpio_lookup(const uint8_t *archive, size_t bytes, const char *name, struct cpio_file *file);
