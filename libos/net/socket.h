/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets, in session memory. What is alike for all families stands in `base`, which stacks see;
 * the rest is that of Unix sockets.
 *
 *     struct file --> struct socket <--> peer                     (each way one reference)
 *                       ring            stream: bytes for it, written by its peer's owners
 *                       rights          stream: descriptors on their way, by position
 *                       first -> last   datagrams, whole, each an object of its own
 *                       pending         listening: connected sockets that nobody has accepted
 *
 * A socket that is closed goes to the list of the dying, and whoever comes by takes it apart in
 * bounded steps (sockets_reap): so closing is bounded, and never recursive, whatever hangs on it.
 * Memory of sockets stays memory of sockets, and their channels only count up: who looks at one
 * that is gone is woken, looks again, and finds another.
 */
#pragma once

#include <sys/un.h>

#include <aegis/netstack.h>

#include "../fd/call.h"
#include "../sched/thread.h"
#include "../session/session.h"

#define RIGHTS_MOST 128 /* descriptors in one message */
#define UNIX_RING   (16 * 4096UL)
#define UNIX_LIMIT  212992U /* bytes of datagrams that wait for one socket */

/* Descriptors in a message: references of theirs are held. */
struct rights {
    struct rights *next;
    uint64_t at; /* stream: of the byte that they come with */
    uint64_t count;
    struct file *file[];
};

/* A datagram, or a record of SOCK_SEQPACKET. */
struct message {
    struct message *next;
    struct rights *rights;
    struct ucred sender;
    uint32_t size, room; /* room: of this object */
    uint32_t name_size;
    struct sockaddr_un name; /* of who sent it */
    uint8_t data[];
};

struct socket {
    struct aegis_socket base;
    uint32_t references; /* of its file, its peer, its listener */
    uint32_t closed;
    struct socket *peer;
    struct ucred owner, peer_owner; /* who made it, or listened; SO_PEERCRED */
    struct node *node;              /* held; the name it is bound to */
    struct sockaddr_un name;
    uint32_t name_size; /* 0: it has none */
    /* stream */
    uint64_t head, tail;
    uint8_t *ring;
    struct busy reading, writing;
    struct rights *rights, *rights_last;
    /* messages */
    struct message *first, *last;
    struct message *staged; /* being filled, under `writing` of the sender */
    uint64_t waiting;       /* bytes */
    struct channel room;    /* there is room for those who send to it */
    /* listening */
    struct socket *pending, *pending_last;
    uint32_t pending_count, backlog;
    struct socket *next; /* pending, dying or free */
};

#define NOTES_MOST 4
#define NOTE_BYTES 20

/* Ancillary data of a call. */
struct socket_control {
    unsigned notes; /* what only the socket's stack understands */
    struct socket_note {
        int level, type;
        unsigned size;
        _Alignas(8) uint8_t data[NOTE_BYTES];
    } note[NOTES_MOST];
    unsigned count;
    struct file *file[RIGHTS_MOST]; /* sending */
    int descriptor[RIGHTS_MOST];    /* received */
    unsigned flags;                 /* O_CLOEXEC for those */
    bool wanted;                    /* receiving: there is room for them */
    bool cut;                       /* there were more */
    bool told;                      /* `sender` is known */
    struct ucred sender;
};

static inline struct channel *channel_of(struct aegis_channel *c)
{
    return (struct channel *)c;
}

static inline struct socket *socket_of(struct aegis_socket *s)
{
    return (struct socket *)s;
}

/* ---- socket.c ---- */

extern const struct file_operations socket_operations;

const struct netstack *stack_of(unsigned family);
/* The program may use this socket, whoever made it. 0, or an error. */
static inline int socket_join(const struct socket *s)
{
    bool ours = s->base.family == AF_UNIX || !aegis_netstack->join;
    return ours ? 0 : aegis_netstack->join();
}
/* In the monitor. Null: -EAGAIN. */
struct socket *socket_new(unsigned family, unsigned type, unsigned protocol);
/* In the monitor: its file, or its listener, lets go of it. */
void socket_close(struct socket *s);
/* In the monitor: one reference less. */
void socket_release(struct socket *s);
/* Takes dying sockets apart. Outside. */
void sockets_reap(void);
/* The socket of a descriptor: -EBADF, -ENOTSOCK. */
int socket_find(int descriptor, struct file **file, struct socket **s);
bool socket_still(const struct file *file, const struct socket *s);
/* A pending error, taken: 0 or negative. */
int socket_error(struct socket *s);
struct ucred socket_caller(void);
/* Waits as `t` says. 0: try again; -EAGAIN: timed out; -EINTR; -EBADF: closed meanwhile. */
int socket_wait(const struct file *file, struct socket *s, const struct aegis_transfer *t,
                uint64_t deadline);
uint64_t socket_deadline(uint64_t ticks);

/* ---- message.c ---- */

int socket_name_in(struct sockaddr_storage *name, const struct sockaddr *user, socklen_t size);
int socket_name_out(struct sockaddr *user, socklen_t *user_size,
                    const struct sockaddr_storage *name, socklen_t size);
/* Those of `flags` apart, read() and write(). */
ssize_t socket_read(struct file *file, void *user, size_t size, off_t at);
ssize_t socket_write(struct file *file, const void *user, size_t size, off_t at);

/* ---- rights.c: descriptors in messages ---- */

/* In the monitor: references for `c`'s files. Null with *error: -EAGAIN. */
struct rights *rights_make(const struct socket_control *c);
/* In the monitor: they become descriptors of ours, as many as may be. -EAGAIN: reserve. */
int rights_take(struct rights *r, struct socket_control *c);
/* In the monitor: some of them are let go; true: all are. */
bool rights_drop(struct rights *r);

/* ---- unix_name.c ---- */

/* An address into w->text. */
int unix_name_read(struct walk *w, const struct sockaddr *name, socklen_t size);
int unix_bind(struct aegis_socket *base, const struct sockaddr *name, socklen_t size);
/* One without a name gets one. */
int unix_name_choose(struct socket *s);
static inline int unix_name_needed(struct socket *s)
{
    bool needed = s->base.switches & 1U << SO_PASSCRED && !s->name_size;
    return needed ? unix_name_choose(s) : 0;
}
/* In the monitor, after unix_name_read: who is bound there. */
int unix_find(struct walk *w, unsigned type, struct socket **found);
/* In the monitor: nobody is any more. */
void unix_name_drop(struct socket *s);

/* ---- unix.c, unix_stream.c, unix_message.c ---- */

extern const struct netstack unix_stack;

int unix_pair(struct socket *a, struct socket *b);
/* A descriptor. -EAGAIN: nobody has connected; wait. */
int unix_accept(struct socket *s, unsigned flags, struct aegis_transfer *t);
ssize_t unix_stream_send(struct socket *s, struct aegis_transfer *t);
ssize_t unix_stream_receive(struct socket *s, struct aegis_transfer *t);
ssize_t unix_message_send(struct socket *s, struct aegis_transfer *t);
ssize_t unix_message_receive(struct socket *s, struct aegis_transfer *t);
/* In the monitor: a message and its memory go; false: not all of its descriptors yet. */
bool unix_message_free(struct message *m);
