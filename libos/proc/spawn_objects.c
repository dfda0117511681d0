/* SPDX-License-Identifier: BSD-2-Clause */
/* The objects that posix_spawn is given: file actions and attributes. posix_spawn itself reads
 * them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spawn_internal.h"

#define DESCRIPTOR_VALID(fd) ((fd) >= 0 && (fd) < 1024)

int posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions)
{
    *actions = (posix_spawn_file_actions_t){0};
    return 0;
}

int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *actions)
{
    for (unsigned i = 0; i < actions->__count; i++)
        free(actions->__actions[i].path);
    free(actions->__actions);
    return posix_spawn_file_actions_init(actions);
}

static int action_add(posix_spawn_file_actions_t *actions, struct __spawn_action action,
                      const char *path)
{
    if (actions->__count == actions->__room) {
        unsigned room = actions->__room ? 2 * actions->__room : 8;
        struct __spawn_action *larger = realloc(actions->__actions, room * sizeof *larger);
        if (!larger)
            return ENOMEM;
        actions->__actions = larger;
        actions->__room = room;
    }
    if (path && !(action.path = strdup(path)))
        return ENOMEM;
    actions->__actions[actions->__count++] = action;
    return 0;
}

int posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *actions, int fd)
{
    if (!DESCRIPTOR_VALID(fd))
        return EBADF;
    return action_add(actions, (struct __spawn_action){.kind = SPAWN_CLOSE, .fd = fd}, NULL);
}

int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int fd, int to)
{
    if (!DESCRIPTOR_VALID(fd) || !DESCRIPTOR_VALID(to))
        return EBADF;
    struct __spawn_action action = {.kind = SPAWN_DUP2, .fd = fd, .to = to};
    return action_add(actions, action, NULL);
}

int posix_spawn_file_actions_addopen(posix_spawn_file_actions_t *restrict actions, int fd,
                                     const char *restrict path, int flags, mode_t mode)
{
    if (!DESCRIPTOR_VALID(fd))
        return EBADF;
    struct __spawn_action action = {.kind = SPAWN_OPEN, .fd = fd, .flags = flags, .mode = mode};
    return action_add(actions, action, path);
}

int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *restrict actions,
                                         const char *restrict path)
{
    return action_add(actions, (struct __spawn_action){.kind = SPAWN_CHDIR}, path);
}

int posix_spawn_file_actions_addfchdir_np(posix_spawn_file_actions_t *actions, int fd)
{
    if (!DESCRIPTOR_VALID(fd))
        return EBADF;
    return action_add(actions, (struct __spawn_action){.kind = SPAWN_FCHDIR, .fd = fd}, NULL);
}

int posix_spawnattr_init(posix_spawnattr_t *attributes)
{
    *attributes = (posix_spawnattr_t){0};
    return 0;
}

int posix_spawnattr_destroy(posix_spawnattr_t *attributes)
{
    return posix_spawnattr_init(attributes);
}

int posix_spawnattr_getflags(const posix_spawnattr_t *restrict attributes, short *restrict flags)
{
    *flags = attributes->__flags;
    return 0;
}

int posix_spawnattr_setflags(posix_spawnattr_t *attributes, short flags)
{
    if (flags & ~(POSIX_SPAWN_RESETIDS | POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSCHEDPARAM |
                  POSIX_SPAWN_SETSCHEDULER | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                  POSIX_SPAWN_SETSID))
        return EINVAL;
    attributes->__flags = flags;
    return 0;
}

int posix_spawnattr_getpgroup(const posix_spawnattr_t *restrict attributes, pid_t *restrict group)
{
    *group = attributes->__group;
    return 0;
}

int posix_spawnattr_setpgroup(posix_spawnattr_t *attributes, pid_t group)
{
    attributes->__group = group;
    return 0;
}

int posix_spawnattr_getsigdefault(const posix_spawnattr_t *restrict attributes,
                                  sigset_t *restrict set)
{
    *set = attributes->__default;
    return 0;
}

int posix_spawnattr_setsigdefault(posix_spawnattr_t *restrict attributes,
                                  const sigset_t *restrict set)
{
    attributes->__default = *set;
    return 0;
}

int posix_spawnattr_getsigmask(const posix_spawnattr_t *restrict attributes, sigset_t *restrict set)
{
    *set = attributes->__mask;
    return 0;
}

int posix_spawnattr_setsigmask(posix_spawnattr_t *restrict attributes, const sigset_t *restrict set)
{
    attributes->__mask = *set;
    return 0;
}

int posix_spawnattr_getschedpolicy(const posix_spawnattr_t *restrict attributes,
                                   int *restrict policy)
{
    *policy = attributes->__policy;
    return 0;
}

int posix_spawnattr_setschedpolicy(posix_spawnattr_t *attributes, int policy)
{
    if (policy != SCHED_OTHER && policy != SCHED_FIFO && policy != SCHED_RR)
        return EINVAL;
    attributes->__policy = policy;
    return 0;
}

int posix_spawnattr_getschedparam(const posix_spawnattr_t *restrict attributes,
                                  struct sched_param *restrict param)
{
    *param = attributes->__param;
    return 0;
}

int posix_spawnattr_setschedparam(posix_spawnattr_t *restrict attributes,
                                  const struct sched_param *restrict param)
{
    attributes->__param = *param;
    return 0;
}
