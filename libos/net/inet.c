/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The default stack: lwIP, shared by the session (stack.h). Whoever calls is the stack while it holds
 * the lock; signals wait that long. If it is destroyed inside all the same, whoever comes next starts
 * the stack anew: listening and datagram sockets are as they were, connections are reset.
 */
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>

#include "../proc/space.h"
#include "../session/inline.h"
#include "network.h"
#include "socket.h"
#include "stack.h"

#define IMAGE_FILE "/lib/aegis/lwip"
#define LEFT_MOST  640
#define DATAGRAM_MOST 65507 /* larger than a frame: cut, and put together again by the receiver */

/* ---- the caller's side of the image ---- */

static struct stack_caller caller;
static bool joined;
static const void *holder; /* the thread that is inside */

static void wake(struct aegis_socket *s)
{
    aegis_socket_changed(s);
}

static long send_queued(void)
{
    struct aegis_result r;

    do {
        r = aegis_net_send(SLOT_ENDPOINT);
    } while (!r.error && NET_RING->queued != NET_RING->taken);
    return r.error;
}

/* The session's endpoint, claimed once a process; its children have it from the start. */
static int endpoint_claim(void)
{
    const struct aegis_capability *c = &NETWORK->endpoint;

    if (!c->what)
        return 0;
    long error = aegis_claim(c->what, c->mac, SLOT_ENDPOINT).error;
    return error && error != AEGIS_E_OCCUPIED ? -EAFNOSUPPORT : 0;
}

/* The image's text, shared, from its file. */
static int image_map(void)
{
    struct stat st;
    int fd = open(IMAGE_FILE, O_RDONLY | O_CLOEXEC);
    void *at = MAP_FAILED;

    if (fd < 0)
        return errno == EMFILE ? -EMFILE : -EAFNOSUPPORT;
    if (!fstat(fd, &st) && st.st_size > (off_t)sizeof(struct stack_image))
        at = mmap((void *)NET_TEXT, (size_t)st.st_size, PROT_READ | PROT_EXEC,
                  MAP_SHARED | MAP_FIXED, fd, 0);
    close(fd);
    return at == (void *)NET_TEXT && STACK_IMAGE->magic == NET_MAGIC ? 0 : -EAFNOSUPPORT;
}

static int join(void)
{
    uint32_t offset;

    if (joined)
        return 0;
    int error = network_reserve();
    if (!error)
        error = image_map();
    if (!error)
        error = endpoint_claim();
    if (error)
        return error;
    caller = (struct stack_caller){.copy = user_copy_in,
                                   .copy_sum = user_copy_sum,
                                   .wake = wake,
                                   .send = send_queued,
                                   .chunk_slot = (uint16_t)session_slot((void *)NET_CHUNK, &offset)};
    joined = true;
    return 0;
}

/* ---- the lock ---- */

static void sockets_made_anew(struct aegis_socket **left, unsigned count);

/* What was inside is lost; whose it was is found in its table, if that is still one. */
static unsigned sockets_left(struct aegis_socket **left)
{
    unsigned count = 0;

    for (unsigned i = 0; i < LEFT_MOST; i++) {
        struct aegis_socket *s = STACK_IMAGE->left(i);
        if (!s)
            break;
        bool sane = (uintptr_t)s - SESSION_VA < SESSION_SIZE && (uintptr_t)s % 16 == 0 &&
                    (s->family == AF_INET || s->family == AF_INET6) && !socket_of(s)->closed;
        if (sane)
            left[count++] = s;
    }
    return count;
}

static void start(void)
{
    const struct stack_image *image = STACK_IMAGE;
    struct aegis_socket *left[LEFT_MOST];
    unsigned count = 0;

    if (NETWORK->generation) {
        count = sockets_left(left);
        memset((void *)image->data, 0, image->zero_end - image->data);
        NETWORK->restarts++;
    }
    NETWORK->generation++;
    memcpy((void *)image->data, (void *)image->data_from, image->data_end - image->data);
    *image->caller = &caller;
    image->start(NETWORK->endpoint.what != 0);
    sockets_made_anew(left, count);
    NETWORK->started = NETWORK->generation;
}

