/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network stack of an application's own, from nothing: datagrams between sockets of this process.
 * No frame, no port of the machine's, no lock: each port has a ring of messages. Whatever uses
 * socket(), sendto(), recvfrom() and poll() runs over it unchanged, as main() does.
 *
 *     aegis-cc -O2 -o inside inside.c && run ./inside
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <aegis/netstack.h>

#define PORTS 64 /* as many sockets, too */
#define DEPTH 16
#define LARGEST 1024

struct message {
    size_t size;
    struct sockaddr_in from;
    char bytes[LARGEST];
};

static struct port {
    struct aegis_socket *owner; /* null: nobody's */
    in_port_t number;           /* in network order */
    unsigned head, tail;
    struct message ring[DEPTH];
} ports[PORTS];

static struct port *port_find(in_port_t number)
{
    for (struct port *p = ports; p < ports + PORTS; p++)
        if (p->owner && p->number == number)
            return p;
    return NULL;
}

/* words[0]: 1 + the number of the port that is the socket's. */
static struct port *port_of(const struct aegis_socket *s)
{
    return &ports[s->words[0] - 1];
}

static int make(struct aegis_socket *s)
{
    if (s->family != AF_INET || s->type != SOCK_DGRAM)
        return -EPROTONOSUPPORT;
    for (unsigned i = 0; i < PORTS; i++)
        if (!ports[i].owner) {
            ports[i] = (struct port){.owner = s, .number = htons((in_port_t)(50000 + i))};
            s->words[0] = i + 1;
            return 0;
        }
    return -ENOBUFS;
}

static void shut(struct aegis_socket *s)
{
    if (s->words[0])
        port_of(s)->owner = NULL;
}

static int bind_to(struct aegis_socket *s, const struct sockaddr *name, socklen_t size)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)name;

    if (size < sizeof *in || in->sin_family != AF_INET)
        return -EINVAL;
    if (port_find(in->sin_port))
        return -EADDRINUSE;
    port_of(s)->number = in->sin_port;
    return 0;
}

static ssize_t send_to(struct aegis_socket *s, struct aegis_transfer *t)
{
    const struct sockaddr_in *to = (const struct sockaddr_in *)&t->name;
    struct port *p = t->name_size < sizeof *to ? NULL : port_find(to->sin_port);
    struct message *m = p ? &p->ring[p->head % DEPTH] : NULL;

    if (!p)
        return t->name_size ? -ECONNREFUSED : -EDESTADDRREQ;
    if (t->size > LARGEST)
        return -EMSGSIZE;
    if (p->head - p->tail == DEPTH)
        return (ssize_t)t->size; /* lost, as datagrams are */
    if (aegis_transfer_take(t, 0, m->bytes, t->size))
        return -EFAULT;
    m->size = t->size;
    m->from = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port_of(s)->number,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    p->head++;
    aegis_socket_changed(p->owner);
    return (ssize_t)t->size;
}

static ssize_t receive(struct aegis_socket *s, struct aegis_transfer *t)
{
    struct port *p = port_of(s);
    uint64_t seen = aegis_channel_seen(&s->readable);
    struct message *m = &p->ring[p->tail % DEPTH];

    if (p->head == p->tail)
        return aegis_transfer_wait(t, &s->readable, seen);
    size_t n = m->size < t->size ? m->size : t->size;
    if (aegis_transfer_put(t, 0, m->bytes, n))
        return -EFAULT;
    memcpy(&t->name, &m->from, sizeof m->from);
    t->name_size = sizeof m->from;
    p->tail++;
    return (ssize_t)n;
}

static unsigned events(struct aegis_socket *s)
{
    return POLLOUT | (port_of(s)->head != port_of(s)->tail ? POLLIN : 0);
}

static const struct netstack inside = {.name = "inside", .make = make, .close = shut, .bind = bind_to,
                                       .send = send_to, .receive = receive, .events = events};
const struct netstack *const aegis_netstack = &inside;

int main(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(7)}, from;
    int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);
    struct pollfd p = {a, POLLIN, 0};
    socklen_t size = sizeof from;
    char text[32] = "";

    if (bind(a, (struct sockaddr *)&at, sizeof at) || poll(&p, 1, 0) ||
        sendto(b, "hello", 5, 0, (struct sockaddr *)&at, sizeof at) != 5 || poll(&p, 1, 1000) != 1 ||
        recvfrom(a, text, sizeof text, 0, (struct sockaddr *)&from, &size) != 5)
        return 1;
    printf("%s from port %u by the stack %s\n", text, ntohs(from.sin_port), aegis_netstack->name);
    return socket(AF_INET, SOCK_STREAM, 0) != -1;
}
