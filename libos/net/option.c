/* SPDX-License-Identifier: BSD-2-Clause */
/* Options that all sockets have. */
#include <limits.h>
#include <string.h>
#include <sys/time.h>

#include <aegis/exposed.h>

#include "socket.h"

#define BUFFER_LEAST 2048U
#define BUFFER_MOST  (1U << 20)
#define VALUE_MOST   256 /* bytes of an option's value */

/* Those that are on or off. */
#define SWITCHES                                                                                   \
    (1U << SO_DEBUG | 1U << SO_REUSEADDR | 1U << SO_DONTROUTE | 1U << SO_BROADCAST |               \
     1U << SO_KEEPALIVE | 1U << SO_OOBINLINE | 1U << SO_REUSEPORT | 1U << SO_PASSCRED)

static bool is_switch(int name)
{
    return (unsigned)name < 32 && SWITCHES >> name & 1;
}

/* ---- asked ---- */

static int time_get(uint64_t ticks, void *value, socklen_t *size)
{
    uint64_t hz = AEGIS_EXPOSED_STATE->time_hz;
    struct timeval t = {(time_t)(ticks / hz), (suseconds_t)(ticks % hz * 1000000 / hz)};

    memcpy(value, &t, sizeof t);
    *size = sizeof t;
    return 0;
}

static int linger_get(const struct socket *s, void *value, socklen_t *size)
{
    struct linger l = {s->base.linger != 0, s->base.linger ? (int)s->base.linger - 1 : 0};

    memcpy(value, &l, sizeof l);
    *size = sizeof l;
    return 0;
}

static int number_get(struct socket *s, int name)
{
    switch (name) {
    case SO_TYPE:
        return s->base.type;
    case SO_DOMAIN:
        return s->base.family;
    case SO_PROTOCOL:
        return s->base.protocol;
    case SO_ERROR:
        return -socket_error(s);
    case SO_SNDBUF:
        return (int)s->base.send_limit;
    case SO_RCVBUF:
        return (int)s->base.receive_limit;
    case SO_ACCEPTCONN:
        return s->base.state == SOCKET_LISTENING;
    case SO_RCVLOWAT:
    case SO_SNDLOWAT:
        return 1;
    default:
        return is_switch(name) ? (int)(s->base.switches >> name & 1) : -ENOPROTOOPT;
    }
}

static int socket_get(struct socket *s, int name, void *value, socklen_t *size)
{
    switch (name) {
    case SO_RCVTIMEO:
        return time_get(s->base.receive_timeout, value, size);
    case SO_SNDTIMEO:
        return time_get(s->base.send_timeout, value, size);
    case SO_LINGER:
        return linger_get(s, value, size);
    case SO_PEERCRED:
        if (s->base.family != AF_UNIX)
            return -ENOPROTOOPT;
        memcpy(value, &s->peer_owner, sizeof s->peer_owner);
        *size = sizeof s->peer_owner;
        return 0;
    default:;
        int number = number_get(s, name);
        if (number < 0)
            return number;
        memcpy(value, &number, sizeof number);
        *size = sizeof number;
        return 0;
    }
}

static int option_get(int descriptor, int level, int name, void *user, socklen_t *user_size)
{
    _Alignas(8) char value[VALUE_MOST];
    socklen_t room, size = sizeof value;
    struct file *file;
    struct socket *s;
    int error = socket_find(descriptor, &file, &s);

    if (error)
        return error;
    if (user_copy_in(&room, user_size, sizeof room))
        return -EFAULT;
    if (room > INT_MAX)
        return -EINVAL;
    const struct netstack *stack = stack_of(s->base.family);
    if (level == SOL_SOCKET)
        error = socket_get(s, name, value, &size);
    else
        error = stack->option_get ? stack->option_get(&s->base, level, name, value, &size)
                                  : -ENOPROTOOPT;
    if (error)
        return error;
    size = size < room ? size : room;
    return user_copy_out(user, value, size) || user_copy_out(user_size, &size, sizeof size)
               ? -EFAULT
               : 0;
}

