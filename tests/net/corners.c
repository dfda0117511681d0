/* SPDX-License-Identifier: BSD-2-Clause */
/* Corners of the sockets API of AF_INET and AF_INET6, over the loopback: each line is so on Linux, too. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../libos/tap.h"

#define FAILS(call, error) (errno = 0, (call) == -1 && errno == (error))
#define AS(a)              (struct sockaddr *)&(a), sizeof(a)

static volatile sig_atomic_t pipes_broken;

static void on_pipe(int signal)
{
    (void)signal;
    pipes_broken++;
}

static struct sockaddr_in here(unsigned short port)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int get(int s, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;

    return getsockopt(s, level, name, &value, &size) ? -1 : value;
}

static int set(int s, int level, int name, int value)
{
    return setsockopt(s, level, name, &value, sizeof value);
}

static struct sockaddr_in name_of(int s)
{
    struct sockaddr_in a = {0};
    socklen_t size = sizeof a;

    getsockname(s, (struct sockaddr *)&a, &size);
    return a;
}

static int listener(struct sockaddr_in *at)
{
    int l = socket(AF_INET, SOCK_STREAM, 0);

    *at = here(0);
    set(l, SOL_SOCKET, SO_REUSEADDR, 1); /* for its connections' sake */
    if (bind(l, (struct sockaddr *)at, sizeof *at) || listen(l, 8))
        return -1;
    *at = name_of(l);
    return l;
}

/* Two connected ends. */
static void pair(int s[2])
{
    struct sockaddr_in at;
    int l = listener(&at);

    s[0] = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(s[0], AS(at)) || (s[1] = accept(l, NULL, NULL)) < 0)
        exit(1);
    close(l);
}

static int polled(int s, int events, int ms)
{
    struct pollfd p = {s, (short)events, 0};
    return poll(&p, 1, ms) < 0 ? -1 : p.revents;
}

static void halves(void)
{
    int s[2];
    char b[8];

    pair(s);
    tap(polled(s[0], POLLIN | POLLRDHUP, 0) == 0 && shutdown(s[1], SHUT_WR) == 0 && polled(s[0], POLLIN | POLLRDHUP, 2000) == (POLLIN | POLLRDHUP),
        "poll_their_half_is_shut");
    tap(read(s[0], b, 1) == 0 && write(s[0], "x", 1) == 1 && read(s[1], b, 1) == 1 && polled(s[0], POLLOUT, 0) == POLLOUT, "half_shut_other_way_works");
    tap(shutdown(s[0], SHUT_WR) == 0 && polled(s[0], POLLIN | POLLHUP, 2000) & POLLHUP && polled(s[1], 0, 2000) == POLLHUP, "poll_both_halves_are_shut");
    tap(FAILS(write(s[0], "x", 1), EPIPE) && pipes_broken == 1 && FAILS(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE) && pipes_broken == 1, "epipe_and_its_signal");
    close(s[0]);
    close(s[1]);
    pair(s);
    tap(shutdown(s[0], SHUT_RD) == 0 && read(s[0], b, 1) == 0 && write(s[0], "y", 1) == 1 && read(s[1], b, 1) == 1 &&
            polled(s[0], POLLIN | POLLRDHUP, 0) == (POLLIN | POLLRDHUP),
        "own_reading_half_is_shut");
    tap(FAILS(shutdown(s[0], 7), EINVAL), "shutdown_of_nothing");
    close(s[1]);
    for (int i = 0; i < 50 && write(s[0], "z", 1) == 1; i++)
        usleep(2000);
    tap(FAILS(write(s[0], "z", 1), EPIPE) && polled(s[0], 0, 0) & POLLHUP, "written_to_who_is_gone");
    close(s[0]);
}

