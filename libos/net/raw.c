/* SPDX-License-Identifier: BSD-2-Clause */
/* The stack that is none: datagrams in frames. */
#include <netinet/in.h>
#include <string.h>

#include "raw.h"

#define IP  14 /* where it begins in a frame */
#define UDP 34

typedef uint16_t __attribute__((may_alias)) half;
typedef uint32_t __attribute__((may_alias, aligned(2))) word;

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, unsigned value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

/* Sum of the words as they lie, network order; an odd byte is followed by 0. */
static uint64_t sum_add(uint64_t sum, const uint8_t *p, size_t size)
{
    for (; size >= 4; p += 4, size -= 4)
        sum += *(const word *)p;
    if (size >= 2) {
        sum += *(const half *)p;
        p += 2;
    }
    return size & 1 ? sum + *p : sum;
}

static uint16_t sum_fold(uint64_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* Of UDP's checksum, what does not lie in the datagram. `size` with UDP's header. */
static uint64_t pseudo(const uint8_t *frame, size_t size)
{
    return sum_add(0, frame + IP + 12, 8) + htons(IPPROTO_UDP) + htons((uint16_t)size);
}

/* ---- ports ---- */

struct raw_port *raw_port_find(uint16_t number)
{
    for (struct raw_port *p = raw.port; p < raw.port + RAW_PORTS; p++)
        if (p->number == number)
            return p;
    return NULL;
}

void raw_program_make(struct raw_program *p, unsigned protocol, uint16_t port, bool forwards)
{
    uint64_t ours = ntohl(raw.address), mac = 0;

    for (unsigned i = 0; i < 6; i++)
        mac = mac << 8 | raw.mac[i];
    for (unsigned sends = 0; sends < 2; sends++) {
        if (sends)
            raw_atom(p, true, 6, 8, ~0xffffUL, mac << 16);
        raw_atom(p, sends, 12, 2, 0xffff, 0x0800);
        if (sends && forwards)
            break;
        raw_atom(p, sends, IP, 1, 0xff, 0x45);
        raw_atom(p, sends, IP + 6, 2, 0x3fff, 0);
        raw_atom(p, sends, IP + 9, 1, 0xff, protocol);
        raw_atom(p, sends, IP + (sends ? 12 : 16), 4, 0xffffffff, ours);
        if (protocol == IPPROTO_ICMP)
            raw_atom(p, sends, UDP, 1, 0xff, sends ? 0 : 8); /* echo */
        else
            raw_atom(p, sends, UDP + (sends ? 0 : 2), 2, 0xffff, port);
    }
}

bool raw_ports_used(unsigned protocol, uint16_t first, uint16_t last)
{
    enter();
    bool used = STACK_IMAGE->ports_used(protocol, first, last);
    leave();
    return used;
}

int raw_port_open(struct raw_program *p, uint16_t number)
{
    struct raw_port *port = raw_port_find(0);
    if (raw_ports_used(IPPROTO_UDP, number, number))
        return -EADDRINUSE;
    int filter = port ? raw_install(p, 1, number, &port->slot) : -ENOBUFS;

    if (filter < 0)
        return filter;
    port->filter = (uint16_t)filter;
    port->number = number;
    return 0;
}

int raw_open(uint16_t number)
{
    struct raw_program p = {0};
    int error = number ? raw_start() : -EINVAL;

    if (error)
        return error;
    raw_program_make(&p, IPPROTO_UDP, number, false);
    return raw_port_open(&p, number);
}

int raw_close(uint16_t number)
{
    struct raw_port *port = number && raw.owner == session_me ? raw_port_find(number) : NULL;

    if (!port)
        return -EBADF;
    raw_flush();
    raw_remove(port->slot);
    *port = (struct raw_port){0};
    return 0;
}

uint32_t raw_address(void)
{
    return raw_start() ? 0 : raw.address;
}

/* ---- receiving ---- */

/* The filter has seen to what it compares; lengths and sums are ours. */
static bool datagram_read(struct raw_datagram *d, const uint8_t *frame, unsigned length, bool checked)
{
    unsigned whole = get16(frame + IP + 2), size = get16(frame + UDP + 4);

    if (frame[IP + 9] != IPPROTO_UDP) /* of a handler's filter */
        return false;
    if (length < RAW_HEADERS || whole > length - IP || size < 8 || size > whole - 20 || whole < 28)
        return false;
    if (sum_fold(sum_add(0, frame + IP, 20)) != 0xffff)
        return false;
    if (!checked && get16(frame + UDP + 6) &&
        sum_fold(sum_add(pseudo(frame, size), frame + UDP, size)) != 0xffff)
        return false;
    d->bytes = (uint8_t *)frame + RAW_HEADERS;
    d->size = size - 8;
    d->from = *(const word *)(frame + IP + 12);
    d->from_port = get16(frame + UDP);
    d->port = get16(frame + UDP + 2);
    return d->size <= RAW_MOST;
}

bool raw_next(struct raw_datagram *d)
{
    const volatile struct aegis_rx *e;
    unsigned buffer;

    while ((e = raw_take(&buffer))) {
        const uint8_t *frame = raw_frame(buffer);
        unsigned length = e->length;
        if (e->tag == RAW_TAG_ARP) {
            raw_neighbour_answer(frame, length);
        } else if (length <= AEGIS_NET_FRAME_MAX &&
                   datagram_read(d, frame, length, e->flags & AEGIS_RX_CHECKED)) {
            d->buffer = (uint16_t)buffer;
            return true;
        }
        raw_give(buffer);
    }
    return false;
}

void raw_done(const struct raw_datagram *d)
{
    raw_give(d->buffer);
}

/* ---- sending ---- */

/* Lengths and sums of a frame whose addresses and ports stand; then it is queued. */
static int datagram_queue(unsigned filter, unsigned buffer, size_t size)
{
    uint8_t *frame = raw_frame(buffer);
    half *ip_sum = (half *)(frame + IP + 10), *udp_sum = (half *)(frame + UDP + 6);

    put16(frame + IP + 2, (unsigned)size + 28);
    put16(frame + UDP + 4, (unsigned)size + 8);
    *ip_sum = *udp_sum = 0;
    *ip_sum = (uint16_t)~sum_fold(sum_add(0, frame + IP, 20));
    uint64_t sum = pseudo(frame, size + 8);
    if (raw.offload) {
        *udp_sum = sum_fold(sum);
    } else {
        uint16_t whole = (uint16_t)~sum_fold(sum_add(sum, frame + UDP, size + 8));
        *udp_sum = whole ? whole : 0xffff;
    }
    return raw_queue(filter, buffer, (unsigned)size + RAW_HEADERS, raw.offload & AEGIS_NET_TX_CHECKSUM ? 6 : 0);
}

/* Destination and source change places: Ethernet's, IP's, UDP's. */
static void turn(uint8_t *frame)
{
    half *h = (half *)frame, port = h[UDP / 2];
    word *ip = (word *)(frame + IP + 12), from = ip[0];

    memcpy(frame, frame + 6, 6);
    memcpy(frame + 6, raw.mac, 6);
    ip[0] = ip[1];
    ip[1] = from;
    h[UDP / 2] = h[UDP / 2 + 1];
    h[UDP / 2 + 1] = port;
}

int raw_answer(const struct raw_datagram *d, size_t size)
{
    struct raw_port *port = raw_port_find(d->port);
    uint8_t *frame = raw_frame(d->buffer);

    if (size > RAW_MOST || !port) {
        raw_give(d->buffer);
        return port ? -EMSGSIZE : -EBADF;
    }
    turn(frame);
    frame[IP + 8] = 64;
    return datagram_queue(port->filter, d->buffer, size);
}

int raw_send(uint16_t from, uint32_t to, uint16_t to_port, const void *bytes, size_t size)
{
    struct raw_port *port = from && raw.owner == session_me ? raw_port_find(from) : NULL;
    uint8_t mac[6];

    if (!port || size > RAW_MOST)
        return port ? -EMSGSIZE : -EBADF;
    bool near = !((to ^ raw.address) & raw.mask);
    int error = raw_neighbour(near ? to : raw.gateway, mac);
    int buffer = error ? error : raw_buffer();
    if (buffer == -ENOBUFS) {
        raw_flush();
        buffer = raw_buffer();
    }
    if (buffer < 0)
        return buffer;
    uint8_t *frame = raw_frame((unsigned)buffer);
    static const uint8_t head[] = {8, 0, 0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, IPPROTO_UDP};
    memcpy(frame, mac, 6);
    memcpy(frame + 6, raw.mac, 6);
    memcpy(frame + 12, head, sizeof head);
    memcpy(frame + IP + 12, &raw.address, 4);
    memcpy(frame + IP + 16, &to, 4);
    put16(frame + UDP, from);
    put16(frame + UDP + 2, to_port);
    memcpy(frame + RAW_HEADERS, bytes, size);
    return datagram_queue(port->filter, (unsigned)buffer, size);
}
