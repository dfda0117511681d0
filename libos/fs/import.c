/* SPDX-License-Identifier: BSD-2-Clause */
/* The beginning of the file system: a few directories, devices, and what the boot archive holds.
 * The archive's contents are not copied until they are written. */
#include <string.h>

#include "../fd/file.h"
#include "cpio.h"
#include "mount.h"
#include "node.h"

#define ROOM 16384 /* enough for one name */

static int root_enter(struct file_system *fs)
{
    struct node *root;

    session_set(SESSION->file_system, fs);
    if (!(root = node_make(S_IFDIR | 0755, 0, 0)) || directory_make(root))
        return -EAGAIN;
    root->links = 2;
    root->parent = root;
    fs->root = root;
    return 0;
}

static int root_make(void)
{
    if (session_reserve(ROOM))
        return -ENOMEM;
    monitor_enter();
    struct file_system *fs = session_alloc(sizeof *fs);
    int error = fs ? root_enter(fs) : -EAGAIN;
    if (error)
        monitor_abandon();
    else
        monitor_leave();
    return error ? -ENOMEM : 0;
}

/* Something under a path: `make` in the monitor, after walk_parent. */
static int path_make(const char *path, int (*make)(struct walk *, void *), void *argument)
{
    struct walk w;
    int error;

    walk_begin(&w, FILE_SYSTEM->root, path);
    do {
        if (session_reserve(ROOM))
            return -ENOSPC;
        monitor_enter();
        error = walk_parent(&w);
        if (!error)
            error = make(&w, argument);
        if (error)
            monitor_abandon();
        else
            monitor_leave();
    } while (error == -EAGAIN);
    return error;
}

struct making {
    mode_t mode;
    struct node *node;
};

/* -EEXIST is no error for a directory. */
static int node_in(struct walk *w, void *argument)
{
    struct making *m = argument;
    int error = name_create(w, m->mode, &m->node);

    if (error != -EEXIST || !S_ISDIR(m->mode))
        return error;
    struct entry *e = walk_entry(w);
    m->node = e && S_ISDIR(e->node->mode) ? e->node : NULL;
    return m->node ? 0 : error;
}

static int member_make(const char *path, mode_t mode, struct node **node)
{
    struct making m = {mode, NULL};
    int error = path_make(path, node_in, &m);

    *node = m.node;
    return error;
}

struct linking {
    const char *target;
    size_t length;
};

static int link_in(struct walk *w, void *argument)
{
    const struct linking *l = argument;
    return name_symlink(w, l->target, l->length);
}

static int link_make(const char *path, const char *target, size_t length)
{
    struct linking l = {target, length};
    return path_make(path, link_in, &l);
}

/* ---- what every session has ---- */

static int folders_make(void)
{
    static const struct {
        const char *path;
        mode_t mode;
    } folders[] = {
        {"tmp", 01777}, {"dev", 0755}, {"dev/pts", 0755}, {"dev/shm", 01777}, {"proc", 0555}};
    struct node *node;
    int error = 0;

    for (size_t i = 0; i < sizeof folders / sizeof folders[0] && !error; i++)
        error = member_make(folders[i].path, S_IFDIR | folders[i].mode, &node);
    if (!error)
        node->mount = MOUNT_PROC;
    return error;
}

static int devices_make(void)
{
    static const struct {
        const char *path;
        dev_t device;
    } devices[] = {
        {"dev/null", DEVICE(DEVICE_MEMORY, 3)},    {"dev/zero", DEVICE(DEVICE_MEMORY, 5)},
        {"dev/full", DEVICE(DEVICE_MEMORY, 7)},    {"dev/random", DEVICE(DEVICE_MEMORY, 8)},
        {"dev/urandom", DEVICE(DEVICE_MEMORY, 9)}, {"dev/tty", DEVICE(DEVICE_TTY, 0)},
        {"dev/console", DEVICE(DEVICE_TTY, 1)},    {"dev/ptmx", DEVICE(DEVICE_TTY, 2)}};
    struct node *node;
    int error = 0;

    for (size_t i = 0; i < sizeof devices / sizeof devices[0] && !error; i++) {
        error = member_make(devices[i].path, S_IFCHR | 0666, &node);
        if (!error)
            node->device = devices[i].device;
    }
    return error;
}

static int links_make(void)
{
    static const char *const links[][2] = {{"dev/fd", "/proc/self/fd"},
                                           {"dev/stdin", "/proc/self/fd/0"},
                                           {"dev/stdout", "/proc/self/fd/1"},
                                           {"dev/stderr", "/proc/self/fd/2"}};
    int error = 0;

    for (size_t i = 0; i < sizeof links / sizeof links[0] && !error; i++)
        error = link_make(links[i][0], links[i][1], strlen(links[i][1]));
    return error;
}

int file_system_boot(void)
{
    int error = root_make();

    if (!error)
        error = folders_make();
    if (!error)
        error = devices_make();
    return error ? error : links_make();
}

/* ---- the archive ---- */

/* Directories that an archive names only as parts of paths. */
static int parents_make(const char *path)
{
    char part[WALK_PATH];
    struct node *node;
    int error = 0;

    for (const char *slash = strchr(path, '/'); slash && !error; slash = strchr(slash + 1, '/')) {
        size_t n = (size_t)(slash - path);
        if (n >= sizeof part)
            return -ENAMETOOLONG;
        memcpy(part, path, n);
        part[n] = 0;
        if (n)
            error = member_make(part, S_IFDIR | 0755, &node);
    }
    return error;
}

static void times_set(struct node *node, int64_t seconds)
{
    node->atime = node->mtime = node->ctime = seconds * 1000000000;
}

static int member_add(const struct cpio_file *file)
{
    struct node *node;
    int error;

    if (S_ISLNK(file->mode))
        return link_make(file->name, (const char *)file->data, file->size);
    error = member_make(file->name, file->mode, &node);
    if (error)
        return error;
    /* nobody else is there yet */
    node->mode = file->mode;
    if (S_ISREG(file->mode)) {
        node->archive = file->data;
        node->archive_size = node->size = file->size;
    }
    times_set(node, file->mtime);
    return 0;
}

int files_import(const uint8_t *archive, size_t bytes)
{
    struct cpio_file file;
    size_t offset = 0;
    int error = 0;

    while (error != -ENOSPC && cpio_read(archive, bytes, &offset, &file)) {
        bool known = S_ISREG(file.mode) || S_ISDIR(file.mode) || S_ISLNK(file.mode);
        if (!known || !*file.name || !strcmp(file.name, "."))
            continue;
        error = parents_make(file.name);
        if (!error)
            error = member_add(&file);
    }
    return error == -ENOSPC ? error : 0;
}
