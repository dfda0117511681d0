/* SPDX-License-Identifier: BSD-2-Clause */
/* open() and its kin, and the nodes that others make for devices. */
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "../fs/mount.h"
#include "../proc/busy_text.h"
#include "path.h"
#include "types.h"

#define KEPT_FLAGS (O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_DIRECTORY)

struct open_call {
    unsigned flags;
    mode_t mode;
    uint32_t made; /* the file was not there */
    struct file *file;
    struct walk walk; /* large, so last */
};

/* ---- the node ---- */

/* With O_CREAT one walk does: to the directory, where the name is or is to be. 1: it is a link,
 * which is to be followed. */
static int node_made(struct open_call *c)
{
    struct walk *w = &c->walk;
    struct node *node;
    int error = walk_parent(w);

    if (error)
        return error == -EEXIST ? -EISDIR : error;
    bool dots = w->name[0] == '.' && (w->length == 1 || (w->length == 2 && w->name[1] == '.'));
    if (w->slash || dots || w->number)
        return 1;
    struct entry *e = walk_entry(w);
    if (!e) {
        error = name_create(w, S_IFREG | (c->mode & 07777 & ~process_self->mask), &node);
        c->made = !error;
        w->at = node;
        return error;
    }
    if (c->flags & O_EXCL)
        return -EEXIST;
    if (S_ISLNK(e->node->mode) || e->node->mount)
        return 1;
    w->at = e->node;
    return 0;
}

/* A link that leads to nothing: the file is made where it points. */
static int node_behind(struct open_call *c)
{
    struct walk *w = &c->walk;
    int error = walk_find(w, WALK_FOLLOW);

    if (error != -ENOENT)
        return error;
    for (unsigned n = 0; n < WALK_LINKS; n++) {
        if ((error = walk_parent(w)))
            return error;
        if (w->slash)
            return -EISDIR;
        struct entry *e = w->number ? NULL : walk_entry(w);
        if (!e || !S_ISLNK(e->node->mode))
            return e ? -ENOENT : node_made(c);
        /* relative to where the link stands */
        memcpy(w->text, e->node->target, e->node->size);
        w->text[e->node->size] = 0;
        w->base = w->at;
    }
    return -ELOOP;
}

static inline unsigned follows(const struct open_call *c)
{
    return c->flags & O_NOFOLLOW ? 0 : WALK_FOLLOW;
}

/* With O_CREAT. */
static int node_find(struct open_call *c)
{
    int error = node_made(c);

    if (error != 1)
        return error;
    if (c->flags & O_EXCL)
        return -EEXIST;
    return follows(c) ? node_behind(c) : walk_find(&c->walk, 0);
}

/* ---- may it be opened so? ---- */

static unsigned wanted(unsigned flags)
{
    switch (flags & O_ACCMODE) {
    case O_RDONLY:
        return flags & O_TRUNC ? 4 | 2 : 4;
    case O_WRONLY:
        return 2;
    default:
        return 4 | 2;
    }
}

static int node_check(const struct open_call *c, const struct node *node)
{
    if (S_ISLNK(node->mode))
        return -ELOOP;
    if (c->flags & O_DIRECTORY && !S_ISDIR(node->mode))
        return -ENOTDIR;
    if (S_ISDIR(node->mode) && (c->flags & O_CREAT || wanted(c->flags) & 2))
        return -EISDIR;
    if (S_ISSOCK(node->mode) || S_ISBLK(node->mode))
        return -ENXIO;
    if (c->made) /* who makes a file may open it, whatever its mode */
        return 0;
    int error = node_permit(node, &c->walk.who, wanted(c->flags));
    bool writes = S_ISREG(node->mode) && wanted(c->flags) & 2;
    return !error && writes && text_runs(node) ? -ETXTBSY : error;
}

static int device_type(dev_t device)
{
    switch (DEVICE_MAJOR(device)) {
    case DEVICE_MEMORY:
        switch (DEVICE_MINOR(device)) {
        case 3:
            return FILE_NULL;
        case 5:
            return FILE_ZERO;
        case 7:
            return FILE_FULL;
        case 8:
        case 9:
            return FILE_RANDOM;
        default:
            return -ENXIO;
        }
    case DEVICE_TTY:
        return DEVICE_MINOR(device) == 2 ? FILE_PTY_MASTER : FILE_TERMINAL;
    case DEVICE_PTS:
        return FILE_TERMINAL;
    default:
        return -ENXIO;
    }
}

