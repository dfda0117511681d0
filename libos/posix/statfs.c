/* SPDX-License-Identifier: BSD-2-Clause */
/* statfs, the older form of statvfs. */
#include <sys/statfs.h>
#include <sys/statvfs.h>

#define MEMORY_MAGIC 0x01021994 /* what programs take for a file system in memory */

static void convert(const struct statvfs *from, struct statfs *to)
{
    *to = (struct statfs){
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
}

int statfs(const char *path, struct statfs *to)
{
    struct statvfs s;

    if (statvfs(path, &s))
        return -1;
    convert(&s, to);
    return 0;
}

int fstatfs(int file, struct statfs *to)
{
    struct statvfs s;

    if (fstatvfs(file, &s))
        return -1;
    convert(&s, to);
    return 0;
}
