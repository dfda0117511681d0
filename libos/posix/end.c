/* SPDX-License-Identifier: BSD-2-Clause */
/* The process's end. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <aegis/aegis.h>
#include <aegis/pager.h>

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
    struct start_block *start = (struct start_block *)VM_START;

    if (pager_find(VM_START).kind == PAGE_PRESENT) {
        start->value = (uint32_t)value;
        __atomic_store_n(&start->ended, how, __ATOMIC_RELEASE);
    }
    for (;;)
        aegis_env_destroy(AEGIS_SLOT_SELF);
}

void process_end(enum start_ended how, int value)
{
    static int again;

    if (!again++)
        send_files();
    process_kill(how, value);
}

void _exit(int status)
{
    process_end(START_EXITED, status & 0xff);
}
