/* SPDX-License-Identifier: BSD-2-Clause */
/* The network's sockets over the loopback: both families, bad input, fork, death inside the stack. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../libos/tap.h"

#define FAILS(call, error) (errno = 0, (call) == -1 && errno == (error))
#define WILD               ((void *)0x12345678000)
#define AS(a)              (struct sockaddr *)&(a), sizeof(a)

static char big[1 << 20], back[1 << 20];

static int status_of(pid_t pid)
{
    int status = -1;
    return waitpid(pid, &status, 0) == pid ? status : -1;
}

static struct sockaddr_in here(unsigned short port)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int listener(unsigned short port)
{
    struct sockaddr_in a = here(port);
    int l = socket(AF_INET, SOCK_STREAM, 0);

    setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    return bind(l, AS(a)) || listen(l, 16) ? -1 : l;
}

static int connected(unsigned short port)
{
    struct sockaddr_in a = here(port);
    int c = socket(AF_INET, SOCK_STREAM, 0);
    return connect(c, AS(a)) ? -1 : c;
}

static void streams(void)
{
    struct sockaddr_in a = here(7), b;
    socklen_t size = sizeof b;
    int l = listener(7);
    char text[8];

    tap(l >= 0 && FAILS(bind(socket(AF_INET, SOCK_STREAM, 0), AS(a)), EADDRINUSE), "tcp_listen");
    fcntl(l, F_SETFL, O_NONBLOCK);
    tap(FAILS(accept(l, 0, 0), EAGAIN), "tcp_accept_nobody");
    fcntl(l, F_SETFL, 0);
    int c = connected(7), d = accept(l, (struct sockaddr *)&b, &size);
    tap(c >= 0 && d >= 0 && size == sizeof b && b.sin_addr.s_addr == htonl(INADDR_LOOPBACK), "tcp_connect");
    struct sockaddr_in mine, his;
    getsockname(c, (struct sockaddr *)&mine, &size);
    getpeername(d, (struct sockaddr *)&his, &size);
    tap(mine.sin_port == his.sin_port && mine.sin_port && FAILS(connect(c, AS(a)), EISCONN), "tcp_names");
    tap(write(c, "hello", 5) == 5 && recv(d, text, 8, MSG_PEEK) == 5 && read(d, text, 8) == 5 && !memcmp(text, "hello", 5),
        "tcp_there");
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 31 + i / 777);
    pid_t child = fork();
    if (!child)
        _exit(write(c, big, sizeof big) != sizeof big);
    size_t got = 0;
    for (ssize_t n; got < sizeof back && (n = read(d, back + got, 5003)) > 0;)
        got += (size_t)n;
    tap(got == sizeof big && !memcmp(big, back, got) && status_of(child) == 0, "tcp_much_from_a_child");
    fcntl(d, F_SETFL, O_NONBLOCK);
    size_t sent = 0;
    for (ssize_t n; (n = write(d, big, 10000)) > 0;)
        sent += (size_t)n;
    struct pollfd p = {d, POLLOUT, 0};
    tap(errno == EAGAIN && sent > 60000 && poll(&p, 1, 0) == 0, "tcp_full");
    for (got = 0; got < sent;)
        got += (size_t)read(c, back, sizeof back);
    tap(got == sent && poll(&p, 1, 5000) == 1 && p.revents == POLLOUT, "tcp_room_again");
    tap(shutdown(d, SHUT_WR) == 0 && read(c, text, 8) == 0 && write(c, "x", 1) == 1 && FAILS(send(d, "y", 1, MSG_NOSIGNAL), EPIPE),
        "tcp_half_shut");
    close(c);
    close(d);
    c = connected(7);
    d = accept(l, 0, 0);
    setsockopt(d, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    close(d);
    p = (struct pollfd){c, POLLIN, 0};
    tap(poll(&p, 1, 2000) == 1 && FAILS(read(c, text, 1), ECONNRESET), "tcp_reset");
    close(c);
    close(l);
    tap(FAILS(connect(socket(AF_INET, SOCK_STREAM, 0), AS(a)), ECONNREFUSED), "tcp_refused");
}

static void nonblocking(void)
{
    struct sockaddr_in a = here(8);
    int l = listener(8), c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), error = 1;
    struct pollfd p = {c, POLLOUT, 0};
    socklen_t size = sizeof error;

    tap((connect(c, AS(a)) == 0 || errno == EINPROGRESS) && poll(&p, 1, 2000) == 1 &&
            getsockopt(c, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && !error,
        "connect_nonblocking");
    tap(setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) == 0 &&
            getsockopt(c, IPPROTO_TCP, TCP_NODELAY, &error, &size) == 0 && error == 1,
        "tcp_nodelay");
    close(c);
    close(l);
}

static void datagrams(void)
{
    struct sockaddr_in a = here(9), from;
    socklen_t size = sizeof from;
    int u = socket(AF_INET, SOCK_DGRAM, 0), v = socket(AF_INET, SOCK_DGRAM, 0);
    char text[16];

    tap(bind(u, AS(a)) == 0 && sendto(v, "abc", 3, 0, AS(a)) == 3 &&
            recvfrom(u, text, 16, 0, (struct sockaddr *)&from, &size) == 3 && !memcmp(text, "abc", 3),
        "udp_there");
    tap(sendto(u, "back", 4, 0, AS(from)) == 4 && recv(v, text, 2, MSG_TRUNC) == 4, "udp_back_and_cut");
    tap(connect(v, AS(a)) == 0 && send(v, "", 0, 0) == 0 && recv(u, text, 16, 0) == 0, "udp_empty");
    tap(send(v, big, 1472, 0) == 1472 && recv(u, back, sizeof back, 0) == 1472 && !memcmp(big, back, 1472), "udp_a_frame");
    bool whole = true;
    for (unsigned n = 1473; n <= 65300 && whole; n += n < 1476 ? 1 : 8004)
        whole = send(v, big, n, 0) == (ssize_t)n && recv(u, back, sizeof back, 0) == (ssize_t)n && !memcmp(big, back, n);
    tap(whole, "udp_larger_than_a_frame");
    tap(FAILS(send(v, big, 65508, 0), EMSGSIZE) && FAILS(recv(u, text, 1, MSG_DONTWAIT), EAGAIN) &&
            FAILS(send(u, "x", 1, 0), EDESTADDRREQ),
        "udp_errors");
    close(u);
    close(v);
}

static void six(void)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(10), .sin6_addr = IN6ADDR_ANY_INIT}, from;
    struct sockaddr_in6 loop = {.sin6_family = AF_INET6, .sin6_port = htons(10), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t size = sizeof from;
    int l = socket(AF_INET6, SOCK_STREAM, 0), c = socket(AF_INET6, SOCK_STREAM, 0), d = -1;
    char text[8];

    tap(bind(l, AS(a)) == 0 && listen(l, 4) == 0 && connect(c, AS(loop)) == 0 &&
            (d = accept(l, (struct sockaddr *)&from, &size)) >= 0 && IN6_IS_ADDR_LOOPBACK(&from.sin6_addr) &&
            write(c, "six", 3) == 3 && read(d, text, 8) == 3,
        "tcp6");
    close(c);
    close(d);
    c = connected(10);
    size = sizeof from;
    tap(c >= 0 && (d = accept(l, (struct sockaddr *)&from, &size)) >= 0 && IN6_IS_ADDR_V4MAPPED(&from.sin6_addr), "tcp6_takes_mapped");
    close(c);
    close(d);
    close(l);
}

/* Three processes accept from one socket. */
static void several(void)
{
    int l = listener(11), served = 0;
    pid_t child[3], pid;

    for (int i = 0; i < 3; i++)
        if (!(child[i] = fork())) {
            for (int n = 0; n < 3; n++) {
                int c = accept(l, 0, 0);
                pid = getpid();
                write(c, &pid, sizeof pid);
                close(c);
            }
            _exit(0);
        }
    for (int i = 0; i < 9; i++) {
        int c = connected(11);
        for (int k = 0; read(c, &pid, sizeof pid) == sizeof pid;)
            for (k = 0; k < 3; k++)
                served += pid == child[k];
        close(c);
    }
    bool good = served == 9;
    for (int i = 0; i < 3; i++)
        good &= status_of(child[i]) == 0;
    tap(good, "several_processes_accept");
    close(l);
}

