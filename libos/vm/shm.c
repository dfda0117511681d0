/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared memory objects are files of the session's file system, in a folder of their own. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../posix/user.h"

#define FOLDER "/dev/shm"

/* A name may begin with slashes; without one it means the same. */
static int path_make(char path[PATH_MAX], const char *user)
{
    char own[PATH_MAX];
    ssize_t length = user_string(own, user, sizeof own);
    const char *name = own + (length < 0 ? 0 : strspn(own, "/"));

    if (length < 0)
        errno = (int)-length;
    else if (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
        errno = EINVAL;
    else if (strlen(name) > NAME_MAX)
        errno = ENAMETOOLONG;
    else
        return snprintf(path, PATH_MAX, FOLDER "/%s", name);
    return -1;
}

int shm_open(const char *name, int flags, mode_t mode)
{
    char path[PATH_MAX];

    if (path_make(path, name) < 0)
        return -1;
    int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0 && errno == ENOENT && flags & O_CREAT && !mkdir(FOLDER, 0777)) {
        chmod(FOLDER, S_ISVTX | 0777);
        fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, mode);
    }
    return fd;
}

int shm_unlink(const char *name)
{
    char path[PATH_MAX];

    if (path_make(path, name) < 0)
        return -1;
    int result = unlink(path);
    if (result && errno == EPERM) /* of a folder whose names are their owners': POSIX knows of none here */
        errno = EACCES;
    return result;
}

int memfd_create(const char *name, unsigned flags)
{
    static unsigned count;
    char path[64];

    (void)name;
    if (flags & ~1U) {
        errno = EINVAL;
        return -1;
    }
    do
        snprintf(path, sizeof path, "/.memory-%d-%u", (int)getpid(), count++);
    while (access(path, F_OK) == 0);
    int fd = shm_open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd >= 0) {
        shm_unlink(path);
        if (!(flags & 1)) /* MFD_CLOEXEC */
            fcntl(fd, F_SETFD, 0);
    }
    return fd;
}