static void waiting(void)
{
    struct timeval t = {0, 50000};
    struct timespec before, after;
    int s[2];
    char b[16];

    pair(s);
    tap(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) == 0, "receive_timeout_is_taken");
    clock_gettime(CLOCK_MONOTONIC, &before);
    bool timed = FAILS(recv(s[0], b, 1, 0), EAGAIN);
    clock_gettime(CLOCK_MONOTONIC, &after);
    tap(timed && (after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec >= 49000000, "receive_times_out");
    tap(FAILS(recv(s[0], b, 1, MSG_DONTWAIT), EAGAIN), "dontwait");
    t.tv_usec = 0;
    setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    if (!fork()) {
        for (int i = 0; i < 4; i++) {
            write(s[1], "abcd" + i, 1);
            usleep(5000);
        }
        _exit(0);
    }
    tap(recv(s[0], b, 4, MSG_WAITALL) == 4 && !memcmp(b, "abcd", 4), "waitall");
    wait(NULL);
    write(s[1], "efgh", 4);
    tap(polled(s[0], POLLIN, 2000) == POLLIN && recv(s[0], b, 2, MSG_PEEK) == 2 && recv(s[0], b + 2, 4, 0) == 4 && !memcmp(b, "efefgh", 6), "peek");
    write(s[1], "12345", 5);
    int there = 0;
    tap(polled(s[0], POLLIN, 2000) == POLLIN && ioctl(s[0], FIONREAD, &there) == 0 && there == 5, "fionread");
    struct iovec v[20];
    char out[20], in[20] = {0};
    for (int i = 0; i < 20; i++) {
        out[i] = (char)('a' + i);
        v[i] = (struct iovec){out + i, 1};
    }
    struct msghdr m = {.msg_iov = v, .msg_iovlen = 20};
    recv(s[0], b, 5, 0);
    bool sent = sendmsg(s[1], &m, 0) == 20;
    for (int i = 0; i < 20; i++)
        v[i].iov_base = in + i;
    tap(sent && recvmsg(s[0], &m, MSG_WAITALL) == 20 && !memcmp(in, out, 20), "twenty_pieces");
    close(s[0]);
    close(s[1]);
}

