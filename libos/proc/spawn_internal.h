/* SPDX-License-Identifier: BSD-2-Clause */
/* What a new process does with its descriptors before its program begins, in this order. */
#pragma once

#include <spawn.h>

enum spawn_kind {
    SPAWN_CLOSE,  /* fd */
    SPAWN_DUP2,   /* fd -> to; the same: close-on-exec is taken off */
    SPAWN_OPEN,   /* path, flags, mode -> fd */
    SPAWN_CHDIR,  /* path */
    SPAWN_FCHDIR, /* fd */
};

/* posix_spawn_file_actions_t holds `__count` of these at `__actions`. */
struct __spawn_action {
    enum spawn_kind kind;
    int fd;
    int to;
    int flags;
    mode_t mode;
    char *path; /* its own copy */
};
