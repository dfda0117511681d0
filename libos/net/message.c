/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending and receiving: what the caller named becomes one struct aegis_transfer. */
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "../session/inline.h"
#include "socket.h"

/* ---- the caller's elements ---- */

/* Walks the elements from byte t->done + at on. */
static int vector_each(const struct aegis_transfer *t, size_t at, char *mine, size_t size,
                       int (*copy)(void *user, void *mine, size_t size))
{
    struct iovec v = t->one;

    at += t->done;
    for (int i = 0; size; i++) {
        if (t->count != 1 && (i >= t->count || user_copy_in(&v, &t->vector[i], sizeof v)))
            return -EFAULT;
        if (t->count == 1 && i)
            return -EFAULT;
        if (at >= v.iov_len) {
            at -= v.iov_len;
            continue;
        }
        size_t n = v.iov_len - at < size ? v.iov_len - at : size;
        if (copy((char *)v.iov_base + at, mine, n))
            return -EFAULT;
        at = 0;
        mine += n;
        size -= n;
    }
    return 0;
}

static int copy_in(void *user, void *mine, size_t size)
{
    return user_copy_in(mine, user, size);
}

static int copy_out(void *user, void *mine, size_t size)
{
    return user_copy_out(user, mine, size);
}

/* One element, of which all that is asked for is a part: most calls. */
static inline bool is_one(const struct aegis_transfer *t, size_t at, size_t size)
{
    return t->count == 1 && t->done + at + size <= t->one.iov_len;
}

int aegis_transfer_take(const struct aegis_transfer *t, size_t at, void *to, size_t size)
{
    if (is_one(t, at, size))
        return user_copy_in(to, (char *)t->one.iov_base + t->done + at, size);
    return vector_each(t, at, to, size, copy_in);
}

int aegis_transfer_put(const struct aegis_transfer *t, size_t at, const void *from, size_t size)
{
    if (is_one(t, at, size))
        return user_copy_out((char *)t->one.iov_base + t->done + at, from, size);
    return vector_each(t, at, (char *)(uintptr_t)from, size, copy_out);
}

size_t aegis_transfer_part(const struct aegis_transfer *t, size_t at, void **user)
{
    struct iovec v = t->one;

    at += t->done;
    for (int i = 0; i < t->count; i++, at -= v.iov_len) {
        if (t->count != 1 && user_copy_in(&v, &t->vector[i], sizeof v))
            return 0;
        if (at < v.iov_len) {
            *user = (char *)v.iov_base + at;
            return v.iov_len - at;
        }
    }
    return 0;
}

void aegis_transfer_tell(struct aegis_transfer *t, int level, int type, const void *data, size_t size)
{
    struct socket_control *c = t->control;

    if (!c || c->notes == NOTES_MOST || size > NOTE_BYTES)
        return;
    struct socket_note *n = &c->note[c->notes++];
    n->level = level;
    n->type = type;
    n->size = (unsigned)size;
    memcpy(n->data, data, size);
}

const void *aegis_transfer_told(const struct aegis_transfer *t, int level, int type, size_t size)
{
    const struct socket_control *c = t->control;

    for (unsigned i = 0; c && i < c->notes; i++)
        if (c->note[i].level == level && c->note[i].type == type && c->note[i].size == size)
            return c->note[i].data;
    return NULL;
}

/* One element is copied now, many as they are used; their sum. */
static int vector_begin(struct aegis_transfer *t, const struct iovec *vector, long count)
{
    struct iovec v;

    if (count < 0 || count > IOV_MAX)
        return -EMSGSIZE;
    t->vector = vector;
    t->count = (int)count;
    t->size = 0;
    for (long i = 0; i < count; i++) {
        if (user_copy_in(&v, &vector[i], sizeof v))
            return -EFAULT;
        if (v.iov_len > (size_t)SSIZE_MAX - t->size)
            return -EINVAL;
        t->size += v.iov_len;
    }
    if (count == 1)
        t->one = v;
    return 0;
}

/* Names and vectors are filled when there are some. */
static void transfer_begin(struct aegis_transfer *t, int flags)
{
    t->done = 0;
    t->flags = (unsigned)flags;
    t->flags_out = 0;
    t->name_size = 0;
    t->sum = AEGIS_NO_SUM;
    t->control = NULL;
}

static void vector_of(struct aegis_transfer *t, const void *user, size_t size)
{
    t->one = (struct iovec){(void *)(uintptr_t)user, size};
    t->count = 1;
    t->size = size;
}

/* ---- addresses ---- */

int socket_name_in(struct sockaddr_storage *name, const struct sockaddr *user, socklen_t size)
{
    if (size > sizeof *name)
        return -EINVAL;
    return user_copy_in(name, user, size);
}

