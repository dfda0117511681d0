/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network stack: what gives meaning to sockets of a family. The libOS does what is alike for all
 * of them (descriptors, waiting, timeouts, addresses and vectors taken from the caller's memory,
 * errno); a stack only ever tries:
 *
 *     send(), recvmsg(), accept() ...  -> libOS: file, socket, transfer -> stack->send(socket, t)
 *                                            ^  waits on t->wait  <- -EAGAIN '
 *
 * An application has a stack of its own by defining `aegis_netstack` (AF_INET and AF_INET6); the
 * library's is weak. A socket lies in session memory and is shared by fork and exec, so whatever
 * `words` says must mean the same in each process that has it.
 *
 * Functions return 0 or a count, or a negative errno. They are called outside the monitor, with
 * signals deferred, but for `events`. A function that is null: EOPNOTSUPP.
 */
#pragma once

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>

#include <aegis/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is waited on; zero is a good beginning. */
struct aegis_channel {
    uint64_t word;
};
#define AEGIS_CHANNEL_SLEEPERS 0xffUL /* bits that say who waits, not what happened */
/* To be read before what is waited for is looked at. */
static inline uint64_t aegis_channel_seen(const struct aegis_channel *c)
{
    return __atomic_load_n(&c->word, __ATOMIC_ACQUIRE) | AEGIS_CHANNEL_SLEEPERS;
}

enum aegis_socket_state {
    SOCKET_UNCONNECTED,
    SOCKET_LISTENING,
    SOCKET_CONNECTING,
    SOCKET_CONNECTED,
};

#define SOCKET_SHUT_READ  1U /* nothing more will be read: end of file */
#define SOCKET_SHUT_WRITE 2U /* nothing more may be sent: EPIPE */

#define SOCKET_WORDS 16

struct aegis_socket {
    uint16_t family, type; /* AF_*, SOCK_STREAM ... */
    uint16_t protocol;     /* IPPROTO_*, or 0 */
    uint16_t state;        /* enum aegis_socket_state */
    uint32_t shut;         /* SOCKET_SHUT_* */
    uint32_t switches;     /* bit SO_*: those options that are on or off */
    int32_t error;         /* SO_ERROR: an errno that the next call reports, and clears */
    uint32_t send_limit, receive_limit;      /* SO_SNDBUF, SO_RCVBUF: bytes */
    uint32_t linger;                         /* seconds + 1, or 0: off */
    uint64_t receive_timeout, send_timeout;  /* `time` ticks; 0: none */
    struct aegis_channel readable, writable; /* events may have changed */
    uint64_t words[SOCKET_WORDS];            /* the stack's */
};

/* What one call moves. */
struct aegis_transfer {
    size_t size;    /* of all elements together */
    size_t done;    /* bytes moved; the libOS counts it up by what send and receive return */
    unsigned flags; /* MSG_* that the caller gave; receive() may set those that recvmsg tells in
                       `flags_out` */
    unsigned flags_out;
    int32_t sum; /* send: aegis_sum() of all bytes, if the caller knows it; AEGIS_NO_SUM */
    struct sockaddr_storage name; /* send: where to, if name_size; receive: where from */
    socklen_t name_size;
    /* With -EAGAIN: where to wait, and what was seen of it before what was looked at. */
    struct aegis_channel *wait;
    uint64_t seen;
    /* the libOS's */
    const struct iovec *vector;
    int count;
    struct iovec one;
    struct socket_control *control;
};

#define AEGIS_NO_SUM (-1)

/* As send(), of bytes that are sent often: `sum` is aegis_sum() of them, which need not be summed
 * again if they go as one segment. Where it is wrong the segment is, and nobody accepts it. */
ssize_t aegis_send_summed(int descriptor, const void *bytes, size_t size, uint16_t sum, int flags);
/* The sum that RFC 1071 takes, in this machine's byte order. */
uint16_t aegis_sum(const void *bytes, size_t size);

