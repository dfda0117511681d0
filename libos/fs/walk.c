/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths. A walk goes on in the monitor, component by component; after PAUSE of them, and around
 * each step in a mounted file system, it leaves the monitor and enters it again, and begins anew if
 * meanwhile a name has gone (FILE_SYSTEM->changes).
 */
#include <string.h>

#include "mount.h"
#include "node.h"

#define PAUSE 16
#define PLAIN 64 /* bytes of a path that are walked without a pause, beyond one name */

enum { STEPPED, AGAIN = 1 };

/* Where a path begins within what is mounted there. */
static __attribute__((noinline)) uint64_t number_first(const struct walk *w)
{
    const struct process *p = process_self;

    if (*w->path == '/')
        return MOUNT_ROOT;
    if (w->base_number)
        return w->base_number;
    return p && p->directory == w->base && p->directory_number ? p->directory_number : MOUNT_ROOT;
}

static void walk_start(struct walk *w)
{
    w->at = *w->path == '/' ? w->root : w->base;
    w->number = __builtin_expect(w->at->mount, 0) ? number_first(w) : 0;
    w->links = 0;
    w->changes = FILE_SYSTEM->changes;
}

/* Whether what the walk knows still holds, after the monitor was left. */
static int walk_pause(struct walk *w)
{
    monitor_leave();
    monitor_enter();
    return FILE_SYSTEM->changes == w->changes ? 0 : AGAIN;
}

static inline const char *slashes_skip(const char *p)
{
    while (*p == '/')
        p++;
    return p;
}

/* The next name of a path into w->name; what follows it, or null if there is none. */
static inline const char *component(struct walk *w, const char *path)
{
    uint32_t hash = NAME_HASH_FIRST;
    const char *p = slashes_skip(path);
    char c;

    w->name = path = p;
    for (; (c = *p) && c != '/'; p++)
        hash = NAME_HASH(hash, c);
    w->length = (size_t)(p - path);
    w->hash = hash;
    return p == path ? NULL : p;
}

static inline bool is_last(const char *rest)
{
    return !*rest || !*slashes_skip(rest);
}

static inline bool is_dot(const struct walk *w)
{
    return w->length == 1 && w->name[0] == '.';
}

static inline bool is_dots(const struct walk *w)
{
    return w->length == 2 && w->name[0] == '.' && w->name[1] == '.';
}

/* A link's target stands in front of what is left of the path. The new path, or null: too long. */
static const char *link_follow(struct walk *w, const char *target, size_t length, const char *rest)
{
    size_t n = strlen(rest) + 1;

    if (length + n > WALK_PATH)
        return NULL;
    memmove(w->buffer + length, rest, n);
    memcpy(w->buffer, target, length);
    if (*w->buffer == '/') {
        w->at = w->root;
        w->number = w->at->mount ? MOUNT_ROOT : 0;
    }
    return w->buffer;
}

/* ---- in a mounted file system: outside the monitor ---- */

static int mounted_find(const struct walk *w, uint64_t *number)
{
    const struct filesystem *fs = file_systems[w->at->mount];
    char name[NODE_NAME_MAX + 1];

    if (!fs)
        return -ENOENT;
    memcpy(name, w->name, w->length);
    name[w->length] = 0;
    return fs->find(w->number, name, number);
}

/* One step there; `target` receives a link's text, whose length is returned. */
static ssize_t mounted_step(struct walk *w, const char *rest, bool follow, char *target)
{
    const struct filesystem *fs = file_systems[w->at->mount];
    struct stat stat;
    uint64_t number;
    int error = mounted_find(w, &number);

    if (error || (error = fs->stat(number, &stat)))
        return error;
    /* one that stands for a descriptor leads to what is open, which has no path */
    bool open_file = !*rest && fs->descriptor && fs->descriptor(number) >= 0;
    if (S_ISLNK(stat.st_mode) && (*rest || follow) && !open_file)
        return fs->link(number, target, WALK_PATH - 1);
    if (*rest && !S_ISDIR(stat.st_mode))
        return -ENOTDIR;
    w->number = number;
    return 0;
}

static int mounted_walk(struct walk *w, const char **path, const char *rest, bool follow)
{
    char target[WALK_PATH];

    if (is_dots(w) && w->number == MOUNT_ROOT) {
        w->number = 0;
        w->at = w->at->parent;
        *path = rest;
        return 0;
    }
    monitor_leave();
    ssize_t length = mounted_step(w, rest, follow, target);
    monitor_enter();
    if (FILE_SYSTEM->changes != w->changes)
        return AGAIN;
    if (length <= 0) {
        *path = rest;
        return (int)length;
    }
    if (++w->links > WALK_LINKS)
        return -ELOOP;
    *path = link_follow(w, target, (size_t)length, rest);
    return *path ? 0 : -ENAMETOOLONG;
}

/* ---- one step ---- */

static inline void place(struct walk *w, struct node *node)
{
    w->at = node;
    w->number = node->mount ? MOUNT_ROOT : 0;
}

