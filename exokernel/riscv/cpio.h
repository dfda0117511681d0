/* SPDX-License-Identifier: BSD-2-Clause */
/* Reader of cpio archives ("newc"). Pure and hardened; fuzzed by tests/fuzz/cpio_fuzz.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpio_member {
    const char *name; /* in the archive, ends in 0 */
    const uint8_t *data;
    size_t size;
    uint32_t mode;
};

enum cpio_result {
    CPIO_MEMBER,
    CPIO_END,
    CPIO_BAD, /* truncated, corrupt, or a name with a component ".." */
};

/* The member at *offset (0 first), and *offset moved to the next one. */
enum cpio_result cpio_next(const void *archive, size_t bytes, size_t *offset,
                           struct cpio_member *member);
/*
 * A regular file by name; a leading "/" or "./" of the member's name does not count. CPIO_END:
 * none.
 */
enum cpio_result cpio_find(const void *archive, size_t bytes, const char *name,
                           struct cpio_member *member);
