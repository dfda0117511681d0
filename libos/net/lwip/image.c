/* SPDX-License-Identifier: BSD-2-Clause */
/* The image: its table, its clock, its beginning. */
#include "device.h"

#include <aegis/exposed.h>

#include "lwip/init.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/sys.h"
#include "lwip/timeouts.h"

extern char stack_data_from[], stack_data[], stack_data_end[], stack_zero_end[], stack_text_end[];

const struct stack_caller *stack_caller;
static uint64_t random_state;

struct aegis_socket *stack_left(unsigned i);

/* ---- what lwIP calls ---- */

u32_t sys_now(void)
{
    return (u32_t)(device_time() / (AEGIS_EXPOSED_STATE->time_hz / 1000));
}

uint32_t stack_random(void)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15 + device_time();

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (uint32_t)(z ^ z >> 31);
}

/* Whether it lies in the stack's own memory; else it is the caller's. */
static bool is_ours(const void *p)
{
    return (uintptr_t)p - NET_CHUNK < 0x200000 || (uintptr_t)p - NET_TEXT < 0x1000000;
}

void stack_copy(void *to, const void *from, size_t size)
{
    if (stack_caller->copy(to, from, size))
        memset(to, 0, size); /* the caller took it away since it was looked at */
}

/* Bytes to be sent; their sum on the way, if it is not the device that makes checksums. */
uint16_t stack_copy_sum(void *to, const void *from, unsigned size)
{
    if (device_offloads || ((uintptr_t)to | (uintptr_t)from) & 3 || is_ours(from)) {
        stack_copy(to, from, size);
        return device_offloads ? 0 : stack_checksum(to, (int)size);
    }
    long sum = stack_caller->copy_sum(to, from, size);
    if (sum >= 0)
        return (uint16_t)sum_fold((uint64_t)sum);
    memset(to, 0, size);
    return 0;
}

uint64_t words_add(const uint8_t *p, unsigned size)
{
    const uint32_t *at = (const uint32_t *)p, *end = at + size / 32 * 8;
    uint64_t sum = 0;

    for (; at != end; at += 8)
        sum += (uint64_t)at[0] + at[1] + at[2] + at[3] + at[4] + at[5] + at[6] + at[7];
    for (end = at + size % 32 / 4; at != end; at++)
        sum += *at;
    p = (const uint8_t *)at;
    if (size & 2) {
        sum += *(const uint16_t *)p;
        p += 2;
    }
    return size & 1 ? sum + *p : sum;
}

uint16_t stack_checksum(const void *bytes, int size)
{
    const uint8_t *p = bytes;
    uint64_t sum = 0;
    bool odd = (uintptr_t)p & 1;

    if (odd && size > 0) {
        sum = (uint64_t)*p++ << 8;
        size--;
    }
    if (size >= 2 && (uintptr_t)p & 2) {
        sum += *(const uint16_t *)p;
        p += 2;
        size -= 2;
    }
    if (size > 0)
        sum += words_add(p, (unsigned)size);
    sum = sum_fold(sum);
    return (uint16_t)(odd ? (sum & 0xff) << 8 | sum >> 8 : sum);
}

/* ---- by kind ---- */

static int make(struct aegis_socket *s)
{
    enum connection_kind kind = s->type == SOCK_STREAM  ? KIND_STREAM
                                : s->type == SOCK_DGRAM ? KIND_UDP
                                                        : KIND_RAW;
    struct connection *c = connection_new(kind);

    if (!c)
        return -ENOBUFS;
    int error = kind == KIND_STREAM ? stream_make(c, s) : datagram_open(c, s);
    if (error) {
        connection_free(c);
        return error;
    }
    connection_attach(c, s);
    connection_changed(c);
    return 0;
}

static void stack_close(struct aegis_socket *s)
{
    struct connection *c = connection_of(s);

    if (!c)
        return;
    if (c->kind == KIND_STREAM)
        stream_close(c);
    else
        datagram_close(c);
    s->words[WORD_CONNECTION] = 0;
    connection_free(c);
}

static int stack_bind(struct aegis_socket *s, const struct stack_name *name)
{
    struct connection *c = connection_of(s);
    ip_addr_t address = address_in(s, name);

    if (!address_local(&address))
        return -EADDRNOTAVAIL;
    int error = c->kind == KIND_RAW ? 0 : port_check(c->kind == KIND_STREAM ? IP_PROTO_TCP : IP_PROTO_UDP, &address, name->port);
    if (error)
        return error;
    if (!name->port && c->kind != KIND_RAW && ports_are_shared())
        return port_any(c, &address);
    return c->kind == KIND_STREAM ? stream_bind(c, &address, name->port)
                                  : datagram_bind(c, &address, name->port);
}

