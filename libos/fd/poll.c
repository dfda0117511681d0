/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for any of many files. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/time.h>

#include <aegis/exposed.h>

#include "../net/network.h"
#include "call.h"

#define FEW     16 /* descriptors that need no memory of the heap */
#define A_STAY  16 /* looked at in one stay in the monitor */
#define ALWAYS  (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)
#define UNASKED (POLLERR | POLLHUP | POLLNVAL)

static uint64_t ticks_now(void)
{
    uint64_t t;
    __asm__ volatile("rdtime %0" : "=r"(t));
    return t;
}

/* ---- one look ---- */

static unsigned wide(unsigned events)
{
    return events | (events & POLLIN ? POLLRDNORM : 0) | (events & POLLOUT ? POLLWRNORM : 0);
}

/* In the monitor. */
static unsigned look(int descriptor, struct file_watch *watch)
{
    struct file *file = file_at(descriptor);

    if (!file)
        return POLLNVAL;
    const struct file_operations *o = file_operations[file->type];
    return o->poll ? wide(o->poll(file, watch)) : ALWAYS;
}

/* Looks at all; the channels to wait on go to `entries`. How many have something to tell. */
static int look_all(struct pollfd *fds, nfds_t n, struct channel_entry *entries, size_t *count,
                    bool *network)
{
    int ready = 0;

    *count = 0;
    *network = false;
    for (nfds_t i = 0; i < n; i++) {
        struct file_watch watch = {0};
        if (i % A_STAY == 0)
            monitor_enter();
        unsigned events = fds[i].fd < 0 ? 0 : look(fds[i].fd, &watch);
        fds[i].revents = (short)(events & ((unsigned)fds[i].events | UNASKED));
        ready += fds[i].revents != 0;
        for (unsigned k = 0; k < watch.count; k++)
            entries[(*count)++] = watch.entries[k];
        *network |= watch.network;
        if (i % A_STAY == A_STAY - 1 || i + 1 == n)
            monitor_leave();
    }
    return ready;
}

/* deadline 0: none; `now`: does not wait. */
static int wait_all(struct pollfd *fds, nfds_t n, struct channel_entry *entries, uint64_t deadline,
                    bool now)
{
    size_t count;
    bool network;

    for (;;) {
        int ready = look_all(fds, n, entries, &count, &network);
        if (ready || now)
            return ready;
        int error = network ? network_wait(entries, count, deadline)
                            : channel_wait_any(entries, count, deadline);
        if (error == -EINTR)
            return error;
        now = error == -ETIMEDOUT; /* a last look */
    }
}

static int poll_run(struct pollfd *fds, nfds_t n, uint64_t deadline, bool now)
{
    struct channel_entry few[FEW * FILE_WATCHES], *entries = few;

    if (n > FEW && !(entries = malloc(n * FILE_WATCHES * sizeof *entries)))
        return -ENOMEM;
    int ready = wait_all(fds, n, entries, deadline, now);
    if (entries != few)
        free(entries);
    return ready;
}

/* With another mask meanwhile: a signal that it lets through is handled before the old one is back.
 */
static int poll_masked(struct pollfd *fds, nfds_t n, uint64_t deadline, bool now,
                       const sigset_t *mask)
{
    sigset_t old;

    signals_defer();
    if (mask)
        pthread_sigmask(SIG_SETMASK, mask, &old);
    int ready = poll_run(fds, n, deadline, now);
    signals_allow();
    if (mask)
        pthread_sigmask(SIG_SETMASK, &old, NULL);
    return ready;
}

/* ---- when it is over ---- */

/* -EINVAL; *now: at once. */
static int deadline_of(const struct timespec *user, uint64_t *deadline, bool *now)
{
    struct timespec t;

    *deadline = 0;
    *now = false;
    if (!user)
        return 0;
    if (user_copy_in(&t, user, sizeof t))
        return -EFAULT;
    if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= 1000000000)
        return -EINVAL;
    uint64_t hz = AEGIS_EXPOSED_STATE->time_hz;
    *now = !t.tv_sec && !t.tv_nsec;
    if ((uint64_t)t.tv_sec < UINT64_MAX / 4 / hz)
        *deadline = ticks_now() + (uint64_t)t.tv_sec * hz +
                    ((uint64_t)t.tv_nsec * hz + 999999999) / 1000000000;
    return 0;
}

/* ---- poll ---- */

static int poll_user(struct pollfd *user, nfds_t n, uint64_t deadline, bool now,
                     const sigset_t *mask)
{
    struct pollfd few[FEW], *fds = few;

    if (n > (nfds_t)descriptor_limit())
        return -EINVAL;
    if (n > FEW && !(fds = malloc(n * sizeof *fds)))
        return -ENOMEM;
    int ready = n && user_copy_in(fds, user, n * sizeof *fds) ? -EFAULT : 0;
    if (!ready)
        ready = poll_masked(fds, n, deadline, now, mask);
    for (nfds_t i = 0; i < n && ready >= 0; i++)
        if (user_copy_out(&user[i].revents, &fds[i].revents, sizeof fds[i].revents))
            ready = -EFAULT;
    if (fds != few)
        free(fds);
    return ready;
}

