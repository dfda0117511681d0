/* SPDX-License-Identifier: BSD-2-Clause */
/* Modes, owners, times and lengths changed; by path or by descriptor. */
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <unistd.h>
#include <utime.h>

#include <aegis/exposed.h>

#include "path.h"
#include "types.h"
#include "../session/apart.h"

/* What is to be changed, and how. In the monitor. */
struct change {
    int (*call)(struct node *node, const struct change *c);
    mode_t mode;
    uid_t uid;
    gid_t gid;
    struct timespec times[2];
    bool now; /* both times are that: who may write may set them */
};

struct change_call {
    struct path_call path; /* first */
    const struct change *change;
    struct file *file;
};

static int change_there(struct path_call *p)
{
    const struct change_call *c = (const struct change_call *)p;
    return p->walk.number ? -EROFS : c->change->call(p->walk.at, c->change);
}

static int change_path(int directory, const char *path, unsigned flags, const struct change *change)
{
    struct change_call c;
    int error = path_take(&c.path.walk, directory, path);

    c.path.flags = flags;
    c.change = change;
    if (!error)
        error = path_node(&c.path, change_there);
    return error ? (int)file_result(error) : 0;
}

static int change_attempt(void *argument)
{
    const struct change_call *c = argument;
    return c->change->call(c->file->node, c->change);
}

static int change_file(int descriptor, const struct change *change)
{
    struct change_call c;

    c.change = change;
    c.file = file_at(descriptor);
    if (!c.file)
        return (int)file_result(-EBADF);
    if (!c.file->node || c.file->type == FILE_MOUNTED)
        return (int)file_result(c.file->node ? -EROFS : -EINVAL);
    int error = file_attempt(change_attempt, &c);
    return error ? (int)file_result(error) : 0;
}

static unsigned follow(int flags)
{
    return flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW;
}

/* ---- modes ---- */

static int mode_change(struct node *node, const struct change *c)
{
    struct credentials who = credentials_effective();
    mode_t mode = c->mode & 07777;

    if (!credentials_own(&who, node))
        return -EPERM;
    if (who.uid && !credentials_in_group(&who, node->gid))
        mode &= (mode_t)~S_ISGID;
    session_set(node->mode, (node->mode & S_IFMT) | mode);
    node_changed(node);
    return 0;
}

int fchmodat(int directory, const char *path, mode_t mode, int flags)
{
    struct change c = {.call = mode_change, .mode = mode};

    if (flags & ~AT_SYMLINK_NOFOLLOW)
        return (int)file_result(-EINVAL);
    return change_path(directory, path, follow(flags), &c);
}

int chmod(const char *path, mode_t mode)
{
    return fchmodat(AT_FDCWD, path, mode, 0);
}

int fchmod(int descriptor, mode_t mode)
{
    struct change c = {.call = mode_change, .mode = mode};
    return change_file(descriptor, &c);
}

mode_t umask(mode_t mask)
{
    monitor_enter();
    mode_t old = process_self->mask;
    session_set(process_self->mask, mask & 0777);
    monitor_leave();
    return old;
}

/* ---- owners ---- */

static int owner_change(struct node *node, const struct change *c)
{
    struct credentials who = credentials_effective();
    bool uid = c->uid != (uid_t)-1, gid = c->gid != (gid_t)-1;

    if (who.uid && ((uid && c->uid != node->uid) || who.uid != node->uid ||
                    (gid && !credentials_in_group(&who, c->gid))))
        return -EPERM;
    if (uid)
        session_set(node->uid, c->uid);
    if (gid)
        session_set(node->gid, c->gid);
    if (who.uid && node->mode & 0111 && !S_ISDIR(node->mode))
        session_set(node->mode, node->mode & (uint32_t) ~(S_ISUID | S_ISGID));
    node_changed(node);
    return 0;
}

int fchownat(int directory, const char *path, uid_t uid, gid_t gid, int flags)
{
    struct change c = {.call = owner_change, .uid = uid, .gid = gid};

    if (flags & ~AT_SYMLINK_NOFOLLOW)
        return (int)file_result(-EINVAL);
    return change_path(directory, path, follow(flags), &c);
}

int chown(const char *path, uid_t uid, gid_t gid)
{
    return fchownat(AT_FDCWD, path, uid, gid, 0);
}