/* As much as fits; its size is told whole. */
int socket_name_out(struct sockaddr *user, socklen_t *user_size,
                    const struct sockaddr_storage *name, socklen_t size)
{
    socklen_t room;

    if (!user)
        return 0;
    if (user_copy_in(&room, user_size, sizeof room))
        return -EFAULT;
    if (room > INT_MAX)
        return -EINVAL;
    if (user_copy_out(user, name, room < size ? room : size) ||
        user_copy_out(user_size, &size, sizeof size))
        return -EFAULT;
    return 0;
}

/* ---- the two ways ---- */

static bool waits(const struct file *file, const struct aegis_transfer *t)
{
    return !(file->flags & O_NONBLOCK) && !(t->flags & MSG_DONTWAIT);
}

static long broken(const struct socket *s, const struct aegis_transfer *t, long error)
{
    if (error == -EPIPE && s->base.type != SOCK_DGRAM && !(t->flags & MSG_NOSIGNAL))
        raise(SIGPIPE);
    return error;
}

/* A stream takes all of it, if it may wait; a datagram goes at once, or not. */
static long send_run(struct file *file, struct socket *s, struct aegis_transfer *t)
{
    const struct netstack *stack = stack_of(s->base.family);
    uint64_t deadline = socket_deadline(s->base.send_timeout);
    long n = socket_error(s);

    if (!stack->send)
        return -EOPNOTSUPP;
    if (t->flags & MSG_OOB)
        return -EOPNOTSUPP;
    for (;;) {
        if (!n)
            n = stack->send(&s->base, t);
        if (n > 0) {
            t->done += (size_t)n;
            if (t->done >= t->size)
                return (long)t->done;
        } else if (n != -EAGAIN) {
            return t->done ? (long)t->done : n ? broken(s, t, n) : 0;
        } else if (!waits(file, t)) {
            return t->done ? (long)t->done : -EAGAIN;
        } else if ((n = socket_wait(file, s, t, deadline))) {
            return t->done ? (long)t->done : n;
        }
        n = 0;
    }
}

static long receive_run(struct file *file, struct socket *s, struct aegis_transfer *t)
{
    const struct netstack *stack = stack_of(s->base.family);
    uint64_t deadline = socket_deadline(s->base.receive_timeout);
    bool all = t->flags & MSG_WAITALL && s->base.type == SOCK_STREAM && !(t->flags & MSG_PEEK);
    bool near = s->base.family == AF_UNIX; /* who sends may be next: giving way once costs less */
    long n = 0;

    if (!stack->receive)
        return -EOPNOTSUPP;
    if (t->flags & MSG_OOB)
        return -EINVAL;
    for (;;) {
        n = stack->receive(&s->base, t);
        if (n > 0) {
            t->done += (size_t)n;
            if (!all || t->done >= t->size)
                return (long)t->done;
            continue;
        }
        /* what was there is given before the error that came after it */
        bool end = !n && s->base.type == SOCK_STREAM;
        int error = (n == -EAGAIN || end) && !t->done ? socket_error(s) : 0;
        if (error)
            return error;
        if (n != -EAGAIN)
            return t->done ? (long)t->done : n;
        if (!waits(file, t))
            return t->done ? (long)t->done : -EAGAIN;
        if (near) {
            near = false;
            thread_yield();
            if (!socket_still(file, s))
                return -EBADF;
        } else if ((n = socket_wait(file, s, t, deadline)))
            return t->done ? (long)t->done : n;
    }
}

ssize_t socket_read(struct file *file, void *user, size_t size, off_t at)
{
    struct aegis_transfer t;
    int error = socket_join(file->object);

    (void)at;
    if (error)
        return error;
    transfer_begin(&t, 0);
    vector_of(&t, user, size);
    return receive_run(file, file->object, &t);
}

ssize_t socket_write(struct file *file, const void *user, size_t size, off_t at)
{
    struct aegis_transfer t;
    int error = socket_join(file->object);

    (void)at;
    if (error)
        return error;
    transfer_begin(&t, 0);
    vector_of(&t, user, size);
    return send_run(file, file->object, &t);
}

/* ---- send, sendto, recv, recvfrom ---- */

static long send_to(int descriptor, const void *user, size_t size, int flags,
                    const struct sockaddr *name, socklen_t name_size)
{
    struct aegis_transfer t;
    struct file *file;
    struct socket *s;
    int error = socket_find(descriptor, &file, &s);

    transfer_begin(&t, flags);
    if (!error && size > SSIZE_MAX)
        error = -EINVAL;
    if (!error && name) {
        memset(&t.name, 0, sizeof t.name);
        error = socket_name_in(&t.name, name, name_size);
        t.name_size = name_size;
    }
    if (error)
        return error;
    vector_of(&t, user, size);
    return send_run(file, s, &t);
}

