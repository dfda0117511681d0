/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs into spaces: what exec, spawn and the session's first program have in common. */
#pragma once

#include <stddef.h>

#include "table.h"

/* Where strings come from: an array of pointers that a user named, or one of ours. */
struct strings {
    const char *const *list; /* ends in null; null: none */
    bool ours;               /* else read with care */
};

struct spawn_setup {
    const struct __spawn_action *actions;
    unsigned action_count;
    bool exec; /* the process goes on, in another environment */
    bool apart; /* it is the first of a session apart: no process of ours */
    uint64_t blocked; /* signals, of a new process's first thread */
};

/*
 * Makes a space with the program of a path (an ELF file, or a script with its interpreter) and a
 * start block for `p`, ready for a slot of time. A space apart has no `p`. `path` is ours, and may lie in `w`, which looks for
 * it: so the large thing on the stack is the outermost, and few pages of it are written, which fork would copy. Sets the
 * process's name and image. -errno of execve.
 */
struct walk;
int program_load(struct space *s, struct process *p, unsigned hart, struct walk *w, const char *path,
                 const struct strings *arguments, const struct strings *environment,
                 const struct spawn_setup *setup);

/* A new process, child of the caller, with such a program; `prepare` may change its entry, in the
 * monitor. Its pid, or -errno. */
pid_t process_spawn(const char *path, const struct strings *arguments,
                    const struct strings *environment, const struct spawn_setup *setup,
                    int (*prepare)(struct process *, void *), void *argument);

/* In the new environment: becomes the process that the start block names. */
struct start_block;
void process_take_over(const struct start_block *start);
/* What posix_spawn asked to be done with descriptors; an error ends the process with 127. */
void start_actions(const struct start_block *start);
