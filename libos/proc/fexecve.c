/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "../fd/table.h"

/* By the name that the open file has in /proc: a script's interpreter finds it there too. */
int fexecve(int descriptor, char *const argv[], char *const environment[])
{
    char name[32];

    if (!file_at(descriptor)) {
        errno = EBADF;
        return -1;
    }
    snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
    return execve(name, argv, environment);
}
