/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that move bytes through a descriptor. */
#include <limits.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#include "call.h"
#include "types.h"

long file_result(long value)
{
    if (value >= 0)
        return value;
    errno = (int)-value;
    return -1;
}

static long read_at(int descriptor, void *user, size_t size, off_t at)
{
    struct file *file = file_at(descriptor);

    if (!file || !file_reads(file))
        return -EBADF;
    const struct file_operations *o = file_operations[file->type];
    if (__builtin_expect(size > SSIZE_MAX, 0))
        return -EINVAL;
    return o->read ? o->read(file, user, size, at) : -EINVAL;
}

static long write_at(int descriptor, const void *user, size_t size, off_t at)
{
    struct file *file = file_at(descriptor);

    if (!file || !file_writes(file))
        return -EBADF;
    const struct file_operations *o = file_operations[file->type];
    if (__builtin_expect(size > SSIZE_MAX, 0))
        return -EINVAL;
    return o->write ? o->write(file, user, size, at) : -EINVAL;
}

/* What is there, or can be taken, at once; else (and for all that is wrong) 0 or an error: then the
 * usual way is gone from its beginning. */
static inline ssize_t read_pipe(struct file *file, void *buffer, size_t size)
{
    signals_defer();
    ssize_t n = pipe_read_now(file, buffer, size);
    signals_allow();
    return n ? n : -EAGAIN;
}

static inline ssize_t write_pipe(struct file *file, const void *buffer, size_t size)
{
    signals_defer();
    ssize_t n = size <= PIPE_BUF ? pipe_write_now(file, buffer, size) : 0;
    signals_allow();
    return n;
}

static inline __attribute__((always_inline)) ssize_t read_quick(int descriptor, void *buffer,
                                                                size_t size)
{
    struct file *file = file_at(descriptor);
    ssize_t n = -EINTR;

    if (file && file_reads(file) && size <= SSIZE_MAX) {
        /* nothing is held, nothing waits: no signal need be kept out */
        if (file->type == FILE_MEMORY)
            n = memory_read(file, buffer, size, -1);
        else if (file->type == FILE_PIPE)
            n = read_pipe(file, buffer, size);
    }
    return n;
}

ssize_t read(int descriptor, void *buffer, size_t size)
{
    ssize_t n = point_due() ? -EINTR : read_quick(descriptor, buffer, size);
    return n >= 0 ? n : POINT_CALL(read_at(descriptor, buffer, size, -1));
}

static inline __attribute__((always_inline)) ssize_t write_quick(int descriptor, const void *buffer,
                                                                 size_t size)
{
    struct file *file = file_at(descriptor);

    return file && file->type == FILE_PIPE && file_writes(file) ? write_pipe(file, buffer, size)
                                                                : 0;
}

ssize_t write(int descriptor, const void *buffer, size_t size)
{
    ssize_t n = point_due() ? -EINTR : write_quick(descriptor, buffer, size);
    return n > 0 ? n : POINT_CALL(write_at(descriptor, buffer, size, -1));
}

/* A place is asked for: only what can be sought has places. */
static int place_check(int descriptor, off_t at)
{
    struct file *file = file_at(descriptor);

    if (!file)
        return -EBADF;
    if (at < 0)
        return -EINVAL;
    return file_operations[file->type]->seek ? 0 : -ESPIPE;
}

ssize_t pread(int descriptor, void *buffer, size_t size, off_t at)
{
    int error = place_check(descriptor, at);
    return error ? file_result(error) : POINT_CALL(read_at(descriptor, buffer, size, at));
}

ssize_t pwrite(int descriptor, const void *buffer, size_t size, off_t at)
{
    int error = place_check(descriptor, at);
    return error ? file_result(error) : POINT_CALL(write_at(descriptor, buffer, size, at));
}

/* ---- vectors ---- */

typedef long transfer(int descriptor, void *user, size_t size, off_t at);

static long transfer_out(int descriptor, void *user, size_t size, off_t at)
{
    return write_at(descriptor, user, size, at);
}

