/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors, and the files behind them. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process.h"

struct memfs file_system;
struct memfs_node *current_directory;

static struct {
    struct file *file;
    int close_on_exec;
} descriptors[FILES];

int failed(int error)
{
    if (!error)
        return 0;
    errno = error;
    return -1;
}

/* ---- in memory ---- */

static ssize_t memory_read(struct file *file, void *buffer, size_t size)
{
    if (S_ISDIR(file->node->mode))
        return -EISDIR;
    size_t n = memfs_read(&file_system, file->node, (size_t)file->offset, buffer, size);
    file->offset += (off_t)n;
    return (ssize_t)n;
}

static ssize_t memory_write(struct file *file, const void *buffer, size_t size)
{
    if (file->flags & O_APPEND)
        file->offset = (off_t)file->node->size;
    int error = memfs_write(&file_system, file->node, (size_t)file->offset, buffer, size);
    if (error)
        return -error;
    file->offset += (off_t)size;
    return (ssize_t)size;
}

static off_t memory_seek(struct file *file, off_t offset, int whence)
{
    off_t base = whence == SEEK_SET   ? 0
                 : whence == SEEK_CUR ? file->offset
                                      : (off_t)file->node->size;
    off_t to;

    if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END)
        return -EINVAL;
    if (__builtin_add_overflow(base, offset, &to))
        return -EOVERFLOW;
    if (to < 0)
        return -EINVAL;
    return file->offset = to;
}

static int memory_stat(struct file *file, struct stat *stat)
{
    node_stat(file->node, stat);
    return 0;
}

static int memory_truncate(struct file *file, off_t size)
{
    return -memfs_truncate(&file_system, file->node, (size_t)size);
}

static void memory_close(struct file *file)
{
    memfs_drop(file->node);
}

const struct file_operations memory_operations = {
    .read = memory_read,
    .write = memory_write,
    .seek = memory_seek,
    .stat = memory_stat,
    .truncate = memory_truncate,
    .close = memory_close,
};

/* ---- devices ---- */

static ssize_t console_read(struct file *file, void *buffer, size_t size)
{
    (void)file;
    return tty_read(buffer, size);
}

static ssize_t console_write(struct file *file, const void *buffer, size_t size)
{
    console_put(file->channel, buffer, size);
    return (ssize_t)size;
}

static int device_stat(struct file *file, struct stat *stat)
{
    memset(stat, 0, sizeof *stat);
    stat->st_mode =
        (file->operations == &console_operations && !tty_present() ? S_IFIFO : S_IFCHR) | 0666;
    stat->st_nlink = 1;
    stat->st_blksize = 1024;
    return 0;
}

static ssize_t null_read(struct file *file, void *buffer, size_t size)
{
    (void)file, (void)buffer, (void)size;
    return 0;
}

static ssize_t zero_read(struct file *file, void *buffer, size_t size)
{
    (void)file;
    memset(buffer, 0, size);
    return (ssize_t)size;
}

static ssize_t null_write(struct file *file, const void *buffer, size_t size)
{
    (void)file, (void)buffer;
    return (ssize_t)size;
}

static off_t null_seek(struct file *file, off_t offset, int whence)
{
    (void)file, (void)offset, (void)whence;
    return 0;
}

const struct file_operations console_operations = {
    .read = console_read, .write = console_write, .stat = device_stat};
const struct file_operations null_operations = {
    .read = null_read, .write = null_write, .seek = null_seek, .stat = device_stat};
const struct file_operations zero_operations = {
    .read = zero_read, .write = null_write, .seek = null_seek, .stat = device_stat};

/* ---- descriptors ---- */

struct file *file_make(const struct file_operations *operations, int flags)
{
    struct file *file = calloc(1, sizeof *file);
    if (!file) {
        errno = ENFILE;
        return NULL;
    }
    file->operations = operations;
    file->flags = flags;
    return file;
}

void file_drop(struct file *file)
{
    if (file->references && --file->references)
        return;
    if (file->operations->close)
        file->operations->close(file);
    free(file);
}

int descriptor_make(struct file *file, int least, int close_on_exec)
{
    for (int d = least; d < FILES; d++) {
        if (descriptors[d].file)
            continue;
        descriptors[d].file = file;
        descriptors[d].close_on_exec = close_on_exec;
        file->references++;
        return d;
    }
    errno = EMFILE;
    return -1;
}

struct file *file_of(int descriptor)
{
    files_boot();
    if (descriptor >= 0 && descriptor < FILES && descriptors[descriptor].file)
        return descriptors[descriptor].file;
    errno = EBADF;
    return NULL;
}

static void device_add(const char *name, unsigned device)
{
    struct memfs_node *directory, *node;
    if (memfs_walk(&file_system, file_system.root, "dev", 1, &directory))
        return;
    if (memfs_create(&file_system, directory, name, S_IFCHR | 0666, &node) == 0)
        node->device = device;
}

