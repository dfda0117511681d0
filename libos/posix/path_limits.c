/* SPDX-License-Identifier: BSD-2-Clause */
/* pathconf and fpathconf: one file system, so that the limits are the same wherever the path leads. */
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static long limit_of(int name)
{
    switch (name) {
    case _PC_LINK_MAX:
        return LINK_MAX;
    case _PC_MAX_CANON:
        return MAX_CANON;
    case _PC_MAX_INPUT:
        return MAX_INPUT;
    case _PC_NAME_MAX:
        return NAME_MAX;
    case _PC_PATH_MAX:
        return PATH_MAX;
    case _PC_PIPE_BUF:
        return PIPE_BUF;
    case _PC_CHOWN_RESTRICTED:
    case _PC_NO_TRUNC:
    case _PC_2_SYMLINKS:
    case _PC_SYNC_IO:
    case _PC_TIMESTAMP_RESOLUTION:
        return 1;
    case _PC_VDISABLE:
        return _POSIX_VDISABLE;
    case _PC_FILESIZEBITS:
        return FILESIZEBITS;
    case _PC_SYMLINK_MAX:
        return SYMLINK_MAX;
    case _PC_ALLOC_SIZE_MIN:
    case _PC_REC_MIN_XFER_SIZE:
    case _PC_REC_XFER_ALIGN:
        return PAGESIZE;
    case _PC_ASYNC_IO:
    case _PC_PRIO_IO:
    case _PC_REC_INCR_XFER_SIZE:
    case _PC_REC_MAX_XFER_SIZE:
        return -1; /* not there, or without a limit: no error */
    default:
        errno = EINVAL;
        return -1;
    }
}

long pathconf(const char *path, int name)
{
    struct stat status;
    return stat(path, &status) ? -1 : limit_of(name);
}

long fpathconf(int file, int name)
{
    struct stat status;
    return fstat(file, &status) ? -1 : limit_of(name);
}
