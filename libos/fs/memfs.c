/* SPDX-License-Identifier: BSD-2-Clause */
#include "memfs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SIZE_LIMIT ((size_t)1 << 40)

/* ---- nodes ---- */

static struct memfs_node *node_make(struct memfs *fs, mode_t mode)
{
    struct memfs_node *node = calloc(1, sizeof *node);
    if (!node)
        return NULL;
    node->mode = mode;
    node->inode = ++fs->last_inode;
    node->mtime = node->ctime = node->atime = fs->now();
    return node;
}

static void node_free_if_idle(struct memfs_node *node)
{
    if (node->links || node->opens)
        return;
    if (node->capacity)
        free(node->data);
    free(node);
}

void memfs_hold(struct memfs_node *node)
{
    node->opens++;
}

void memfs_drop(struct memfs_node *node)
{
    node->opens--;
    node_free_if_idle(node);
}

static void touched(struct memfs *fs, struct memfs_node *node)
{
    node->mtime = node->ctime = fs->now();
}

/* ---- directories ---- */

static struct memfs_entry **entry_find(struct memfs_node *directory, const char *name)
{
    struct memfs_entry **at = &directory->first;
    while (*at && strcmp((*at)->name, name))
        at = &(*at)->next;
    return at;
}

static struct memfs_node *child_of(struct memfs_node *directory, const char *name)
{
    if (!strcmp(name, "."))
        return directory;
    if (!strcmp(name, ".."))
        return directory->parent;
    struct memfs_entry *entry = *entry_find(directory, name);
    return entry ? entry->node : NULL;
}

static int entry_add(struct memfs *fs, struct memfs_node *directory, const char *name,
                     struct memfs_node *node)
{
    struct memfs_entry *entry = malloc(sizeof *entry + strlen(name) + 1);
    if (!entry)
        return ENOSPC;
    strcpy(entry->name, name);
    entry->node = node;
    entry->next = NULL;
    if (directory->last)
        directory->last->next = entry;
    else
        directory->first = entry;
    directory->last = entry;
    node->links++;
    if (S_ISDIR(node->mode)) {
        node->parent = directory;
        directory->links++;
    }
    touched(fs, directory);
    return 0;
}

static void entry_remove(struct memfs *fs, struct memfs_node *directory, struct memfs_entry **at)
{
    struct memfs_entry *entry = *at;
    *at = entry->next;
    if (directory->last == entry) {
        directory->last = NULL;
        for (struct memfs_entry *e = directory->first; e; e = e->next)
            directory->last = e;
    }
    if (S_ISDIR(entry->node->mode))
        directory->links--;
    entry->node->links--;
    entry->node->ctime = fs->now();
    touched(fs, directory);
    free(entry);
}

/* ---- paths ---- */

struct walk {
    struct memfs *fs;
    struct memfs_node *at;
    unsigned links;
    char name[MEMFS_NAME_MAX + 1]; /* the component in hand */
};

static int walk_path(struct walk *walk, const char *path, bool follow_last, bool stop_at_parent);

static int follow_link(struct walk *walk, struct memfs_node *link)
{
    char target[MEMFS_PATH_MAX];

    if (++walk->links > MEMFS_LINKS_MAX)
        return ELOOP;
    if (link->size >= sizeof target)
        return ENAMETOOLONG;
    memcpy(target, link->data, link->size);
    target[link->size] = 0;
    return walk_path(walk, target, true, false);
}

/* Takes the next component off *path. 1: there was one; 0: none; negative errno. */
static int component(struct walk *walk, const char **path)
{
    while (**path == '/')
        ++*path;
    size_t n = strcspn(*path, "/");
    if (n == 0)
        return 0;
    if (n > MEMFS_NAME_MAX)
        return -ENAMETOOLONG;
    memcpy(walk->name, *path, n);
    walk->name[n] = 0;
    *path += n;
    return 1;
}

static bool is_last(const char *rest)
{
    return rest[strspn(rest, "/")] == 0;
}

static int step(struct walk *walk, const char *rest, bool follow_last)
{
    if (!S_ISDIR(walk->at->mode))
        return ENOTDIR;
    struct memfs_node *child = child_of(walk->at, walk->name);
    if (!child)
        return ENOENT;
    /* "link/" means the directory behind it */
    if (S_ISLNK(child->mode) && (follow_last || *rest))
        return follow_link(walk, child);
    if (*rest && is_last(rest) && !S_ISDIR(child->mode))
        return ENOTDIR;
    walk->at = child;
    return 0;
}

