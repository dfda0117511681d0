/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that name files by path, but open(). */
#include "path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#include <utime.h>

#include "../fs/mount.h"
#include "types.h"

struct attempt {
    struct path_call *c;
    int (*call)(struct path_call *);
};

int path_begin_at(struct walk *w, int directory)
{
    const struct file *file = file_at(directory);

    if (!file)
        return -EBADF;
    if (file->type != FILE_DIRECTORY)
        return -ENOTDIR;
    walk_begin(w, file->node, w->text);
    w->base_number = file->words[0] ? file->words[0] : MOUNT_ROOT;
    return 0;
}

static int attempt_node(void *argument)
{
    struct attempt *a = argument;
    int error = walk_find(&a->c->walk, a->c->flags);
    return error ? error : a->call(a->c);
}

static int attempt_parent(void *argument)
{
    struct attempt *a = argument;
    int error = walk_parent(&a->c->walk);
    return error ? error : a->call(a->c);
}

int path_node(struct path_call *c, int (*call)(struct path_call *))
{
    struct attempt a = {c, call};
    return file_attempt(attempt_node, &a);
}

int path_parent(struct path_call *c, int (*call)(struct path_call *))
{
    struct attempt a = {c, call};
    int error = file_attempt(attempt_parent, &a);

    if (FILE_SYSTEM->dying)
        files_reap();
    return error;
}

/* Takes the path, then runs a call on its node or its parent, signals deferred. */
static int on_path(struct path_call *c, int directory, const char *path,
                   int (*run)(struct path_call *, int (*)(struct path_call *)),
                   int (*call)(struct path_call *))
{
    int error = path_take(&c->walk, directory, path);

    if (!error) {
        signals_defer();
        error = run(c, call);
        signals_allow();
    }
    return error ? (int)file_result(error) : 0;
}

/* ---- status ---- */

static int file_stat(struct file *file, struct stat *stat)
{
    const struct file_operations *o = file_operations[file->type];

    *stat = (struct stat){.st_mode = S_IFCHR | 0600, .st_nlink = 1, .st_blksize = 4096};
    if (file->node)
        node_stat(file->node, stat);
    return o->stat ? o->stat(file, stat) : 0;
}

/* Within a mounted file system: outside the monitor. */
static int mounted_stat(const struct walk *w, struct stat *stat, unsigned flags)
{
    const struct filesystem *fs = file_systems[w->at->mount];
    struct file *file = NULL;

    if (!fs) {
        node_stat(w->at, stat);
        return 0;
    }
    if (flags & WALK_FOLLOW && fs->descriptor)
        file = file_at(fs->descriptor(w->number));
    return file ? file_stat(file, stat) : fs->stat(w->number, stat);
}

struct stat_call {
    struct stat stat;
    struct walk walk;
};

static __attribute__((noinline)) int stat_run(struct stat_call *c, int directory, const char *path,
                                              struct stat *user, unsigned flags)
{
    int error = path_take(&c->walk, directory, path);

    if (error)
        return error;
    monitor_enter();
    error = walk_find(&c->walk, flags);
    if (!error && !c->walk.number)
        node_stat(c->walk.at, &c->stat);
    monitor_leave();
    if (!error && __builtin_expect(c->walk.number != 0, 0))
        error = mounted_stat(&c->walk, &c->stat, flags);
    return error ? error : user_copy_out(user, &c->stat, sizeof c->stat);
}

static int path_stat(int directory, const char *path, struct stat *user, unsigned flags)
{
    struct stat_call c;
    int error = stat_run(&c, directory, path, user, flags);

    return error ? (int)file_result(error) : 0;
}

int stat(const char *restrict path, struct stat *restrict user)
{
    return path_stat(AT_FDCWD, path, user, WALK_FOLLOW);
}

int lstat(const char *restrict path, struct stat *restrict user)
{
    return path_stat(AT_FDCWD, path, user, 0);
}

int fstatat(int directory, const char *restrict path, struct stat *restrict user, int flags)
{
    if (flags & ~AT_SYMLINK_NOFOLLOW)
        return (int)file_result(-EINVAL);
    return path_stat(directory, path, user, flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW);
}