int lchown(const char *path, uid_t uid, gid_t gid)
{
    return fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

int fchown(int descriptor, uid_t uid, gid_t gid)
{
    struct change c = {.call = owner_change, .uid = uid, .gid = gid};
    return change_file(descriptor, &c);
}

/* ---- times ---- */

static int64_t time_value(const struct timespec *t, int64_t now)
{
    return t->tv_nsec == UTIME_NOW ? now : (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static int times_change(struct node *node, const struct change *c)
{
    struct credentials who = credentials_effective();
    int64_t now = files_now();

    if (!credentials_own(&who, node)) {
        if (!c->now)
            return -EPERM;
        if (node_permit(node, &who, 2))
            return -EACCES;
    }
    if (c->times[0].tv_nsec != UTIME_OMIT)
        session_set(node->atime, time_value(&c->times[0], now));
    if (c->times[1].tv_nsec != UTIME_OMIT)
        session_set(node->mtime, time_value(&c->times[1], now));
    node_changed(node);
    return 0;
}

static bool time_valid(const struct timespec *t)
{
    return t->tv_nsec == UTIME_NOW || t->tv_nsec == UTIME_OMIT ||
           (t->tv_nsec >= 0 && t->tv_nsec < 1000000000);
}

static int times_take(struct change *c, const struct timespec user[2])
{
    *c = (struct change){.call = times_change, .times = {{0, UTIME_NOW}, {0, UTIME_NOW}}};
    if (user && user_copy_in(c->times, user, sizeof c->times))
        return -EFAULT;
    if (!time_valid(&c->times[0]) || !time_valid(&c->times[1]))
        return -EINVAL;
    c->now = c->times[0].tv_nsec == UTIME_NOW && c->times[1].tv_nsec == UTIME_NOW;
    return 0;
}

int utimensat(int directory, const char *path, const struct timespec times[2], int flags)
{
    struct change c;
    int error = flags & ~AT_SYMLINK_NOFOLLOW ? -EINVAL : times_take(&c, times);

    return error ? (int)file_result(error) : change_path(directory, path, follow(flags), &c);
}

int futimens(int descriptor, const struct timespec times[2])
{
    struct change c;
    int error = times_take(&c, times);

    return error ? (int)file_result(error) : change_file(descriptor, &c);
}

int utimes(const char *path, const struct timeval user[2])
{
    struct timeval v[2];
    struct timespec t[2];

    if (!user)
        return utimensat(AT_FDCWD, path, NULL, 0);
    if (user_copy_in(v, user, sizeof v))
        return (int)file_result(-EFAULT);
    for (int i = 0; i < 2; i++)
        t[i] = (struct timespec){v[i].tv_sec, v[i].tv_usec * 1000L};
    return utimensat(AT_FDCWD, path, t, 0);
}

int utime(const char *path, const struct utimbuf *user)
{
    struct utimbuf b;

    if (!user)
        return utimensat(AT_FDCWD, path, NULL, 0);
    if (user_copy_in(&b, user, sizeof b))
        return (int)file_result(-EFAULT);
    struct timespec t[2] = {{b.actime, 0}, {b.modtime, 0}};
    return utimensat(AT_FDCWD, path, t, 0);
}

/* ---- lengths ---- */

/* Held, so that it stays while it is shortened outside the monitor. */
static int truncate_call(struct path_call *c)
{
    struct node *node = c->walk.at;

    if (c->walk.number)
        return -EROFS;
    if (!S_ISREG(node->mode))
        return S_ISDIR(node->mode) ? -EISDIR : -EINVAL;
    return node_permit(node, &c->walk.who, 2);
}

int truncate(const char *path, off_t size)
{
    int descriptor = size < 0 ? (int)file_result(-EINVAL) : 0;
    struct path_call c;

    if (descriptor)
        return -1;
    c.flags = WALK_FOLLOW;
    int error = path_take(&c.walk, AT_FDCWD, path);
    if (!error)
        error = path_node(&c, truncate_call);
    if (error)
        return (int)file_result(error);
    /* by a descriptor: killed half way, we hold nothing */
    descriptor = open(path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0)
        return -1;
    int result = ftruncate(descriptor, size);
    error = errno;
    close(descriptor);
    errno = error;
    return result;
}

/* ---- the whole file system ---- */

static int statvfs_fill(struct statvfs *user)
{
    uint64_t pages = pages_free() + SESSION->free_bytes / NODE_PAGE;
    struct statvfs v = {.f_bsize = NODE_PAGE,
                        .f_frsize = NODE_PAGE,
                        .f_blocks = AEGIS_EXPOSED_STATE->page_count,
                        .f_bfree = pages,
                        .f_bavail = pages,
                        .f_files = FILE_SYSTEM->nodes + pages,
                        .f_ffree = pages,
                        .f_favail = pages,
                        .f_fsid = 1,
                        .f_namemax = NODE_NAME_MAX};

    return user_copy_out(user, &v, sizeof v);
}

static int any_call(struct path_call *c)
{
    (void)c;
    return 0;
}

int statvfs(const char *restrict path, struct statvfs *restrict user)
{
    struct path_call c;
    int error = path_take(&c.walk, AT_FDCWD, path);

    c.flags = WALK_FOLLOW;
    if (!error)
        error = path_node(&c, any_call);
    if (!error)
        error = statvfs_fill(user);
    return error ? (int)file_result(error) : 0;
}

int fstatvfs(int descriptor, struct statvfs *user)
{
    int error = file_at(descriptor) ? statvfs_fill(user) : -EBADF;
    return error ? (int)file_result(error) : 0;
}
