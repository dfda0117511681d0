/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * posix_spawn: a process made at once, with no copy of ours. The parent finds the program and fills
 * the child's entry; what is to be done with descriptors the child does, before its program begins.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../posix/process.h"
#include "../posix/user.h"
#include "../sched/thread.h"
#include "exec.h"
#include "spawn_internal.h"
#include "../thread/pthread_internal.h"

#define FAILED 127

/* ---- in the child ---- */

static int action_do(const struct start_action *a, const char *path)
{
    int fd;

    switch ((enum spawn_kind)a->kind) {
    case SPAWN_CLOSE:
        return close(a->fd) && errno != EBADF ? -1 : 0;
    case SPAWN_DUP2:
        if (a->fd == a->to)
            return fcntl(a->fd, F_SETFD, 0);
        return dup2(a->fd, a->to) < 0 ? -1 : 0;
    case SPAWN_OPEN:
        fd = open(path, a->flags, a->mode);
        if (fd < 0 || fd == a->fd)
            return fd < 0 ? -1 : 0;
        return dup2(fd, a->fd) < 0 ? -1 : close(fd);
    case SPAWN_CHDIR:
        return chdir(path);
    case SPAWN_FCHDIR:
        return fchdir(a->fd);
    }
    return -1;
}

void start_actions(const struct start_block *start)
{
    const struct start_action *a =
        (const struct start_action *)((const char *)start + start->actions);

    for (unsigned i = 0; i < start->action_count; i++)
        if (action_do(&a[i], (const char *)start + a[i].path))
            process_end(START_EXITED, FAILED);
    if (start->spawned)
        descriptors_exec(process_self);
}

/* ---- in the parent ---- */

static int attributes_apply(struct process *p, void *argument)
{
    const posix_spawnattr_t *a = argument;

    if (!a)
        return 0;
    if (a->__flags & POSIX_SPAWN_SETPGROUP)
        session_set(p->group, a->__group ? a->__group : p->pid);
    if (a->__flags & POSIX_SPAWN_SETSID) {
        session_set(p->session, p->pid);
        session_set(p->group, p->pid);
        session_set(p->terminal, 0);
    }
    if (a->__flags & POSIX_SPAWN_RESETIDS) {
        session_set(p->euid, p->uid);
        session_set(p->egid, p->gid);
    }
    if (a->__flags & POSIX_SPAWN_SETSIGDEF)
        session_set(p->ignored, p->ignored & ~(uint64_t)a->__default);
    if (a->__flags & (POSIX_SPAWN_SETSCHEDULER | POSIX_SPAWN_SETSCHEDPARAM))
        return -scheduling_set(
            p, a->__flags & POSIX_SPAWN_SETSCHEDULER ? a->__policy : (int)p->policy,
            a->__param.sched_priority);
    return 0;
}

static int spawn_path(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                      const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    struct strings a = {(const char *const *)argv, false};
    struct strings e = {(const char *const *)envp, false};
    struct spawn_setup setup = {.blocked = thread_self()->blocked};
    posix_spawn_file_actions_t todo;
    posix_spawnattr_t own;
    pid_t child = -1;
    char name[PATH_MAX];

    if (!process_self)
        return ENOSYS;
    ssize_t length = user_string(name, path, sizeof name);
    if (length <= 0)
        return length ? (int)-length : ENOENT;
    if ((actions && user_copy_in(&todo, actions, sizeof todo)) ||
        (attributes && user_copy_in(&own, attributes, sizeof own)) ||
        (pid && user_copy_out(pid, &child, sizeof child))) /* before there is one */
        return EFAULT;
    if (actions) {
        setup.actions = todo.__actions;
        setup.action_count = todo.__count;
    }
    if (attributes && own.__flags & POSIX_SPAWN_SETSIGMASK)
        setup.blocked = own.__mask;
    child = process_spawn(name, &a, &e, &setup, attributes_apply, attributes ? &own : NULL);
    if (child < 0)
        return -child;
    if (pid)
        *pid = child;
    return 0;
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    return spawn_path(pid, path, actions, attributes, argv, envp);
}

/* The first of PATH's folders in which it can be run. */
int posix_spawnp(pid_t *pid, const char *user, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    const char *folders = getenv("PATH"), *end;
    char path[PATH_MAX], file[PATH_MAX];
    int error = ENOENT, refused = 0;
    ssize_t length = user_string(file, user, sizeof file);

    if (length <= 0)
        return length ? (int)-length : ENOENT;
    if (strchr(file, '/'))
        return spawn_path(pid, file, actions, attributes, argv, envp);
    if (!folders)
        folders = "/bin:/usr/bin";
    for (; error == ENOENT || error == ENOTDIR || error == EACCES; folders = end + 1) {
        end = folders + strcspn(folders, ":");
        int n = snprintf(path, sizeof path, "%.*s%s%s", (int)(end - folders), folders,
                         end > folders ? "/" : "", file);
        error = n < (int)sizeof path ? spawn_path(pid, path, actions, attributes, argv, envp)
                                     : ENAMETOOLONG;
        refused |= error == EACCES;
        if (!*end)
            break;
    }
    return error == ENOENT && refused ? EACCES : error;
}