int fstat(int descriptor, struct stat *user)
{
    struct stat stat;
    struct file *file = file_at(descriptor);

    if (!file)
        return (int)file_result(-EBADF);
    signals_defer();
    int error = file_stat(file, &stat);
    if (!error)
        error = user_copy_out(user, &stat, sizeof stat);
    signals_allow();
    return error ? (int)file_result(error) : 0;
}

/* ---- permission asked ---- */

static int access_call(struct path_call *c)
{
    if (c->walk.number)
        return c->words[0] & W_OK ? -EROFS : 0;
    return node_permit(c->walk.at, &c->walk.who, (unsigned)c->words[0]);
}

/* By the real identity: also for the directories on the way. */
static int access_attempt(void *argument)
{
    struct path_call *c = argument;

    if (!c->words[1])
        c->walk.who = credentials_real();
    int error = walk_find(&c->walk, c->flags);
    return error ? error : access_call(c);
}

int faccessat(int directory, const char *path, int mode, int flags)
{
    struct path_call c;
    int error;

    if (mode & ~(R_OK | W_OK | X_OK) || flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW))
        return (int)file_result(-EINVAL);
    c.flags = flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW;
    c.words[0] = (uint64_t)mode;
    c.words[1] = flags & AT_EACCESS;
    error = path_take(&c.walk, directory, path);
    if (!error)
        error = file_attempt(access_attempt, &c);
    return error ? (int)file_result(error) : 0;
}

int access(const char *path, int mode)
{
    return faccessat(AT_FDCWD, path, mode, 0);
}

/* ---- names made ---- */

static mode_t masked(mode_t mode)
{
    return mode & 07777 & ~process_self->mask;
}

static int create_call(struct path_call *c)
{
    struct node *node;
    int error = name_create(&c->walk, (mode_t)c->words[0], &node);

    if (!error)
        node->device = c->words[1];
    return error;
}

static int create(int directory, const char *path, mode_t mode, dev_t device)
{
    struct path_call c;

    c.words[0] = mode;
    c.words[1] = device;
    return on_path(&c, directory, path, path_parent, create_call);
}

int mkdirat(int directory, const char *path, mode_t mode)
{
    return create(directory, path, S_IFDIR | (masked(mode) & (0777 | S_ISVTX)), 0);
}

int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

int mkfifoat(int directory, const char *path, mode_t mode)
{
    return create(directory, path, S_IFIFO | masked(mode), 0);
}

int mkfifo(const char *path, mode_t mode)
{
    return mkfifoat(AT_FDCWD, path, mode);
}

int mknodat(int directory, const char *path, mode_t mode, dev_t device)
{
    mode_t type = mode & S_IFMT ? mode & S_IFMT : S_IFREG;

    if (type != S_IFREG && type != S_IFIFO && type != S_IFCHR && type != S_IFBLK)
        return (int)file_result(type == S_IFDIR ? -EPERM : -EINVAL);
    if ((type == S_IFCHR || type == S_IFBLK) && process_self->euid)
        return (int)file_result(-EPERM);
    return create(directory, path, type | masked(mode), device);
}

int mknod(const char *path, mode_t mode, dev_t device)
{
    return mknodat(AT_FDCWD, path, mode, device);
}

static int symlink_call(struct path_call *c)
{
    return name_symlink(&c->walk, (const char *)c->words[0], c->words[1]);
}

int symlinkat(const char *target, int directory, const char *path)
{
    struct path_call c;
    char text[WALK_PATH];
    ssize_t n = user_string(text, target, sizeof text);

    if (n < 0)
        return (int)file_result(n);
    c.words[0] = (uint64_t)text;
    c.words[1] = (uint64_t)n;
    return on_path(&c, directory, path, path_parent, symlink_call);
}

int symlink(const char *target, const char *path)
{
    return symlinkat(target, AT_FDCWD, path);
}

/* ---- names of two paths ---- */

struct pair_call {
    struct path_call from, to;
    int (*call)(struct pair_call *);
    bool parent; /* the first path names a directory and a name, too */
};

/* The second walk may have left the monitor: then what the first found may be gone. */
static int pair_attempt(void *argument)
{
    struct pair_call *p = argument;
    int error;

    do {
        error = p->parent ? walk_parent(&p->from.walk) : walk_find(&p->from.walk, p->from.flags);
        if (!error)
            error = walk_parent(&p->to.walk);
    } while (!error && p->from.walk.changes != FILE_SYSTEM->changes);
    return error ? error : p->call(p);
}