static int stack_connect(struct aegis_socket *s, const struct stack_name *name)
{
    struct connection *c = connection_of(s);

    if (!name->family)
        return c->kind == KIND_STREAM ? -EOPNOTSUPP : datagram_connect(c, NULL, 0);
    ip_addr_t address = address_in(s, name);
    if (ip_addr_isany(&address) || IP_IS_ANY_TYPE_VAL(address)) /* this machine */
        address = s->family == AF_INET || IP_IS_V4_VAL(address) ? (ip_addr_t)IPADDR4_INIT(PP_HTONL(0x7f000001))
                                                                : (ip_addr_t)IPADDR6_INIT(0, 0, 0, PP_HTONL(1));
    return c->kind == KIND_STREAM ? stream_connect(c, &address, name->port)
                                  : datagram_connect(c, &address, name->port);
}

static int stack_shutdown(struct aegis_socket *s, unsigned how)
{
    struct connection *c = connection_of(s);

    if (c->kind == KIND_STREAM)
        return stream_shutdown(c, how);
    if (s->state != SOCKET_CONNECTED)
        return -ENOTCONN;
    s->shut |= how;
    connection_changed(c);
    return 0;
}

static size_t stack_there(struct aegis_socket *s)
{
    const struct connection *c = connection_of(s);

    if (c->kind == KIND_STREAM)
        return c->received ? c->received->tot_len : 0;
    return c->first ? c->first->p->tot_len : 0;
}

/* ---- the whole ---- */

/* lwIP forgets who closed last two MSL after the peer was last heard. What the peer has not acknowledged is kept for as long
 * as it is sent again (RFC 9293, 3.6). */
static void last_acks_await(void)
{
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        if (pcb->state == LAST_ACK && (pcb->unsent || pcb->unacked))
            pcb->tmr = tcp_ticks;
}

/* Of those whose sockets are closed, the end of what was sent included. */
static bool stack_unfinished(void)
{
    for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        if (!pcb->callback_arg && (pcb->unsent || pcb->unacked || pcb->flags & TF_CLOSEPEND))
            return true;
    return neighbours_awaited();
}

static uint64_t stack_run(void)
{
    device_input();
    u32_t left = sys_timeouts_sleeptime();
    if (!left) {
        last_acks_await();
        sys_check_timeouts();
        left = sys_timeouts_sleeptime();
    }
    device_flush();
    if (left == SYS_TIMEOUTS_SLEEPTIME_INFINITE)
        return 0;
    return device_time() + (uint64_t)(left ? left : 1) * (AEGIS_EXPOSED_STATE->time_hz / 1000);
}

static void stack_start(bool fresh)
{
    (void)fresh;
    random_state = device_time() ^ (uint64_t)AEGIS_EXPOSED_STATE->net.mac[5] << 56;
    lwip_init();
    connections_start();
    datagrams_start();
    device_start();
}

__attribute__((section(".image"), used)) const struct stack_image stack_image = {
    .magic = NET_MAGIC,
    .text_end = (uint64_t)stack_text_end,
    .data_from = (uint64_t)stack_data_from,
    .data = (uint64_t)stack_data,
    .data_end = (uint64_t)stack_data_end,
    .zero_end = (uint64_t)stack_zero_end,
    .caller = &stack_caller,
    .start = stack_start,
    .run = stack_run,
    .flush = device_flush,
    .make = make,
    .close = stack_close,
    .bind = stack_bind,
    .connect = stack_connect,
    .listen = stream_listen,
    .accept = stream_accept,
    .shutdown = stack_shutdown,
    .stream_send = stream_send,
    .stream_peek = stream_peek,
    .stream_take = stream_take,
    .datagram_quick = datagram_quick,
    .datagram_make = datagram_make,
    .datagram_part = datagram_part,
    .datagram_send = datagram_send,
    .datagram_peek = datagram_peek,
    .datagram_take = datagram_take,
    .datagram_way = datagram_way,
    .datagram_wants = datagram_wants,
    .there = stack_there,
    .option_get = stack_option_get,
    .option_set = stack_option_set,
    .membership = stack_membership,
    .interface = stack_interface,
    .left = stack_left,
    .configured = stack_configured,
    .ports_used = stack_ports_used,
    .unfinished = stack_unfinished,
};
