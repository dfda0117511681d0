/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc: names and numbers. */
#include "proc.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mount.h"
#include "node.h"

struct proc_name {
    const char *name;
    uint8_t parent; /* enum proc_file of the directory */
    uint8_t type;
};

/* PROC_PID and PROC_DESCRIPTOR are called by numbers. */
static const struct proc_name names[PROC_FILES] = {
    [PROC_ROOT] = {"", PROC_ROOT, DT_DIR},
    [PROC_SELF] = {"self", PROC_ROOT, DT_LNK},
    [PROC_MEMINFO] = {"meminfo", PROC_ROOT, DT_REG},
    [PROC_UPTIME] = {"uptime", PROC_ROOT, DT_REG},
    [PROC_LOADAVG] = {"loadavg", PROC_ROOT, DT_REG},
    [PROC_CPUINFO] = {"cpuinfo", PROC_ROOT, DT_REG},
    [PROC_STAT] = {"stat", PROC_ROOT, DT_REG},
    [PROC_VERSION] = {"version", PROC_ROOT, DT_REG},
    [PROC_MOUNTS] = {"mounts", PROC_ROOT, DT_REG},
    [PROC_FILESYSTEMS] = {"filesystems", PROC_ROOT, DT_REG},
    [PROC_AEGIS] = {"aegis", PROC_ROOT, DT_DIR},
    [PROC_PAGES] = {"pages", PROC_AEGIS, DT_REG},
    [PROC_SLICES] = {"slices", PROC_AEGIS, DT_REG},
    [PROC_ENVIRONMENTS] = {"environments", PROC_AEGIS, DT_REG},
    [PROC_FILTERS] = {"filters", PROC_AEGIS, DT_REG},
    [PROC_PID] = {"", PROC_ROOT, DT_DIR},
    [PROC_PID_STAT] = {"stat", PROC_PID, DT_REG},
    [PROC_PID_STATM] = {"statm", PROC_PID, DT_REG},
    [PROC_PID_STATUS] = {"status", PROC_PID, DT_REG},
    [PROC_PID_CMDLINE] = {"cmdline", PROC_PID, DT_REG},
    [PROC_PID_COMM] = {"comm", PROC_PID, DT_REG},
    [PROC_PID_MAPS] = {"maps", PROC_PID, DT_REG},
    [PROC_PID_FD] = {"fd", PROC_PID, DT_DIR},
    [PROC_PID_EXE] = {"exe", PROC_PID, DT_LNK},
    [PROC_PID_CWD] = {"cwd", PROC_PID, DT_LNK},
    [PROC_PID_ROOT] = {"root", PROC_PID, DT_LNK},
    [PROC_DESCRIPTOR] = {"", PROC_PID_FD, DT_LNK},
};

/* A name that is a number, or -1. */
static long number_of(const char *name)
{
    long n = 0;

    if (!*name || strlen(name) > 9)
        return -1;
    for (; *name; name++) {
        if (*name < '0' || *name > '9')
            return -1;
        n = n * 10 + (*name - '0');
    }
    return n;
}

static uint64_t number_make(enum proc_file file, uint64_t directory)
{
    bool of_process = file >= PROC_PID;
    return PROC_NUMBER(file, of_process ? PROC_PID_OF(directory) : 0, 0);
}

static int find_number(uint64_t directory, long n, uint64_t *number)
{
    struct process p;

    if (PROC_FILE(directory) == PROC_ROOT && proc_process((pid_t)n, &p)) {
        *number = PROC_NUMBER(PROC_PID, n, 0);
        return 0;
    }
    if (PROC_FILE(directory) == PROC_PID_FD && proc_descriptor(PROC_PID_OF(directory), (int)n)) {
        *number = PROC_NUMBER(PROC_DESCRIPTOR, PROC_PID_OF(directory), n);
        return 0;
    }
    return -ENOENT;
}

static int proc_find(uint64_t directory, const char *name, uint64_t *number)
{
    enum proc_file here = PROC_FILE(directory);
    long n = number_of(name);

    if (names[here].type != DT_DIR)
        return -ENOTDIR;
    if (!strcmp(name, "..")) {
        *number = number_make((enum proc_file)names[here].parent, directory);
        return 0;
    }
    if (n >= 0)
        return find_number(directory, n, number);
    for (int f = PROC_SELF; f < PROC_FILES; f++)
        if (names[f].parent == here && *names[f].name && !strcmp(names[f].name, name)) {
            *number = number_make((enum proc_file)f, directory);
            return 0;
        }
    return -ENOENT;
}