static int pair_run(struct pair_call *p, int from_directory, const char *from, int to_directory,
                    const char *to)
{
    int error = path_take(&p->from.walk, from_directory, from);

    if (!error)
        error = path_take(&p->to.walk, to_directory, to);
    if (error)
        return (int)file_result(error);
    signals_defer();
    error = file_attempt(pair_attempt, p);
    files_reap();
    signals_allow();
    return error ? (int)file_result(error) : 0;
}

static int link_call(struct pair_call *p)
{
    return p->from.walk.number ? -EXDEV : name_link(&p->to.walk, p->from.walk.at);
}

int linkat(int from_directory, const char *from, int to_directory, const char *to, int flags)
{
    struct pair_call p;

    if (flags & ~AT_SYMLINK_FOLLOW)
        return (int)file_result(-EINVAL);
    p.call = link_call;
    p.parent = false;
    p.from.flags = flags & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0;
    return pair_run(&p, from_directory, from, to_directory, to);
}

int link(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

static int rename_call(struct pair_call *p)
{
    if (p->from.walk.number || p->to.walk.number)
        return p->from.walk.number && p->to.walk.number ? -EROFS : -EXDEV;
    return name_rename(&p->from.walk, &p->to.walk);
}

int renameat(int from_directory, const char *from, int to_directory, const char *to)
{
    struct pair_call p;

    p.call = rename_call;
    p.parent = true;
    return pair_run(&p, from_directory, from, to_directory, to);
}

int rename(const char *from, const char *to)
{
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

/* ---- names taken away ---- */

static int unlink_call(struct path_call *c)
{
    return name_unlink(&c->walk);
}

static int rmdir_call(struct path_call *c)
{
    return name_rmdir(&c->walk);
}

int unlinkat(int directory, const char *path, int flags)
{
    struct path_call c;

    if (flags & ~AT_REMOVEDIR)
        return (int)file_result(-EINVAL);
    if (!(flags & AT_REMOVEDIR))
        return on_path(&c, directory, path, path_parent, unlink_call);
    int result = on_path(&c, directory, path, path_parent, rmdir_call);
    if (result && errno == EEXIST) /* "/" */
        errno = EBUSY;
    return result;
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

/* ---- links read ---- */

static int readlink_call(struct path_call *c)
{
    struct node *node = c->walk.at;

    if (c->walk.number)
        return 1;
    if (!S_ISLNK(node->mode))
        return -EINVAL;
    memcpy(c->walk.buffer, node->target, node->size);
    c->words[0] = node->size;
    return 0;
}

static ssize_t readlink_mounted(struct path_call *c)
{
    const struct filesystem *fs = file_systems[c->walk.at->mount];
    struct stat stat;

    if (!fs || fs->stat(c->walk.number, &stat) || !S_ISLNK(stat.st_mode))
        return -EINVAL;
    return fs->link(c->walk.number, c->walk.buffer, sizeof c->walk.buffer);
}

ssize_t readlinkat(int directory, const char *restrict path, char *restrict buffer, size_t size)
{
    struct path_call c;
    ssize_t n = path_take(&c.walk, directory, path);

    if (!size)
        return file_result(-EINVAL);
    c.flags = 0;
    if (!n)
        n = path_node(&c, readlink_call);
    if (n >= 0)
        n = n ? readlink_mounted(&c) : (ssize_t)c.words[0];
    if (n > (ssize_t)size)
        n = (ssize_t)size;
    if (n > 0 && user_copy_out(buffer, c.walk.buffer, (size_t)n))
        n = -EFAULT;
    return file_result(n);
}

ssize_t readlink(const char *restrict path, char *restrict buffer, size_t size)
{
    return readlinkat(AT_FDCWD, path, buffer, size);
}

/* ---- newlib's names for them ---- */

int _stat(const char *path, struct stat *user)
{
    return stat(path, user);
}

int _fstat(int descriptor, struct stat *user)
{
    return fstat(descriptor, user);
}

int _link(const char *from, const char *to)
{
    return link(from, to);
}

int _unlink(const char *path)
{
    return unlink(path);
}

int _rename(const char *from, const char *to)
{
    return rename(from, to);
}

int _mkdir(const char *path, mode_t mode)
{
    return mkdir(path, mode);
}
