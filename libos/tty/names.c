/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of terminals, and pseudo-terminals as programs make them. */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utmp.h>

#include "../posix/user.h"
#include "terminals.h"

#define NAME_ROOM 24

char *ctermid(char *name)
{
    static char own[L_ctermid];

    return strcpy(name ? name : own, "/dev/tty");
}

/* 0 or an error. */
static int name_of(int descriptor, char name[NAME_ROOM])
{
    struct termios settings;

    if (tcgetattr(descriptor, &settings))
        return errno;
    const struct file *file = file_of(descriptor);
    const struct terminal *t = file->object;
    if (file->type == FILE_PTY_MASTER)
        strcpy(name, "/dev/ptmx");
    else if (t->index)
        snprintf(name, NAME_ROOM, "/dev/pts/%u", t->index - 1);
    else
        strcpy(name, "/dev/console");
    return 0;
}

int ttyname_r(int descriptor, char *name, size_t size)
{
    char own[NAME_ROOM];
    int error = name_of(descriptor, own);

    if (error)
        return error;
    return -user_string_out(name, size, own);
}

char *ttyname(int descriptor)
{
    static char own[NAME_ROOM];
    int error = ttyname_r(descriptor, own, sizeof own);

    if (!error)
        return own;
    errno = error;
    return NULL;
}

/* ---- pseudo-terminals ---- */

int posix_openpt(int flags)
{
    if (flags & ~(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)) {
        errno = EINVAL;
        return -1;
    }
    terminals_reap();
    return open("/dev/ptmx", flags);
}

/* The slave's number, and its node is there. */
static int number_of(int master, unsigned *number)
{
    if (!ioctl(master, TIOCGPTN, number))
        return 0;
    return -1;
}

/* POSIX: what is open but no master is EINVAL here. */
static int master_only(int result)
{
    if (result && errno == ENOTTY)
        errno = EINVAL;
    return result;
}

int grantpt(int master)
{
    unsigned number;
    return master_only(number_of(master, &number));
}

int unlockpt(int master)
{
    int lock = 0;
    return master_only(ioctl(master, TIOCSPTLCK, &lock));
}

int ptsname_r(int master, char *name, size_t size)
{
    char own[NAME_ROOM];
    unsigned number;

    if (number_of(master, &number))
        return errno;
    snprintf(own, sizeof own, "/dev/pts/%u", number);
    int error = -user_string_out(name, size, own);
    if (error)
        errno = error;
    return error;
}

char *ptsname(int master)
{
    static char own[NAME_ROOM];
    return ptsname_r(master, own, sizeof own) ? NULL : own;
}

int openpty(int *master, int *slave, char *name, const struct termios *settings,
            const struct winsize *window)
{
    char own[NAME_ROOM];
    int m = posix_openpt(O_RDWR | O_NOCTTY), s = -1;

    if (m < 0)
        return -1;
    if (!unlockpt(m) && !ptsname_r(m, own, sizeof own))
        s = open(own, O_RDWR | O_NOCTTY);
    if (s < 0) {
        close(m);
        return -1;
    }
    if (settings)
        tcsetattr(s, TCSANOW, settings);
    if (window)
        ioctl(s, TIOCSWINSZ, window);
    if (name)
        strcpy(name, own);
    *master = m;
    *slave = s;
    return 0;
}

int login_tty(int slave)
{
    setsid();
    if (ioctl(slave, TIOCSCTTY, 0L))
        return -1;
    for (int i = 0; i < 3; i++)
        dup2(slave, i);
    if (slave > 2)
        close(slave);
    return 0;
}

pid_t forkpty(int *master, char *name, const struct termios *settings,
              const struct winsize *window)
{
    int slave;

    if (openpty(master, &slave, name, settings, window))
        return -1;
    pid_t child = fork();
    if (child < 0)
        close(*master);
    if (child == 0) {
        close(*master);
        if (login_tty(slave))
            _exit(1);
        return 0;
    }
    close(slave);
    return child;
}