/* The sum of the lengths, or an error; each element is copied once, as it is used. */
static long vector_check(const struct iovec *vector, int count)
{
    struct iovec v;
    size_t sum = 0;

    if (count <= 0 || count > IOV_MAX)
        return -EINVAL;
    for (int i = 0; i < count; i++) {
        if (user_copy_in(&v, &vector[i], sizeof v))
            return -EFAULT;
        if (v.iov_len > (size_t)SSIZE_MAX - sum)
            return -EINVAL;
        sum += v.iov_len;
    }
    return (long)sum;
}

static long vector_do(transfer *call, int descriptor, const struct iovec *vector, int count,
                      off_t at)
{
    long done = vector_check(vector, count);
    struct iovec v;

    if (done < 0)
        return done;
    done = 0;
    for (int i = 0; i < count; i++) {
        if (user_copy_in(&v, &vector[i], sizeof v))
            return done ? done : -EFAULT;
        if (!v.iov_len && i + 1 < count)
            continue;
        if (v.iov_len > (size_t)SSIZE_MAX)
            return done ? done : -EINVAL;
        long n = call(descriptor, v.iov_base, v.iov_len, at < 0 ? at : at + done);
        if (n < 0)
            return done ? done : n;
        done += n;
        if ((size_t)n < v.iov_len)
            break;
    }
    return done;
}

ssize_t readv(int descriptor, const struct iovec *vector, int count)
{
    return POINT_CALL(vector_do(read_at, descriptor, vector, count, -1));
}

/*
 * What one write() would keep together (a pipe's, an appending file's) is to be kept together here
 * too: small vectors are gathered first.
 */
#define GATHERED PIPE_BUF

static long vector_gather(int descriptor, const struct iovec *vector, int count, size_t sum,
                          off_t at)
{
    char buffer[GATHERED];
    struct iovec v;
    size_t used = 0;

    for (int i = 0; i < count; i++) {
        if (user_copy_in(&v, &vector[i], sizeof v) || v.iov_len > sum - used ||
            user_copy_in(buffer + used, v.iov_base, v.iov_len))
            return -EFAULT;
        used += v.iov_len;
    }
    return write_at(descriptor, buffer, used, at);
}

static long vector_write(int descriptor, const struct iovec *vector, int count, off_t at)
{
    long sum = vector_check(vector, count);

    if (sum >= 0 && sum <= GATHERED)
        return vector_gather(descriptor, vector, count, (size_t)sum, at);
    return vector_do(transfer_out, descriptor, vector, count, at);
}

ssize_t writev(int descriptor, const struct iovec *vector, int count)
{
    return POINT_CALL(vector_write(descriptor, vector, count, -1));
}

ssize_t preadv(int descriptor, const struct iovec *vector, int count, off_t at)
{
    int error = place_check(descriptor, at);
    return error ? file_result(error) : POINT_CALL(vector_do(read_at, descriptor, vector, count, at));
}

ssize_t pwritev(int descriptor, const struct iovec *vector, int count, off_t at)
{
    int error = place_check(descriptor, at);
    return error ? file_result(error) : POINT_CALL(vector_write(descriptor, vector, count, at));
}

/* ---- places, lengths ---- */

static long seek_to(int descriptor, off_t offset, int whence)
{
    struct file *file = file_at(descriptor);

    if (!file)
        return -EBADF;
    const struct file_operations *o = file_operations[file->type];
    return o->seek ? o->seek(file, offset, whence) : -ESPIPE;
}

off_t lseek(int descriptor, off_t offset, int whence)
{
    long at = seek_to(descriptor, offset, whence);
    return __builtin_expect(at < 0, 0) ? file_result(at) : at;
}

static long truncate_to(int descriptor, off_t size)
{
    struct file *file = file_at(descriptor);

    if (!file)
        return -EBADF;
    const struct file_operations *o = file_operations[file->type];
    if (size < 0 || !o->truncate || !file_writes(file))
        return -EINVAL;
    return o->truncate(file, size);
}

int ftruncate(int descriptor, off_t size)
{
    return (int)CALL(truncate_to(descriptor, size));
}

