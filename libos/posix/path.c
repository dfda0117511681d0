/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that name files by path. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

struct memfs *file_tree(void);

static mode_t creation_mask = 022;

static int walk(const char *path, int follow, struct memfs_node **node)
{
    struct memfs *fs = file_tree();
    return memfs_walk(fs, current_directory, path, follow, node);
}

static int walk_parent(const char *path, struct memfs_node **directory,
                       char name[MEMFS_NAME_MAX + 1])
{
    struct memfs *fs = file_tree();
    return memfs_walk_parent(fs, current_directory, path, directory, name);
}

/* ---- open ---- */

static int open_create(const char *path, mode_t mode, struct memfs_node **node)
{
    char name[MEMFS_NAME_MAX + 1];
    struct memfs_node *directory;
    int error = walk_parent(path, &directory, name);

    if (!error && path[strlen(path) - 1] == '/')
        error = EISDIR;
    return error ? error
                 : memfs_create(&file_system, directory, name,
                                S_IFREG | (mode & 07777 & ~creation_mask), node);
}

static int open_node(const char *path, int flags, mode_t mode, struct memfs_node **node)
{
    int writes = (flags & O_ACCMODE) != O_RDONLY;
    int error = walk(path, !(flags & O_NOFOLLOW), node);

    if (error == ENOENT && flags & O_CREAT)
        return open_create(path, mode, node);
    if (error)
        return error;
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
        return EEXIST;
    if (S_ISLNK((*node)->mode))
        return ELOOP;
    if (S_ISDIR((*node)->mode) && (writes || flags & O_TRUNC))
        return EISDIR;
    if (flags & O_DIRECTORY && !S_ISDIR((*node)->mode))
        return ENOTDIR;
    if (flags & O_TRUNC && S_ISREG((*node)->mode) && writes)
        return memfs_truncate(&file_system, *node, 0);
    return 0;
}

static const struct file_operations *operations_of(const struct memfs_node *node)
{
    if (!S_ISCHR(node->mode))
        return &memory_operations;
    return node->device == DEVICE_NULL   ? &null_operations
           : node->device == DEVICE_ZERO ? &zero_operations
                                         : &console_operations;
}

int _open(const char *path, int flags, ...)
{
    struct memfs_node *node;
    va_list arguments;

    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? (mode_t)va_arg(arguments, int) : 0;
    va_end(arguments);
    int error = open_node(path, flags, mode, &node);
    if (error)
        return failed(error);
    struct file *file = file_make(operations_of(node), flags & ~(O_CREAT | O_EXCL | O_TRUNC));
    if (!file)
        return -1;
    file->channel = 1;
    file->node = node;
    if (file->operations == &memory_operations)
        memfs_hold(node);
    int descriptor = descriptor_make(file, 0, flags & O_CLOEXEC);
    if (descriptor < 0)
        file_drop(file);
    return descriptor;
}

/* ---- status ---- */

void node_stat(const struct memfs_node *node, struct stat *stat)
{
    memset(stat, 0, sizeof *stat);
    stat->st_dev = 1;
    stat->st_ino = node->inode;
    stat->st_mode = node->mode;
    stat->st_nlink = (nlink_t)node->links;
    stat->st_rdev = (dev_t)node->device;
    stat->st_size = (off_t)node->size;
    stat->st_blksize = 4096;
    stat->st_blocks = (blkcnt_t)((node->size + 511) / 512);
    stat->st_mtim = (struct timespec){node->mtime / 1000000000, node->mtime % 1000000000};
    stat->st_ctim = (struct timespec){node->ctime / 1000000000, node->ctime % 1000000000};
    stat->st_atim = (struct timespec){node->atime / 1000000000, node->atime % 1000000000};
}

static int path_stat(const char *path, struct stat *stat, int follow)
{
    struct memfs_node *node;
    int error = walk(path, follow, &node);
    if (!error)
        node_stat(node, stat);
    return failed(error);
}

int _stat(const char *path, struct stat *stat)
{
    return path_stat(path, stat, 1);
}

int lstat(const char *path, struct stat *stat)
{
    return path_stat(path, stat, 0);
}

int access(const char *path, int mode)
{
    struct memfs_node *node;
    int error = walk(path, 1, &node);
    /* one user, who may do everything but execute what nobody may */
    if (!error && mode & X_OK && !S_ISDIR(node->mode) && !(node->mode & 0111))
        error = EACCES;
    return failed(error);
}

int file_contents(const char *path, const uint8_t **data, size_t *size, mode_t *mode)
{
    struct memfs_node *node;
    int error = walk(path, 1, &node);
    if (error)
        return error;
    *data = node->data;
    *size = node->size;
    *mode = node->mode;
    return S_ISREG(node->mode) ? 0 : EISDIR;
}