/* Copies `size` bytes from (to) the caller's elements at `t->done` + `at`. 0 or -EFAULT. */
int aegis_transfer_take(const struct aegis_transfer *t, size_t at, void *to, size_t size);
int aegis_transfer_put(const struct aegis_transfer *t, size_t at, const void *from, size_t size);
/* The first element that is not done, as it lies in the caller's memory: unchecked, for
 * aegis_transfer_take's like. Its size. */
size_t aegis_transfer_part(const struct aegis_transfer *t, size_t at, void **user);

/* Ancillary data of a message but descriptors: receive() adds what recvmsg is to tell, send() finds what sendmsg was given, or
 * null. Of another size than this: null. */
void aegis_transfer_tell(struct aegis_transfer *t, int level, int type, const void *data, size_t size);
const void *aegis_transfer_told(const struct aegis_transfer *t, int level, int type, size_t size);

/* Whoever waits for the socket, or polls it, looks again. */
void aegis_socket_changed(struct aegis_socket *s);
/* -EAGAIN, to wait on `channel`, of which `seen` was seen. */
static inline int aegis_transfer_wait(struct aegis_transfer *t, struct aegis_channel *channel,
                                      uint64_t seen)
{
    t->wait = channel;
    t->seen = seen;
    return -EAGAIN;
}

struct aegis_interface {
    char name[16];
    uint32_t index, flags, mtu;
    uint8_t hardware[6];
    uint32_t address4, mask4, gateway4, server4; /* network order; server: of names */
    uint8_t address6[4][16];
    uint32_t count6;
};

struct netstack {
    const char *name;
    /* The program will use sockets that it has not made: inherited over exec, or sent to it. 0, or why it cannot. Null: it can. */
    int (*join)(void);
    /* A fresh socket of family, type and protocol. -EPROTONOSUPPORT, -ENOBUFS. */
    int (*make)(struct aegis_socket *s);
    /* The last descriptor is gone: by whoever closed it, or buried who did. Waits for nobody. */
    void (*close)(struct aegis_socket *s);
    int (*bind)(struct aegis_socket *s, const struct sockaddr *name, socklen_t size);
    /* To t->name (AF_UNSPEC: no more). -EINPROGRESS: it has begun; `state`, `error` and a wake of
     * `writable` tell how it ends. */
    int (*connect)(struct aegis_socket *s, struct aegis_transfer *t);
    int (*listen)(struct aegis_socket *s, int backlog);
    /* The oldest connection becomes `into`, a socket like `s` that was made for nothing else (not by
     * `make`). -EAGAIN: wait on s->readable. */
    int (*accept)(struct aegis_socket *s, struct aegis_socket *into);
    ssize_t (*send)(struct aegis_socket *s, struct aegis_transfer *t);
    ssize_t (*receive)(struct aegis_socket *s, struct aegis_transfer *t);
    int (*shutdown)(struct aegis_socket *s, unsigned how); /* SOCKET_SHUT_* */
    /* The address of this end, or of the other. *size: how large it is. */
    int (*address)(struct aegis_socket *s, int peer, struct sockaddr_storage *name,
                   socklen_t *size);
    /* Options that the libOS does not know: `size` in and out. -ENOPROTOOPT. */
    int (*option_get)(struct aegis_socket *s, int level, int name, void *value, socklen_t *size);
    int (*option_set)(struct aegis_socket *s, int level, int name, const void *value,
                      socklen_t size);
    /* FIONREAD: bytes that the next receive would give at most. */
    size_t (*there)(struct aegis_socket *s);
    /* POLLIN, POLLOUT, POLLHUP, POLLERR, POLLPRI: loads only. In the monitor. */
    unsigned (*events)(struct aegis_socket *s);
    /* Whoever waits for sockets of this stack: adds predicates that end the wait besides channels
     * (at most 2), may draw *deadline near; and does what there is to do for all. Null: nothing. */
    unsigned (*await)(struct aegis_predicate *p, uint64_t *deadline);
    void (*run)(void);
    /* The process has closed all that it had, and ends. Null: nothing. */
    void (*end)(void);
    /* The i-th interface. -ENXIO: there are no more. */
    int (*interface)(unsigned i, struct aegis_interface *interface);
};

extern const struct netstack *const aegis_netstack;

#ifdef __cplusplus
}
#endif
