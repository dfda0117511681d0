/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets as open files: made, watched, waited on, taken apart. */
#include "socket.h"

#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <aegis/exposed.h>

#include "../session/inline.h"
#include "network.h"

_Static_assert(sizeof(struct aegis_channel) == sizeof(struct channel) &&
                   AEGIS_CHANNEL_SLEEPERS == CHANNEL_SLEEPERS,
               "one and the same");

const struct netstack *stack_of(unsigned family)
{
    return family == AF_UNIX ? &unix_stack : aegis_netstack;
}

struct ucred socket_caller(void)
{
    const struct process *p = process_self;
    return (struct ucred){p->pid, p->euid, p->egid};
}

/* ---- made ---- */

/* What is older than the last field but the channels: those count on. */
static void socket_clear(struct socket *s)
{
    struct aegis_channel readable = s->base.readable, writable = s->base.writable;
    struct channel room = s->room, reading = s->reading.channel, writing = s->writing.channel;

    memset(s, 0, offsetof(struct socket, next));
    s->base.readable = readable;
    s->base.writable = writable;
    s->room = room;
    s->reading.channel = reading;
    s->writing.channel = writing;
}

struct socket *socket_new(unsigned family, unsigned type, unsigned protocol)
{
    struct socket *s = FILE_SYSTEM->free_sockets;

    if (s) {
        session_set(FILE_SYSTEM->free_sockets, s->next);
        socket_clear(s);
    } else if (!(s = session_alloc(sizeof *s))) {
        return NULL;
    }
    s->base.family = (uint16_t)family;
    s->base.type = (uint16_t)type;
    s->base.protocol = (uint16_t)protocol;
    s->base.send_limit = s->base.receive_limit = UNIX_LIMIT;
    s->references = 1;
    s->owner = s->peer_owner = socket_caller();
    return s;
}

void aegis_socket_changed(struct aegis_socket *s)
{
    channel_wake(channel_of(&s->readable));
    channel_wake(channel_of(&s->writable));
}

/* ---- taken apart ---- */

static void socket_die(struct socket *s)
{
    session_set(s->next, FILE_SYSTEM->dying_sockets);
    session_set(FILE_SYSTEM->dying_sockets, s);
}

void socket_release(struct socket *s)
{
    session_set(s->references, s->references - 1);
    if (s->references)
        return;
    if (s->ring)
        session_pages_free(s->ring, UNIX_RING / AEGIS_PAGE_SIZE);
    session_set(s->ring, NULL);
    session_set(s->next, FILE_SYSTEM->free_sockets);
    session_set(FILE_SYSTEM->free_sockets, s);
}

/* What was not read is lost, and whoever sent it is told. */
static void peer_tell(struct socket *s)
{
    struct socket *p = s->peer;

    if (!p || p->peer != s)
        return;
    if (s->base.type != SOCK_DGRAM && (s->head != s->tail || s->first))
        session_set(p->base.error, ECONNRESET);
    channel_wake(channel_of(&p->base.readable));
    channel_wake(channel_of(&p->base.writable));
}

void socket_close(struct socket *s)
{
    session_set(s->closed, 1);
    unix_name_drop(s);
    peer_tell(s);
    channel_wake(&s->room);
    socket_die(s);
}

static void message_drop(struct socket *s)
{
    struct message *m = s->first, *next = m->next;

    if (unix_message_free(m))
        session_set(s->first, next);
}

/* One step; in the monitor. True: it is gone. */
static bool socket_dissolve(struct socket *s)
{
    struct socket *p = s->pending;
    struct rights *r = s->rights;

    if (p) {
        session_set(s->pending, p->next);
        socket_close(p);
    } else if (r) {
        struct rights *next = r->next;
        if (rights_drop(r))
            session_set(s->rights, next);
    } else if (s->first) {
        message_drop(s);
    } else if (s->staged) {
        if (unix_message_free(s->staged))
            session_set(s->staged, NULL);
    } else {
        if (s->peer)
            socket_release(s->peer);
        session_set(s->peer, NULL);
        return true;
    }
    return false;
}

/* The list is unlinked first: what a step closes comes in front of it. */
static void reap_step(void)
{
    struct socket *s = FILE_SYSTEM->dying_sockets, **at = &FILE_SYSTEM->dying_sockets;

    if (!s || (s->base.family != AF_UNIX && s->closed == 1))
        return; /* its stack comes first */
    if (socket_dissolve(s)) {
        while (*at != s)
            at = &(*at)->next;
        session_set(*at, s->next);
        socket_release(s);
    }
}

