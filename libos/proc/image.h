/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs' images, in session memory: each file that was run stands there once, cut into blocks as
 * they are mapped. Blocks that are only read are claimed by all who run the program; pages that are
 * written are copied from here; pages that are zero are the new process's own business. An image is dropped when memory is wanted and nobody runs it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <aegis/types.h>

#include "elf.h"
#include "space.h"
#include "start.h"

struct image_piece {
    uint64_t va; /* aligned to the block */
    uint32_t order, rights;
    void *pages;
    struct aegis_capability capability;
};

struct image {
    struct image *next;
    uint64_t device, inode, size;
    int64_t modified; /* nanoseconds */
    uint64_t builder; /* identity of who fills it; 0: it is whole */
    uint64_t used;    /* `time` of its last use */
    uint64_t serial;  /* no other ever has it; 0: its pages are being freed */
    uint64_t entry;
    uint32_t room; /* pages of this object itself */
    uint32_t piece_count;
    const char *path; /* where the file stood; behind the pieces. Null: not known */
    struct image_piece piece[];
};

/* Of a file that was run before and that may be read and executed; `w` looks for it. Null: it is to be opened. Outside the
 * monitor. */
struct walk;
struct image *image_known(struct walk *w, const char *path);
/* The image of an open file, by that path. -ENOEXEC, -ETXTBSY, -ENOMEM, -EIO. Outside the monitor. */
int image_get(int descriptor, const char *path, struct image **image);
/* Everything of it into a space. -ENOMEM, -EAGAIN. */
int image_load(struct space *s, const struct image *image);
/* Frees what nobody runs; true: there was one. */
bool images_shrink(void);