static void connecting(void)
{
    struct sockaddr_in at, none = here(1);
    int l = listener(&at), c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    tap(fcntl(c, F_GETFD) == FD_CLOEXEC && fcntl(c, F_GETFL) & O_NONBLOCK, "flags_of_socket");
    tap((connect(c, AS(none)) == 0 || errno == EINPROGRESS || errno == ECONNREFUSED) && (errno == ECONNREFUSED || polled(c, POLLOUT, 2000) & POLLERR) &&
            (errno == ECONNREFUSED || get(c, SOL_SOCKET, SO_ERROR) == ECONNREFUSED) && get(c, SOL_SOCKET, SO_ERROR) == 0,
        "refused_by_so_error_once");
    close(c);
    c = socket(AF_INET, SOCK_STREAM, 0);
    int accepted = connect(c, AS(at)) ? -1 : accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    tap(accepted >= 0 && fcntl(accepted, F_GETFD) == FD_CLOEXEC && fcntl(accepted, F_GETFL) & O_NONBLOCK && FAILS(accept4(l, NULL, NULL, 1), EINVAL),
        "accept4");
    tap(get(l, SOL_SOCKET, SO_ACCEPTCONN) == 1 && get(c, SOL_SOCKET, SO_ACCEPTCONN) == 0 && get(c, SOL_SOCKET, SO_TYPE) == SOCK_STREAM &&
            get(c, SOL_SOCKET, SO_DOMAIN) == AF_INET && get(c, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_TCP,
        "what_a_socket_is");
    tap(FAILS(connect(l, AS(at)), EISCONN) || errno == EOPNOTSUPP || errno == EINVAL, "connect_of_a_listener");
    tap(FAILS(listen(c, 1), EINVAL) && FAILS(bind(c, AS(none)), EINVAL), "listen_and_bind_of_a_connected_one");
    tap(FAILS(sendto(c, "x", 1, 0, AS(at)), EISCONN) || errno == 0, "sendto_of_a_connected_one");
    close(accepted);
    close(c);
    close(l);
}

static void ports(void)
{
    struct sockaddr_in at, foreign = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201)};
    int l = listener(&at), s = socket(AF_INET, SOCK_STREAM, 0), u = socket(AF_INET, SOCK_DGRAM, 0), v = socket(AF_INET, SOCK_DGRAM, 0);

    tap(at.sin_port != 0 && FAILS(bind(s, AS(at)), EADDRINUSE) && bind(u, AS(at)) == 0 && FAILS(bind(v, AS(at)), EADDRINUSE), "a_port_is_taken");
    tap(FAILS(bind(s, AS(foreign)), EADDRNOTAVAIL) && FAILS(bind(v, AS(foreign)), EADDRNOTAVAIL), "an_address_is_nobodys");
    close(u);
    tap(bind(v, AS(at)) == 0 && FAILS(bind(v, AS(at)), EINVAL), "a_port_is_free_again");
    set(l, SOL_SOCKET, SO_REUSEADDR, 0);
    tap(set(s, SOL_SOCKET, SO_REUSEADDR, 1) == 0 && get(s, SOL_SOCKET, SO_REUSEADDR) == 1 && FAILS(bind(s, AS(at)), EADDRINUSE), "reuse_of_a_listeners_port");
    set(l, SOL_SOCKET, SO_REUSEADDR, 1);
    int c = socket(AF_INET, SOCK_STREAM, 0), a = connect(c, AS(at)) ? -1 : accept(l, NULL, NULL);
    close(a); /* the server's end: TIME-WAIT here */
    char b;
    tap(a >= 0 && read(c, &b, 1) == 0, "served");
    close(c);
    close(l);
    int again = socket(AF_INET, SOCK_STREAM, 0);
    set(again, SOL_SOCKET, SO_REUSEADDR, 1);
    tap(bind(again, AS(at)) == 0 && listen(again, 1) == 0, "a_servers_port_at_once_again");
    close(again);
    int automatic = socket(AF_INET, SOCK_STREAM, 0);
    tap(listen(automatic, 1) == 0 && name_of(automatic).sin_port, "listen_without_a_name");
    close(automatic);
    close(s);
    close(v);
}

static void datagrams(void)
{
    struct sockaddr_in at = here(0), other = here(0);
    int u = socket(AF_INET, SOCK_DGRAM, 0), v = socket(AF_INET, SOCK_DGRAM, 0), w = socket(AF_INET, SOCK_DGRAM, 0);
    char b[16];

    bind(u, AS(at));
    bind(v, AS(other));
    at = name_of(u);
    other = name_of(v);
    tap(connect(u, AS(other)) == 0 && sendto(w, "alien", 5, 0, AS(at)) == 5 && sendto(v, "friend", 6, 0, AS(at)) == 6 && recv(u, b, 16, 0) == 6 &&
            FAILS(recv(u, b, 16, MSG_DONTWAIT), EAGAIN),
        "connected_takes_its_peers_only");
    tap(sendto(v, "", 0, 0, AS(at)) == 0 && polled(u, POLLIN, 2000) == POLLIN && recv(u, b, 16, 0) == 0, "nothing_is_a_datagram");
    struct iovec in = {b, 4};
    struct msghdr m = {.msg_iov = &in, .msg_iovlen = 1};
    tap(sendto(v, "0123456789", 10, 0, AS(at)) == 10 && recvmsg(u, &m, 0) == 4 && m.msg_flags & MSG_TRUNC && sendto(v, "0123456789", 10, 0, AS(at)) == 10 &&
            recv(u, b, 4, MSG_TRUNC) == 10,
        "cut_and_said");
    tap(shutdown(u, SHUT_WR) == 0 && FAILS(send(u, "x", 1, MSG_NOSIGNAL), EPIPE), "no_more_is_sent");
    tap(FAILS(send(w, "x", 1, 0), EDESTADDRREQ), "to_nobody");
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    tap(connect(v, AS(at)) == 0 && connect(v, &none, sizeof none) == 0 && FAILS(send(v, "x", 1, 0), EDESTADDRREQ), "no_peer_any_more");
    at = here(1); /* nobody's */
    tap(connect(v, AS(at)) == 0 && send(v, "x", 1, 0) == 1 && polled(v, POLLIN, 2000) & POLLERR && FAILS(recv(v, b, 1, MSG_DONTWAIT), ECONNREFUSED) &&
            polled(v, POLLIN, 0) == 0 && send(v, "x", 1, 0) == 1 && polled(v, POLLIN, 2000) & POLLERR && FAILS(send(v, "x", 1, 0), ECONNREFUSED),
        "a_datagram_to_nobody_is_refused");
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(1), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int s6 = socket(AF_INET6, SOCK_DGRAM, 0);
    tap(connect(s6, AS(six)) == 0 && send(s6, "x", 1, 0) == 1 && polled(s6, POLLIN, 2000) & POLLERR && get(s6, SOL_SOCKET, SO_ERROR) == ECONNREFUSED &&
            get(s6, SOL_SOCKET, SO_ERROR) == 0,
        "a_datagram_to_nobody_is_refused_six");
    close(s6);
    struct sockaddr_in bad = here(0);
    tap(FAILS(sendto(w, "x", 1, 0, AS(bad)), EINVAL), "to_port_0");
    bad = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = INADDR_BROADCAST};
    tap(FAILS(sendto(w, "x", 1, 0, AS(bad)), EACCES) || errno == ENETUNREACH, "broadcast_wants_to_be_asked_for");
    close(u);
    close(v);
    close(w);
}