ssize_t sendto(int descriptor, const void *user, size_t size, int flags,
               const struct sockaddr *name, socklen_t name_size)
{
    return POINT_CALL(send_to(descriptor, user, size, flags, name, name_size));
}

static long send_summed(int descriptor, const void *user, size_t size, uint16_t sum, int flags)
{
    struct aegis_transfer t;
    struct file *file;
    struct socket *s;
    int error = socket_find(descriptor, &file, &s);

    if (error || size > SSIZE_MAX)
        return error ? error : -EINVAL;
    transfer_begin(&t, flags);
    t.sum = sum;
    vector_of(&t, user, size);
    return send_run(file, s, &t);
}

ssize_t aegis_send_summed(int descriptor, const void *user, size_t size, uint16_t sum, int flags)
{
    return POINT_CALL(send_summed(descriptor, user, size, sum, flags));
}

uint16_t aegis_sum(const void *bytes, size_t size)
{
    const uint8_t *p = bytes;
    uint64_t sum = 0;

    for (; size > 1; p += 2, size -= 2)
        sum += p[0] | (unsigned)p[1] << 8;
    sum += size ? *p : 0;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

ssize_t send(int descriptor, const void *user, size_t size, int flags)
{
    return POINT_CALL(send_to(descriptor, user, size, flags, NULL, 0));
}

static long receive_from(int descriptor, void *user, size_t size, int flags, struct sockaddr *name,
                         socklen_t *name_size)
{
    struct aegis_transfer t;
    struct file *file;
    struct socket *s;
    int error = socket_find(descriptor, &file, &s);

    if (!error && size > SSIZE_MAX)
        error = -EINVAL;
    if (error)
        return error;
    transfer_begin(&t, flags);
    vector_of(&t, user, size);
    long n = receive_run(file, s, &t);
    if (n >= 0 && name)
        error = socket_name_out(name, name_size, &t.name, t.name_size);
    return error ? error : n;
}

ssize_t recvfrom(int descriptor, void *user, size_t size, int flags, struct sockaddr *name,
                 socklen_t *name_size)
{
    return POINT_CALL(receive_from(descriptor, user, size, flags, name, name_size));
}

ssize_t recv(int descriptor, void *user, size_t size, int flags)
{
    return POINT_CALL(receive_from(descriptor, user, size, flags, NULL, NULL));
}

/* ---- sendmsg: ancillary data goes in ---- */

static int rights_in(struct socket_control *c, const char *user, size_t size)
{
    int descriptor;

    for (; size >= sizeof descriptor; user += sizeof descriptor, size -= sizeof descriptor) {
        if (user_copy_in(&descriptor, user, sizeof descriptor))
            return -EFAULT;
        struct file *file = file_at(descriptor);
        if (!file)
            return -EBADF;
        if (c->count == RIGHTS_MOST)
            return -ETOOMANYREFS;
        c->file[c->count++] = file;
    }
    return 0;
}

/* For the socket's stack, which knows what it means. */
static int note_in(struct socket_control *c, const struct cmsghdr *head, const char *user)
{
    size_t size = head->cmsg_len - sizeof *head;

    if (c->notes == NOTES_MOST || size > NOTE_BYTES)
        return -EINVAL;
    struct socket_note *n = &c->note[c->notes++];
    n->level = head->cmsg_level;
    n->type = head->cmsg_type;
    n->size = (unsigned)size;
    return user_copy_in(n->data, user, n->size);
}

static int control_in(const struct socket *s, struct socket_control *c, const char *user, size_t size)
{
    struct cmsghdr head;

    for (size_t at = 0; at + sizeof head <= size;) {
        if (user_copy_in(&head, user + at, sizeof head))
            return -EFAULT;
        if (head.cmsg_len < sizeof head || head.cmsg_len > size - at)
            return -EINVAL;
        int error = 0;
        if (s->base.family != AF_UNIX)
            error = note_in(c, &head, user + at + sizeof head);
        else if (head.cmsg_level == SOL_SOCKET && head.cmsg_type == SCM_RIGHTS)
            error = rights_in(c, user + at + sizeof head, head.cmsg_len - sizeof head);
        else if (head.cmsg_level != SOL_SOCKET || head.cmsg_type != SCM_CREDENTIALS)
            error = -EINVAL; /* credentials are always the caller's own */
        if (error)
            return error;
        at += CMSG_ALIGN(head.cmsg_len);
    }
    return 0;
}

/* The socket, the header, the vector. */
static int message_begin(int descriptor, const struct msghdr *user, struct msghdr *m, struct aegis_transfer *t, struct file **file,
                         struct socket **s)
{
    int error = socket_find(descriptor, file, s);

    if (!error && user_copy_in(m, user, sizeof *m))
        error = -EFAULT;
    return error ? error : vector_begin(t, m->msg_iov, m->msg_iovlen);
}

static long send_message(int descriptor, const struct msghdr *user, int flags)
{
    struct aegis_transfer t = {.flags = (unsigned)flags, .sum = AEGIS_NO_SUM};
    struct socket_control control;
    struct msghdr m;
    struct file *file;
    struct socket *s;
    int error = message_begin(descriptor, user, &m, &t, &file, &s);

    if (!error && m.msg_name) {
        error = socket_name_in(&t.name, m.msg_name, m.msg_namelen);
        t.name_size = m.msg_namelen;
    }
    if (!error && m.msg_control && m.msg_controllen) {
        t.control = &control;
        control.count = control.notes = 0;
        error = control_in(s, &control, m.msg_control, m.msg_controllen);
    }
    return error ? error : send_run(file, s, &t);
}

ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags)
{
    return POINT_CALL(send_message(descriptor, message, flags));
}