/* A process that dies in the middle of its traffic takes nothing with it. */
static void killed(void)
{
    int l = listener(12);
    bool good = l >= 0;

    for (int i = 0; i < 12; i++) {
        pid_t child = fork();
        if (!child) {
            int c = connected(12);
            for (;;)
                write(c, big, 3000 + (size_t)i * 977);
        }
        int d = accept(l, 0, 0);
        for (int n = 0; n < 3 + i; n++)
            read(d, back, 4001);
        kill(child, SIGKILL);
        good &= status_of(child) == SIGKILL;
        while (read(d, back, sizeof back) > 0)
            ;
        close(d);
    }
    int c = connected(12), d = accept(l, 0, 0);
    tap(good && write(c, "alive", 5) == 5 && read(d, back, 8) == 5, "killed_in_the_middle");
    close(c);
    close(d);
    close(l);
}

/* Of a buffer that ends before it should, what is there is sent, or a part of it, and nothing else. */
static bool half_there(int c, int d)
{
    static char got[4 * 4096];
    char *at = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ssize_t sent, n = 0;

    for (int i = 0; i < 2 * 4096; i++)
        at[i] = (char)(i * 5 + i / 999 + 1);
    munmap(at + 2 * 4096, 2 * 4096);
    if ((sent = send(c, at, 4 * 4096, 0)) <= 0 || sent > 2 * 4096 || !FAILS(send(c, at + 2 * 4096 - 10, 20, 0), EFAULT))
        return false;
    send(c, "", 1, 0);
    for (ssize_t more; n < sent + 1 && (more = read(d, got + n, sizeof got - (size_t)n)) > 0;)
        n += more;
    return n == sent + 1 && !memcmp(got, at, (size_t)sent) && !got[sent];
}

