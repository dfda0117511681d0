/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file system in memory. It begins as the boot archive, whose contents are not copied until
 * they are written. Pure: it knows neither descriptors nor threads nor the machine. Functions
 * return 0 or a positive errno.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MEMFS_NAME_MAX  255
#define MEMFS_PATH_MAX  1024
#define MEMFS_LINKS_MAX 16 /* symbolic links followed in one path */

struct memfs_entry;

struct memfs_node {
    mode_t mode; /* with the type */
    unsigned links;
    unsigned opens; /* by descriptors, or as a current directory */
    ino_t inode;
    size_t size;
    uint8_t *data;             /* contents, or a symbolic link's target */
    size_t capacity;           /* of `data`; 0: it is the archive's */
    struct memfs_node *parent; /* of a directory */
    struct memfs_entry *first, *last;
    unsigned device;             /* of a character device */
    int64_t mtime, ctime, atime; /* nanoseconds */
};

struct memfs_entry {
    struct memfs_entry *next;
    struct memfs_node *node;
    char name[];
};

struct memfs {
    struct memfs_node *root;
    ino_t last_inode;
    int64_t (*now)(void);
};

int memfs_boot(struct memfs *fs, int64_t (*now)(void));
/* Adds all members of a cpio archive, which must stay where it is. A member whose path is wrong is
 * passed over. */
int memfs_import(struct memfs *fs, const uint8_t *archive, size_t bytes);

/* The node of a path, from `from` if it is relative. `follow`: a symbolic link at its end too. */
int memfs_walk(struct memfs *fs, struct memfs_node *from, const char *path, int follow,
               struct memfs_node **node);
/* The directory in which the path's last name stands or would stand, and that name. */
int memfs_walk_parent(struct memfs *fs, struct memfs_node *from, const char *path,
                      struct memfs_node **directory, char name[MEMFS_NAME_MAX + 1]);

/* A new node of the mode's type under a name. EEXIST. */
int memfs_create(struct memfs *fs, struct memfs_node *directory, const char *name, mode_t mode,
                 struct memfs_node **node);
int memfs_symlink(struct memfs *fs, struct memfs_node *directory, const char *name,
                  const char *target);
int memfs_link(struct memfs *fs, struct memfs_node *directory, const char *name,
               struct memfs_node *node);
/* Takes a name away. EISDIR for directories, which memfs_rmdir takes: ENOTEMPTY, ENOTDIR. */
int memfs_unlink(struct memfs *fs, struct memfs_node *directory, const char *name);
int memfs_rmdir(struct memfs *fs, struct memfs_node *directory, const char *name);
int memfs_rename(struct memfs *fs, struct memfs_node *from, const char *old_name,
                 struct memfs_node *to, const char *new_name);

/* Bytes read or written. */
size_t memfs_read(struct memfs *fs, struct memfs_node *node, size_t offset, void *buffer,
                  size_t size);
/* Grows the file as needed, with zeros before `offset`. ENOSPC, EFBIG. */
int memfs_write(struct memfs *fs, struct memfs_node *node, size_t offset, const void *buffer,
                size_t size);
int memfs_truncate(struct memfs *fs, struct memfs_node *node, size_t size);

/* An open begins and ends; a node without name or open goes. */
void memfs_hold(struct memfs_node *node);
void memfs_drop(struct memfs_node *node);

/* The path of a directory, into `buffer`. ERANGE; ENOENT if it was removed. */
int memfs_path(struct memfs *fs, const struct memfs_node *directory, char *buffer, size_t size);
