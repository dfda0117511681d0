/* SPDX-License-Identifier: BSD-2-Clause */
/* What newlib's streams lack: lines of any length by POSIX's names, locks that a program takes
 * itself. */
#include <stdio.h>
#include <sys/lock.h>

ssize_t getdelim(char **restrict line, size_t *restrict size, int end, FILE *restrict stream)
{
    return __getdelim(line, size, end, stream);
}

ssize_t getline(char **restrict line, size_t *restrict size, FILE *restrict stream)
{
    return __getline(line, size, stream);
}

/* A stream gets its lock with its buffer's structure, at the first call of any function. */
void flockfile(FILE *stream)
{
    if (!(stream->_flags & __SSTR))
        __lock_acquire_recursive(stream->_lock);
}

int ftrylockfile(FILE *stream)
{
    return stream->_flags & __SSTR ? 0 : __lock_try_acquire_recursive(stream->_lock);
}

void funlockfile(FILE *stream)
{
    if (!(stream->_flags & __SSTR))
        __lock_release_recursive(stream->_lock);
}
