/* SPDX-License-Identifier: BSD-2-Clause */
/* Directories: read some names at a time; the current one and the root. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../fs/mount.h"
#include "path.h"

#define NAMES 16  /* read in one stay in the monitor */
#define BYTES 640 /* of names, likewise */

struct __exo_dir {
    int descriptor;
    unsigned count, next; /* of `entries` */
    /* Where the list of names is gone on with, while no name has been removed. */
    const struct node *node;
    const struct entry *kept;
    uint64_t removals;
    struct dirent entries[NAMES];
};

static unsigned char type_of(mode_t mode)
{
    return (unsigned char)((mode & S_IFMT) >> 12);
}

static void name_put(DIR *d, ino_t inode, mode_t mode, const char *name, size_t length,
                     uint64_t next)
{
    struct dirent *e = &d->entries[d->count++];

    e->d_ino = inode;
    e->d_type = type_of(mode);
    e->d_off = (off_t)next;
    e->d_reclen = sizeof *e;
    memcpy(e->d_name, name, length);
    e->d_name[length] = 0;
}

/* ---- names of a directory in memory ---- */

static const struct entry *entry_at(DIR *d, const struct node *node, uint64_t cookie)
{
    const struct directory *list = node->directory;

    if (d->kept && d->node == node && d->removals == list->removals && d->kept->cookie == cookie)
        return d->kept;
    return directory_from(list, cookie);
}

static void names_take(DIR *d, const struct node *node, uint64_t cookie)
{
    size_t bytes = 0;

    if (cookie == 0)
        name_put(d, node->inode, node->mode, ".", 1, 1);
    if (cookie <= 1)
        name_put(d, node->parent->inode, node->mode, "..", 2, 2);
    if (!node->links)
        return; /* removed: nothing is in it any more */
    const struct entry *e = entry_at(d, node, cookie < 2 ? 2 : cookie);
    for (; e && d->count < NAMES && bytes < BYTES; e = e->next) {
        name_put(d, e->node->inode, e->node->mode, e->name, e->length, e->cookie + 1);
        if (e->next)
            d->entries[d->count - 1].d_off = (off_t)e->next->cookie;
        bytes += e->length;
    }
    d->node = node;
    d->kept = e;
    d->removals = node->directory->removals;
}

static int mounted_take(DIR *d, const struct file *file, uint64_t position)
{
    const struct filesystem *fs = file_systems[file->node->mount];
    struct mounted_name name;
    int more = fs ? fs->list(file->words[0], position, &name) : 0;

    if (more > 0)
        name_put(d, name.number, (mode_t)name.type << 12, name.name, strlen(name.name), name.next);
    return more;
}

/* Fills `entries` anew. -EBADF, -ENOENT. */
static int entries_take(DIR *d)
{
    struct file *file = file_at(d->descriptor);
    int error = 0;

    if (!file || file->type != FILE_DIRECTORY)
        return -EBADF;
    uint64_t place = __atomic_load_n(&file->offset, __ATOMIC_ACQUIRE);
    d->count = d->next = 0;
    if (file->words[0]) {
        error = mounted_take(d, file, place);
    } else {
        monitor_enter();
        names_take(d, file->node, place);
        monitor_leave();
    }
    if (d->count)
        __atomic_store_n(&file->offset, (uint64_t)d->entries[d->count - 1].d_off, __ATOMIC_RELEASE);
    return error < 0 ? error : 0;
}

struct dirent *readdir(DIR *d)
{
    if (d->next == d->count) {
        signals_defer();
        int error = entries_take(d);
        signals_allow();
        if (error)
            file_result(error);
        if (error || !d->count)
            return NULL;
    }
    return &d->entries[d->next++];
}

int readdir_r(DIR *restrict d, struct dirent *restrict entry, struct dirent **restrict result)
{
    struct dirent *next = readdir(d);

    *result = next ? entry : NULL;
    if (next)
        *entry = *next;
    return 0;
}

/* ---- streams ---- */

DIR *fdopendir(int descriptor)
{
    struct file *file = file_at(descriptor);
    int error = !file ? EBADF : file->type != FILE_DIRECTORY ? ENOTDIR : 0;
    DIR *d = error ? NULL : calloc(1, sizeof *d);

    if (!d) {
        errno = error ? error : ENOMEM;
        return NULL;
    }
    d->descriptor = descriptor;
    return d;
}

DIR *opendir(const char *path)
{
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = descriptor < 0 ? NULL : fdopendir(descriptor);

    if (!d && descriptor >= 0)
        close(descriptor);
    return d;
}

