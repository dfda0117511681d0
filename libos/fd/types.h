/* SPDX-License-Identifier: BSD-2-Clause */
/* The types of open files that are libos/fd's own. */
#pragma once

#include "file.h"

extern const struct file_operations memory_operations, directory_operations, mounted_operations,
    pipe_operations, null_operations, zero_operations, full_operations, random_operations;

/* The most usual of all, called directly. */
ssize_t memory_read(struct file *file, void *user, size_t size, off_t at);

/* Of a pipe, what can be done without waiting. 0: nothing. */
ssize_t pipe_read_now(struct file *file, void *user, size_t size);
ssize_t pipe_write_now(struct file *file, const void *user, size_t size);

/* O_TRUNC and truncate(); outside the monitor. */
int node_truncate(struct node *node, off_t size);
/* Room up to `end`: the size grows so far. */
int memory_allocate(struct node *node, off_t offset, off_t end);

/* After a FIFO was opened: waits for the other end. -EINTR. */
int fifo_wait(struct file *file);
/* In the monitor: a pipe that is no FIFO; both files. -EAGAIN. */
int pipe_make(struct file *ends[2], unsigned flags);

/* Numbers for programs that want some; not for keys. */
