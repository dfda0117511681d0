/* SPDX-License-Identifier: BSD-2-Clause */
/* Open files of the file system in memory. */
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "call.h"
#include "types.h"

/* newlib has no names for these */
#ifndef SEEK_DATA
#define SEEK_DATA 3
#define SEEK_HOLE 4
#endif

static bool offset_move(struct file *file, uint64_t from, uint64_t to)
{
    return __atomic_compare_exchange_n(&file->offset, &from, to, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

/* Takes the next bytes for this reader alone; the offset moves before they are copied. */
static size_t bytes_claim(struct file *file, size_t size, uint64_t *offset)
{
    size_t n;

    do {
        uint64_t at = __atomic_load_n(&file->offset, __ATOMIC_ACQUIRE);
        uint64_t end = file->node->size;
        n = at >= end ? 0 : size < end - at ? size : end - at;
        *offset = at;
    } while (n && !offset_move(file, *offset, *offset + n));
    return n;
}

ssize_t memory_read(struct file *file, void *user, size_t size, off_t at)
{
    struct node *node = file->node;
    uint64_t offset;

    if (at >= 0)
        return contents_read(node, (uint64_t)at, user, size);
    size_t n = bytes_claim(file, size, &offset);
    if (!n)
        return 0;
    ssize_t done = contents_read(node, offset, user, n);
    if (done != (ssize_t)n) /* a fault, or it became shorter */
        offset_move(file, offset + n, offset + (done > 0 ? (size_t)done : 0));
    node->atime = files_now();
    return done;
}

/* How much may be written at a place: the process's limit. -EFBIG with SIGXFSZ. */
static ssize_t size_allowed(uint64_t offset, size_t size)
{
    uint64_t most = process_self->limits[RLIMIT_FSIZE].now;

    if (!size || offset + size <= most)
        return (ssize_t)size;
    if (offset >= most) {
        raise(SIGXFSZ);
        return -EFBIG;
    }
    return (ssize_t)(most - offset);
}

/* Who writes to another's program takes its identity away. */
static int identity_drop(void *argument)
{
    struct node *node = argument;

    session_set(node->mode, node->mode & ~(S_ISUID | S_ISGID));
    return 0;
}

static ssize_t memory_write(struct file *file, const void *user, size_t size, off_t at)
{
    struct node *node = file->node;

    if (!size)
        return 0;
    busy_take(&node->busy);
    bool append = file->flags & O_APPEND;
    uint64_t offset = append ? node->size : at >= 0 ? (uint64_t)at : file->offset;
    ssize_t done = size_allowed(offset, size);
    if (done > 0)
        done = contents_write(node, offset, user, (size_t)done);
    if (done > 0 && at < 0)
        __atomic_store_n(&file->offset, offset + (size_t)done, __ATOMIC_RELEASE);
    busy_give(&node->busy);
    if (__builtin_expect(node->mode & (S_ISUID | S_ISGID), 0) && process_self->euid)
        file_attempt(identity_drop, node);
    return done;
}

static off_t memory_seek(struct file *file, off_t offset, int whence)
{
    uint64_t base = 0;
    off_t to;

    switch (whence) {
    case SEEK_SET:
        break;
    case SEEK_CUR:
        base = file->offset;
        break;
    case SEEK_END:
        base = file->node->size;
        break;
    case SEEK_DATA:
    case SEEK_HOLE:
        to = offset < 0 ? -ENXIO : contents_seek(file->node, (uint64_t)offset, whence == SEEK_DATA);
        if (to >= 0)
            __atomic_store_n(&file->offset, (uint64_t)to, __ATOMIC_RELEASE);
        return to;
    default:
        return -EINVAL;
    }
    if (__builtin_add_overflow((off_t)base, offset, &to))
        return -EOVERFLOW;
    if (to < 0)
        return -EINVAL;
    __atomic_store_n(&file->offset, (uint64_t)to, __ATOMIC_RELEASE);
    return to;
}

int memory_allocate(struct node *node, off_t offset, off_t end)
{
    if ((uint64_t)end > node->size && size_allowed(0, (size_t)end) < end)
        return -EFBIG;
    busy_take(&node->busy);
    int error = contents_allocate(node, (uint64_t)offset, (uint64_t)(end - offset));
    busy_give(&node->busy);
    return error;
}

int node_truncate(struct node *node, off_t size)
{
    ssize_t allowed = (uint64_t)size > node->size ? size_allowed(0, (size_t)size) : size;

    if (allowed < size)
        return -EFBIG;
    busy_take(&node->busy);
    int error = contents_truncate(node, (uint64_t)size);
    busy_give(&node->busy);
    return error;
}

static int memory_truncate(struct file *file, off_t size)
{
    return node_truncate(file->node, size);
}

static int memory_ioctl(struct file *file, unsigned long request, unsigned long argument)
{
    uint64_t size = file->node->size, at = file->offset;
    int left = at < size ? size - at > INT32_MAX ? INT32_MAX : (int)(size - at) : 0;

    if (request != FIONREAD)
        return -ENOTTY;
    return user_copy_out((void *)argument, &left, sizeof left);
}

const struct file_operations memory_operations = {
    .read = memory_read,
    .write = memory_write,
    .seek = memory_seek,
    .truncate = memory_truncate,
    .ioctl = memory_ioctl,
};

/* ---- directories: read by readdir() only ---- */

static ssize_t directory_read(struct file *file, void *user, size_t size, off_t at)
{
    (void)file, (void)user, (void)size, (void)at;
    return -EISDIR;
}

/* Places are cookies; that of the end is not told. */
static off_t directory_seek(struct file *file, off_t offset, int whence)
{
    if (whence == SEEK_CUR && !offset)
        return (off_t)file->offset;
    if (whence != SEEK_SET || offset < 0)
        return -EINVAL;
    __atomic_store_n(&file->offset, (uint64_t)offset, __ATOMIC_RELEASE);
    return offset;
}

const struct file_operations directory_operations = {.read = directory_read,
                                                     .seek = directory_seek};