/* A fault inside ends the process, whose end comes here again: it is as good as dead. */
static bool own_is_dead(void)
{
    return holder == thread_self() || process_self->flags & PROCESS_ENDING;
}

/* True: its owner died inside. */
static bool lock_wait(void)
{
    for (unsigned tries = 1;; tries++) {
        uint64_t owner = __atomic_load_n(&NETWORK->lock, __ATOMIC_RELAXED);
        if (!owner) {
            if (word_claim(&NETWORK->lock))
                return false;
        } else if (owner == session_me && own_is_dead()) {
            return true;
        } else if (owner != session_me && owner_is_gone(owner)) {
            if (__atomic_compare_exchange_n(&NETWORK->lock, &owner, session_me, false,
                                            __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
                return true;
        } else {
            monitor_relax(tries);
        }
    }
}

static inline void enter(void)
{
    signals_defer();
    bool died = !word_claim(&NETWORK->lock) && lock_wait();
    if (__builtin_expect(died || NETWORK->started != NETWORK->generation || !NETWORK->started, 0))
        start();
    *STACK_IMAGE->caller = &caller;
    holder = thread_self();
}

static inline void leave(void)
{
    holder = NULL;
    __atomic_store_n(&NETWORK->lock, 0, __ATOMIC_RELEASE);
    signals_allow();
}

static void run_inside(void)
{
    NETWORK->deadline = STACK_IMAGE->run();
}

/* `call` with the stack ours, if the socket is one of its. Then what it has to send goes out. */
#define INSIDE(s, call)                                                                            \
    ({                                                                                             \
        __typeof__(call) result_;                                                                  \
        enter();                                                                                   \
        if ((s)->words[WORD_CONNECTION]) {                                                         \
            result_ = (call);                                                                      \
            run_inside();                                                                          \
        } else {                                                                                   \
            result_ = -ENOTCONN;                                                                   \
        }                                                                                          \
        leave();                                                                                   \
        result_;                                                                                   \
    })

/* ---- after a death ---- */

static struct stack_name kept_name(const struct aegis_socket *s, unsigned word)
{
    struct stack_name n = {.family = s->family, .port = (uint16_t)s->words[word]};

    memcpy(n.address, &s->words[word + 1], sizeof n.address);
    return n;
}

static void socket_made_anew(struct aegis_socket *s)
{
    const struct stack_image *image = STACK_IMAGE;
    unsigned state = s->state;
    bool stream = s->type == SOCK_STREAM, reset = stream && (state == SOCKET_CONNECTED ||
                                                             state == SOCKET_CONNECTING);

    s->words[WORD_CONNECTION] = 0;
    s->words[WORD_EVENTS] = POLLIN | POLLOUT | POLLHUP | POLLERR;
    s->state = SOCKET_UNCONNECTED;
    if (reset || image->make(s)) {
        s->error = ECONNRESET;
        return;
    }
    image->option_set(s, SOL_SOCKET, 0, 0);
    struct stack_name local = kept_name(s, WORD_LOCAL), remote = kept_name(s, WORD_REMOTE);
    if (s->words[WORD_LOCAL] & STACK_BOUND)
        image->bind(s, &local);
    if (state == SOCKET_LISTENING)
        image->listen(s, (unsigned)s->words[WORD_BACKLOG]);
    else if (state == SOCKET_CONNECTED)
        image->connect(s, &remote);
}

static void sockets_made_anew(struct aegis_socket **left, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        socket_made_anew(left[i]);
        aegis_socket_changed(left[i]);
    }
}

/* ---- waiting ---- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return !a ? b : !b || (int64_t)(a - b) < 0 ? a : b;
}

static bool due(void)
{
    if (NETWORK->endpoint.what && NET_RING->queued != NET_RING->taken)
        return true; /* MSG_BATCH: until somebody waits */
    if (NETWORK->endpoint.what &&
        __atomic_load_n(&NET_RING->received, __ATOMIC_ACQUIRE) != NETWORK->received)
        return true;
    return NETWORK->deadline && (int64_t)(time_now() - NETWORK->deadline) >= 0;
}

