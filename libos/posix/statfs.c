/* SPDX-License-Identifier: BSD-2-Clause */
/* statfs, the older form of statvfs. */
#include <errno.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include "user.h"

#define MEMORY_MAGIC 0x01021994 /* what programs take for a file system in memory */

static int convert(const struct statvfs *from, struct statfs *to)
{
    struct statfs own = {
        .f_type = MEMORY_MAGIC,
        .f_bsize = (long)from->f_bsize,
        .f_blocks = from->f_blocks,
        .f_bfree = from->f_bfree,
        .f_bavail = from->f_bavail,
        .f_files = from->f_files,
        .f_ffree = from->f_ffree,
        .f_fsid = {{(int)from->f_fsid, (int)(from->f_fsid >> 32)}},
        .f_namelen = (long)from->f_namemax,
        .f_frsize = (long)from->f_frsize,
        .f_flags = (long)from->f_flag,
    };

    if (!user_copy_out(to, &own, sizeof own))
        return 0;
    errno = EFAULT;
    return -1;
}

int statfs(const char *path, struct statfs *to)
{
    struct statvfs s;

    return statvfs(path, &s) ? -1 : convert(&s, to);
}

int fstatfs(int file, struct statfs *to)
{
    struct statvfs s;

    return fstatvfs(file, &s) ? -1 : convert(&s, to);
}