static int step_link(struct walk *w, struct node *link, const char **path, const char *rest)
{
    if (++w->links > WALK_LINKS)
        return -ELOOP;
    *path = link_follow(w, link->target, link->size, rest);
    return *path ? 0 : -ENAMETOOLONG;
}

/* May the directory be searched, and is the name one? */
static inline int step_check(const struct walk *w)
{
    if (__builtin_expect(w->length > NODE_NAME_MAX, 0))
        return -ENAMETOOLONG;
    return w->who.uid ? node_permit(w->at, &w->who, 1) : 0;
}

/* Names that mean a place, and those in mounted file systems. */
static int step_special(struct walk *w, const char **path, const char *rest, bool follow)
{
    *path = rest;
    if (is_dot(w))
        return 0;
    if (w->number)
        return mounted_walk(w, path, rest, follow);
    place(w, w->at == w->root ? w->at : w->at->parent);
    return 0;
}

/* One name further; the rest of the path, or null and *error. */
static inline __attribute__((always_inline)) const char *step(struct walk *w, const char *rest,
                                                              bool follow, int *error)
{
    const char *path = rest;

    if ((*error = step_check(w)))
        return NULL;
    if (__builtin_expect(w->number || is_dot(w) || is_dots(w), 0)) {
        *error = step_special(w, &path, rest, follow);
        return *error ? NULL : path;
    }
    struct entry *e = directory_find(w->at, w->name, w->length, w->hash);
    *error = -ENOENT;
    if (!e)
        return NULL;
    struct node *node = e->node;
    if (!S_ISDIR(node->mode)) {
        if (S_ISLNK(node->mode) && (*rest || follow)) {
            *error = step_link(w, node, &path, rest);
            return *error ? NULL : path;
        }
        *error = -ENOTDIR;
        if (*rest)
            return NULL;
    }
    place(w, node);
    return rest;
}

/*
 * As far as all is plain: names that are there, of directories of ours, asked for by root. What
 * is left of the path; `w->at` is where it begins. No call is made, so that no register is saved.
 */
static __attribute__((noinline)) const char *walk_plain(struct walk *w, const char *path)
{
    struct node *at = w->at;
    const char *pause = path + PLAIN;

    if (w->who.uid || w->number)
        return path;
    while (path < pause) {
        const char *name = slashes_skip(path), *p = name;
        uint32_t hash = NAME_HASH_FIRST;
        char c;
        while ((c = *p) && c != '/')
            hash = NAME_HASH(hash, *p++);
        size_t length = (size_t)(p - name);
        if (!length || *name == '.')
            break;
        struct entry *e = directory_find(at, name, length, hash);
        if (!e || e->node->mount || (!S_ISDIR(e->node->mode) && (c || S_ISLNK(e->node->mode))))
            break;
        w->at = at = e->node;
        path = p;
    }
    return path;
}

/* Walks all of the path, or (parent) up to its last name. All on the way are directories: what
 * something follows was seen to be one. */
static __attribute__((noinline)) int walk_on(struct walk *w, const char *path, bool follow,
                                             bool parent)
{
    const char *rest;
    int error;

    for (unsigned left = PAUSE; (rest = component(w, path));) {
        if (parent && is_last(rest)) {
            w->slash = *rest;
            return step_check(w);
        }
        if (!(path = step(w, rest, follow, &error)))
            return error;
        if (__builtin_expect(--left == 0, 0)) {
            left = PAUSE;
            if (walk_pause(w))
                return AGAIN;
        }
    }
    return parent ? -EEXIST : 0;
}

static inline __attribute__((always_inline)) int walk_once(struct walk *w, bool follow, bool parent)
{
    walk_start(w);
    const char *path = parent ? w->path : walk_plain(w, w->path);
    return parent || *path ? walk_on(w, path, follow, parent) : 0;
}

int walk_find(struct walk *w, unsigned flags)
{
    int error;

    if (!*w->path)
        return -ENOENT;
    do {
        error = walk_once(w, flags & WALK_FOLLOW, false);
    } while (error == AGAIN);
    return error;
}

int walk_parent(struct walk *w)
{
    int error;

    if (!*w->path)
        return -ENOENT;
    do {
        error = walk_once(w, true, true);
    } while (error == AGAIN);
    return error;
}

struct entry *walk_entry(const struct walk *w)
{
    return directory_find(w->at, w->name, w->length, w->hash);
}

/* ---- the other way round ---- */

int walk_path(const struct node *directory, const struct node *root, char *buffer, size_t size)
{
    size_t at = size;

    if (size < 2)
        return -ERANGE;
    buffer[--at] = 0;
    for (const struct node *d = directory; d != root; d = d->parent) {
        const struct entry *e = d->links ? d->directory->name : NULL;
        if (!e)
            return -ENOENT;
        if (at < e->length + 1)
            return -ERANGE;
        at -= e->length;
        memcpy(buffer + at, e->name, e->length);
        buffer[--at] = '/';
    }
    if (at == size - 1)
        buffer[--at] = '/';
    memmove(buffer, buffer + at, size - at);
    return 0;
}
