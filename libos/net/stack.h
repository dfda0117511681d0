/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The IP stack as processes see it. It is one image for all of a session, linked at fixed addresses, so
 * that its pointers to functions mean the same in each of them: text and constants are mapped from a
 * file, its data are the session's last chunk. Whoever holds the lock is the stack.
 *
 *     NET_TEXT   struct stack_image, text, constants, first values of data     R-X, /lib/aegis/lwip
 *     NET_CHUNK  ring page | struct network | data, zeroed data | buffers      RW, session memory
 *
 * The image calls nobody but through struct stack_caller: the functions of the process that is in it.
 */
#pragma once

#include <aegis/net.h>
#include <aegis/netstack.h>

#include "../session/session.h"
#include "given.h"

#define NET_TEXT         0x0900000000UL
#define NET_CHUNK        0x08ffc00000UL /* chunk SESSION_CHUNKS - 1 */
#define NET_NETWORK      (NET_CHUNK + 0x1000)
#define NET_DATA         (NET_CHUNK + 0x2000)
#define NET_DATA_END     (NET_CHUNK + 0x180000)
#define NET_BUFFERS      (NET_CHUNK + 0x180000) /* 256 of them: the endpoint's */
#define NET_BUFFER_COUNT 256
#define NET_MAGIC        0x3173746b6e676541UL
#define NET_FILTERS      3 /* ARP, IPv4, IPv6 */

/* Copies of frames for who looks at them (tap.c). */
struct stack_tap {
    uint64_t published; /* bytes ever written, whole records */
    uint64_t claimed;   /* ... that are written, or are being */
    uint64_t head;
    uint64_t received, sent; /* the ring's entries that were copied */
    uint64_t lost;
    uint64_t idle; /* nobody looked for a while: where `received` and `sent` stand is long past */
    uint8_t bytes[];
};

/* What a filter of the session's compares, as who installed it said (programs.c). */
#define NET_PROGRAM_ATOMS 12
struct net_program {
    uint64_t check; /* the filter's; another one now, or 0: this is nobody's */
    uint16_t filter;
    uint16_t count;
    uint32_t spare;
    struct aegis_atom atom[NET_PROGRAM_ATOMS];
};
#define NET_PROGRAMS_PAGES 8
#define NET_PROGRAMS       (NET_PROGRAMS_PAGES * AEGIS_PAGE_SIZE / sizeof(struct net_program))

/* What the keeper has made, and who is inside. Zero at first. */
struct network {
    uint64_t lock;       /* identity of who is the stack now, or 0 */
    uint64_t generation; /* times that it was started */
    uint64_t started;    /* of them, the last one that came to its end */
    uint64_t deadline;   /* `time`: its next timer */
    uint64_t received;   /* the ring's count, as far as frames were taken in */
    struct aegis_capability endpoint; /* `what` 0: there is no device */
    uint16_t filter[NET_FILTERS];     /* numbers */
    uint16_t spare;
    struct aegis_capability filter_capability[NET_FILTERS];
    uint32_t restarts, spare2;
    struct stack_tap *tap; /* once somebody has looked */
    uint64_t tap_until;    /* 0: nobody looks; else `time` until which somebody does */
    struct net_program *programs; /* NET_PROGRAMS, once a process has installed a filter of its own */
    /* A bit for each environment: it waits for the network, and does what there is to do (inside.c). One that was killed
     * meanwhile leaves its bit, which counts no more. */
    uint64_t waiting[AEGIS_ENVS / 64];
    struct net_given given; /* in a session apart */
    uint64_t left; /* the keeper is asked for somebody who sees to what was left unacknowledged */
};
#define NETWORK ((struct network *)NET_NETWORK)
#define NET_RING ((struct aegis_ring *)NET_CHUNK)

/* Words of a socket that are the stack's. */
enum stack_word {
    WORD_CONNECTION, /* struct connection in the stack's data */
    WORD_GENERATION, /* of the stack that it belongs to */
    WORD_EVENTS,     /* POLL* */
    WORD_LOCAL,      /* port, in host order; bound: STACK_BOUND */
    WORD_LOCAL_ADDRESS, /* 16 bytes; an IPv4 address in the first four */
    WORD_LOCAL_ADDRESS2,
    WORD_REMOTE,
    WORD_REMOTE_ADDRESS,
    WORD_REMOTE_ADDRESS2,
    WORD_BACKLOG,
    WORD_OPTIONS, /* TCP_NODELAY ..., TTL */
    WORD_BLOCKED, /* and three behind it: struct icmp6_filter, types that are passed over */
};
#define STACK_BOUND 0x10000UL