/* What recvmsg tells of a datagram, by its type; and sendmsg is told. */
static ssize_t receive(int s, int level, int type, void *found, size_t size)
{
    char b[8], control[256];
    struct iovec v = {b, sizeof b};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t n = recvmsg(s, &m, 0);

    memset(found, 0, size);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
        if (c->cmsg_level == level && c->cmsg_type == type && c->cmsg_len == CMSG_LEN(size))
            memcpy(found, CMSG_DATA(c), size);
    return n;
}

static ssize_t send_with(int s, const void *to, socklen_t to_size, int level, int type, const void *data, size_t size)
{
    _Alignas(8) char control[64] = {0};
    struct iovec v = {"way", 3};
    struct msghdr m = {.msg_name = (void *)to, .msg_namelen = to_size, .msg_iov = &v, .msg_iovlen = 1, .msg_control = control,
                       .msg_controllen = CMSG_SPACE(size)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(c), data, size);
    return sendmsg(s, &m, 0);
}

static void ways(void)
{
    struct sockaddr_in at = here(0);
    int u = socket(AF_INET, SOCK_DGRAM, 0), v = socket(AF_INET, SOCK_DGRAM, 0), hops = 0;
    struct in_pktinfo i;
    uint8_t tos;

    bind(u, AS(at));
    at = name_of(u);
    set(v, IPPROTO_IP, IP_TTL, 17);
    set(v, IPPROTO_IP, IP_TOS, 0x20);
    tap(set(u, IPPROTO_IP, IP_RECVTTL, 1) == 0 && sendto(v, "x", 1, 0, AS(at)) == 1 && receive(u, IPPROTO_IP, IP_TTL, &hops, sizeof hops) == 1 && hops == 17,
        "told_ttl");
    tap(set(u, IPPROTO_IP, IP_RECVTOS, 1) == 0 && sendto(v, "x", 1, 0, AS(at)) == 1 && receive(u, IPPROTO_IP, IP_TOS, &tos, 1) == 1 && tos == 0x20, "told_tos");
    tap(set(u, IPPROTO_IP, IP_PKTINFO, 1) == 0 && sendto(v, "x", 1, 0, AS(at)) == 1 && receive(u, IPPROTO_IP, IP_PKTINFO, &i, sizeof i) == 1 &&
            i.ipi_addr.s_addr == at.sin_addr.s_addr && i.ipi_ifindex > 0,
        "told_address");
    hops = 23;
    tap(send_with(v, AS(at), IPPROTO_IP, IP_TTL, &hops, sizeof hops) == 3 && receive(u, IPPROTO_IP, IP_TTL, &hops, sizeof hops) == 3 && hops == 23, "given_ttl");
    i = (struct in_pktinfo){.ipi_spec_dst.s_addr = at.sin_addr.s_addr};
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    tap(send_with(v, AS(at), IPPROTO_IP, IP_PKTINFO, &i, sizeof i) == 3 && recvfrom(u, &hops, 4, 0, (void *)&from, &size) == 3 &&
            from.sin_addr.s_addr == at.sin_addr.s_addr,
        "given_address");
    i.ipi_spec_dst.s_addr = htonl(0xc0000201);
    tap(FAILS(send_with(v, AS(at), IPPROTO_IP, IP_PKTINFO, &i, sizeof i), EINVAL) || errno == ENETUNREACH, "given_an_address_that_is_nobodys");
    tap(set(u, IPPROTO_IP, IP_RECVTTL, 0) == 0 && sendto(v, "x", 1, 0, AS(at)) == 1 && receive(u, IPPROTO_IP, IP_TTL, &hops, sizeof hops) == 1 && !hops,
        "told_no_more");
    close(u);
    close(v);
}

