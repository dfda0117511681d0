/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading and writing a terminal: waiting, job control, the user's memory. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include <aegis/exposed.h>

#include "../posix/process.h"
#include "../posix/user.h"
#include "terminals.h"

#define PIECE 256 /* bytes of a read that pass at once */

/* Waits for a read to have something. 1: it has; 0: nothing will come; negative errno. */
static int read_wait(struct file *file, struct terminal *t, struct terminal_reading *r)
{
    for (;;) {
        monitor_enter();
        uint64_t seen = channel_seen(&t->input);
        bool lost = terminal_lost(file, t);
        int error = lost ? 0 : terminal_allows(t, SIGTTIN);
        r->now = clock_ticks();
        enum terminal_verdict verdict = terminal_look(t, r);
        monitor_leave();
        if (error || lost)
            return error;
        if (verdict != TAKE_WAIT)
            return verdict == TAKE_NOW;
        if (file->flags & O_NONBLOCK)
            return -EAGAIN;
        error = channel_wait(&t->input, seen, r->deadline);
        if (error && error != -ETIMEDOUT)
            return error;
    }
}

/* One piece into the user's memory; it is taken only when it is there, and nobody else took it. */
static ssize_t read_piece(struct terminal *t, uint8_t *user, size_t size, bool *whole)
{
    uint8_t bytes[PIECE];

    for (;;) {
        monitor_enter();
        uint64_t head = t->head;
        struct terminal_piece piece = terminal_peek(t, bytes, size < PIECE ? size : PIECE);
        monitor_leave();
        if (user_copy_out(user, bytes, piece.bytes))
            return -EFAULT;
        monitor_enter();
        bool mine = t->head == head && piece.next <= t->end;
        if (mine)
            terminal_take(t, &piece);
        monitor_leave();
        *whole = piece.whole;
        if (mine)
            return (ssize_t)piece.bytes;
    }
}

ssize_t terminal_read(struct file *file, void *user, size_t size, off_t at)
{
    struct terminal *t = file->object;
    struct terminal_reading r = {.size = size, .tenth = AEGIS_EXPOSED_STATE->time_hz / 10};
    size_t done = 0;
    bool whole = false;

    (void)at;
    if (!size)
        return 0;
    while (!done && !whole) {
        int ready = read_wait(file, t, &r);
        if (ready <= 0)
            return ready;
        /* in raw mode ends of file that were typed before are passed over: then nothing came */
        ssize_t n;
        do {
            n = read_piece(t, (uint8_t *)user + done, size - done, &whole);
            if (n < 0)
                return done ? (ssize_t)done : n;
            done += (size_t)n;
        } while (n == PIECE && !whole && done < size);
    }
    return (ssize_t)done;
}

/* ---- writing ---- */

/* Whether output may go on. 1; 0: wait until `output` has moved from *seen; negative errno. */
static int write_may(struct file *file, struct terminal *t, uint64_t *seen)
{
    monitor_enter();
    *seen = channel_seen(&t->output);
    int verdict = !(t->flags & TERMINAL_STOPPED);
    if (terminal_lost(file, t) || (t->index && !t->masters))
        verdict = -EIO;
    else if (t->settings.c_lflag & TOSTOP)
        verdict = terminal_allows(t, SIGTTOU) ?: verdict;
    monitor_leave();
    return verdict;
}

static ssize_t write_piece(struct file *file, struct terminal *t, const uint8_t *bytes, size_t size)
{
    if (!t->index)
        return console_write_cooked(t, file->words[0] == 2 ? 2 : terminals()->channel, bytes,
                                    size);
    monitor_enter();
    size_t n = terminal_output(t, bytes, size);
    monitor_leave();
    return (ssize_t)n;
}

ssize_t terminal_write(struct file *file, const void *user, size_t size, off_t at)
{
    struct terminal *t = file->object;
    size_t done = 0;

    (void)at;
    while (done < size) {
        uint8_t bytes[64];
        uint64_t seen;
        size_t n = size - done < sizeof bytes ? size - done : sizeof bytes;
        ssize_t error = write_may(file, t, &seen), sent = 0;
        if (error > 0) {
            sent = user_copy_in(bytes, (const uint8_t *)user + done, n);
            if (!sent)
                sent = write_piece(file, t, bytes, n);
            error = sent < 0 ? sent : 0;
            done += sent > 0 ? (size_t)sent : 0;
        }
        if (!error && sent <= 0)
            error = file->flags & O_NONBLOCK ? -EAGAIN : channel_wait(&t->output, seen, 0);
        if (error)
            return done ? (ssize_t)done : error;
    }
    return (ssize_t)done;
}