/* A wait that was interrupted may have been so by a cancellation. */
static int poll_result(int result)
{
    if (__builtin_expect(result < 0, 0))
        call_point();
    return (int)file_result(result);
}

int poll(struct pollfd *fds, nfds_t n, int milliseconds)
{
    uint64_t deadline = 0;

    call_point();
    if (milliseconds > 0)
        deadline =
            ticks_now() + ((uint64_t)milliseconds * AEGIS_EXPOSED_STATE->time_hz + 999) / 1000;
    return poll_result(poll_user(fds, n, deadline, milliseconds == 0, NULL));
}

int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *user_mask)
{
    uint64_t deadline;
    sigset_t mask;
    bool now;

    call_point();
    int error = deadline_of(timeout, &deadline, &now);
    if (!error && user_mask && user_copy_in(&mask, user_mask, sizeof mask))
        error = -EFAULT;
    if (error)
        return (int)file_result(error);
    return poll_result(poll_user(fds, n, deadline, now, user_mask ? &mask : NULL));
}

/* ---- select ---- */

#define SET_EVENTS_READ   (POLLIN | POLLHUP | POLLERR)
#define SET_EVENTS_WRITE  (POLLOUT | POLLERR)
#define SET_EVENTS_EXCEPT POLLPRI

struct sets {
    fd_set in[3];
    fd_set *user[3];
    size_t bytes;
    struct pollfd *fds;
};

static const short asked[] = {POLLIN, POLLOUT, POLLPRI};
static const short told[] = {SET_EVENTS_READ, SET_EVENTS_WRITE, SET_EVENTS_EXCEPT};

static int sets_take(struct sets *s, int n)
{
    s->bytes = ((size_t)n + 63) / 64 * 8;
    for (int k = 0; k < 3; k++) {
        FD_ZERO(&s->in[k]);
        if (s->user[k] && user_copy_in(&s->in[k], s->user[k], s->bytes))
            return -EFAULT;
    }
    return 0;
}

static nfds_t sets_list(struct sets *s, int n)
{
    nfds_t count = 0;

    for (int d = 0; d < n; d++) {
        short events = 0;
        for (int k = 0; k < 3; k++)
            events |= FD_ISSET(d, &s->in[k]) ? asked[k] : 0;
        if (events)
            s->fds[count++] = (struct pollfd){d, events, 0};
    }
    return count;
}

/* What was found goes back to the user; how many bits. -EBADF. */
static int sets_give(struct sets *s, nfds_t count)
{
    fd_set out[3];
    int bits = 0;

    memset(out, 0, sizeof out);
    for (nfds_t i = 0; i < count; i++) {
        if (s->fds[i].revents & POLLNVAL)
            return -EBADF;
        for (int k = 0; k < 3; k++)
            if (FD_ISSET(s->fds[i].fd, &s->in[k]) && s->fds[i].revents & told[k]) {
                FD_SET(s->fds[i].fd, &out[k]);
                bits++;
            }
    }
    for (int k = 0; k < 3; k++)
        if (s->user[k] && user_copy_out(s->user[k], &out[k], s->bytes))
            return -EFAULT;
    return bits;
}

static int select_run(int n, struct sets *s, uint64_t deadline, bool now, const sigset_t *mask)
{
    int result = sets_take(s, n);

    if (result)
        return result;
    if (!(s->fds = malloc((size_t)(n + 1) * sizeof *s->fds)))
        return -ENOMEM;
    nfds_t count = sets_list(s, n);
    result = poll_masked(s->fds, count, deadline, now, mask);
    if (result >= 0)
        result = sets_give(s, count);
    free(s->fds);
    return result;
}

int pselect(int n, fd_set *readable, fd_set *writable, fd_set *special,
            const struct timespec *timeout, const sigset_t *user_mask)
{
    struct sets s = {.user = {readable, writable, special}};
    uint64_t deadline;
    sigset_t mask;
    bool now;

    call_point();
    int error = n < 0 || n > FD_SETSIZE ? -EINVAL : deadline_of(timeout, &deadline, &now);
    if (!error && user_mask && user_copy_in(&mask, user_mask, sizeof mask))
        error = -EFAULT;
    if (!error)
        error = select_run(n, &s, deadline, now, user_mask ? &mask : NULL);
    return poll_result(error);
}

int select(int n, fd_set *readable, fd_set *writable, fd_set *special, struct timeval *timeout)
{
    struct timeval v;
    struct timespec t;

    if (!timeout)
        return pselect(n, readable, writable, special, NULL, NULL);
    if (user_copy_in(&v, timeout, sizeof v))
        return (int)file_result(-EFAULT);
    if (v.tv_usec < 0 || v.tv_usec >= 1000000)
        return (int)file_result(-EINVAL);
    t = (struct timespec){v.tv_sec, v.tv_usec * 1000};
    return pselect(n, readable, writable, special, &t, NULL);
}
