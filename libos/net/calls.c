/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets made, named, connected, accepted, shut. */
#include <string.h>
#include <unistd.h>

#include "../session/inline.h"
#include "network.h"
#include "socket.h"

#define TYPE_FLAGS (SOCK_NONBLOCK | SOCK_CLOEXEC)

struct make_call {
    unsigned family, type, protocol, flags; /* flags: O_* */
    struct socket *s[2];
    int descriptor[2];
    unsigned count;
};

static unsigned flags_of(unsigned type)
{
    return (type & SOCK_NONBLOCK ? O_NONBLOCK : 0) | (type & SOCK_CLOEXEC ? O_CLOEXEC : 0);
}

/* Each with a file and a descriptor: whatever happens later is undone by closing it. */
static int make_try(void *argument)
{
    struct make_call *c = argument;

    for (unsigned i = 0; i < c->count; i++) {
        struct socket *s = socket_new(c->family, c->type, c->protocol);
        struct file *file =
            s ? file_make(FILE_SOCKET, O_RDWR | (c->flags & O_NONBLOCK)) : NULL;
        if (!file)
            return -EAGAIN;
        file->object = s;
        c->s[i] = s;
        c->descriptor[i] = descriptor_make(file, 0, c->flags);
        if (c->descriptor[i] < 0) {
            if (i)
                descriptors_lower(c->descriptor[0]);
            return c->descriptor[i];
        }
    }
    return c->count == 2 ? unix_pair(c->s[0], c->s[1]) : 0;
}

static int make_check(struct make_call *c, int family, int type, int protocol)
{
    if (family != AF_UNIX && family != AF_INET && family != AF_INET6)
        return -EAFNOSUPPORT;
    if ((unsigned)protocol > UINT16_MAX || (type & ~TYPE_FLAGS & ~0xf))
        return -EINVAL;
    c->family = (unsigned)family;
    c->type = (unsigned)(type & ~TYPE_FLAGS);
    c->protocol = (unsigned)protocol;
    c->flags = flags_of((unsigned)type);
    return 0;
}

static int no_room(int error)
{
    return error == -ENOSPC ? -ENOBUFS : error;
}

static int socket_open(int family, int type, int protocol)
{
    struct make_call c = {.count = 1};
    int error = make_check(&c, family, type, protocol);

    if (!error && family == AF_UNIX) { /* nothing is made that is refused */
        struct aegis_socket like = {.type = (uint16_t)c.type, .protocol = (uint16_t)c.protocol};
        error = unix_stack.make(&like);
    }
    if (!error)
        error = no_room(file_attempt(make_try, &c));
    if (error || family == AF_UNIX)
        return error ? error : c.descriptor[0];
    const struct netstack *stack = stack_of(c.family);
    error = stack && stack->make ? stack->make(&c.s[0]->base) : -EAFNOSUPPORT;
    if (error)
        close(c.descriptor[0]);
    return error ? error : c.descriptor[0];
}

int socket(int family, int type, int protocol)
{
    return (int)CALL(socket_open(family, type, protocol));
}

static int pair_open(int family, int type, int protocol, int *user)
{
    struct make_call c = {.count = 2};
    int error = make_check(&c, family, type, protocol);
    struct aegis_socket like = {.type = (uint16_t)c.type, .protocol = (uint16_t)c.protocol};

    if (!error && family != AF_UNIX)
        error = -EOPNOTSUPP;
    if (!error)
        error = unix_stack.make(&like);
    if (!error)
        error = no_room(file_attempt(make_try, &c));
    if (!error && (error = user_copy_out(user, c.descriptor, sizeof c.descriptor))) {
        close(c.descriptor[0]);
        close(c.descriptor[1]);
    }
    return error;
}

int socketpair(int family, int type, int protocol, int pair[2])
{
    return (int)CALL(pair_open(family, type, protocol, pair));
}

/* ---- names ---- */

static int bind_to(int descriptor, const struct sockaddr *user, socklen_t size)
{
    struct sockaddr_storage name;
    struct file *file;
    struct socket *s;
    int error = socket_find(descriptor, &file, &s);

    if (!error)
        error = socket_name_in(&name, user, size);
    if (error)
        return error;
    const struct netstack *stack = stack_of(s->base.family);
    return stack->bind ? stack->bind(&s->base, (struct sockaddr *)&name, size) : -EOPNOTSUPP;
}

int bind(int descriptor, const struct sockaddr *name, socklen_t size)
{
    return (int)CALL(bind_to(descriptor, name, size));
}

static int name_of(int descriptor, struct sockaddr *user, socklen_t *user_size, int peer)
{
    struct sockaddr_storage name;
    socklen_t size = 0;
    struct file *file;
    struct socket *s;
    int error = socket_find(descriptor, &file, &s);

    memset(&name, 0, sizeof name);
    if (error)
        return error;
    const struct netstack *stack = stack_of(s->base.family);
    error = stack->address ? stack->address(&s->base, peer, &name, &size) : -EOPNOTSUPP;
    if (!error && !user)
        error = -EFAULT;
    return error ? error : socket_name_out(user, user_size, &name, size);
}

int getsockname(int descriptor, struct sockaddr *restrict name, socklen_t *restrict size)
{
    return (int)CALL(name_of(descriptor, name, size, 0));
}

int getpeername(int descriptor, struct sockaddr *restrict name, socklen_t *restrict size)
{
    return (int)CALL(name_of(descriptor, name, size, 1));
}