static int walk_path(struct walk *walk, const char *path, bool follow_last, bool stop_at_parent)
{
    int more, error;

    if (*path == 0)
        return ENOENT;
    if (*path == '/')
        walk->at = walk->fs->root;
    while ((more = component(walk, &path)) > 0) {
        if (stop_at_parent && is_last(path))
            return S_ISDIR(walk->at->mode) ? 0 : ENOTDIR;
        error = step(walk, path, follow_last);
        if (error)
            return error;
    }
    return more < 0 ? -more : stop_at_parent ? EEXIST : 0;
}

int memfs_walk(struct memfs *fs, struct memfs_node *from, const char *path, int follow,
               struct memfs_node **node)
{
    struct walk walk = {.fs = fs, .at = from};

    if (strlen(path) >= MEMFS_PATH_MAX)
        return ENAMETOOLONG;
    int error = walk_path(&walk, path, follow, false);
    *node = walk.at;
    return error;
}

int memfs_walk_parent(struct memfs *fs, struct memfs_node *from, const char *path,
                      struct memfs_node **directory, char name[MEMFS_NAME_MAX + 1])
{
    struct walk walk = {.fs = fs, .at = from};

    if (strlen(path) >= MEMFS_PATH_MAX)
        return ENAMETOOLONG;
    int error = walk_path(&walk, path, true, true);
    if (error)
        return error;
    *directory = walk.at;
    strcpy(name, walk.name);
    return 0;
}

int memfs_path(struct memfs *fs, const struct memfs_node *directory, char *buffer, size_t size)
{
    size_t at = size;

    if (size < 2)
        return ERANGE;
    buffer[--at] = 0;
    for (const struct memfs_node *d = directory; d != fs->root; d = d->parent) {
        const struct memfs_entry *e = d->links > 1 || d->parent ? d->parent->first : NULL;
        while (e && e->node != d)
            e = e->next;
        if (!e)
            return ENOENT;
        size_t n = strlen(e->name);
        if (at < n + 1)
            return ERANGE;
        at -= n;
        memcpy(buffer + at, e->name, n);
        buffer[--at] = '/';
    }
    if (at == size - 1)
        buffer[--at] = '/';
    memmove(buffer, buffer + at, size - at);
    return 0;
}

/* ---- names made and taken away ---- */

static bool name_special(const char *name)
{
    return !strcmp(name, ".") || !strcmp(name, "..");
}

int memfs_create(struct memfs *fs, struct memfs_node *directory, const char *name, mode_t mode,
                 struct memfs_node **node)
{
    if (child_of(directory, name))
        return EEXIST;
    if (directory->links == 0)
        return ENOENT;
    struct memfs_node *made = node_make(fs, mode);
    if (!made)
        return ENOSPC;
    if (S_ISDIR(mode))
        made->links = 1; /* its own "." */
    int error = entry_add(fs, directory, name, made);
    if (error)
        free(made);
    else
        *node = made;
    return error;
}

int memfs_symlink(struct memfs *fs, struct memfs_node *directory, const char *name,
                  const char *target)
{
    struct memfs_node *node;
    size_t size = strlen(target);
    int error;

    if (!size)
        return ENOENT;
    if (size >= MEMFS_PATH_MAX)
        return ENAMETOOLONG;
    error = memfs_create(fs, directory, name, S_IFLNK | 0777, &node);
    if (!error && (error = memfs_write(fs, node, 0, target, size)))
        memfs_unlink(fs, directory, name);
    return error;
}

int memfs_link(struct memfs *fs, struct memfs_node *directory, const char *name,
               struct memfs_node *node)
{
    if (S_ISDIR(node->mode))
        return EPERM;
    if (child_of(directory, name))
        return EEXIST;
    return entry_add(fs, directory, name, node);
}