static void inet_run(void)
{
    if (!joined || !due())
        return;
    enter();
    run_inside();
    leave();
}

static unsigned inet_await(struct aegis_predicate *p, uint64_t *deadline)
{
    uint32_t offset;

    if (!joined)
        return 0;
    if (NETWORK->endpoint.what && NET_RING->queued != NET_RING->taken)
        inet_run();
    *deadline = sooner(*deadline, NETWORK->deadline);
    if (!NETWORK->endpoint.what)
        return 0;
    unsigned slot = session_slot(&NET_RING->received, &offset);
    *p = (struct aegis_predicate){(uint16_t)slot, AEGIS_NE, 8, offset, NETWORK->received};
    return 1;
}

/* Until the interface has an address: programs that start at once would find no way out. */
static void configuration_await(void)
{
    bool done = false;

    while (!done) {
        struct aegis_predicate p;
        enter();
        run_inside();
        done = STACK_IMAGE->configured();
        leave();
        uint64_t deadline = time_now() + AEGIS_EXPOSED_STATE->time_hz / 20;
        if (!done) {
            unsigned n = inet_await(&p, &deadline);
            if (channel_wait_with(NULL, 0, &p, n, deadline) == -EINTR)
                done = true;
        }
    }
}

/* ---- sockets ---- */

static int type_check(const struct aegis_socket *s)
{
    switch (s->type) {
    case SOCK_STREAM:
        return !s->protocol || s->protocol == IPPROTO_TCP ? 0 : -EPROTONOSUPPORT;
    case SOCK_DGRAM:
        return !s->protocol || s->protocol == IPPROTO_UDP ? 0 : -EPROTONOSUPPORT;
    case SOCK_RAW:
        return process_self->euid ? -EPERM : s->protocol && s->protocol < 256 ? 0 : -EPROTONOSUPPORT;
    default:
        return -EPROTOTYPE;
    }
}

static int inet_make(struct aegis_socket *s)
{
    int error = type_check(s);
    bool first = !joined;

    if (!error)
        error = join();
    if (error)
        return error;
    if (!s->protocol)
        s->protocol = s->type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
    if (first)
        configuration_await();
    enter();
    error = STACK_IMAGE->make(s);
    leave();
    return error;
}

static void inet_close(struct aegis_socket *s)
{
    if (!s->words[WORD_CONNECTION] || join())
        return;
    enter();
    STACK_IMAGE->close(s);
    run_inside();
    leave();
}

/* AF_UNSPEC: family 0. */
static int name_take(const struct aegis_socket *s, const struct sockaddr *name, socklen_t size,
                     struct stack_name *taken)
{
    *taken = (struct stack_name){.family = s->family};
    if (size < sizeof name->sa_family)
        return -EINVAL;
    if (name->sa_family == AF_UNSPEC) {
        taken->family = 0;
        return 0;
    }
    if (name->sa_family != s->family)
        return -EAFNOSUPPORT;
    if (s->family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)name;
        if (size < sizeof *in)
            return -EINVAL;
        taken->port = ntohs(in->sin_port);
        memcpy(taken->address, &in->sin_addr, 4);
    } else {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)name;
        if (size < sizeof *in - sizeof in->sin6_scope_id)
            return -EINVAL;
        taken->port = ntohs(in->sin6_port);
        taken->scope = size >= sizeof *in ? in->sin6_scope_id : 0;
        memcpy(taken->address, &in->sin6_addr, 16);
    }
    return 0;
}