/* An echo of ICMPv6 to ourselves: what the filter lets through of the question and its answer. */
static bool passes(int s, const struct icmp6_filter *f, int type)
{
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    struct icmp6_hdr echo = {.icmp6_type = ICMP6_ECHO_REQUEST}, got = {0};

    return setsockopt(s, IPPROTO_ICMPV6, ICMP6_FILTER, f, sizeof *f) == 0 && sendto(s, &echo, sizeof echo, 0, AS(to)) == sizeof echo &&
           poll(&(struct pollfd){s, POLLIN, 0}, 1, type ? 2000 : 200) == (type != 0) && (!type || recv(s, &got, sizeof got, 0) == sizeof got) &&
           got.icmp6_type == type;
}

static void types_of_icmp6(void)
{
    struct icmp6_filter f, back;
    socklen_t size = sizeof back;
    int s = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), u = socket(AF_INET6, SOCK_DGRAM, 0);

    ICMP6_FILTER_SETBLOCKALL(&f);
    bool none = passes(s, &f, 0);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &f);
    tap(none && passes(s, &f, ICMP6_ECHO_REPLY), "icmp6_filter");
    tap(getsockopt(s, IPPROTO_ICMPV6, ICMP6_FILTER, &back, &size) == 0 && size == sizeof back && !memcmp(&f, &back, size) &&
            FAILS(setsockopt(s, IPPROTO_ICMPV6, ICMP6_FILTER, &f, 31), EINVAL) && FAILS(setsockopt(s, IPPROTO_ICMPV6, ICMP6_FILTER, WILD, 32), EFAULT) &&
            FAILS(setsockopt(s, IPPROTO_ICMPV6, 99, &f, 32), ENOPROTOOPT) && FAILS(setsockopt(u, IPPROTO_ICMPV6, ICMP6_FILTER, &f, 32), ENOPROTOOPT) &&
            !memcmp(&f, &back, size),
        "icmp6_filter_errors");
    close(s);
    close(u);
}