void seekdir(DIR *d, long place)
{
    lseek(d->descriptor, place, SEEK_SET);
    d->count = d->next = 0;
}

void rewinddir(DIR *d)
{
    seekdir(d, 0);
}

long telldir(DIR *d)
{
    if (d->next == 0)
        return d->count ? 0 : lseek(d->descriptor, 0, SEEK_CUR);
    return (long)d->entries[d->next - 1].d_off;
}

int dirfd(DIR *d)
{
    return d->descriptor;
}

int closedir(DIR *d)
{
    int result = close(d->descriptor);

    free(d);
    return result;
}

/* ---- where the process is ---- */

struct place_call {
    struct path_call path; /* first */
    void **place;          /* &process_self->directory, or its root */
};

static int place_set(void **place, struct node *node, uint64_t number)
{
    struct node *old = *place;

    node_hold(node);
    session_set(*place, node);
    if (place == &process_self->directory)
        session_set(process_self->directory_number, number);
    if (old)
        node_drop(old);
    return 0;
}

static int place_call(struct path_call *p)
{
    struct place_call *c = (struct place_call *)p;
    struct node *node = p->walk.at;

    if (p->walk.number > MOUNT_ROOT)
        return -EXDEV; /* within what is mounted: see below */
    if (!S_ISDIR(node->mode))
        return -ENOTDIR;
    int error = node_permit(node, &p->walk.who, 1);
    return error ? error : place_set(c->place, node, p->walk.number);
}

static int mounted_attempt(void *argument)
{
    struct place_call *c = argument;
    return place_set(c->place, c->path.walk.at, c->path.walk.number);
}

/* A root has its place in memory. */
static int mounted_place(struct place_call *c)
{
    const struct filesystem *fs = file_systems[c->path.walk.at->mount];
    struct stat stat;
    int error = !fs || c->place == &process_self->root ? -ENOSYS : fs->stat(c->path.walk.number, &stat);

    if (!error && !S_ISDIR(stat.st_mode))
        error = -ENOTDIR;
    return error ? error : file_attempt(mounted_attempt, c);
}

static int place_change(void **place, const char *path)
{
    struct place_call c;
    int error = path_take(&c.path.walk, AT_FDCWD, path);

    c.path.flags = WALK_FOLLOW;
    c.place = place;
    if (!error)
        error = path_node(&c.path, place_call);
    if (error == -EXDEV)
        error = mounted_place(&c);
    files_reap();
    return error ? (int)file_result(error) : 0;
}

int chdir(const char *path)
{
    return place_change(&process_self->directory, path);
}

int chroot(const char *path)
{
    if (process_self->euid)
        return (int)file_result(-EPERM);
    return place_change(&process_self->root, path);
}

static int fchdir_attempt(void *argument)
{
    struct file *file = file_at(*(int *)argument);
    struct credentials who = credentials_effective();

    if (!file)
        return -EBADF;
    if (file->type != FILE_DIRECTORY)
        return -ENOTDIR;
    int error = node_permit(file->node, &who, 1);
    return error ? error : place_set(&process_self->directory, file->node, file->words[0]);
}

int fchdir(int descriptor)
{
    int error = file_attempt(fchdir_attempt, &descriptor);

    files_reap();
    return error ? (int)file_result(error) : 0;
}

static ssize_t current_path(char *text, size_t size)
{
    struct node *root = process_self->root ? process_self->root : FILE_SYSTEM->root;

    monitor_enter();
    struct node *at = process_self->directory ? process_self->directory : root;
    uint64_t number = process_self->directory_number;
    unsigned mount = at->mount;
    int error = walk_path(at, root, text, size);
    monitor_leave();
    if (!error && mount)
        error = mounted_path(mount, number, text, size);
    return error ? error : (ssize_t)strlen(text) + 1;
}

char *getcwd(char *buffer, size_t size)
{
    char text[WALK_PATH], *made = NULL;
    ssize_t n = buffer && !size ? -EINVAL : current_path(text, sizeof text);

    if (n > 0 && size && (size_t)n > size)
        n = -ERANGE;
    if (n > 0 && !buffer && !(buffer = made = malloc(size ? size : (size_t)n)))
        n = -ENOMEM;
    if (n > 0 && user_copy_out(buffer, text, (size_t)n)) {
        free(made);
        n = -EFAULT;
    }
    return n > 0 ? buffer : (file_result(n), NULL);
}
