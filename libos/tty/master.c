/* SPDX-License-Identifier: BSD-2-Clause */
/* Pseudo-terminals: their making and end, and the master's side. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "../posix/user.h"
#include "terminals.h"

#define PIECE 256

/* ---- objects ---- */

struct terminal *terminal_make(unsigned *index)
{
    struct terminals *all = terminals();
    unsigned i = 1;

    while (i < TERMINALS && (all->terminal[i] || all->closed >> (i - 1) & 1))
        i++;
    *index = i;
    if (i == TERMINALS)
        return NULL;
    struct terminal *t = session_pages(TERMINAL_PAGES);
    if (!t)
        return NULL;
    session_set(t->index, i);
    session_set(t->flags, TERMINAL_LOCKED);
    terminal_defaults(t);
    session_set(all->terminal[i], t);
    return t;
}

static void terminal_free(struct terminal *t)
{
    struct terminals *all = terminals();

    terminal_disown(t);
    if (t->flags & TERMINAL_NODE)
        session_set(all->closed, all->closed | 1UL << (t->index - 1));
    session_set(all->terminal[t->index], NULL);
    session_pages_free(t, TERMINAL_PAGES);
}

void terminal_close(struct terminal *t, bool master)
{
    if (master) {
        session_set(t->masters, t->masters - 1);
        if (!t->masters)
            terminal_hang_up(t);
    } else {
        session_set(t->opens, t->opens - 1);
        if (!t->opens)
            channel_wake(&t->master);
    }
    if (t->index && !t->opens && !t->masters)
        terminal_free(t);
}

static void node_path(char path[24], unsigned index)
{
    snprintf(path, 24, "/dev/pts/%u", index - 1);
}

void terminals_reap(void)
{
    struct terminals *all = terminals();

    while (all && all->closed) {
        unsigned bit = (unsigned)__builtin_ctzl(all->closed);
        char path[24];
        node_path(path, bit + 1);
        device_remove(path);
        monitor_enter();
        session_set(all->closed, all->closed & ~(1UL << bit));
        monitor_leave();
    }
}

/* The slave's node, which is the caller's. */
static int node_make(struct terminal *t)
{
    char path[24];

    if (t->flags & TERMINAL_NODE)
        return 0;
    monitor_enter();
    session_set(t->flags, t->flags | TERMINAL_NODE);
    monitor_leave();
    node_path(path, t->index);
    int error = device_make(path, S_IFCHR | 0620, DEVICE(DEVICE_PTS, t->index - 1),
                            process_self->uid, process_self->gid);
    return error == -EEXIST ? 0 : error;
}

/* ---- the master ---- */

static int master_open(struct file *file, int flags)
{
    unsigned index;
    struct terminal *t = terminal_make(&index);

    (void)flags;
    if (!t)
        return index == TERMINALS ? -ENOSPC : -EAGAIN;
    session_set(t->masters, 1);
    session_set(file->object, t);
    return 0;
}

static void master_close(struct file *file)
{
    terminal_close(file->object, true);
}

static bool slave_gone(const struct terminal *t)
{
    return !t->opens && (t->flags & TERMINAL_OPENED);
}

/* What the slave wrote, and what was echoed. -EIO when it was closed. */
static ssize_t master_read(struct file *file, void *user, size_t size, off_t at)
{
    struct terminal *t = file->object;

    (void)at;
    while (size) {
        uint8_t bytes[PIECE];
        monitor_enter();
        uint64_t seen = channel_seen(&t->master), head = t->out_head;
        size_t n = terminal_out_peek(t, bytes, size < PIECE ? size : PIECE);
        bool gone = slave_gone(t);
        monitor_leave();
        if (n) {
            if (user_copy_out(user, bytes, n))
                return -EFAULT;
            monitor_enter();
            bool mine = t->out_head == head && t->out_end - head >= n;
            if (mine)
                terminal_out_take(t, n);
            monitor_leave();
            if (mine)
                return (ssize_t)n;
            continue;
        }
        int error = gone                       ? -EIO
                    : file->flags & O_NONBLOCK ? -EAGAIN
                                               : channel_wait(&t->master, seen, 0);
        if (error)
            return error;
    }
    return 0;
}

/* Keys; they are taken one step at a time. */
static ssize_t master_write(struct file *file, const void *user, size_t size, off_t at)
{
    struct terminal *t = file->object;
    size_t done = 0;

    (void)at;
    while (done < size) {
        uint8_t bytes[INPUT_STEP];
        size_t n = size - done < INPUT_STEP ? size - done : INPUT_STEP;
        if (user_copy_in(bytes, (const uint8_t *)user + done, n))
            return done ? (ssize_t)done : -EFAULT;
        monitor_enter();
        uint64_t seen = channel_seen(&t->master);
        size_t taken = terminal_input(t, bytes, n);
        bool more = terminal_takes(t);
        if (taken)
            seen = channel_seen(&t->master);
        monitor_leave();
        done += taken;
        if (taken || more)
            continue;
        int error = file->flags & O_NONBLOCK ? -EAGAIN : channel_wait(&t->master, seen, 0);
        if (error)
            return done ? (ssize_t)done : error;
    }
    return (ssize_t)done;
}

static unsigned master_poll(struct file *file, struct file_watch *watch)
{
    struct terminal *t = file->object;
    unsigned events = 0;

    file_watch_add(watch, &t->master);
    if (t->out_head != t->out_end)
        events |= POLLIN;
    if (slave_gone(t))
        events |= POLLHUP;
    if (terminal_takes(t))
        events |= POLLOUT;
    return events;
}

static int get_number(struct terminal *t, unsigned long argument)
{
    unsigned number = t->index - 1;
    int error = node_make(t);

    return error ? error : user_copy_out((void *)argument, &number, sizeof number);
}

static int set_lock(struct terminal *t, unsigned long argument)
{
    int lock, error = user_copy_in(&lock, (void *)argument, sizeof lock);

    if (!error)
        error = node_make(t);
    if (error)
        return error;
    monitor_enter();
    session_set(t->flags,
                lock ? t->flags | TERMINAL_LOCKED : t->flags & ~(uint32_t)TERMINAL_LOCKED);
    monitor_leave();
    return 0;
}

static int master_ioctl(struct file *file, unsigned long request, unsigned long argument)
{
    switch (request) {
    case TIOCGPTN:
        return get_number(file->object, argument);
    case TIOCSPTLCK:
        return set_lock(file->object, argument);
    default:
        return terminal_ioctl(file, request, argument);
    }
}

const struct file_operations pty_master_operations = {.open = master_open,
                                                      .close = master_close,
                                                      .read = master_read,
                                                      .write = master_write,
                                                      .ioctl = master_ioctl,
                                                      .poll = master_poll};
