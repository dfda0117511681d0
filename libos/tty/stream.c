/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Standard streams where the host has no terminal: bytes as they are. Whoever reads takes from the
 * kernel's ring, which holds the host back.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/scheduler.h>

#include "../posix/process.h"
#include "../posix/user.h"
#include "terminals.h"

#define CHUNK   64
#define CONTROL 3

static bool input_there(void)
{
    return AEGIS_EXPOSED_STATE->input_count != AEGIS_EXPOSED_STATE->input_taken;
}

static long input_get(const struct file *file, uint8_t *bytes, size_t size)
{
    for (;;) {
        uint64_t seen = AEGIS_EXPOSED_STATE->input_count;
        long n = console_get(bytes, size);
        if (n != AEGIS_E_AGAIN)
            return n < 0 ? -EIO : n;
        if (file->flags & O_NONBLOCK)
            return -EAGAIN;
        struct aegis_predicate more = {AEGIS_NONE, AEGIS_NE, 8, AEGIS_EXPOSED_OFFSET(input_count),
                                       seen};
        if (thread_wait_signal(&more, 1, 0) == THREAD_WAKE_SIGNAL)
            return -EINTR;
    }
}

/* What there is, and something if there is nothing yet. */
static ssize_t console_read(struct file *file, void *user, size_t size, off_t at)
{
    uint8_t bytes[CHUNK];
    size_t done = 0;

    (void)at;
    while (done < size && (!done || input_there())) {
        size_t n = size - done < sizeof bytes ? size - done : sizeof bytes;
        long got = input_get(file, bytes, n);
        if (got > 0 && user_copy_out((uint8_t *)user + done, bytes, (size_t)got))
            got = -EFAULT;
        if (got <= 0)
            return done ? (ssize_t)done : got;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

static ssize_t console_write(struct file *file, const void *user, size_t size, off_t at)
{
    unsigned channel = file->words[0] == 2 ? 2 : 1;
    size_t done = 0;

    (void)at;
    while (done < size) {
        uint8_t bytes[CHUNK];
        size_t n = size - done < sizeof bytes ? size - done : sizeof bytes;
        ssize_t sent = user_copy_in(bytes, (const uint8_t *)user + done, n);
        if (!sent)
            sent = console_send_all(channel, bytes, n);
        if (sent < 0)
            return done ? (ssize_t)done : sent;
        done += (size_t)sent;
        if ((size_t)sent < n)
            break;
    }
    return (ssize_t)done;
}

/* Init watches the line for those who poll only. They ask for input too: a counted run's host keeps
 * its end back until then. */
static unsigned console_poll(struct file *file, struct file_watch *watch)
{
    if (file->words[0])
        return POLLOUT;
    file_watch_add(watch, &terminals()->input);
    if (input_there())
        return POLLIN;
    if (!__atomic_exchange_n(&terminals()->polled, 1, __ATOMIC_SEQ_CST))
        channel_wake(&SESSION->keeper_channel);
    console_send(CONTROL, "input\n", 6);
    return input_there() ? POLLIN : 0;
}

static int console_stat(struct file *file, struct stat *stat)
{
    if (terminals()->stream[file->words[0] % 3] != STREAM_NULL)
        stat->st_mode = S_IFIFO | 0600;
    return 0;
}

const struct file_operations console_operations = {
    .read = console_read, .write = console_write, .stat = console_stat, .poll = console_poll};
