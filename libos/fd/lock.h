/* SPDX-License-Identifier: BSD-2-Clause */
/* Record locks and flock: a list at each node, in session memory. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct file;
struct node;
struct process;
struct flock;

/*
 * Whose a lock is: a process's (fcntl), or an open file's (flock, and fcntl's of open files).
 * Ranges are [start, end); those of one owner never overlap.
 */
struct record_lock {
    struct record_lock *next;
    uint64_t start, end;
    const void *owner; /* struct process or struct file */
    pid_t pid;
    uint16_t exclusive, whole; /* whole: flock's, which fcntl does not see */
};

/* In the monitor. Any close of a file by a process ends that process's locks on it. */
void locks_drop(struct node *node, const struct process *p);
/* The last reference of an open file is gone. */
void locks_drop_file(struct file *file);

/* fcntl's F_GETLK, F_SETLK, F_SETLKW; outside the monitor. 0 or -errno. */
int lock_get(struct file *file, struct flock *flock);
int lock_set(struct file *file, const struct flock *flock, bool wait);
/* flock(): operation is LOCK_SH, LOCK_EX or LOCK_UN, with LOCK_NB. */
int lock_whole(struct file *file, int operation);