static void ways_six(void)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int u = socket(AF_INET6, SOCK_DGRAM, 0), v = socket(AF_INET6, SOCK_DGRAM, 0), hops = 0;
    socklen_t size = sizeof at;
    struct in6_pktinfo i;

    bind(u, AS(at));
    getsockname(u, (void *)&at, &size);
    set(v, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9);
    tap(set(u, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1) == 0 && sendto(v, "x", 1, 0, AS(at)) == 1 &&
            receive(u, IPPROTO_IPV6, IPV6_HOPLIMIT, &hops, sizeof hops) == 1 && hops == 9,
        "told_hop_limit");
    tap(set(u, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) == 0 && sendto(v, "x", 1, 0, AS(at)) == 1 && receive(u, IPPROTO_IPV6, IPV6_PKTINFO, &i, sizeof i) == 1 &&
            IN6_IS_ADDR_LOOPBACK(&i.ipi6_addr) && i.ipi6_ifindex > 0,
        "told_address_six");
    hops = 3;
    tap(set(u, IPPROTO_IPV6, IPV6_RECVTCLASS, 1) == 0 && set(v, IPPROTO_IPV6, IPV6_TCLASS, 0x40) == 0 &&
            send_with(v, AS(at), IPPROTO_IPV6, IPV6_HOPLIMIT, &hops, sizeof hops) == 3 && receive(u, IPPROTO_IPV6, IPV6_TCLASS, &hops, sizeof hops) == 3 &&
            hops == 0x40,
        "told_traffic_class");
    tap(send_with(v, AS(at), IPPROTO_IPV6, IPV6_HOPLIMIT, &(int){3}, sizeof hops) == 3 && receive(u, IPPROTO_IPV6, IPV6_HOPLIMIT, &hops, sizeof hops) == 3 &&
            hops == 3,
        "given_hop_limit");
    close(u);
    close(v);
}

static void only_six(void)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    int l = socket(AF_INET6, SOCK_STREAM, 0), f = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t size = sizeof any;

    set(l, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    bind(l, AS(any));
    listen(l, 2);
    getsockname(l, (void *)&any, &size);
    struct sockaddr_in four = here(ntohs(any.sin6_port));
    tap(get(l, IPPROTO_IPV6, IPV6_V6ONLY) == 1 && FAILS(connect(c, AS(four)), ECONNREFUSED) && bind(f, AS(four)) == 0, "six_only");
    close(l);
    close(f);
    close(c);
}