static int type_of(const struct node *node)
{
    switch (node->mode & S_IFMT) {
    case S_IFREG:
        return FILE_MEMORY;
    case S_IFDIR:
        return FILE_DIRECTORY;
    case S_IFIFO:
        return FILE_PIPE;
    case S_IFCHR:
        return device_type(node->device);
    default:
        return -ENXIO;
    }
}

/* ---- the open file ---- */

/* In the monitor: a file for a node, on a descriptor. */
static int file_open(struct open_call *c, struct node *node, int type, uint64_t number)
{
    const struct file_operations *o = file_operations[type];
    struct file *file = file_take((enum file_type)type, c->flags & KEPT_FLAGS);
    int error = file ? 0 : -EAGAIN;

    if (error)
        return error;
    file->node = node;
    file->words[0] = file->words[1] = number;
    node_hold(node);
    if (o->open && (error = o->open(file, (int)c->flags)))
        return error;
    if (!o->open && !o->read)
        return -ENXIO;
    c->file = file;
    return descriptor_take(file, c->flags);
}

/* A regular file, by root: what remains of all that. */
static inline int memory_open(struct open_call *c, struct node *node)
{
    struct file *file = file_take(FILE_MEMORY, c->flags & KEPT_FLAGS);

    if (!file)
        return -EAGAIN;
    file->node = node;
    node_hold(node);
    c->file = file;
    return descriptor_take(file, c->flags);
}

static int open_attempt(void *argument)
{
    struct open_call *c = argument;

    c->made = 0;
    int error = c->flags & O_CREAT ? node_find(c) : walk_find(&c->walk, follows(c));
    if (error)
        return error;
    struct node *node = c->walk.at;
    if (S_ISREG(node->mode) && !c->walk.who.uid && !(c->flags & (O_DIRECTORY | O_ACCMODE | O_TRUNC)))
        return memory_open(c, node);
    if (c->walk.number)
        return -EXDEV; /* of a mounted file system: see below */
    int type = type_of(node);
    if ((error = node_check(c, node)))
        return error;
    return type < 0 ? type : file_open(c, node, type, 0);
}

/* What is done outside the monitor: a FIFO's other end is waited for, a file is cut. */
static int open_finish(struct open_call *c, int descriptor)
{
    bool fifo = c->file->type == FILE_PIPE;
    int error;

    do {
        signals_defer();
        error = fifo ? fifo_wait(c->file) : node_truncate(c->file->node, 0);
        signals_allow();
    } while (error == -EINTR && !cancel_is_due() && signal_restart());
    if (error)
        close_now(descriptor);
    return error ? error : descriptor;
}

/* ---- in a mounted file system ---- */

static int mounted_attempt(void *argument)
{
    struct open_call *c = argument;
    return file_open(c, c->walk.at, c->walk.length ? FILE_DIRECTORY : FILE_MOUNTED, c->walk.number);
}

/* A regular file that a descriptor has open is opened anew; of all else the descriptor is copied. */
static int again_attempt(void *argument)
{
    struct open_call *c = argument;
    int error = node_check(c, c->walk.at);
    return error ? error : memory_open(c, c->walk.at);
}

static int open_again(struct open_call *c, int descriptor)
{
    struct file *file = file_at(descriptor);

    if (file && file->type == FILE_MEMORY) {
        c->walk.at = file->node;
        int made = file_attempt(again_attempt, c);
        return made >= 0 && c->flags & O_TRUNC ? open_finish(c, made) : made;
    }
    int copy = fcntl(descriptor, c->flags & O_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD, 0);
    return copy < 0 ? -errno : copy;
}

static int mounted_open(struct open_call *c)
{
    const struct filesystem *fs = file_systems[c->walk.at->mount];
    struct stat stat;
    int error = fs ? fs->stat(c->walk.number, &stat) : -ENOENT;

    if (error)
        return error;
    if (fs->descriptor && (error = fs->descriptor(c->walk.number)) >= 0)
        return open_again(c, error);
    if (c->flags & O_DIRECTORY && !S_ISDIR(stat.st_mode))
        return -ENOTDIR;
    if (S_ISLNK(stat.st_mode))
        return -ELOOP;
    unsigned writes = wanted(c->flags) & 2;
    if (writes && S_ISDIR(stat.st_mode))
        return -EISDIR;
    if (writes && !fs->write)
        return -EACCES;
    c->walk.length = S_ISDIR(stat.st_mode);
    return file_attempt(mounted_attempt, c);
}

