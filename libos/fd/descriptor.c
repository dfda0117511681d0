/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that change descriptors. */
#include <stdarg.h>
#include <sys/file.h>
#include <unistd.h>

#include "call.h"
#include "lock.h"

/* ---- copies ---- */

struct copy {
    int from, least;
    unsigned flags;
};

static int copy_any(void *argument)
{
    const struct copy *c = argument;
    struct file *file = file_at(c->from);

    if (!file)
        return -EBADF;
    if (c->least < 0 || c->least >= descriptor_limit())
        return -EINVAL;
    int descriptor = descriptor_make(file, c->least, c->flags);
    if (descriptor >= 0)
        session_set(file->references, file->references + 1);
    return descriptor;
}

int dup(int descriptor)
{
    struct copy c = {descriptor, 0, 0};
    return (int)file_result(file_attempt(copy_any, &c));
}

static int copy_to(void *argument)
{
    const struct copy *c = argument;
    struct file *file = file_at(c->from);

    if (!file || c->least < 0 || c->least >= descriptor_limit())
        return -EBADF;
    struct file *old = file_at(c->least);
    uint64_t word = (uint64_t)file | (c->flags & O_CLOEXEC ? CLOSE_ON_EXEC : 0);
    int error = descriptor_set(c->least, word);
    if (error)
        return error;
    session_set(file->references, file->references + 1);
    if (old && old->node && old->node->locks)
        locks_drop(old->node, process_self);
    if (old)
        file_drop(old);
    return c->least;
}

static int copy_over(int from, int to, unsigned flags)
{
    struct copy c = {from, to, flags};

    signals_defer();
    int result = file_attempt(copy_to, &c);
    files_reap();
    signals_allow();
    return (int)file_result(result);
}

int dup2(int from, int to)
{
    if (from == to)
        return file_at(from) ? to : (int)file_result(-EBADF);
    return copy_over(from, to, 0);
}

int dup3(int from, int to, int flags)
{
    if (from == to || flags & ~O_CLOEXEC)
        return (int)file_result(-EINVAL);
    return copy_over(from, to, (unsigned)flags);
}

/* ---- fcntl ---- */

#define SETTABLE (O_APPEND | O_NONBLOCK)

struct change {
    int descriptor;
    unsigned value;
};

static int set_word(void *argument)
{
    const struct change *c = argument;
    uint64_t word = descriptor_word(c->descriptor);

    if (!word)
        return -EBADF;
    return descriptor_set(c->descriptor,
                          (word & ~CLOSE_ON_EXEC) | (c->value & FD_CLOEXEC ? CLOSE_ON_EXEC : 0));
}

static int set_flags(void *argument)
{
    const struct change *c = argument;
    struct file *file = file_at(c->descriptor);

    if (!file)
        return -EBADF;
    session_set(file->flags, (file->flags & ~(unsigned)SETTABLE) | (c->value & SETTABLE));
    return 0;
}

static long lock_call(struct file *file, int command, struct flock *user)
{
    struct flock f;

    if (user_copy_in(&f, user, sizeof f))
        return -EFAULT;
    if (command != F_GETLK)
        return lock_set(file, &f, command == F_SETLKW);
    int error = lock_get(file, &f);
    return error ? error : user_copy_out(user, &f, sizeof f);
}

static long control(int descriptor, int command, unsigned long argument)
{
    struct change change = {descriptor, (unsigned)argument};
    struct copy copy = {descriptor, (int)argument, command == F_DUPFD_CLOEXEC ? O_CLOEXEC : 0};
    uint64_t word = descriptor_word(descriptor);

    if (!word)
        return -EBADF;
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return file_attempt(copy_any, &copy);
    case F_GETFD:
        return word & CLOSE_ON_EXEC ? FD_CLOEXEC : 0;
    case F_SETFD:
        return file_attempt(set_word, &change);
    case F_GETFL:
        return (long)word_file(word)->flags;
    case F_SETFL:
        return file_attempt(set_flags, &change);
    case F_GETOWN:
        return 0;
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
        return lock_call(word_file(word), command, (struct flock *)argument);
    default:
        return -EINVAL;
    }
}

int fcntl(int descriptor, int command, ...)
{
    va_list list;

    va_start(list, command);
    unsigned long argument = va_arg(list, unsigned long);
    va_end(list);
    return (int)POINT_CALL(control(descriptor, command, argument));
}

static long lock_file(int descriptor, int operation)
{
    struct file *file = file_at(descriptor);
    return file ? lock_whole(file, operation) : -EBADF;
}

int flock(int descriptor, int operation)
{
    return (int)CALL(lock_file(descriptor, operation));
}

int lockf(int descriptor, int function, off_t size)
{
    struct flock f = {.l_whence = SEEK_CUR, .l_len = size, .l_type = F_WRLCK};

    switch (function) {
    case F_ULOCK:
        f.l_type = F_UNLCK;
        return fcntl(descriptor, F_SETLK, &f);
    case F_LOCK:
        return fcntl(descriptor, F_SETLKW, &f);
    case F_TLOCK:
        return fcntl(descriptor, F_SETLK, &f);
    case F_TEST:
        break;
    default:
        return (int)file_result(-EINVAL);
    }
    if (fcntl(descriptor, F_GETLK, &f))
        return -1;
    return f.l_type == F_UNLCK || f.l_pid == getpid() ? 0 : (int)file_result(-EACCES);
}

/* ---- newlib's names for them ---- */

int _close(int descriptor)
{
    return close_now(descriptor);
}

int _fcntl(int descriptor, int command, int argument)
{
    return (int)CALL(control(descriptor, command, (unsigned long)argument));
}
