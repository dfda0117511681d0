/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file system of another kind, mounted on a directory of the one in memory. Its files are numbers
 * of its own making; 0 is none, 1 its root. All functions are called outside the monitor and may
 * wait; they get no user's pointer. They return 0 or a count, or a negative errno; a null one:
 * -EROFS for what would change something, -EINVAL else.
 *
 * An application mounts its own for itself (file_system_mount with a number of
 * MOUNT_FIRST_OWN or above): other processes of the session, which are not linked to it, find an
 * empty directory there.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

enum mount_type { MOUNT_NONE, MOUNT_PROC, MOUNT_FIRST_OWN, MOUNTS = 8 };

#define MOUNT_ROOT 1

struct mounted_name {
    uint64_t number;
    uint64_t next; /* position after it */
    uint8_t type;  /* DT_* */
    char name[256];
};

struct filesystem {
    const char *name;
    /* The file `name` in a directory; ".." too. */
    int (*find)(uint64_t directory, const char *name, uint64_t *number);
    int (*stat)(uint64_t number, struct stat *stat);
    /* The target of a symbolic link, without an end. */
    ssize_t (*link)(uint64_t number, char *target, size_t size);
    /* A descriptor of the caller's that this file stands for: opening it copies that. -1: none. */
    int (*descriptor)(uint64_t number);
    /* The name at or after `position` (0: the first); 0: there is none, 1: one. */
    int (*list)(uint64_t directory, uint64_t position, struct mounted_name *name);
    ssize_t (*read)(uint64_t number, uint64_t offset, void *buffer, size_t size);
    ssize_t (*write)(uint64_t number, uint64_t offset, const void *buffer, size_t size);
    int (*truncate)(uint64_t number, uint64_t size);
    int (*make)(uint64_t directory, const char *name, mode_t mode, uint64_t *number);
    int (*remove)(uint64_t directory, const char *name);
};

/* Of this process. */
extern const struct filesystem *file_systems[MOUNTS];

/* Appends a directory's path from its root on to `text`. -ENOENT, -ERANGE. Outside the monitor. */
int mounted_path(unsigned mount, uint64_t number, char *text, size_t size);

/* -ENOTDIR, -EBUSY (something is mounted there, or under that number). */
int file_system_mount(const char *path, unsigned type, const struct filesystem *filesystem);

extern const struct filesystem proc_filesystem;