static int proc_stat(uint64_t number, struct stat *stat)
{
    const struct proc_name *name = &names[PROC_FILE(number)];
    mode_t permission = name->type == DT_LNK ? 0777 : name->type == DT_DIR ? 0555 : 0444;
    int64_t now = files_now();
    struct process p = {0};

    if (PROC_FILE(number) >= PROC_PID && !proc_process(PROC_PID_OF(number), &p))
        return -ENOENT;
    *stat = (struct stat){.st_dev = 3,
                          .st_ino = number,
                          .st_mode = (mode_t)name->type << 12 | permission,
                          .st_nlink = name->type == DT_DIR ? 2 : 1,
                          .st_uid = p.euid,
                          .st_gid = p.egid,
                          .st_blksize = 4096};
    stat->st_mtim.tv_sec = stat->st_ctim.tv_sec = stat->st_atim.tv_sec = now / 1000000000;
    return 0;
}

static ssize_t proc_read_link(uint64_t number, char *target, size_t size)
{
    if (PROC_FILE(number) == PROC_SELF)
        return snprintf(target, size, "%d", (int)process_self->pid);
    return proc_link(PROC_FILE(number), PROC_PID_OF(number), PROC_FD_OF(number), target, size);
}

static ssize_t proc_read(uint64_t number, uint64_t offset, void *buffer, size_t size)
{
    struct text t = {buffer, size, offset, 0};
    enum proc_file file = PROC_FILE(number);

    if (file < PROC_PID)
        proc_machine_text(&t, file);
    else if (proc_process_text(&t, file, PROC_PID_OF(number)))
        return -ESRCH;
    return (ssize_t)text_size(&t);
}

static int proc_own_descriptor(uint64_t number)
{
    bool own = PROC_FILE(number) == PROC_DESCRIPTOR && PROC_PID_OF(number) == process_self->pid;
    return own ? PROC_FD_OF(number) : -1;
}

/* ---- lists: ".", "..", the names of the table, then the numbers ---- */

#define FIRST_NUMBER 256

static int list_put(struct mounted_name *to, uint64_t number, const char *name, uint64_t next)
{
    to->number = number;
    to->type = names[PROC_FILE(number)].type;
    to->next = next;
    snprintf(to->name, sizeof to->name, "%s", name);
    return 1;
}

static int list_numbers(uint64_t directory, uint64_t position, struct mounted_name *to)
{
    long after = (long)(position - FIRST_NUMBER) - 1;
    char name[16];
    long n = 0;

    if (PROC_FILE(directory) == PROC_ROOT)
        n = proc_next(after < 0 ? 0 : (pid_t)after);
    else if (PROC_FILE(directory) == PROC_PID_FD)
        n = proc_next_descriptor(PROC_PID_OF(directory), (int)after) + 1;
    if (!n)
        return 0;
    if (PROC_FILE(directory) == PROC_PID_FD) {
        n--;
        snprintf(name, sizeof name, "%ld", n);
        return list_put(to, PROC_NUMBER(PROC_DESCRIPTOR, PROC_PID_OF(directory), n), name,
                        FIRST_NUMBER + (uint64_t)n + 1);
    }
    snprintf(name, sizeof name, "%ld", n);
    return list_put(to, PROC_NUMBER(PROC_PID, n, 0), name, FIRST_NUMBER + (uint64_t)n + 1);
}

static int proc_list(uint64_t directory, uint64_t position, struct mounted_name *to)
{
    enum proc_file here = PROC_FILE(directory);

    if (position == 0)
        return list_put(to, directory, ".", 1);
    if (position == 1)
        return list_put(to, number_make((enum proc_file)names[here].parent, directory), "..",
                        PROC_SELF);
    for (uint64_t f = position; f < PROC_FILES; f++)
        if (names[f].parent == here && *names[f].name)
            return list_put(to, number_make((enum proc_file)f, directory), names[f].name, f + 1);
    return list_numbers(directory, position < FIRST_NUMBER ? FIRST_NUMBER : position, to);
}

const struct filesystem proc_filesystem = {
    .name = "proc",
    .find = proc_find,
    .stat = proc_stat,
    .link = proc_read_link,
    .descriptor = proc_own_descriptor,
    .list = proc_list,
    .read = proc_read,
};