/* The archive is only looked at when the first path is used: standard streams need none of it. */
static void tree_boot(void)
{
    size_t bytes;
    const uint8_t *archive;

    if (file_system.root)
        return;
    memfs_boot(&file_system, clock_now);
    archive = archive_map(&bytes);
    if (archive)
        memfs_import(&file_system, archive, bytes);
    device_add("null", DEVICE_NULL);
    device_add("zero", DEVICE_ZERO);
    device_add("tty", DEVICE_CONSOLE);
    device_add("console", DEVICE_CONSOLE);
    current_directory = file_system.root;
    memfs_hold(current_directory);
}

void files_boot(void)
{
    static struct file standard[3];
    static int booted;

    if (booted++)
        return;
    for (unsigned i = 0; i < 3; i++) {
        standard[i] =
            (struct file){&console_operations, 1, i ? O_WRONLY : O_RDONLY, 0, NULL, i ? i : 1};
        if (tty_present())
            standard[i].flags = O_RDWR;
        descriptor_make(&standard[i], (int)i, 0);
    }
}

struct memfs *file_tree(void)
{
    files_boot();
    tree_boot();
    return &file_system;
}

/* ---- calls on descriptors ---- */

ssize_t _read(int descriptor, void *buffer, size_t size)
{
    struct file *file = file_of(descriptor);
    if (!file)
        return -1;
    if ((file->flags & O_ACCMODE) == O_WRONLY)
        return failed(EBADF);
    ssize_t n = file->operations->read(file, buffer, size);
    return n < 0 ? failed((int)-n) : n;
}

ssize_t _write(int descriptor, const void *buffer, size_t size)
{
    struct file *file = file_of(descriptor);
    if (!file)
        return -1;
    if ((file->flags & O_ACCMODE) == O_RDONLY)
        return failed(EBADF);
    ssize_t n = file->operations->write(file, buffer, size);
    return n < 0 ? failed((int)-n) : n;
}

off_t _lseek(int descriptor, off_t offset, int whence)
{
    struct file *file = file_of(descriptor);
    if (!file)
        return -1;
    if (!file->operations->seek)
        return failed(ESPIPE);
    off_t at = file->operations->seek(file, offset, whence);
    return at < 0 ? failed((int)-at) : at;
}

int _fstat(int descriptor, struct stat *stat)
{
    struct file *file = file_of(descriptor);
    return file ? failed(-file->operations->stat(file, stat)) : -1;
}

int ftruncate(int descriptor, off_t size)
{
    struct file *file = file_of(descriptor);
    if (!file)
        return -1;
    if (size < 0 || !file->operations->truncate || (file->flags & O_ACCMODE) == O_RDONLY)
        return failed(EINVAL);
    return failed(-file->operations->truncate(file, size));
}

int _close(int descriptor)
{
    struct file *file = file_of(descriptor);
    if (!file)
        return -1;
    descriptors[descriptor].file = NULL;
    if (file->references > 1 || file->operations->close)
        file_drop(file);
    else if (file->operations != &console_operations)
        free(file);
    return 0;
}

int dup(int descriptor)
{
    struct file *file = file_of(descriptor);
    return file ? descriptor_make(file, 0, 0) : -1;
}

int dup2(int from, int to)
{
    struct file *file = file_of(from);
    if (!file)
        return -1;
    if (to < 0 || to >= FILES)
        return failed(EBADF);
    if (from == to)
        return to;
    if (descriptors[to].file)
        _close(to);
    return descriptor_make(file, to, 0);
}

int _fcntl(int descriptor, int command, int argument)
{
    struct file *file = file_of(descriptor);

    if (!file)
        return -1;
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        if (argument < 0 || argument >= FILES)
            return failed(EINVAL);
        return descriptor_make(file, argument, command == F_DUPFD_CLOEXEC);
    case F_GETFD:
        return descriptors[descriptor].close_on_exec ? FD_CLOEXEC : 0;
    case F_SETFD:
        descriptors[descriptor].close_on_exec = argument & FD_CLOEXEC;
        return 0;
    case F_GETFL:
        return file->flags;
    case F_SETFL:
        file->flags =
            (file->flags & ~(O_APPEND | O_NONBLOCK)) | (argument & (O_APPEND | O_NONBLOCK));
        return 0;
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
        return 0; /* one process: nobody else holds a lock */
    default:
        return failed(EINVAL);
    }
}

int _isatty(int descriptor)
{
    struct file *file = file_of(descriptor);
    if (!file)
        return 0;
    if (file->operations == &console_operations && tty_present())
        return 1;
    errno = ENOTTY;
    return 0;
}

int fsync(int descriptor)
{
    return file_of(descriptor) ? 0 : -1;
}
