/* SPDX-License-Identifier: BSD-2-Clause */
/* The beginning of the file system: a few directories, devices, and what the boot archive holds. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cpio.h"
#include "memfs.h"

int memfs_boot(struct memfs *fs, int64_t (*now)(void))
{
    static struct memfs_node root;
    struct memfs_node *node;
    int error;

    memset(&root, 0, sizeof root);
    root.mode = S_IFDIR | 0755;
    root.links = 2;
    root.parent = &root;
    root.inode = 1;
    *fs = (struct memfs){.root = &root, .last_inode = 1, .now = now};
    root.mtime = root.ctime = root.atime = now();
    error = memfs_create(fs, fs->root, "tmp", S_IFDIR | 01777, &node);
    if (!error)
        error = memfs_create(fs, fs->root, "dev", S_IFDIR | 0755, &node);
    return error;
}

/* Directories that an archive names only as parts of paths. */
static int parents_make(struct memfs *fs, const char *path)
{
    char part[MEMFS_PATH_MAX], name[MEMFS_NAME_MAX + 1];
    struct memfs_node *directory, *node;

    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t n = (size_t)(slash - path);
        if (n >= sizeof part)
            return ENAMETOOLONG;
        memcpy(part, path, n);
        part[n] = 0;
        if (n == 0 || memfs_walk(fs, fs->root, part, 1, &node) == 0)
            continue;
        int error = memfs_walk_parent(fs, fs->root, part, &directory, name);
        if (!error)
            error = memfs_create(fs, directory, name, S_IFDIR | 0755, &node);
        if (error)
            return error;
    }
    return 0;
}

static int import_one(struct memfs *fs, const struct cpio_file *file)
{
    char name[MEMFS_NAME_MAX + 1];
    struct memfs_node *directory, *node;
    int error = parents_make(fs, file->name);

    if (!error)
        error = memfs_walk_parent(fs, fs->root, file->name, &directory, name);
    if (error)
        return error;
    error = memfs_create(fs, directory, name, file->mode, &node);
    if (error == EEXIST && S_ISDIR(file->mode))
        error = memfs_walk(fs, fs->root, file->name, 0, &node);
    if (error)
        return error;
    node->mode = file->mode;
    node->mtime = node->ctime = node->atime = (int64_t)file->mtime * 1000000000;
    if (!S_ISDIR(file->mode)) {
        node->data = (uint8_t *)file->data;
        node->size = file->size;
    }
    return 0;
}

static int type_known(mode_t mode)
{
    return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode);
}

int memfs_import(struct memfs *fs, const uint8_t *archive, size_t bytes)
{
    struct cpio_file file;
    size_t offset = 0;
    int error = 0;

    while (error != ENOSPC && cpio_read(archive, bytes, &offset, &file))
        if (type_known(file.mode) && strcmp(file.name, ".") && *file.name)
            error = import_one(fs, &file);
    return error == ENOSPC ? error : 0;
}
