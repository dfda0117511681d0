/* SPDX-License-Identifier: BSD-2-Clause */
/* Open files of mounted file systems, which see no user's memory. */
#include <string.h>
#include <unistd.h>

#include "../fs/mount.h"
#include "path.h"
#include "types.h"

#define PART 1024

const struct filesystem *file_systems[MOUNTS] = {[MOUNT_PROC] = &proc_filesystem};

static const struct filesystem *system_of(const struct file *file)
{
    return file_systems[file->node->mount];
}

static ssize_t mounted_read(struct file *file, void *user, size_t size, off_t at)
{
    const struct filesystem *fs = system_of(file);
    uint64_t offset = at < 0 ? file->offset : (uint64_t)at;
    char part[PART];
    size_t done = 0;

    if (!fs || !fs->read)
        return -EINVAL;
    while (done < size) {
        size_t want = size - done < PART ? size - done : PART;
        ssize_t n = fs->read(file->words[0], offset + done, part, want);
        if (n > 0 && user_copy_out((char *)user + done, part, (size_t)n))
            n = -EFAULT;
        if (n < 0 && !done)
            return n;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    if (at < 0)
        __atomic_store_n(&file->offset, offset + done, __ATOMIC_RELEASE);
    return (ssize_t)done;
}

static ssize_t mounted_write(struct file *file, const void *user, size_t size, off_t at)
{
    const struct filesystem *fs = system_of(file);
    uint64_t offset = at < 0 ? file->offset : (uint64_t)at;
    char part[PART];
    size_t done = 0;

    if (!fs || !fs->write)
        return -EINVAL;
    while (done < size) {
        size_t want = size - done < PART ? size - done : PART;
        ssize_t n = user_copy_in(part, (const char *)user + done, want);
        if (!n)
            n = fs->write(file->words[0], offset + done, part, want);
        if (n < 0 && !done)
            return n;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    if (at < 0)
        __atomic_store_n(&file->offset, offset + done, __ATOMIC_RELEASE);
    return (ssize_t)done;
}

static off_t mounted_seek(struct file *file, off_t offset, int whence)
{
    off_t to = offset;

    if (whence == SEEK_CUR && __builtin_add_overflow((off_t)file->offset, offset, &to))
        return -EOVERFLOW;
    if ((whence != SEEK_SET && whence != SEEK_CUR) || to < 0)
        return -EINVAL;
    __atomic_store_n(&file->offset, (uint64_t)to, __ATOMIC_RELEASE);
    return to;
}

static int mounted_truncate(struct file *file, off_t size)
{
    const struct filesystem *fs = system_of(file);
    return fs && fs->truncate ? fs->truncate(file->words[0], (uint64_t)size) : -EROFS;
}

static int mounted_stat(struct file *file, struct stat *stat)
{
    const struct filesystem *fs = system_of(file);
    return fs ? fs->stat(file->words[0], stat) : 0;
}

const struct file_operations mounted_operations = {.read = mounted_read,
                                                   .write = mounted_write,
                                                   .seek = mounted_seek,
                                                   .truncate = mounted_truncate,
                                                   .stat = mounted_stat};

/* ---- paths ---- */

static int name_find(const struct filesystem *fs, uint64_t directory, uint64_t number, struct mounted_name *name)
{
    for (uint64_t at = 0; fs->list(directory, at, name) > 0; at = name->next)
        if (name->number == number && name->name[0] != '.')
            return 0;
    return -ENOENT;
}

int mounted_path(unsigned mount, uint64_t number, char *text, size_t size)
{
    const struct filesystem *fs = file_systems[mount];
    size_t before = strlen(text), at = 0;
    struct mounted_name name;
    uint64_t directory;

    for (; number > MOUNT_ROOT; number = directory) {
        int error = fs ? fs->find(number, "..", &directory) : -ENOENT;
        if (!error)
            error = name_find(fs, directory, number, &name);
        if (error)
            return error;
        size_t length = strlen(name.name);
        if (before + at + length + 2 > size)
            return -ERANGE;
        memmove(text + before + length + 1, text + before, at + 1);
        text[before] = '/';
        memcpy(text + before + 1, name.name, length);
        at += length + 1;
    }
    return 0;
}

/* ---- mounting ---- */

static int mount_call(struct path_call *c)
{
    struct node *node = c->walk.at;

    if (!S_ISDIR(node->mode))
        return -ENOTDIR;
    if (node->mount)
        return -EBUSY;
    session_set(node->mount, (uint32_t)c->words[0]);
    return 0;
}

int file_system_mount(const char *path, unsigned type, const struct filesystem *filesystem)
{
    struct path_call c;

    if (type < MOUNT_FIRST_OWN || type >= MOUNTS)
        return -EINVAL;
    if (file_systems[type])
        return -EBUSY;
    int error = path_take(&c.walk, AT_FDCWD, path);
    c.flags = WALK_FOLLOW;
    c.words[0] = type;
    if (!error)
        error = path_node(&c, mount_call);
    if (!error)
        file_systems[type] = filesystem;
    return error;
}
