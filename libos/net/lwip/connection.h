/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A socket as lwIP's callbacks know it. It lies in the stack's data, and lives from make (or from a
 * peer's connecting) to close.
 */
#pragma once

#include <errno.h>
#include <poll.h>
#include <stdbool.h>

#include "../stack.h"
#include "lwip/ip.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/raw.h"
#include "lwip/tcp.h"
#include "lwip/udp.h"

#define CONNECTIONS 640
#define DATAGRAMS   1024

enum connection_kind { KIND_FREE, KIND_STREAM, KIND_UDP, KIND_RAW };

struct datagram {
    struct datagram *next;
    struct pbuf *p;
    struct stack_name from;
    struct stack_way way;
};

struct connection {
    struct aegis_socket *s; /* null: not accepted yet */
    uint8_t kind;
    bool ended;      /* TCP: the peer's end has come */
    bool waiting;    /* in its listener's queue */
    uint8_t wants;   /* WAY_*: of each datagram */
    int error;       /* before it is accepted */
    union {
        struct tcp_pcb *tcp; /* null: gone */
        struct udp_pcb *udp;
        struct raw_pcb *raw;
    };
    struct pbuf *received; /* TCP: not yet read */
    struct datagram *first, *last;
    size_t bytes; /* that wait in datagrams */
    struct connection *pending, *pending_last, *next; /* not accepted; next: of these, or free ones */
};

extern const struct stack_caller *stack_caller;

/* connection.c */
void connections_start(void);
struct connection *connection_new(enum connection_kind kind);
void connection_free(struct connection *c);
static inline struct connection *connection_of(const struct aegis_socket *s)
{
    return (struct connection *)s->words[WORD_CONNECTION];
}
void connection_attach(struct connection *c, struct aegis_socket *s);
/* What poll tells may have changed. */
void connection_changed(struct connection *c);
void connection_fail(struct connection *c, int error);
int error_of(err_t error);
ip_addr_t address_in(const struct aegis_socket *s, const struct stack_name *name);
void address_out(const struct aegis_socket *s, struct stack_name *name, const ip_addr_t *address,
                 uint16_t port);
bool address_local(const ip_addr_t *address);
void local_keep(struct aegis_socket *s, const ip_addr_t *address, uint16_t port);
void remote_keep(struct aegis_socket *s, const ip_addr_t *address, uint16_t port);

/* tcp.c */
int stream_make(struct connection *c, struct aegis_socket *s);
void stream_close(struct connection *c);
int stream_bind(struct connection *c, const ip_addr_t *address, uint16_t port);
int stream_connect(struct connection *c, const ip_addr_t *address, uint16_t port);
int stream_listen(struct aegis_socket *s, unsigned backlog);
int stream_accept(struct aegis_socket *s, struct aegis_socket *into);
int stream_shutdown(struct connection *c, unsigned how);
ssize_t stream_send(struct aegis_socket *s, const void *user, size_t size, bool more, int32_t sum);
ssize_t stream_peek(struct aegis_socket *s, size_t at, const void **bytes);
void stream_take(struct aegis_socket *s, size_t size);
unsigned stream_events(const struct connection *c);
bool user_is_there(const uint8_t *user, size_t size);
/* The peer has acknowledged, or sent, some. Takes over `p`. */
void stream_sent(struct connection *c);
void stream_received(struct connection *c, struct pbuf *p);

/* datagram.c */
void datagrams_start(void);
int datagram_open(struct connection *c, struct aegis_socket *s);
void datagram_close(struct connection *c);
int datagram_bind(struct connection *c, const ip_addr_t *address, uint16_t port);
int datagram_connect(struct connection *c, const ip_addr_t *address, uint16_t port);
ssize_t datagram_quick(struct aegis_socket *s, const void *user, size_t size, const struct stack_name *name);
void *datagram_make(struct aegis_socket *s, size_t size);
size_t datagram_part(void *datagram, size_t at, void **bytes);
int datagram_send(struct aegis_socket *s, void *datagram, const struct stack_name *name, const struct stack_way *way);
const struct stack_way *datagram_way(struct aegis_socket *s);
unsigned datagram_wants(struct aegis_socket *s);
ssize_t datagram_peek(struct aegis_socket *s, void **datagram, struct stack_name *from);
void datagram_take(struct aegis_socket *s);
/* A datagram of IPv4 that came from elsewhere: whose it is, if a socket's; it takes over `p`. */
struct connection *datagram_for(uint32_t to, uint16_t port, uint32_t from, uint16_t from_port);
void datagram_input(struct connection *c, struct pbuf *p, uint32_t from, uint16_t port);
extern unsigned raw_sockets; /* that there are: each may want any packet */

/* option.c */
int stack_option_get(struct aegis_socket *s, int level, int name, int *value);
int stack_option_set(struct aegis_socket *s, int level, int name, int value);
int stack_membership(struct aegis_socket *s, const struct stack_name *group, bool join);
void options_apply(struct connection *c);
/* It leaves the groups that it has joined. */
void memberships_end(const struct connection *c);

/* ports.c */
/* Not all are the stack's: who asks for any gets it from here, not from lwIP. */
bool ports_are_shared(void);
int port_any(struct connection *c, const ip_addr_t *address);
/* For what it sends, or is asked, without having been bound. -EADDRNOTAVAIL. */
int port_any_where(struct connection *c);
/* A socket may have it: 0, -EACCES (it is not ours), -EADDRINUSE (somebody has a filter for it). */
int port_check(unsigned protocol, const ip_addr_t *address, unsigned port);
bool stack_ports_used(unsigned protocol, unsigned first, unsigned last);

/* device.c */
extern struct netif device;
bool device_start(void);
void device_input(void);
void device_flush(void);
int stack_interface(unsigned i, struct aegis_interface *interface);
bool stack_configured(void);
/* UDP's checksum by software: of what will be cut into fragments. */
void device_checksums(bool whole);
