/* SPDX-License-Identifier: BSD-2-Clause */
/* daemon(): goes on in the background, as a child without a terminal. */
#include <fcntl.h>
#include <unistd.h>

int daemon(int stay_here, int keep_streams)
{
    pid_t pid = fork();

    if (pid < 0)
        return -1;
    if (pid)
        _exit(0);
    if (setsid() < 0 || (!stay_here && chdir("/")))
        return -1;
    if (keep_streams)
        return 0;
    int null = open("/dev/null", O_RDWR);
    if (null < 0)
        return -1;
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    if (null > 2)
        close(null);
    return 0;
}