static void bad(void)
{
    struct sockaddr_in a = here(13);
    socklen_t size = sizeof a;
    int s = socket(AF_INET, SOCK_STREAM, 0), u = socket(AF_INET, SOCK_DGRAM, 0);
    char b[4];

    tap(FAILS(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT) && FAILS(socket(AF_INET, SOCK_DGRAM, 6), EPROTONOSUPPORT) &&
            FAILS(socket(AF_INET, SOCK_SEQPACKET, 0), EPROTOTYPE) && FAILS(socket(AF_INET, SOCK_RAW, 0), EPROTONOSUPPORT),
        "bad_socket");
    tap(FAILS(bind(s, WILD, sizeof a), EFAULT) && FAILS(bind(s, (void *)&a, 4), EINVAL) && FAILS(bind(s, (void *)&a, 1000), EINVAL),
        "bad_bind");
    a.sin_family = AF_UNIX;
    tap(FAILS(bind(s, AS(a)), EAFNOSUPPORT) && FAILS(connect(s, AS(a)), EAFNOSUPPORT), "bad_family");
    a = here(13);
    a.sin_addr.s_addr = htonl(0x01020304);
    tap(FAILS(bind(s, AS(a)), EADDRNOTAVAIL), "foreign_address");
    tap(FAILS(read(s, b, 1), ENOTCONN) && FAILS(send(s, b, 1, MSG_NOSIGNAL), ENOTCONN) && FAILS(getpeername(s, (void *)&a, &size), ENOTCONN) &&
            FAILS(shutdown(s, SHUT_RD), ENOTCONN) && FAILS(accept(s, 0, 0), EINVAL) && FAILS(accept(u, 0, 0), EOPNOTSUPP) &&
            FAILS(listen(u, 1), EOPNOTSUPP),
        "unconnected");
    a = here(13);
    tap(bind(u, AS(a)) == 0 && FAILS(bind(u, AS(a)), EINVAL) && FAILS(sendto(u, WILD, 10, 0, AS(a)), EFAULT) &&
            FAILS(sendto(u, b, 1, 0, (void *)&a, 3), EINVAL) && sendto(u, "xyz", 3, 0, AS(a)) == 3 && FAILS(recv(u, WILD, 3, 0), EFAULT) &&
            recv(u, b, 4, 0) == 3,
        "bad_buffers_take_nothing");
    tap(FAILS(setsockopt(s, IPPROTO_TCP, 99, b, 4), ENOPROTOOPT) && FAILS(setsockopt(u, IPPROTO_TCP, TCP_NODELAY, b, 4), ENOPROTOOPT) &&
            FAILS(setsockopt(s, 77, 1, b, 4), ENOPROTOOPT) && FAILS(setsockopt(s, IPPROTO_IP, IP_TTL, &(int){999}, 4), EINVAL) &&
            FAILS(getsockopt(s, IPPROTO_TCP, 99, b, &(socklen_t){4}), ENOPROTOOPT),
        "bad_options");
    int l = listener(14), c = connected(14), d = accept(l, 0, 0);
    tap(FAILS(send(c, WILD, 5, 0), EFAULT) && send(c, "ok", 2, 0) == 2 && FAILS(recv(d, WILD, 2, 0), EFAULT) && read(d, b, 4) == 2,
        "bad_buffers_of_streams");
    tap(half_there(c, d), "buffers_that_end_too_soon");
    close(c);
    close(d);
    close(l);
    close(s);
    close(u);
}

static void names(void)
{
    struct if_nameindex *list = if_nameindex();
    char name[IF_NAMESIZE];
    struct ifaddrs *addresses;
    bool loop = false;

    tap(list && list[0].if_index && if_nametoindex(list[0].if_name) == list[0].if_index &&
            !strcmp(if_indextoname(list[0].if_index, name), list[0].if_name) && !if_nametoindex("nowhere"),
        "interfaces");
    if_freenameindex(list);
    getifaddrs(&addresses);
    for (struct ifaddrs *i = addresses; i; i = i->ifa_next)
        loop |= i->ifa_addr->sa_family == AF_INET && ((struct sockaddr_in *)i->ifa_addr)->sin_addr.s_addr == htonl(INADDR_LOOPBACK);
    tap(loop, "interface_addresses");
    freeifaddrs(addresses);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    streams();
    nonblocking();
    datagrams();
    six();
    several();
    killed();
    types_of_icmp6();
    bad();
    names();
    return tap_failed;
}