static void name_give(const struct stack_name *from, struct sockaddr_storage *name, socklen_t *size)
{
    if (from->family == AF_INET) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(from->port)};
        memcpy(&in.sin_addr, from->address, 4);
        memcpy(name, &in, sizeof in);
        *size = sizeof in;
    } else {
        struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = htons(from->port),
                                  .sin6_scope_id = from->scope};
        memcpy(&in.sin6_addr, from->address, 16);
        memcpy(name, &in, sizeof in);
        *size = sizeof in;
    }
}

static int inet_bind(struct aegis_socket *s, const struct sockaddr *name, socklen_t size)
{
    struct stack_name n;
    int error = name_take(s, name, size, &n);

    if (!error && !n.family)
        error = -EAFNOSUPPORT;
    if (!error && n.port && n.port < IPPORT_RESERVED && process_self->euid)
        error = -EACCES;
    if (!error && s->words[WORD_LOCAL] & STACK_BOUND)
        error = -EINVAL;
    return error ? error : INSIDE(s, STACK_IMAGE->bind(s, &n));
}

static int inet_connect(struct aegis_socket *s, struct aegis_transfer *t)
{
    struct stack_name n;
    int error = name_take(s, (const struct sockaddr *)&t->name, t->name_size, &n);

    return error ? error : INSIDE(s, STACK_IMAGE->connect(s, &n));
}

static int inet_listen(struct aegis_socket *s, int backlog)
{
    unsigned n = backlog < 1 ? 1 : backlog > SOMAXCONN ? SOMAXCONN : (unsigned)backlog;
    return INSIDE(s, STACK_IMAGE->listen(s, n));
}

static int inet_accept(struct aegis_socket *s, struct aegis_socket *into)
{
    return INSIDE(s, STACK_IMAGE->accept(s, into));
}

static int inet_shutdown(struct aegis_socket *s, unsigned how)
{
    return INSIDE(s, STACK_IMAGE->shutdown(s, how));
}

static int inet_address(struct aegis_socket *s, int peer, struct sockaddr_storage *name,
                        socklen_t *size)
{
    struct stack_name n = kept_name(s, peer ? WORD_REMOTE : WORD_LOCAL);

    if (peer && s->state != SOCKET_CONNECTED)
        return -ENOTCONN;
    name_give(&n, name, size);
    return 0;
}

/* ---- streams ---- */

/* The first byte of each page that is to be read: a bad pointer is found before anything is sent. */
static int touch(const char *user, size_t size)
{
    char byte;

    for (size_t at = 0; at < size; at += AEGIS_PAGE_SIZE)
        if (user_copy_in(&byte, user + at, 1))
            return -EFAULT;
    return user_copy_in(&byte, user + size - 1, 1);
}

static ssize_t stream_send_part(struct aegis_socket *s, struct aegis_transfer *t)
{
    void *user;
    size_t left = t->size - t->done, n = aegis_transfer_part(t, 0, &user);
    bool more = t->flags & MSG_MORE || n < left;

    if (!n || n > left)
        return -EFAULT;
    n = n > 0xffff ? 0xffff : n;
    if (touch(user, n))
        return -EFAULT;
    return STACK_IMAGE->stream_send(s, user, n, more || n < left);
}

/* What does not fit now may, when acknowledgements that wait in the ring were taken in. */
static ssize_t stream_send_now(struct aegis_socket *s, struct aegis_transfer *t)
{
    ssize_t sum = 0, n = 0;

    while (t->done < t->size && (n = stream_send_part(s, t)) > 0) {
        sum += n;
        t->done += (size_t)n;
    }
    if (!(t->flags & MSG_BATCH) || n < 0)
        run_inside();
    t->done -= (size_t)sum;
    return sum ? sum : n;
}

/* ---- receiving ---- */