int memfs_unlink(struct memfs *fs, struct memfs_node *directory, const char *name)
{
    if (name_special(name))
        return EISDIR;
    struct memfs_entry **at = entry_find(directory, name);
    if (!*at)
        return ENOENT;
    struct memfs_node *node = (*at)->node;
    if (S_ISDIR(node->mode))
        return EISDIR;
    entry_remove(fs, directory, at);
    node_free_if_idle(node);
    return 0;
}

int memfs_rmdir(struct memfs *fs, struct memfs_node *directory, const char *name)
{
    if (name_special(name))
        return !strcmp(name, ".") ? EINVAL : ENOTEMPTY;
    struct memfs_entry **at = entry_find(directory, name);
    if (!*at)
        return ENOENT;
    struct memfs_node *node = (*at)->node;
    if (!S_ISDIR(node->mode))
        return ENOTDIR;
    if (node->first)
        return ENOTEMPTY;
    entry_remove(fs, directory, at);
    node->links = 0;
    node_free_if_idle(node);
    return 0;
}

/* True: `inner` is `outer` or below it. */
static bool lies_in(struct memfs *fs, const struct memfs_node *inner,
                    const struct memfs_node *outer)
{
    for (;; inner = inner->parent) {
        if (inner == outer)
            return true;
        if (inner == fs->root)
            return false;
    }
}

/* Makes room at the new name, if what stands there may be replaced by `node`. */
static int rename_replace(struct memfs *fs, struct memfs_node *node, struct memfs_node *to,
                          const char *name)
{
    struct memfs_entry *old = *entry_find(to, name);

    if (!old)
        return 0;
    if (S_ISDIR(node->mode))
        return S_ISDIR(old->node->mode) ? memfs_rmdir(fs, to, name) : ENOTDIR;
    return S_ISDIR(old->node->mode) ? EISDIR : memfs_unlink(fs, to, name);
}

int memfs_rename(struct memfs *fs, struct memfs_node *from, const char *old_name,
                 struct memfs_node *to, const char *new_name)
{
    if (name_special(old_name) || name_special(new_name))
        return EINVAL;
    struct memfs_entry **at = entry_find(from, old_name);
    if (!*at)
        return ENOENT;
    struct memfs_node *node = (*at)->node;
    if (child_of(to, new_name) == node)
        return 0;
    if (S_ISDIR(node->mode) && lies_in(fs, to, node))
        return EINVAL;
    int error = rename_replace(fs, node, to, new_name);
    if (!error)
        error = entry_add(fs, to, new_name, node);
    if (!error)
        entry_remove(fs, from, entry_find(from, old_name));
    return error;
}

/* ---- contents ---- */

size_t memfs_read(struct memfs *fs, struct memfs_node *node, size_t offset, void *buffer,
                  size_t size)
{
    if (offset >= node->size)
        return 0;
    if (size > node->size - offset)
        size = node->size - offset;
    memcpy(buffer, node->data + offset, size);
    node->atime = fs->now();
    return size;
}

/* Memory of our own for `size` bytes; grows by halves. */
static int reserve(struct memfs_node *node, size_t size)
{
    if (size > SIZE_LIMIT)
        return EFBIG;
    if (node->capacity >= size && node->capacity)
        return 0;
    size_t capacity = size + size / 2 + 64;
    uint8_t *data = node->capacity ? realloc(node->data, capacity) : malloc(capacity);
    if (!data)
        return ENOSPC;
    if (!node->capacity && node->size)
        memcpy(data, node->data, node->size < capacity ? node->size : capacity);
    node->data = data;
    node->capacity = capacity;
    return 0;
}

int memfs_write(struct memfs *fs, struct memfs_node *node, size_t offset, const void *buffer,
                size_t size)
{
    size_t end = offset + size;

    if (end < offset)
        return EFBIG;
    if (!size)
        return 0;
    int error = reserve(node, end > node->size ? end : node->size);
    if (error)
        return error;
    if (offset > node->size)
        memset(node->data + node->size, 0, offset - node->size);
    memcpy(node->data + offset, buffer, size);
    if (end > node->size)
        node->size = end;
    touched(fs, node);
    return 0;
}

int memfs_truncate(struct memfs *fs, struct memfs_node *node, size_t size)
{
    if (size > node->size) {
        int error = reserve(node, size);
        if (error)
            return error;
        memset(node->data + node->size, 0, size - node->size);
    }
    node->size = size;
    touched(fs, node);
    return 0;
}
