/* SPDX-License-Identifier: BSD-2-Clause */
/* Open files and the descriptors that name them. */
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include "../fs/memfs.h"

#define FILES 256 /* descriptors of a process */

struct file;

/* What an open file can do; results are counts or 0, or negative errno. A null one: EINVAL (seek:
 * ESPIPE). */
struct file_operations {
    ssize_t (*read)(struct file *file, void *buffer, size_t size);
    ssize_t (*write)(struct file *file, const void *buffer, size_t size);
    off_t (*seek)(struct file *file, off_t offset, int whence);
    int (*stat)(struct file *file, struct stat *stat);
    int (*truncate)(struct file *file, off_t size);
    void (*close)(struct file *file);
};

struct file {
    const struct file_operations *operations;
    unsigned references; /* descriptors */
    int flags;           /* O_* */
    off_t offset;
    struct memfs_node *node;
    unsigned channel; /* of a console file */
};

extern struct memfs file_system;
extern struct memfs_node *current_directory;

/* Makes file system and descriptors 0, 1, 2 at the first call. */
void files_boot(void);
/* The open file, or null with errno EBADF. */
struct file *file_of(int descriptor);
/* A descriptor for a file, the lowest at or above `least`; -1 with EMFILE. */
int descriptor_make(struct file *file, int least, int close_on_exec);
struct file *file_make(const struct file_operations *operations, int flags);
void file_drop(struct file *file);

extern const struct file_operations memory_operations, console_operations, null_operations,
    zero_operations;

void node_stat(const struct memfs_node *node, struct stat *stat);
/* A file's contents in place. Positive errno. */
int file_contents(const char *path, const uint8_t **data, size_t *size, mode_t *mode);

/* errno and -1 for a positive error; else 0. */
int failed(int error);

#define DEVICE_NULL    1
#define DEVICE_ZERO    2
#define DEVICE_CONSOLE 3