static ssize_t stream_receive_now(struct aegis_socket *s, struct aegis_transfer *t)
{
    size_t want = t->size - t->done, at = 0;
    const void *bytes;
    ssize_t n = 0;

    while (at < want && (n = STACK_IMAGE->stream_peek(s, t->flags & MSG_PEEK ? at : 0, &bytes)) > 0) {
        size_t part = (size_t)n < want - at ? (size_t)n : want - at;
        if (aegis_transfer_put(t, at, bytes, part))
            return at ? (ssize_t)at : -EFAULT;
        if (!(t->flags & MSG_PEEK))
            STACK_IMAGE->stream_take(s, part);
        at += part;
    }
    return at ? (ssize_t)at : want ? n : 0;
}

static ssize_t datagram_receive_now(struct aegis_socket *s, struct aegis_transfer *t)
{
    struct stack_name from;
    void *datagram, *bytes;
    ssize_t size = STACK_IMAGE->datagram_peek(s, &datagram, &from);

    if (size < 0 || (!size && s->shut & SOCKET_SHUT_READ))
        return size;
    size_t n = (size_t)size < t->size ? (size_t)size : t->size;
    for (size_t at = 0, part; at < n; at += part) {
        part = STACK_IMAGE->datagram_part(datagram, at, &bytes);
        part = part < n - at ? part : n - at;
        if (aegis_transfer_put(t, at, bytes, part))
            return -EFAULT;
    }
    name_give(&from, &t->name, &t->name_size);
    t->flags_out |= n < (size_t)size ? MSG_TRUNC : 0;
    if (!(t->flags & MSG_PEEK))
        STACK_IMAGE->datagram_take(s);
    return t->flags & MSG_TRUNC ? size : (ssize_t)n;
}

static ssize_t receive_now(struct aegis_socket *s, struct aegis_transfer *t)
{
    return s->type == SOCK_STREAM ? stream_receive_now(s, t) : datagram_receive_now(s, t);
}

static ssize_t inet_receive(struct aegis_socket *s, struct aegis_transfer *t)
{
    uint64_t seen = channel_seen(channel_of(&s->readable));

    if (s->type == SOCK_STREAM && s->state == SOCKET_LISTENING)
        return -ENOTCONN;
    enter();
    uint64_t queued = NET_RING->queued;
    ssize_t n = s->words[WORD_CONNECTION] ? receive_now(s, t) : s->error ? -EAGAIN : 0;
    if (n == -EAGAIN && due()) {
        run_inside();
        n = receive_now(s, t);
    } else if (n > 0 && NET_RING->queued != queued) {
        run_inside(); /* the window has opened, and the peer is told */
    }
    leave();
    return n == -EAGAIN ? aegis_transfer_wait(t, &s->readable, seen) : n;
}

/* ---- datagrams ---- */

static ssize_t datagram_send_now(struct aegis_socket *s, struct aegis_transfer *t,
                                 const struct stack_name *name)
{
    void *datagram, *bytes;

    if (t->size > DATAGRAM_MOST || t->size > s->send_limit)
        return -EMSGSIZE;
    if (!(datagram = STACK_IMAGE->datagram_make(s, t->size)))
        return -ENOBUFS;
    for (size_t at = 0, part; at < t->size; at += part) {
        part = STACK_IMAGE->datagram_part(datagram, at, &bytes);
        if (aegis_transfer_take(t, at, bytes, part)) {
            STACK_IMAGE->datagram_send(s, datagram, NULL);
            return -EFAULT;
        }
    }
    int error = STACK_IMAGE->datagram_send(s, datagram, name);
    if (!(t->flags & MSG_BATCH))
        run_inside();
    return error ? error : (ssize_t)t->size;
}