int getsockopt(int descriptor, int level, int name, void *restrict value, socklen_t *restrict size)
{
    return (int)CALL(option_get(descriptor, level, name, value, size));
}

/* ---- set ---- */

static int time_set(uint64_t *ticks, const void *value, socklen_t size)
{
    struct timeval t;
    uint64_t hz = AEGIS_EXPOSED_STATE->time_hz;

    if (size < sizeof t)
        return -EINVAL;
    memcpy(&t, value, sizeof t);
    if (t.tv_usec < 0 || t.tv_usec >= 1000000)
        return -EDOM;
    if (t.tv_sec < 0 || (uint64_t)t.tv_sec > UINT64_MAX / 4 / hz)
        *ticks = 0;
    else
        *ticks = (uint64_t)t.tv_sec * hz + ((uint64_t)t.tv_usec * hz + 999999) / 1000000;
    return 0;
}

static int linger_set(struct socket *s, const void *value, socklen_t size)
{
    struct linger l;

    if (size < sizeof l)
        return -EINVAL;
    memcpy(&l, value, sizeof l);
    s->base.linger = !l.l_onoff ? 0 : l.l_linger < 0 ? 1 : (uint32_t)l.l_linger + 1;
    return 0;
}

static uint32_t buffer_size(int wanted)
{
    uint32_t n = wanted < 0 ? BUFFER_MOST : (uint32_t)wanted;
    return n < BUFFER_LEAST ? BUFFER_LEAST : n > BUFFER_MOST ? BUFFER_MOST : n;
}

static int number_set(struct socket *s, int name, int number)
{
    switch (name) {
    case SO_SNDBUF:
        s->base.send_limit = buffer_size(number);
        return 0;
    case SO_RCVBUF:
        s->base.receive_limit = buffer_size(number);
        return 0;
    case SO_RCVLOWAT:
    case SO_SNDLOWAT:
        return number == 1 ? 0 : -ENOPROTOOPT;
    default:
        if (!is_switch(name))
            return -ENOPROTOOPT;
        if (number)
            __atomic_fetch_or(&s->base.switches, 1U << name, __ATOMIC_RELAXED);
        else
            __atomic_fetch_and(&s->base.switches, ~(1U << name), __ATOMIC_RELAXED);
        return 0;
    }
}

static int socket_set(struct socket *s, int name, const void *value, socklen_t size)
{
    int number;

    switch (name) {
    case SO_RCVTIMEO:
        return time_set(&s->base.receive_timeout, value, size);
    case SO_SNDTIMEO:
        return time_set(&s->base.send_timeout, value, size);
    case SO_LINGER:
        return linger_set(s, value, size);
    default:
        if (size < sizeof number)
            return -EINVAL;
        memcpy(&number, value, sizeof number);
        return number_set(s, name, number);
    }
}

static int option_set(int descriptor, int level, int name, const void *user, socklen_t size)
{
    _Alignas(8) char value[VALUE_MOST];
    struct file *file;
    struct socket *s;
    int error = socket_find(descriptor, &file, &s);

    if (error)
        return error;
    if (size > sizeof value)
        size = sizeof value;
    if (user_copy_in(value, user, size))
        return -EFAULT;
    const struct netstack *stack = stack_of(s->base.family);
    if (level != SOL_SOCKET)
        return stack->option_set ? stack->option_set(&s->base, level, name, value, size)
                                 : -ENOPROTOOPT;
    error = socket_set(s, name, value, size);
    /* the stack may have to know */
    if (!error && stack->option_set && s->base.family != AF_UNIX)
        stack->option_set(&s->base, level, name, value, size);
    return error;
}

int setsockopt(int descriptor, int level, int name, const void *value, socklen_t size)
{
    return (int)CALL(option_set(descriptor, level, name, value, size));
}
