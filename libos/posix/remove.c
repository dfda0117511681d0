/* SPDX-License-Identifier: BSD-2-Clause */
/* remove() takes directories too, as POSIX has it and newlib has not. */
#include <reent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int remove(const char *path)
{
    struct stat status;

    if (!lstat(path, &status) && S_ISDIR(status.st_mode))
        return rmdir(path);
    return unlink(path);
}

/* By this name newlib's own parts call it; errno is everybody's own already. */
int _remove_r(struct _reent *reent, const char *path)
{
    (void)reent;
    return remove(path);
}