/* ---- the calls ---- */

/* Its own function, so that what it works on is at hand in a register. */
static __attribute__((noinline)) int open_run(struct open_call *c, int directory, const char *path,
                                              unsigned flags, mode_t mode)
{
    int error = path_take(&c->walk, directory, path);

    if (error)
        return error;
    if ((flags & O_ACCMODE) == O_ACCMODE)
        return -EINVAL;
    c->flags = flags;
    c->mode = mode;
    int descriptor = file_attempt(open_attempt, c);
    if (descriptor < 0)
        return descriptor == -EXDEV ? mounted_open(c) : descriptor;
    bool more = c->file->type == FILE_PIPE ||
                (flags & O_TRUNC && c->file->type == FILE_MEMORY && c->file->node->size);
    return __builtin_expect(more, 0) ? open_finish(c, descriptor) : descriptor;
}

static __attribute__((noinline)) int open_path(int directory, const char *path, unsigned flags,
                                               mode_t mode)
{
    struct open_call c;
    int result = open_run(&c, directory, path, flags, mode);

    if (__builtin_expect(result >= 0, 1))
        return result;
    call_point(); /* a FIFO's wait may have been ended by a cancellation */
    return (int)file_result(result);
}

static __attribute__((noinline, cold)) int open_cancelled(int directory, const char *path,
                                                          unsigned flags, mode_t mode)
{
    signals_point();
    return open_path(directory, path, flags, mode);
}

static inline int open_point(int directory, const char *path, unsigned flags, mode_t mode)
{
    return point_due() ? open_cancelled(directory, path, flags, mode)
                       : open_path(directory, path, flags, mode);
}

int openat(int directory, const char *path, int flags, ...)
{
    va_list arguments;

    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_point(directory, path, (unsigned)flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list arguments;

    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_point(AT_FDCWD, path, (unsigned)flags, mode);
}

int creat(const char *path, mode_t mode)
{
    return open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

/* Of a stream that is being made: it is to be told whether there is a file. */
int _open(const char *path, int flags, ...)
{
    va_list arguments;
    int state;

    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    int descriptor = open_path(AT_FDCWD, path, (unsigned)flags, mode);
    pthread_setcancelstate(state, NULL);
    return descriptor;
}

/* ---- for those who have devices ---- */

struct device_call {
    struct walk walk;
    mode_t mode;
    dev_t device;
    uid_t uid;
    gid_t gid;
};

static int device_attempt(void *argument)
{
    struct device_call *c = argument;
    struct node *node;
    int error = walk_parent(&c->walk);

    if (!error)
        error = name_create(&c->walk, c->mode, &node);
    if (error)
        return error;
    node->device = c->device;
    node->uid = c->uid;
    node->gid = c->gid;
    return 0;
}

/* Whoever asks, the root it is seen from and the permission are the session's. */
static void device_walk(struct walk *w, const char *path)
{
    walk_begin(w, FILE_SYSTEM->root, path);
    w->root = FILE_SYSTEM->root;
    w->who = (struct credentials){0};
}

int device_make(const char *path, mode_t mode, dev_t device, uid_t uid, gid_t gid)
{
    struct device_call c = {
        .mode = S_IFCHR | (mode & 07777), .device = device, .uid = uid, .gid = gid};

    device_walk(&c.walk, path);
    return file_attempt(device_attempt, &c);
}

static int device_remove_attempt(void *argument)
{
    struct device_call *c = argument;
    int error = walk_parent(&c->walk);
    return error ? error : name_unlink(&c->walk);
}

int device_remove(const char *path)
{
    struct device_call c;

    device_walk(&c.walk, path);
    return file_attempt(device_remove_attempt, &c);
}

/* The console thrice: as a terminal for reading and writing, else by its channels. */
static int standard_attempt(void *argument)
{
    struct open_call *c = argument;
    int error = walk_find(&c->walk, WALK_FOLLOW);

    if (error)
        return error;
    for (unsigned i = 0; i < 3; i++) {
        c->flags = O_RDWR;
        error = file_open(c, c->walk.at, type_of(c->walk.at), i);
        if (error < 0) {
            descriptors_lower(0);
            return error;
        }
    }
    return 0;
}

int descriptors_boot(void)
{
    struct open_call c = {0};

    device_walk(&c.walk, "/dev/console");
    return file_attempt(standard_attempt, &c);
}
