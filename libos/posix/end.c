/* SPDX-License-Identifier: BSD-2-Clause */
/* The process's end. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <aegis/aegis.h>
#include <aegis/pager.h>

#include "../proc/again.h"
#include "../proc/park.h"
#include "../proc/table.h"
#include "../vm/vm.h"
#include "clock.h"
#include "process.h"

/* One file of the list in .aegis/get: a line, then its bytes. What is not a regular file is none. */
static void send_file(const char *path)
{
    char text[1024];
    struct stat status = {0};
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    bool good = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    off_t left = status.st_size;

    if (good)
        snprintf(text, sizeof text, "get %o %zu %.950s\n", (unsigned)status.st_mode & 07777,
                 (size_t)left, path);
    else
        snprintf(text, sizeof text, "nofile %.1000s\n", path);
    console_print(3, text);
    while (good && left) {
        ssize_t n = read(fd, text, sizeof text);
        if (n <= 0) { /* somebody cut it off: what was said is kept */
            memset(text, 0, sizeof text);
            n = sizeof text;
        }
        n = n < left ? n : left;
        console_put(3, text, (size_t)n);
        left -= n;
    }
    if (fd >= 0)
        close(fd);
}

static void send_files(void)
{
    struct cpio_file list;

    if (archive_file(".aegis/get", &list))
        return;
    const char *at = (const char *)list.data, *end = at + list.size;
    while (at < end) {
        size_t n = strnlen(at, (size_t)(end - at));
        if (at + n == end)
            break;
        if (n)
            send_file(at);
        at += n + 1;
    }
}

void process_kill(enum start_ended how, int value)
{
    if (process_self) {
        process_self->time_user = process_ticks(clock_ticks());
        process_close(process_self,
                      how == START_EXITED ? W_EXITCODE(value & 0xff, 0) : W_EXITCODE(0, value));
    }
    if (process_self)
        park();
    if (process_self && how == START_EXITED)
        again_park();
    for (;;)
        aegis_env_destroy(AEGIS_SLOT_SELF);
}

void process_end(enum start_ended how, int value)
{
    static int again;

    if (!again++ && getpid() == PID_FIRST)
        send_files();
    process_kill(how, value);
}

void _exit(int status)
{
    process_end(START_EXITED, status & 0xff);
}