static long allocate(int descriptor, off_t offset, off_t size)
{
    struct file *file = file_at(descriptor);
    off_t end;

    if (!file || !file_writes(file))
        return -EBADF;
    if (offset < 0 || size <= 0)
        return -EINVAL;
    if (file->type != FILE_MEMORY)
        return file->type == FILE_PIPE ? -ESPIPE : -ENODEV;
    if (__builtin_add_overflow(offset, size, &end))
        return -EFBIG;
    return memory_allocate(file->node, offset, end);
}

/* These two return their error. */
int posix_fallocate(int descriptor, off_t offset, off_t size)
{
    signals_defer();
    long error = allocate(descriptor, offset, size);
    signals_allow();
    return (int)-error;
}

int posix_fadvise(int descriptor, off_t offset, off_t size, int advice)
{
    struct file *file = file_at(descriptor);

    (void)offset;
    if (!file)
        return EBADF;
    if (file->type == FILE_PIPE)
        return ESPIPE;
    return size < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE ? EINVAL : 0;
}

/* All is in memory already. */
static int sync_check(int descriptor)
{
    struct file *file = file_at(descriptor);

    if (!file)
        return (int)file_result(-EBADF);
    return file->type == FILE_PIPE || file->type == FILE_SOCKET ? (int)file_result(-EINVAL) : 0;
}

int fsync(int descriptor)
{
    signals_point();
    return sync_check(descriptor);
}

int fdatasync(int descriptor)
{
    return fsync(descriptor);
}

void sync(void)
{
}

int syncfs(int descriptor)
{
    return file_at(descriptor) ? 0 : (int)file_result(-EBADF);
}

/* ---- ioctl ---- */

static int flag_set(void *argument)
{
    uint64_t *set = argument;
    struct file *file = file_at((int)set[0]);

    if (!file)
        return -EBADF;
    session_set(file->flags,
                set[2] ? file->flags | (uint32_t)set[1] : file->flags & ~(uint32_t)set[1]);
    return 0;
}

static long control_any(int descriptor, unsigned long request, unsigned long argument)
{
    uint64_t word = descriptor_word(descriptor), set[] = {(uint64_t)descriptor, O_NONBLOCK, 0};
    int on;

    switch (request) {
    case FIONBIO:
        if (user_copy_in(&on, (const void *)argument, sizeof on))
            return -EFAULT;
        set[2] = on != 0;
        return file_attempt(flag_set, set);
    case FIOCLEX:
        return fcntl(descriptor, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
    case FIONCLEX:
        return fcntl(descriptor, F_SETFD, 0) < 0 ? -errno : 0;
    }
    struct file *file = word_file(word);
    const struct file_operations *o = file_operations[file->type];
    return o->ioctl ? o->ioctl(file, request, argument) : -ENOTTY;
}

int ioctl(int descriptor, unsigned long request, ...)
{
    va_list list;

    va_start(list, request);
    unsigned long argument = va_arg(list, unsigned long);
    va_end(list);
    if (!file_at(descriptor))
        return (int)file_result(-EBADF);
    return (int)POINT_CALL(control_any(descriptor, request, argument));
}

int isatty(int descriptor)
{
    struct termios t;
    return ioctl(descriptor, TCGETS, &t) == 0;
}

/* ---- newlib's names for them: its streams are locked then, so nobody is cancelled there ---- */

ssize_t _read(int descriptor, void *buffer, size_t size)
{
    ssize_t n = read_quick(descriptor, buffer, size);
    return n >= 0 ? n : CALL(read_at(descriptor, buffer, size, -1));
}

ssize_t _write(int descriptor, const void *buffer, size_t size)
{
    ssize_t n = write_quick(descriptor, buffer, size);
    return n > 0 ? n : CALL(write_at(descriptor, buffer, size, -1));
}

off_t _lseek(int descriptor, off_t offset, int whence)
{
    return lseek(descriptor, offset, whence);
}

int _isatty(int descriptor)
{
    return isatty(descriptor);
}