/* A stack's part of closing is not the monitor's: it is done again if who did it dies. */
static struct socket *stack_dying(void)
{
    struct socket *s = FILE_SYSTEM->dying_sockets;

    while (s && (s->base.family == AF_UNIX || s->closed != 1))
        s = s->next;
    if (s)
        session_set(s->references, s->references + 1);
    return s;
}

static bool stack_close(void)
{
    monitor_enter();
    struct socket *s = stack_dying();
    monitor_leave();
    if (!s)
        return false;
    const struct netstack *stack = stack_of(s->base.family);
    if (stack->close)
        stack->close(&s->base);
    monitor_enter();
    session_set(s->closed, 2);
    socket_release(s);
    monitor_leave();
    return true;
}

/* Joining a stack to close its socket may close files, whose end comes here again: who is at it goes on. */
void sockets_reap(void)
{
    static const void *reaping; /* a thread */

    if (reaping == thread_self())
        return;
    reaping = thread_self();
    while (FILE_SYSTEM->dying_sockets) {
        if (stack_close())
            continue;
        monitor_enter();
        reap_step();
        monitor_leave();
    }
    reaping = NULL;
}

/* ---- found ---- */

bool socket_still(const struct file *file, const struct socket *s)
{
    return file->type == FILE_SOCKET && file->object == s;
}

int socket_find(int descriptor, struct file **file, struct socket **s)
{
    *file = file_at(descriptor);
    if (!*file)
        return -EBADF;
    if ((*file)->type != FILE_SOCKET)
        return -ENOTSOCK;
    *s = (*file)->object;
    return socket_join(*s);
}

int socket_error(struct socket *s)
{
    if (!__atomic_load_n(&s->base.error, __ATOMIC_RELAXED))
        return 0;
    return -__atomic_exchange_n(&s->base.error, 0, __ATOMIC_ACQ_REL);
}

/* ---- waiting ---- */

uint64_t socket_deadline(uint64_t ticks)
{
    return ticks ? time_now() + ticks : 0;
}

int socket_wait(const struct file *file, struct socket *s, const struct aegis_transfer *t,
                uint64_t deadline)
{
    struct channel_entry entry = {channel_of(t->wait), t->seen};
    int error = s->base.family == AF_UNIX ? channel_wait_any(&entry, 1, deadline)
                                          : network_wait(&entry, 1, deadline);

    if (error == -EINTR)
        return error;
    if (!socket_still(file, s))
        return -EBADF;
    return error ? -EAGAIN : 0;
}

/* ---- as a file ---- */

static void file_close(struct file *file)
{
    if (file->object)
        socket_close(file->object);
}

static unsigned file_poll(struct file *file, struct file_watch *watch)
{
    struct socket *s = file->object;

    file_watch_add(watch, channel_of(&s->base.readable));
    file_watch_add(watch, channel_of(&s->base.writable));
    if (s->peer && s->base.family == AF_UNIX && s->base.type != SOCK_STREAM)
        file_watch_add(watch, &s->peer->room);
    watch->network |= s->base.family != AF_UNIX;
    return stack_of(s->base.family)->events(&s->base);
}

static int file_ioctl(struct file *file, unsigned long request, unsigned long argument)
{
    struct socket *s = file->object;
    const struct netstack *stack = stack_of(s->base.family);

    if (request == FIONREAD) {
        int error = socket_join(s);
        if (error)
            return error;
        int there = stack->there ? (int)stack->there(&s->base) : 0;
        return user_copy_out((void *)argument, &there, sizeof there);
    }
    return network_ioctl(request, (void *)argument);
}

static int file_stat(struct file *file, struct stat *stat)
{
    *stat = (struct stat){.st_mode = S_IFSOCK | 0777,
                          .st_nlink = 1,
                          .st_ino = (ino_t)(uintptr_t)file->object,
                          .st_dev = 3,
                          .st_uid = process_self->euid,
                          .st_gid = process_self->egid,
                          .st_blksize = AEGIS_PAGE_SIZE};
    return 0;
}

const struct file_operations socket_operations = {
    .close = file_close,
    .read = socket_read,
    .write = socket_write,
    .ioctl = file_ioctl,
    .stat = file_stat,
    .poll = file_poll,
};