static ssize_t inet_send(struct aegis_socket *s, struct aegis_transfer *t)
{
    uint64_t seen = channel_seen(channel_of(&s->writable));
    struct stack_name name = {0};
    int error = t->name_size ? name_take(s, (const struct sockaddr *)&t->name, t->name_size, &name) : 0;

    if (error)
        return error;
    if (s->type == SOCK_STREAM && t->name_size)
        return s->state == SOCKET_CONNECTED ? -EISCONN : -ENOTCONN;
    if (s->type != SOCK_STREAM && !name.family && s->state != SOCKET_CONNECTED)
        return -EDESTADDRREQ;
    if (s->shut & SOCKET_SHUT_WRITE)
        return -EPIPE;
    enter();
    ssize_t n = -EPIPE;
    if (s->words[WORD_CONNECTION])
        n = s->type == SOCK_STREAM ? stream_send_now(s, t) : datagram_send_now(s, t, &name);
    leave();
    return n == -EAGAIN ? aegis_transfer_wait(t, &s->writable, seen) : n;
}

/* ---- options, interfaces ---- */

static int option_get(struct aegis_socket *s, int level, int name, void *value, socklen_t *size)
{
    int number = 0;
    int error = INSIDE(s, STACK_IMAGE->option_get(s, level, name, &number));

    memcpy(value, &number, sizeof number);
    *size = sizeof number;
    return error;
}

/* struct ip_mreq and struct ipv6_mreq. */
static int member_set(struct aegis_socket *s, int name, const void *value, socklen_t size)
{
    struct stack_name group = {.family = name == IPV6_JOIN_GROUP || name == IPV6_LEAVE_GROUP
                                             ? AF_INET6
                                             : AF_INET};
    size_t length = group.family == AF_INET ? 4 : 16;

    if (size < (group.family == AF_INET ? sizeof(struct ip_mreq) : sizeof(struct ipv6_mreq)) ||
        s->type != SOCK_DGRAM)
        return -EINVAL;
    memcpy(group.address, value, length);
    bool joins = name == IP_ADD_MEMBERSHIP || name == IPV6_JOIN_GROUP;
    return INSIDE(s, STACK_IMAGE->membership(s, &group, joins));
}

static int option_set(struct aegis_socket *s, int level, int name, const void *value, socklen_t size)
{
    int number = 0;

    if ((level == IPPROTO_IP && (name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP)) ||
        (level == IPPROTO_IPV6 && (name == IPV6_JOIN_GROUP || name == IPV6_LEAVE_GROUP)))
        return member_set(s, name, value, size);
    if (level != SOL_SOCKET && size < 1)
        return -EINVAL;
    memcpy(&number, value, size < sizeof number ? size : sizeof number);
    return INSIDE(s, STACK_IMAGE->option_set(s, level, name, number));
}

static size_t inet_there(struct aegis_socket *s)
{
    enter();
    size_t n = s->words[WORD_CONNECTION] ? STACK_IMAGE->there(s) : 0;
    leave();
    return n;
}

static unsigned inet_events(struct aegis_socket *s)
{
    return (unsigned)s->words[WORD_EVENTS] | (s->error ? POLLERR : 0);
}

static int inet_interface(unsigned i, struct aegis_interface *interface)
{
    bool first = !joined;

    if (join())
        return -ENXIO;
    if (first)
        configuration_await();
    enter();
    int error = STACK_IMAGE->interface(i, interface);
    leave();
    return error;
}

static const struct netstack inet_stack = {
    .name = "lwip",
    .make = inet_make,
    .close = inet_close,
    .bind = inet_bind,
    .connect = inet_connect,
    .listen = inet_listen,
    .accept = inet_accept,
    .send = inet_send,
    .receive = inet_receive,
    .shutdown = inet_shutdown,
    .address = inet_address,
    .option_get = option_get,
    .option_set = option_set,
    .there = inet_there,
    .events = inet_events,
    .await = inet_await,
    .run = inet_run,
    .interface = inet_interface,
};

__attribute__((weak)) const struct netstack *const aegis_netstack = &inet_stack;