/* An address as it passes between the two: family AF_INET or AF_INET6, bytes in network order. */
struct stack_name {
    uint16_t family, port; /* port in host order */
    uint32_t scope;
    uint8_t address[16];
};

/* How a datagram went, or is to go; bits of `told` say what of it counts. */
#define WAY_HOPS    1U
#define WAY_CLASS   2U
#define WAY_ADDRESS 4U
struct stack_way {
    uint8_t told;
    uint8_t hops, traffic_class;
    uint8_t interface;
    uint8_t address[16]; /* as in stack_name: to which it was sent; from which it is to be */
};

struct stack_caller {
    int (*copy)(void *to, const void *from, size_t size); /* the caller's memory among them */
    long (*copy_sum)(void *to, const void *from, size_t size); /* user_copy_sum */
    void (*wake)(struct aegis_socket *s);
    long (*send)(void); /* all that is queued in the ring */
    uint16_t chunk_slot; /* the caller's claim on NET_CHUNK */
};

/* At NET_TEXT. Each with the lock held and `*caller` set. Results as struct netstack's. */
struct stack_image {
    uint64_t magic;
    uint64_t text_end; /* addresses */
    uint64_t data_from, data, data_end, zero_end;
    const struct stack_caller **caller;
    void (*start)(bool device);
    /* A time in `time` at which to come again, 0: never. Frames are taken in, timers run, what is
     * queued is sent. */
    uint64_t (*run)(void);
    void (*flush)(void); /* only what is queued */
    int (*make)(struct aegis_socket *s);
    void (*close)(struct aegis_socket *s);
    int (*bind)(struct aegis_socket *s, const struct stack_name *name);
    int (*connect)(struct aegis_socket *s, const struct stack_name *name);
    int (*listen)(struct aegis_socket *s, unsigned backlog);
    int (*accept)(struct aegis_socket *s, struct aegis_socket *into);
    int (*shutdown)(struct aegis_socket *s, unsigned how);
    /* TCP: bytes of the caller's memory that were taken. `sum`: of all of them, or AEGIS_NO_SUM. */
    ssize_t (*stream_send)(struct aegis_socket *s, const void *user, size_t size, bool more, int32_t sum);
    /* What lies at `at`: its size, 0 at the end, -EAGAIN. */
    ssize_t (*stream_peek)(struct aegis_socket *s, size_t at, const void **bytes);
    void (*stream_take)(struct aegis_socket *s, size_t size);
    /* One of the caller's memory that is short and whose way is known, at once: its size; -EFAULT;
     * -EAGAIN: it is to be made and sent. */
    ssize_t (*datagram_quick)(struct aegis_socket *s, const void *user, size_t size,
                              const struct stack_name *name);
    /* Datagrams: memory for one of `size`, filled by parts, then sent. Or given back: name null. */
    void *(*datagram_make)(struct aegis_socket *s, size_t size);
    size_t (*datagram_part)(void *datagram, size_t at, void **bytes);
    int (*datagram_send)(struct aegis_socket *s, void *datagram, const struct stack_name *name, const struct stack_way *way);
    /* The first one that waits: its size or -EAGAIN; `*datagram` for datagram_part. */
    ssize_t (*datagram_peek)(struct aegis_socket *s, void **datagram, struct stack_name *from);
    void (*datagram_take)(struct aegis_socket *s);
    const struct stack_way *(*datagram_way)(struct aegis_socket *s); /* of the first one */
    unsigned (*datagram_wants)(struct aegis_socket *s); /* WAY_*: what its owner wants to be told */
    size_t (*there)(struct aegis_socket *s);
    int (*option_get)(struct aegis_socket *s, int level, int name, int *value);
    int (*option_set)(struct aegis_socket *s, int level, int name, int value);
    int (*membership)(struct aegis_socket *s, const struct stack_name *group, bool join);
    int (*interface)(unsigned i, struct aegis_interface *interface);
    /* After a death inside: the sockets that there were, one after the other; null: no more. */
    struct aegis_socket *(*left)(unsigned i);
    bool (*configured)(void); /* the interface has its address, or will get none */
    /* Some socket has one of these ports, on other addresses than the loopback's. */
    bool (*ports_used)(unsigned protocol, unsigned first, unsigned last);
    /* Something was left that its peers have not acknowledged, or that waits for a neighbour's answer. */
    bool (*unfinished)(void);
};
#define STACK_IMAGE ((const struct stack_image *)NET_TEXT)
