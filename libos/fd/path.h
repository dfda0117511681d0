/* SPDX-License-Identifier: BSD-2-Clause */
/* What calls that name files by path have in common. */
#pragma once

#include "../fs/node.h"
#include "call.h"

/* Begins a walk of w->text in an open directory. -EBADF, -ENOTDIR. */
int path_begin_at(struct walk *w, int directory);

/* Begins a walk of a user's path. -EFAULT, -ENAMETOOLONG, -EBADF, -ENOTDIR. */
static inline int path_take(struct walk *w, int directory, const char *user)
{
    ssize_t n = user_string(w->text, user, sizeof w->text);

    if (n < 0)
        return (int)n;
    if (directory != AT_FDCWD && w->text[0] != '/')
        return path_begin_at(w, directory);
    walk_begin(w, NULL, w->text);
    return 0;
}

/* A call on the node of a path: in the monitor, until it does not say -EAGAIN. */
struct path_call {
    unsigned flags; /* WALK_FOLLOW */
    uint64_t words[2];
    struct walk walk; /* large, so last */
};

/* `call` finds walk.at, in the monitor. */
int path_node(struct path_call *c, int (*call)(struct path_call *c));
/* `call` finds what walk_parent has found. */
int path_parent(struct path_call *c, int (*call)(struct path_call *c));