/* ---- recvmsg: and comes out ---- */

struct control_out {
    char *user;
    size_t room, used;
    bool cut;
};

static int control_put(struct control_out *o, int level, int type, const void *data, size_t size)
{
    struct cmsghdr head = {.cmsg_len = CMSG_LEN(size), .cmsg_level = level, .cmsg_type = type};

    if (o->used + CMSG_LEN(size) > o->room) {
        o->cut = true;
        return 0;
    }
    if (user_copy_out(o->user + o->used, &head, sizeof head) ||
        user_copy_out(o->user + o->used + sizeof head, data, size))
        return -EFAULT;
    size_t next = o->used + CMSG_SPACE(size);
    o->used = next < o->room ? next : o->room;
    return 0;
}

/* Descriptors for which the caller left no room were not to be received. */
static void surplus_close(struct socket_control *c, size_t fitting)
{
    while (c->count > fitting) {
        close(c->descriptor[--c->count]);
        c->cut = true;
    }
}

static int control_give(const struct socket *s, struct socket_control *c, struct control_out *o)
{
    size_t credentials = s->base.switches & 1U << SO_PASSCRED ? CMSG_SPACE(sizeof c->sender) : 0;
    size_t before = credentials + CMSG_LEN(0);
    int error = 0;

    if (credentials && c->told)
        error = control_put(o, SOL_SOCKET, SCM_CREDENTIALS, &c->sender, sizeof c->sender);
    surplus_close(c, o->room > before ? (o->room - before) / sizeof(int) : 0);
    if (!error && c->count)
        error = control_put(o, SOL_SOCKET, SCM_RIGHTS, c->descriptor, c->count * sizeof(int));
    for (const struct socket_note *n = c->note; !error && n < c->note + c->notes; n++)
        error = control_put(o, n->level, n->type, n->data, n->size);
    return error;
}

static int message_finish(const struct socket *s, struct aegis_transfer *t, struct msghdr *m,
                          struct msghdr *user)
{
    struct control_out o = {m->msg_control, m->msg_control ? m->msg_controllen : 0, 0, false};
    int error = control_give(s, t->control, &o);

    if (!error && m->msg_name) {
        socklen_t n = t->name_size < m->msg_namelen ? t->name_size : m->msg_namelen;
        error = user_copy_out(m->msg_name, &t->name, n);
        m->msg_namelen = t->name_size;
    }
    m->msg_controllen = (socklen_t)o.used;
    m->msg_flags = (int)t->flags_out | (o.cut || t->control->cut ? MSG_CTRUNC : 0);
    if (s->base.type == SOCK_STREAM)
        m->msg_flags &= ~MSG_EOR;
    return error ? error : user_copy_out(user, m, sizeof *m);
}

static long receive_message(int descriptor, struct msghdr *user, int flags)
{
    struct aegis_transfer t = {.flags = (unsigned)flags, .sum = AEGIS_NO_SUM};
    struct socket_control control;
    struct msghdr m;
    struct file *file;
    struct socket *s;
    int error = message_begin(descriptor, user, &m, &t, &file, &s);

    if (error)
        return error;
    t.control = &control;
    control.count = control.notes = 0;
    control.cut = control.told = false;
    control.wanted = m.msg_control && m.msg_controllen >= CMSG_LEN(sizeof(int));
    control.flags = flags & MSG_CMSG_CLOEXEC ? O_CLOEXEC : 0;
    long n = receive_run(file, s, &t);
    if (n >= 0)
        error = message_finish(s, &t, &m, user);
    return error ? error : n;
}

ssize_t recvmsg(int descriptor, struct msghdr *message, int flags)
{
    return POINT_CALL(receive_message(descriptor, message, flags));
}
