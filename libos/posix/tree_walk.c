/* SPDX-License-Identifier: BSD-2-Clause */
/* ftw and nftw: a walk over a tree of files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct parent {
    const struct parent *up;
    dev_t device;
    ino_t inode;
};

struct walk {
    int (*visit)(const char *, const struct stat *, int, struct FTW *);
    int flags;
    dev_t device;
    char path[PATH_MAX];
};

static int walk_entry(struct walk *w, size_t length, int level, const struct parent *up);

static int is_parent(const struct parent *p, const struct stat *s)
{
    for (; p; p = p->up)
        if (p->device == s->st_dev && p->inode == s->st_ino)
            return 1;
    return 0;
}

/* What is at w->path, and its kind for the visitor. -1: it is gone, or worse. */
static int entry_kind(struct walk *w, struct stat *status)
{
    int physical = w->flags & FTW_PHYS;

    if (!(physical ? lstat(w->path, status) : stat(w->path, status)))
        return S_ISDIR(status->st_mode)               ? (w->flags & FTW_DEPTH ? FTW_DP : FTW_D)
               : physical && S_ISLNK(status->st_mode) ? FTW_SL
                                                      : FTW_F;
    if (!physical && errno == ENOENT && !lstat(w->path, status))
        return FTW_SLN;
    return errno == EACCES ? FTW_NS : -1;
}

/* The names of a directory in one block, so that no more directories are open than allowed. */
static char *names_read(DIR *directory, size_t *size)
{
    char *names = NULL;
    struct dirent *entry;

    *size = 0;
    while ((entry = readdir(directory))) {
        size_t length = strlen(entry->d_name) + 1;
        char *larger = realloc(names, *size + length);
        if (!larger) {
            free(names);
            errno = ENOMEM;
            return NULL;
        }
        names = larger;
        memcpy(names + *size, entry->d_name, length);
        *size += length;
    }
    return names ? names : calloc(1, 1);
}

static int walk_children(struct walk *w, size_t length, int level, const struct parent *self)
{
    int result = 0;
    size_t size;
    DIR *directory = opendir(w->path);

    if (!directory)
        return -1;
    char *names = names_read(directory, &size);
    closedir(directory);
    if (!names)
        return -1;
    if (length && w->path[length - 1] == '/')
        length--;
    for (char *name = names; !result && name < names + size; name += strlen(name) + 1) {
        size_t more = strlen(name);
        if (!strcmp(name, ".") || !strcmp(name, ".."))
            continue;
        if (length + 1 + more >= sizeof w->path) {
            errno = ENAMETOOLONG;
            result = -1;
            break;
        }
        w->path[length] = '/';
        strcpy(w->path + length + 1, name);
        result = walk_entry(w, length + 1 + more, level + 1, self);
    }
    free(names);
    return result;
}

static int base_of(const char *path, size_t length)
{
    while (length > 1 && path[length - 1] == '/')
        length--;
    while (length > 0 && path[length - 1] != '/')
        length--;
    return (int)length;
}

static int visit_there(struct walk *w, const struct stat *status, int kind, struct FTW *where)
{
    if (!(w->flags & FTW_CHDIR))
        return w->visit(w->path, status, kind, where);
    int back = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = -1;
    char base = w->path[where->base];
    if (where->base)
        w->path[where->base] = 0;
    int failed = where->base && chdir(w->path);
    w->path[where->base] = base;
    if (!failed)
        result = w->visit(w->path, status, kind, where);
    if (back < 0 || fchdir(back))
        result = result ? result : -1;
    close(back);
    return result;
}

static int walk_entry(struct walk *w, size_t length, int level, const struct parent *up)
{
    struct stat status;
    int kind = entry_kind(w, &status), result = 0;
    struct FTW where = {base_of(w->path, length), level};

    if (kind < 0)
        return -1;
    if (kind == FTW_F || kind == FTW_SL || kind == FTW_SLN || kind == FTW_NS)
        return visit_there(w, &status, kind, &where);
    if (!level)
        w->device = status.st_dev;
    if ((w->flags & FTW_MOUNT && status.st_dev != w->device) ||
        (!(w->flags & FTW_PHYS) && is_parent(up, &status)))
        return 0;
    struct parent self = {up, status.st_dev, status.st_ino};
    if (access(w->path, R_OK) && errno == EACCES)
        return visit_there(w, &status, FTW_DNR, &where);
    if (!(w->flags & FTW_DEPTH) && (result = visit_there(w, &status, FTW_D, &where)))
        return result;
    if ((result = walk_children(w, length, level, &self)))
        return result;
    w->path[length] = 0;
    return w->flags & FTW_DEPTH ? visit_there(w, &status, FTW_DP, &where) : 0;
}

/* `handles` is kept by opening one directory at a time. */
int nftw(const char *path, int (*visit)(const char *, const struct stat *, int, struct FTW *),
         int handles, int flags)
{
    struct walk *w;
    size_t length = strlen(path);
    int result;

    (void)handles;
    if (length >= sizeof w->path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (!length) {
        errno = ENOENT;
        return -1;
    }
    if (!(w = malloc(sizeof *w)))
        return -1;
    *w = (struct walk){.visit = visit, .flags = flags};
    memcpy(w->path, path, length + 1);
    result = walk_entry(w, length, 0, NULL);
    free(w);
    return result;
}

/* The visitor of the walk in progress: nftw hands on no argument of ours. */
static _Thread_local int (*ftw_visit)(const char *, const struct stat *, int);

static int visit_without(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)where;
    return ftw_visit(path, status, kind == FTW_SLN ? FTW_NS : kind);
}

int ftw(const char *path, int (*visit)(const char *, const struct stat *, int), int handles)
{
    int (*before)(const char *, const struct stat *, int) = ftw_visit;

    ftw_visit = visit;
    int result = nftw(path, visit_without, handles, 0);
    ftw_visit = before;
    return result;
}