static int change_mode(struct memfs_node *node, mode_t mode)
{
    node->mode = (node->mode & S_IFMT) | (mode & 07777);
    node->ctime = file_system.now();
    return 0;
}

int chmod(const char *path, mode_t mode)
{
    struct memfs_node *node;
    int error = walk(path, 1, &node);
    return error ? failed(error) : change_mode(node, mode);
}

int fchmod(int descriptor, mode_t mode)
{
    struct file *file = file_of(descriptor);
    if (!file)
        return -1;
    return file->node ? change_mode(file->node, mode) : failed(EINVAL);
}

mode_t umask(mode_t mask)
{
    mode_t old = creation_mask;
    creation_mask = mask & 0777;
    return old;
}

int truncate(const char *path, off_t size)
{
    struct memfs_node *node;
    int error = walk(path, 1, &node);
    if (!error && !S_ISREG(node->mode))
        error = S_ISDIR(node->mode) ? EISDIR : EINVAL;
    if (!error && size < 0)
        error = EINVAL;
    return failed(error ? error : memfs_truncate(&file_system, node, (size_t)size));
}

/* ---- names ---- */

int _unlink(const char *path)
{
    char name[MEMFS_NAME_MAX + 1];
    struct memfs_node *directory;
    int error = walk_parent(path, &directory, name);
    return failed(error ? error : memfs_unlink(&file_system, directory, name));
}

int rmdir(const char *path)
{
    char name[MEMFS_NAME_MAX + 1];
    struct memfs_node *directory;
    int error = walk_parent(path, &directory, name);
    return failed(error == EEXIST ? EBUSY
                  : error         ? error
                                  : memfs_rmdir(&file_system, directory, name));
}

int _mkdir(const char *path, mode_t mode)
{
    char name[MEMFS_NAME_MAX + 1];
    struct memfs_node *directory, *node;
    int error = walk_parent(path, &directory, name);
    return failed(error ? error
                        : memfs_create(&file_system, directory, name,
                                       S_IFDIR | (mode & 07777 & ~creation_mask), &node));
}

int mkdir(const char *path, mode_t mode)
{
    return _mkdir(path, mode);
}

int _link(const char *old, const char *new)
{
    char name[MEMFS_NAME_MAX + 1];
    struct memfs_node *directory, *node;
    int error = walk(old, 0, &node);
    if (!error)
        error = walk_parent(new, &directory, name);
    return failed(error ? error : memfs_link(&file_system, directory, name, node));
}

int symlink(const char *target, const char *path)
{
    char name[MEMFS_NAME_MAX + 1];
    struct memfs_node *directory;
    int error = walk_parent(path, &directory, name);
    return failed(error ? error : memfs_symlink(&file_system, directory, name, target));
}

ssize_t readlink(const char *path, char *buffer, size_t size)
{
    struct memfs_node *node;
    int error = walk(path, 0, &node);
    if (!error && !S_ISLNK(node->mode))
        error = EINVAL;
    if (error)
        return failed(error);
    return (ssize_t)memfs_read(&file_system, node, 0, buffer, size);
}

int _rename(const char *old, const char *new)
{
    char old_name[MEMFS_NAME_MAX + 1], new_name[MEMFS_NAME_MAX + 1];
    struct memfs_node *from, *to;
    int error = walk_parent(old, &from, old_name);
    if (!error)
        error = walk_parent(new, &to, new_name);
    return failed(error ? error : memfs_rename(&file_system, from, old_name, to, new_name));
}

/* ---- the current directory ---- */

static int change_directory(struct memfs_node *node)
{
    if (!S_ISDIR(node->mode))
        return failed(ENOTDIR);
    memfs_hold(node);
    memfs_drop(current_directory);
    current_directory = node;
    return 0;
}

int chdir(const char *path)
{
    struct memfs_node *node;
    int error = walk(path, 1, &node);
    return error ? failed(error) : change_directory(node);
}

int fchdir(int descriptor)
{
    struct file *file = file_of(descriptor);
    if (!file)
        return -1;
    return file->node ? change_directory(file->node) : failed(ENOTDIR);
}

char *getcwd(char *buffer, size_t size)
{
    char *made = NULL;

    if (!buffer) {
        size = size ? size : MEMFS_PATH_MAX;
        buffer = made = malloc(size);
        if (!buffer)
            return NULL;
    }
    struct memfs *fs = file_tree();
    int error = size ? memfs_path(fs, current_directory, buffer, size) : EINVAL;
    if (!error)
        return buffer;
    free(made);
    errno = error;
    return NULL;
}