/* ---- connections ---- */

/* It has begun; how it ends. A signal leaves it going on. */
static int connect_end(const struct file *file, struct socket *s, uint64_t deadline)
{
    for (;;) {
        struct aegis_transfer t;
        uint64_t seen = channel_seen(channel_of(&s->base.writable));
        int error = socket_error(s);
        if (error)
            return error;
        if (s->base.state != SOCKET_CONNECTING)
            return s->base.state == SOCKET_CONNECTED ? 0 : -ECONNREFUSED;
        aegis_transfer_wait(&t, &s->base.writable, seen);
        error = socket_wait(file, s, &t, deadline);
        if (error)
            return error == -EAGAIN ? -EINPROGRESS : error;
    }
}

static int connect_to(int descriptor, const struct sockaddr *user, socklen_t size)
{
    struct aegis_transfer t = {.name_size = size};
    struct file *file;
    struct socket *s;
    int error = socket_find(descriptor, &file, &s);

    if (!error)
        error = socket_name_in(&t.name, user, size);
    if (error)
        return error;
    const struct netstack *stack = stack_of(s->base.family);
    uint64_t deadline = socket_deadline(s->base.send_timeout);
    do {
        error = stack->connect ? stack->connect(&s->base, &t) : -EOPNOTSUPP;
        if (file->flags & O_NONBLOCK)
            return error;
        if (error == -EINPROGRESS)
            return connect_end(file, s, deadline);
    } while (error == -EAGAIN && !(error = socket_wait(file, s, &t, deadline)));
    return error;
}

int connect(int descriptor, const struct sockaddr *name, socklen_t size)
{
    return (int)POINT_CALL(connect_to(descriptor, name, size));
}

static int listen_on(int descriptor, int backlog)
{
    struct file *file;
    struct socket *s;
    int error = socket_find(descriptor, &file, &s);

    if (error)
        return error;
    const struct netstack *stack = stack_of(s->base.family);
    if (s->base.type == SOCK_DGRAM || s->base.type == SOCK_RAW || !stack->listen)
        return -EOPNOTSUPP;
    return stack->listen(&s->base, backlog);
}

int listen(int descriptor, int backlog)
{
    return (int)CALL(listen_on(descriptor, backlog));
}

/* A socket and a descriptor first, so that who dies in between leaves nothing behind. */
static int stack_accept(struct socket *l, unsigned flags, struct aegis_transfer *t)
{
    const struct netstack *stack = stack_of(l->base.family);
    struct make_call c = {.count = 1,
                          .family = l->base.family,
                          .type = l->base.type,
                          .protocol = l->base.protocol,
                          .flags = flags};
    uint64_t seen = channel_seen(channel_of(&l->base.readable));

    if (!stack->accept)
        return -EOPNOTSUPP;
    if (l->base.state != SOCKET_LISTENING)
        return -EINVAL;
    int error = -EAGAIN;
    if (stack->events(&l->base)) {
        error = no_room(file_attempt(make_try, &c));
        if (!error && (error = stack->accept(&l->base, &c.s[0]->base)))
            close(c.descriptor[0]);
    }
    if (error == -EAGAIN)
        return aegis_transfer_wait(t, &l->base.readable, seen);
    return error ? error : c.descriptor[0];
}

static int accept_one(int descriptor, struct sockaddr *user, socklen_t *user_size, int flags)
{
    struct aegis_transfer t = {0};
    struct file *file;
    struct socket *s;
    int error = socket_find(descriptor, &file, &s), made;

    if (error)
        return error;
    if (flags & ~TYPE_FLAGS)
        return -EINVAL;
    if (s->base.type == SOCK_DGRAM || s->base.type == SOCK_RAW)
        return -EOPNOTSUPP;
    uint64_t deadline = socket_deadline(s->base.receive_timeout);
    do {
        unsigned how = flags_of((unsigned)flags);
        made = s->base.family == AF_UNIX ? unix_accept(s, how, &t) : stack_accept(s, how, &t);
        if (made != -EAGAIN || file->flags & O_NONBLOCK)
            break;
    } while (!(made = socket_wait(file, s, &t, deadline)));
    if (made >= 0 && user && (error = name_of(made, user, user_size, 1))) {
        close(made);
        return error;
    }
    return made;
}

int accept4(int descriptor, struct sockaddr *restrict name, socklen_t *restrict size, int flags)
{
    return (int)POINT_CALL(accept_one(descriptor, name, size, flags));
}

int accept(int descriptor, struct sockaddr *restrict name, socklen_t *restrict size)
{
    return (int)POINT_CALL(accept_one(descriptor, name, size, 0));
}

static int shut(int descriptor, int how)
{
    struct file *file;
    struct socket *s;
    int error = socket_find(descriptor, &file, &s);

    if (error)
        return error;
    if (how < SHUT_RD || how > SHUT_RDWR)
        return -EINVAL;
    const struct netstack *stack = stack_of(s->base.family);
    return stack->shutdown ? stack->shutdown(&s->base, (unsigned)how + 1) : -EOPNOTSUPP;
}

int shutdown(int descriptor, int how)
{
    return (int)CALL(shut(descriptor, how));
}

/* Out-of-band data come in line, unmarked: no socket is ever at a mark. */
int sockatmark(int descriptor)
{
    struct file *file;
    struct socket *s;
    int error = socket_find(descriptor, &file, &s);

    return error ? (int)file_result(error == -ENOTSOCK ? -ENOTTY : error) : 0;
}
