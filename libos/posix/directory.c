/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading directories. The list is taken when a directory is opened: what changes meanwhile does
 * not disturb it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

struct __exo_dir {
    int descriptor;
    size_t count, next;
    struct dirent *entries;
};

static unsigned char type_of(mode_t mode)
{
    return S_ISDIR(mode) ? DT_DIR : S_ISLNK(mode) ? DT_LNK : S_ISCHR(mode) ? DT_CHR : DT_REG;
}

static void entry_set(struct dirent *entry, const struct memfs_node *node, const char *name,
                      size_t n)
{
    entry->d_ino = node->inode;
    entry->d_off = (off_t)n;
    entry->d_reclen = sizeof *entry;
    entry->d_type = type_of(node->mode);
    strcpy(entry->d_name, name);
}

static int list_take(DIR *directory, const struct memfs_node *node)
{
    size_t count = 2;

    for (const struct memfs_entry *e = node->first; e; e = e->next)
        count++;
    free(directory->entries);
    directory->entries = calloc(count, sizeof(struct dirent));
    if (!directory->entries)
        return ENOMEM;
    entry_set(&directory->entries[0], node, ".", 1);
    entry_set(&directory->entries[1], node->parent, "..", 2);
    count = 2;
    for (const struct memfs_entry *e = node->first; e; e = e->next, count++)
        entry_set(&directory->entries[count], e->node, e->name, count + 1);
    directory->count = count;
    directory->next = 0;
    return 0;
}

DIR *fdopendir(int descriptor)
{
    struct file *file = file_of(descriptor);
    DIR *directory;

    if (!file)
        return NULL;
    if (!file->node || !S_ISDIR(file->node->mode)) {
        errno = ENOTDIR;
        return NULL;
    }
    directory = calloc(1, sizeof *directory);
    if (directory && list_take(directory, file->node) == 0) {
        directory->descriptor = descriptor;
        return directory;
    }
    free(directory);
    errno = ENOMEM;
    return NULL;
}

DIR *opendir(const char *path)
{
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = descriptor < 0 ? NULL : fdopendir(descriptor);
    if (!directory && descriptor >= 0)
        close(descriptor);
    return directory;
}

struct dirent *readdir(DIR *directory)
{
    return directory->next < directory->count ? &directory->entries[directory->next++] : NULL;
}

int readdir_r(DIR *directory, struct dirent *entry, struct dirent **result)
{
    struct dirent *next = readdir(directory);
    *result = next ? entry : NULL;
    if (next)
        *entry = *next;
    return 0;
}

void rewinddir(DIR *directory)
{
    struct file *file = file_of(directory->descriptor);
    if (file)
        list_take(directory, file->node);
}

long telldir(DIR *directory)
{
    return (long)directory->next;
}

void seekdir(DIR *directory, long position)
{
    directory->next = (size_t)position;
}

int dirfd(DIR *directory)
{
    return directory->descriptor;
}

int closedir(DIR *directory)
{
    int result = close(directory->descriptor);
    free(directory->entries);
    free(directory);
    return result;
}
