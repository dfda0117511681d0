/* SPDX-License-Identifier: BSD-2-Clause */
/* posix_spawn. libos/proc/spawn_internal.h says what the objects hold. */
#pragma once

#include <sched.h>
#include <signal.h>
#include <sys/types.h>

typedef struct {
    short __flags;
    short __spare;
    pid_t __group;
    sigset_t __default;
    sigset_t __mask;
    int __policy;
    struct sched_param __param;
} posix_spawnattr_t;

struct __spawn_action;
typedef struct {
    unsigned __count;
    unsigned __room;
    struct __spawn_action *__actions;
} posix_spawn_file_actions_t;

#define POSIX_SPAWN_RESETIDS      0x01
#define POSIX_SPAWN_SETPGROUP     0x02
#define POSIX_SPAWN_SETSCHEDPARAM 0x04
#define POSIX_SPAWN_SETSCHEDULER  0x08
#define POSIX_SPAWN_SETSIGDEF     0x10
#define POSIX_SPAWN_SETSIGMASK    0x20
#define POSIX_SPAWN_SETSID        0x40

#define __R __restrict

#ifdef __cplusplus
extern "C" {
#endif
int posix_spawn(pid_t *__R, const char *__R, const posix_spawn_file_actions_t *,
                const posix_spawnattr_t *__R, char *const[], char *const[]);
int posix_spawnp(pid_t *__R, const char *__R, const posix_spawn_file_actions_t *,
                 const posix_spawnattr_t *__R, char *const[], char *const[]);
int posix_spawn_file_actions_init(posix_spawn_file_actions_t *);
int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *);
int posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *, int);
int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *, int, int);
int posix_spawn_file_actions_addopen(posix_spawn_file_actions_t *__R, int, const char *__R, int,
                                     mode_t);
int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *__R, const char *__R);
int posix_spawn_file_actions_addfchdir_np(posix_spawn_file_actions_t *, int);
int posix_spawnattr_init(posix_spawnattr_t *);
int posix_spawnattr_destroy(posix_spawnattr_t *);
int posix_spawnattr_getflags(const posix_spawnattr_t *__R, short *__R);
int posix_spawnattr_setflags(posix_spawnattr_t *, short);
int posix_spawnattr_getpgroup(const posix_spawnattr_t *__R, pid_t *__R);
int posix_spawnattr_setpgroup(posix_spawnattr_t *, pid_t);
int posix_spawnattr_getsigdefault(const posix_spawnattr_t *__R, sigset_t *__R);
int posix_spawnattr_setsigdefault(posix_spawnattr_t *__R, const sigset_t *__R);
int posix_spawnattr_getsigmask(const posix_spawnattr_t *__R, sigset_t *__R);
int posix_spawnattr_setsigmask(posix_spawnattr_t *__R, const sigset_t *__R);
int posix_spawnattr_getschedpolicy(const posix_spawnattr_t *__R, int *__R);
int posix_spawnattr_setschedpolicy(posix_spawnattr_t *, int);
int posix_spawnattr_getschedparam(const posix_spawnattr_t *__R, struct sched_param *__R);
int posix_spawnattr_setschedparam(posix_spawnattr_t *__R, const struct sched_param *__R);
#ifdef __cplusplus
}
#endif
#undef __R
