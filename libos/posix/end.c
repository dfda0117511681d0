/* SPDX-License-Identifier: BSD-2-Clause */
/* The process's end. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <aegis/aegis.h>
#include <aegis/pager.h>

#include "../proc/table.h"
#include "../vm/vm.h"
#include "file.h"
#include "process.h"

/* One file of the list in .aegis/get: a line, then its bytes. */
static void send_file(const char *path)
{
    char line[MEMFS_PATH_MAX + 64];
    const uint8_t *data;
    size_t size;
    mode_t mode;

    if (strlen(path) >= MEMFS_PATH_MAX || file_contents(path, &data, &size, &mode)) {
        snprintf(line, sizeof line, "nofile %.1000s\n", path);
        console_print(3, line);
        return;
    }
    snprintf(line, sizeof line, "get %o %zu %s\n", (unsigned)mode & 07777, size, path);
    console_print(3, line);
    console_put(3, data, size);
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
    if (process_self)
        process_close(process_self,
                      how == START_EXITED ? W_EXITCODE(value & 0xff, 0) : W_EXITCODE(0, value));
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