static void groups(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET};
    struct ip_mreq group = {.imr_multiaddr.s_addr = htonl(0xe0010203)}, wrong = {.imr_multiaddr.s_addr = htonl(0x0a000001)};
    int u = socket(AF_INET, SOCK_DGRAM, 0), t = socket(AF_INET, SOCK_STREAM, 0);

    bind(u, AS(any));
    tap(FAILS(setsockopt(u, IPPROTO_IP, IP_ADD_MEMBERSHIP, &wrong, sizeof wrong), EINVAL) &&
            FAILS(setsockopt(u, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, 4), EINVAL),
        "groups_that_are_none");
    tap(FAILS(setsockopt(u, IPPROTO_IP, IP_DROP_MEMBERSHIP, &group, sizeof group), EADDRNOTAVAIL), "a_group_that_was_not_joined");
    tap(set(u, IPPROTO_IP, IP_MULTICAST_TTL, 4) == 0 && get(u, IPPROTO_IP, IP_MULTICAST_TTL) == 4 && set(u, IPPROTO_IP, IP_MULTICAST_LOOP, 1) == 0, "groups_options");
    close(t);
    close(u);
}

static int info(const char *node, const char *service, int flags, int family, struct sockaddr_in *first)
{
    struct addrinfo hints = {.ai_flags = flags, .ai_family = family, .ai_socktype = SOCK_STREAM}, *found = NULL;
    int error = getaddrinfo(node, service, &hints, &found);

    if (!error) {
        if (first && found->ai_addrlen <= sizeof *first)
            memcpy(first, found->ai_addr, found->ai_addrlen);
        freeaddrinfo(found);
    }
    return error;
}

static void names(void)
{
    struct sockaddr_in a = here(80);
    char host[64], service[32];

    tap(!info("127.0.0.1", "80", AI_NUMERICHOST | AI_NUMERICSERV, AF_INET, &a) && a.sin_port == htons(80) && a.sin_addr.s_addr == htonl(INADDR_LOOPBACK),
        "getaddrinfo_numeric");
    tap(info("not.a.number", "80", AI_NUMERICHOST, AF_INET, NULL) == EAI_NONAME && info("127.0.0.1", "http", AI_NUMERICSERV, AF_INET, NULL) == EAI_NONAME &&
            info(NULL, NULL, 0, AF_INET, NULL) == EAI_NONAME && info("::1", "80", AI_NUMERICHOST, AF_INET, NULL) != 0 &&
            info("127.0.0.1", "80", 0, 77, NULL) == EAI_FAMILY,
        "getaddrinfo_errors");
    tap(!info(NULL, "7", AI_PASSIVE, AF_INET, &a) && a.sin_addr.s_addr == INADDR_ANY && !info(NULL, "7", 0, AF_INET, &a) &&
            a.sin_addr.s_addr == htonl(INADDR_LOOPBACK),
        "getaddrinfo_passive");
    a = here(80);
    tap(!getnameinfo((void *)&a, sizeof a, host, sizeof host, service, sizeof service, NI_NUMERICHOST | NI_NUMERICSERV) && !strcmp(host, "127.0.0.1") &&
            !strcmp(service, "80"),
        "getnameinfo");
    tap(getnameinfo((void *)&a, sizeof a, host, 4, NULL, 0, NI_NUMERICHOST) == EAI_OVERFLOW && getnameinfo((void *)&a, 3, host, sizeof host, NULL, 0, NI_NUMERICHOST) == EAI_FAMILY,
        "getnameinfo_errors");
    tap(strlen(gai_strerror(EAI_NONAME)) > 3 && getservbyname("http", "tcp") && getservbyname("http", "tcp")->s_port == htons(80) && getprotobyname("udp") &&
            getprotobyname("udp")->p_proto == IPPROTO_UDP,
        "services_and_protocols");
}

int main(void)
{
    signal(SIGPIPE, on_pipe);
    halves();
    waiting();
    connecting();
    ports();
    datagrams();
    ways();
    ways_six();
    only_six();
    groups();
    names();
    return tap_failed;
}
