/* SPDX-License-Identifier: BSD-2-Clause */
/* The file system in memory on the host: calls by path, as libos/fd makes them; the whole tree as text. */
#pragma once

#include "../../libos/fs/node.h"

#include <stdio.h>

#include "../../libos/fd/file.h"
#include "../../libos/fs/mount.h"
#include "../../libos/fs/pages.h"
#include "session_host.h"
#include "tap.h"

const struct filesystem *file_systems[MOUNTS];

static int64_t clock_value;

int64_t files_now(void)
{
    return ++clock_value;
}

/* ---- calls by path, as libos/fd makes them ---- */

static struct walk w, v;

static inline struct node *find(const char *path)
{
    walk_begin(&w, NULL, path);
    monitor_enter();
    int error = walk_find(&w, WALK_FOLLOW);
    monitor_leave();
    return error ? NULL : w.at;
}

static inline int find_error(const char *path, unsigned flags)
{
    walk_begin(&w, NULL, path);
    monitor_enter();
    int error = walk_find(&w, flags);
    monitor_leave();
    return error;
}

static inline int done(int error)
{
    if (error)
        monitor_abandon();
    else
        monitor_leave();
    return error;
}

static inline int parent(const char *path)
{
    walk_begin(&w, NULL, path);
    monitor_enter();
    return walk_parent(&w);
}

static struct node *made;

static inline int create(const char *path, mode_t mode)
{
    int error;

    do {
        session_reserve(FILE_ROOM);
        error = parent(path);
        error = done(error ? error : name_create(&w, mode, &made));
    } while (error == -EAGAIN);
    return error;
}

static inline int make_link(const char *path, const char *target)
{
    int error = parent(path);
    return done(error ? error : name_symlink(&w, target, strlen(target)));
}

static inline int make_hard(const char *from, const char *to)
{
    struct node *node = find(from);
    int error = parent(to);
    return done(error ? error : name_link(&w, node));
}

static inline int by_parent(int (*call)(struct walk *), const char *path)
{
    int error = parent(path);
    return done(error ? error : call(&w));
}

static inline int rename_path(const char *from, const char *to)
{
    walk_begin(&v, NULL, to);
    int error = parent(from);
    if (!error)
        error = walk_parent(&v);
    return done(error ? error : name_rename(&w, &v));
}

static inline void reap(void)
{
    while (node_reap())
        ;
}

/* ---- the whole tree, as text: what a change may have changed ---- */

static inline size_t describe(struct node *d, char *to, size_t size)
{
    size_t n = 0;

    for (struct entry *e = d->directory->first; e; e = e->next) {
        struct node *node = e->node;
        n += (size_t)snprintf(to + n, size - n, "%.*s %o %u %lu{", (int)e->length, e->name,
                              node->mode, node->links, (unsigned long)node->inode);
        if (directory_find(d, e->name, e->length, e->hash) != e)
            n += (size_t)snprintf(to + n, size - n, "LOST");
        if (S_ISDIR(node->mode) && (node->parent != d || node->directory->name != e))
            n += (size_t)snprintf(to + n, size - n, "ORPHAN");
        if (S_ISDIR(node->mode))
            n += describe(node, to + n, size - n);
        n += (size_t)snprintf(to + n, size - n, "}");
    }
    return n;
}

static inline void snapshot(char *to, size_t size)
{
    size_t n = describe(FILE_SYSTEM->root, to, size);
    snprintf(to + n, size - n, " %lu", (unsigned long)FILE_SYSTEM->nodes);
}

/* ---- contents ---- */

static uint8_t big[9 << 20], back[9 << 20];

static inline bool reads(struct node *f, uint64_t offset, size_t size, ssize_t expected)
{
    memset(back, 0xee, size < sizeof back ? size : sizeof back);
    return contents_read(f, offset, back, size) == expected;
}
