/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The terminals of a session, who controls which, and the console they may end at.
 *
 *     SESSION->terminals --> terminal[0]     the console, if any standard stream of the host's is one
 *                            terminal[N + 1] pts/N
 *
 *     first program's 0, 1, 2 --> FILE_TERMINAL (the console), where the host has a terminal there,
 *                             --> FILE_CONSOLE (bytes as they are), where it has anything else
 */
#pragma once

#include "../fd/file.h"
#include "../session/process.h"
#include "terminal.h"

/* What the host has as a standard stream. */
enum stream_kind { STREAM_NULL, STREAM_PIPE, STREAM_FILE, STREAM_TERMINAL };

struct terminals {
    struct terminal *terminal[TERMINALS];
    uint64_t closed;     /* bit N: pts/N is gone, its node is still to be removed */
    uint32_t stream[3];  /* enum stream_kind */
    uint32_t channel;    /* of the console's line that shows the terminal */
    struct channel input; /* console that is no terminal: more has come, and somebody polls */
    uint32_t polled;      /* init is to tell of more */
};

static inline struct terminals *terminals(void)
{
    return SESSION->terminals;
}

/* Before the first program: the root, and the console. -ENOMEM. */
int terminals_boot(void);
/* The console becomes the controlling terminal of the first program. In the monitor. */
void terminal_first(struct process *p);
/* Removes the nodes of pseudo-terminals that are closed. Out of the monitor. */
void terminals_reap(void);

/* ---- in the monitor ---- */

/* Null: session memory is to be reserved. The index is the lowest free one; *index TERMINALS: none. */
#define TERMINAL_PAGES ((sizeof(struct terminal) + 4095) / 4096)
struct terminal *terminal_make(unsigned *index);
/* A file of it is closed; with the last it goes. */
void terminal_close(struct terminal *t, bool master);
/* The file has lost it: its session's leader ended, or its master was closed, after it was opened. */
static inline bool terminal_lost(const struct file *file, const struct terminal *t)
{
    return file->words[1] != t->hangups;
}

struct terminal *terminal_of(const struct process *p);
/* A session's leader without one gets it, if it is nobody's. */
bool terminal_acquire(struct terminal *t, struct process *p);
/* SIGHUP and SIGCONT to the foreground group; then it is nobody's. */
void terminal_disown(struct terminal *t);
/* The same, and all files that are open now have lost it. */
void terminal_hang_up(struct terminal *t);
/*
 * Whether the caller may read (SIGTTIN) or change (SIGTTOU) its terminal. 0; -EIO; or -EINTR, and
 * the signal was sent to the caller's group.
 */
int terminal_allows(const struct terminal *t, int signal);
/* tcsetpgrp: -ENOTTY, -EINVAL, -EPERM. */
int terminal_foreground_set(struct terminal *t, pid_t group);
/* No process of the group has a parent outside of it in the same session (libos/proc). */
bool group_orphaned(pid_t group);
/* The window has another size: SIGWINCH. */
void terminal_resize(struct terminal *t, const struct winsize *window);

/* ---- the console (console.c) ---- */

/* At most 64 bytes, by one call. How many; -EAGAIN: the line is busy; -EIO. */
long console_send(unsigned channel, const void *bytes, size_t size);
/* All of them but after a signal; how many went out, or -EINTR if none. */
ssize_t console_send_all(unsigned channel, const uint8_t *bytes, size_t size);
/* Output of the console as a terminal: cooked. */
ssize_t console_write_cooked(struct terminal *t, unsigned channel, const uint8_t *bytes,
                             size_t size);

/* ---- operations of files ---- */

ssize_t terminal_read(struct file *file, void *user, size_t size, off_t at);
ssize_t terminal_write(struct file *file, const void *user, size_t size, off_t at);
int terminal_ioctl(struct file *file, unsigned long request, unsigned long argument);
