/* SPDX-License-Identifier: BSD-2-Clause */
/* Pipes: reading, writing, waiting, ends that open and close. */
#include "pipe.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "call.h"
#include "types.h"

#define MUCH 512

static uint64_t load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void store(uint64_t *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/* The file still is this pipe's: another thread may have closed it while we waited. */
static bool still(const struct file *file, const struct pipe *pipe)
{
    return file->type == FILE_PIPE && file->object == pipe;
}

/* ---- copying ---- */

/* Up to two parts: the ring's end may lie between them. */
static int ring_out(const struct pipe *pipe, uint64_t at, char *user, size_t n)
{
    size_t begin = at % PIPE_SIZE, first = PIPE_SIZE - begin;

    if (__builtin_expect(n <= first, 1))
        return user_copy_out(user, pipe->ring + begin, n);
    int error = user_copy_out(user, pipe->ring + begin, first);
    return error ? error : user_copy_out(user + first, pipe->ring, n - first);
}

static int ring_in(struct pipe *pipe, uint64_t at, const char *user, size_t n)
{
    size_t begin = at % PIPE_SIZE, first = PIPE_SIZE - begin;

    if (__builtin_expect(n <= first, 1))
        return user_copy_in(pipe->ring + begin, user, n);
    int error = user_copy_in(pipe->ring + begin, user, first);
    return error ? error : user_copy_in(pipe->ring, user + first, n - first);
}

/* ---- reading ---- */

/* What is there now; 0: nothing. */
static inline ssize_t read_some(struct pipe *pipe, void *user, size_t size)
{
    ssize_t n = 0;

    busy_take(&pipe->reading);
    uint64_t head = pipe->head, there = load(&pipe->tail) - head;
    if (there) {
        n = (ssize_t)(size < there ? size : there);
        if (__builtin_expect(ring_out(pipe, head, user, (size_t)n), 0))
            n = -EFAULT;
        else
            store(&pipe->head, head + (size_t)n);
    }
    busy_give(&pipe->reading);
    /* Behind that fence: nobody waits for room if there was some. */
    if (n > 0 && load(&pipe->tail) - head > PIPE_SIZE - PIPE_BUF)
        channel_wake(&pipe->writable);
    return n;
}

/* Who writes may be next: giving way once costs less than going to sleep. */
ssize_t pipe_read_now(struct file *file, void *user, size_t size)
{
    struct pipe *pipe = file->object;

    if (!size)
        return 0;
    if (load(&pipe->tail) == load(&pipe->head)) {
        if (file->flags & O_NONBLOCK || !__atomic_load_n(&pipe->writers, __ATOMIC_ACQUIRE))
            return 0;
        thread_yield();
        if (!still(file, pipe))
            return 0;
    }
    return load(&pipe->tail) != load(&pipe->head) ? read_some(pipe, user, size) : 0;
}

static ssize_t pipe_read(struct file *file, void *user, size_t size, off_t at)
{
    struct pipe *pipe = file->object;
    ssize_t n;

    (void)at;
    if (!size)
        return 0;
    for (;;) {
        uint64_t seen = channel_seen(&pipe->readable);
        uint32_t writers = __atomic_load_n(&pipe->writers, __ATOMIC_ACQUIRE);
        /* in this order: who wrote before the last end closed is read */
        if ((load(&pipe->tail) != load(&pipe->head)) && (n = read_some(pipe, user, size)))
            return n;
        if (!writers)
            return 0;
        if (file->flags & O_NONBLOCK)
            return -EAGAIN;
        if (channel_wait(&pipe->readable, seen, 0) == -EINTR)
            return -EINTR;
        if (!still(file, pipe))
            return -EBADF;
    }
}

/* ---- writing ---- */

static int ring_make(void *argument)
{
    struct pipe *pipe = argument;

    if (pipe->ring)
        return 0;
    uint8_t *ring = session_pages_raw(PIPE_PAGES);
    if (!ring)
        return -EAGAIN;
    session_set(pipe->ring, ring);
    return 0;
}

/* An empty ring begins anew at a multiple of 8: from there much is copied by words. */
static void ring_align(struct pipe *pipe)
{
    if (!busy_try(&pipe->reading))
        return;
    if (pipe->head == pipe->tail) {
        monitor_enter();
        session_set(pipe->head, (pipe->tail + 7) & ~7UL);
        session_set(pipe->tail, pipe->head);
        monitor_leave();
    }
    busy_give(&pipe->reading);
}

/* As much as fits, but all or nothing of what is to stay together. 0: no room. */
static inline ssize_t write_some(struct pipe *pipe, const char *user, size_t size)
{
    ssize_t n = 0;

    busy_take(&pipe->writing);
    if (__builtin_expect(size >= MUCH && pipe->tail % 8, 0))
        ring_align(pipe);
    uint64_t tail = pipe->tail, room = PIPE_SIZE - (tail - load(&pipe->head));
    if (room >= size || (size > PIPE_BUF && room)) {
        n = (ssize_t)(size < room ? size : room);
        if (__builtin_expect(ring_in(pipe, tail, user, (size_t)n), 0))
            n = -EFAULT;
        else
            store(&pipe->tail, tail + (size_t)n);
    }
    busy_give(&pipe->writing);
    /* Likewise: nobody waits for bytes if there were some. */
    if (n > 0 && load(&pipe->head) == tail)
        channel_wake(&pipe->readable);
    return n;
}

static ssize_t broken(size_t done)
{
    if (done)
        return (ssize_t)done;
    raise(SIGPIPE);
    return -EPIPE;
}

ssize_t pipe_write_now(struct file *file, const void *user, size_t size)
{
    struct pipe *pipe = file->object;

    if (!size || !pipe->ring || !__atomic_load_n(&pipe->readers, __ATOMIC_ACQUIRE))
        return 0;
    return write_some(pipe, user, size);
}

static ssize_t pipe_write(struct file *file, const void *user, size_t size, off_t at)
{
    struct pipe *pipe = file->object;
    size_t done = 0;

    (void)at;
    if (!size)
        return 0;
    if (!pipe->ring && file_attempt(ring_make, pipe))
        return -ENOMEM;
    for (;;) {
        uint64_t seen = channel_seen(&pipe->writable);
        if (!__atomic_load_n(&pipe->readers, __ATOMIC_ACQUIRE))
            return broken(done);
        ssize_t n = write_some(pipe, (const char *)user + done, size - done);
        if (n < 0)
            return done ? (ssize_t)done : n;
        done += (size_t)n;
        if (done == size)
            return (ssize_t)done;
        if (n)
            continue; /* who read while we copied found too little there to wake us */
        if (file->flags & O_NONBLOCK)
            return done ? (ssize_t)done : -EAGAIN;
        if (channel_wait(&pipe->writable, seen, 0) == -EINTR)
            return done ? (ssize_t)done : -EINTR;
        if (!still(file, pipe))
            return done ? (ssize_t)done : -EBADF;
    }
}

/* ---- what else ---- */

static unsigned pipe_poll(struct file *file, struct file_watch *watch)
{
    struct pipe *pipe = file->object;
    unsigned events = 0;

    if (file_reads(file)) {
        file_watch_add(watch, &pipe->readable);
        if (load(&pipe->tail) != load(&pipe->head))
            events |= POLLIN;
        if (!pipe->writers && pipe->writers_ever)
            events |= POLLHUP;
    }
    if (file_writes(file)) {
        file_watch_add(watch, &pipe->writable);
        if (PIPE_SIZE - (load(&pipe->tail) - load(&pipe->head)) >= PIPE_BUF)
            events |= POLLOUT;
        if (!pipe->readers)
            events |= POLLERR | POLLOUT;
    }
    return events;
}

static int pipe_ioctl(struct file *file, unsigned long request, unsigned long argument)
{
    struct pipe *pipe = file->object;
    int there = (int)(load(&pipe->tail) - load(&pipe->head));

    if (request != FIONREAD)
        return -ENOTTY;
    return user_copy_out((void *)argument, &there, sizeof there);
}

static int pipe_stat(struct file *file, struct stat *stat)
{
    const struct pipe *pipe = file->object;

    if (!file->node)
        *stat = (struct stat){.st_mode = S_IFIFO | 0600,
                              .st_nlink = 1,
                              .st_ino = (ino_t)pipe,
                              .st_dev = 2,
                              .st_uid = process_self->euid,
                              .st_gid = process_self->egid,
                              .st_blksize = PIPE_BUF};
    stat->st_size = (off_t)(load(&pipe->tail) - load(&pipe->head));
    return 0;
}

/* ---- ends ---- */

static struct pipe *pipe_new(void)
{
    struct file_system *fs = FILE_SYSTEM;
    struct pipe *pipe = fs->free_pipes;

    if (!pipe)
        return session_alloc(sizeof *pipe);
    session_set(fs->free_pipes, pipe->next);
    pipe->head = pipe->tail = 0;
    pipe->readers = pipe->writers = 0;
    pipe->readers_ever = pipe->writers_ever = 0;
    pipe->reading.owner = pipe->writing.owner = 0;
    return pipe;
}

static void pipe_free(struct pipe *pipe)
{
    if (pipe->ring)
        session_pages_free(pipe->ring, PIPE_PAGES);
    session_set(pipe->ring, NULL);
    session_set(pipe->next, FILE_SYSTEM->free_pipes);
    session_set(FILE_SYSTEM->free_pipes, pipe);
}

static void end_open(struct file *file, struct pipe *pipe)
{
    file->object = pipe;
    if (file_reads(file)) {
        session_set(pipe->readers, pipe->readers + 1);
        session_set(pipe->readers_ever, pipe->readers_ever + 1);
        channel_wake(&pipe->writable);
    }
    if (file_writes(file)) {
        session_set(pipe->writers, pipe->writers + 1);
        session_set(pipe->writers_ever, pipe->writers_ever + 1);
        channel_wake(&pipe->readable);
    }
}

static void pipe_close(struct file *file)
{
    struct pipe *pipe = file->object;

    if (!pipe)
        return; /* its open has failed */
    if (file_reads(file))
        session_set(pipe->readers, pipe->readers - 1);
    if (file_writes(file))
        session_set(pipe->writers, pipe->writers - 1);
    channel_wake(&pipe->readable);
    channel_wake(&pipe->writable);
    if (pipe->readers || pipe->writers)
        return;
    if (file->node)
        session_set(file->node->pipe, NULL);
    session_set(file->object, NULL);
    pipe_free(pipe);
}

int pipe_make(struct file *ends[2], unsigned flags)
{
    struct pipe *pipe = pipe_new();

    ends[0] = pipe ? file_make(FILE_PIPE, O_RDONLY | flags) : NULL;
    ends[1] = ends[0] ? file_make(FILE_PIPE, O_WRONLY | flags) : NULL;
    if (!ends[1])
        return -EAGAIN;
    end_open(ends[0], pipe);
    end_open(ends[1], pipe);
    return 0;
}

/* ---- FIFOs ---- */

static int fifo_open(struct file *file, int flags)
{
    struct node *node = file->node;

    if (!node->pipe) {
        struct pipe *pipe = pipe_new();
        if (!pipe)
            return -EAGAIN;
        session_set(node->pipe, pipe);
    }
    if ((flags & O_ACCMODE) == O_WRONLY && flags & O_NONBLOCK && !node->pipe->readers)
        return -ENXIO;
    /* others have opened since: seen by fifo_wait */
    file->words[0] = node->pipe->readers_ever;
    file->words[1] = node->pipe->writers_ever;
    end_open(file, node->pipe);
    return 0;
}

/* Whether the other end is, or has meanwhile been, open. */
static bool fifo_met(const struct file *file, const struct pipe *pipe)
{
    if ((file->flags & O_ACCMODE) == O_RDONLY)
        return pipe->writers || pipe->writers_ever != file->words[1];
    return pipe->readers || pipe->readers_ever != file->words[0];
}

int fifo_wait(struct file *file)
{
    struct pipe *pipe = file->object;
    bool reads = (file->flags & O_ACCMODE) == O_RDONLY;
    struct channel *c = reads ? &pipe->readable : &pipe->writable;

    if (file->flags & O_NONBLOCK || (file->flags & O_ACCMODE) == O_RDWR)
        return 0;
    for (;;) {
        uint64_t seen = channel_seen(c);
        if (fifo_met(file, pipe))
            return 0;
        if (channel_wait(c, seen, 0) == -EINTR)
            return -EINTR;
        if (!still(file, pipe))
            return -EBADF;
    }
}

const struct file_operations pipe_operations = {
    .open = fifo_open,
    .close = pipe_close,
    .read = pipe_read,
    .write = pipe_write,
    .ioctl = pipe_ioctl,
    .stat = pipe_stat,
    .poll = pipe_poll,
};

/* ---- the calls ---- */

struct pipe_call {
    unsigned flags;
    int ends[2];
};

static int pipe_try(void *argument)
{
    struct pipe_call *c = argument;
    struct file *ends[2];
    int error = pipe_make(ends, c->flags & O_NONBLOCK);

    for (int i = 0; i < 2 && !error; i++) {
        c->ends[i] = descriptor_make(ends[i], 0, c->flags);
        error = c->ends[i] < 0 ? c->ends[i] : 0;
        if (i && error)
            descriptors_lower(c->ends[0]);
    }
    return error;
}

int pipe2(int ends[2], int flags)
{
    struct pipe_call c = {.flags = (unsigned)flags};

    if (flags & ~(O_CLOEXEC | O_NONBLOCK))
        return (int)file_result(-EINVAL);
    int error = file_attempt(pipe_try, &c);
    if (!error && user_copy_out(ends, c.ends, sizeof c.ends)) {
        close(c.ends[0]);
        close(c.ends[1]);
        error = -EFAULT;
    }
    return (int)file_result(error == -ENOSPC ? -ENFILE : error);
}

int pipe(int ends[2])
{
    return pipe2(ends, 0);
}
