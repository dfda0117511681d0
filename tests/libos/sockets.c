/* SPDX-License-Identifier: BSD-2-Clause */
/* Unix sockets: both kinds of data, descriptors in messages, ends that close, fork and exec. Their names: socket_names.c. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define FAILS(call, error) (errno = 0, (call) == -1 && errno == (error))
#define WILD               ((void *)0x12345678000)

static int status_of(pid_t pid)
{
    int status = -1;
    return waitpid(pid, &status, 0) == pid ? status : -1;
}

static volatile sig_atomic_t pipes_broken;

static void broken(int signal)
{
    (void)signal;
    pipes_broken++;
}

static struct sockaddr_un named(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    strcpy(un.sun_path, path);
    return un;
}

#define AS(un) (const struct sockaddr *)(un), sizeof *(un)

/* ---- pairs ---- */

static void streams(void)
{
    static char big[300000], back[300000];
    int s[2];
    char b[16];
    size_t got = 0;

    tap(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0 && write(s[0], "ab", 2) == 2 &&
            send(s[0], "cd", 2, 0) == 2 && recv(s[1], b, 3, MSG_PEEK) == 3 && read(s[1], b, 9) == 4 &&
            !memcmp(b, "abcd", 4) && write(s[1], "x", 1) == 1 && read(s[0], b, 9) == 1,
        "stream_there_and_back");
    tap(FAILS(recv(s[0], b, 1, MSG_DONTWAIT), EAGAIN) && FAILS(lseek(s[0], 0, SEEK_SET), ESPIPE),
        "stream_empty");
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 7 + i / 256);
    pid_t child = fork();
    if (!child)
        _exit(write(s[0], big, sizeof big) != sizeof big);
    for (ssize_t n; got < sizeof back && (n = read(s[1], back + got, 7001)) > 0;)
        got += (size_t)n;
    tap(got == sizeof big && !memcmp(big, back, got) && status_of(child) == 0, "stream_much");
    child = fork();
    if (!child)
        _exit(send(s[0], big, sizeof big, 0) != sizeof big);
    tap(recv(s[1], back, sizeof back, MSG_WAITALL) == sizeof back && status_of(child) == 0,
        "stream_waitall");
    fcntl(s[0], F_SETFL, O_NONBLOCK);
    size_t sent = 0;
    for (ssize_t n; (n = write(s[0], big, 5000)) > 0;)
        sent += (size_t)n;
    int there = 0;
    tap(errno == EAGAIN && sent >= 60000 && ioctl(s[1], FIONREAD, &there) == 0 &&
            (size_t)there == sent,
        "stream_full");
    struct pollfd p = {s[0], POLLIN | POLLOUT, 0};
    tap(poll(&p, 1, 0) == 0 && read(s[1], back, 60000) == 60000 && poll(&p, 1, 1000) == 1 &&
            p.revents == POLLOUT,
        "stream_poll_room");
    tap(shutdown(s[0], SHUT_WR) == 0 && FAILS(send(s[0], b, 1, MSG_NOSIGNAL), EPIPE) &&
            read(s[1], back, sizeof back) == (ssize_t)sent - 60000 && read(s[1], b, 1) == 0 &&
            write(s[1], "y", 1) == 1 && read(s[0], b, 1) == 1,
        "stream_half_shut");
    signal(SIGPIPE, broken);
    close(s[1]);
    shutdown(s[0], SHUT_RDWR);
    p = (struct pollfd){s[0], POLLIN | POLLOUT, 0};
    tap(FAILS(write(s[0], "z", 1), EPIPE) && pipes_broken == 1 && poll(&p, 1, 0) == 1 &&
            p.revents & POLLHUP,
        "stream_broken");
    close(s[0]);
}

static void datagrams(void)
{
    static char big[70000];
    int s[2];
    char b[16];
    struct iovec v[3] = {{"one", 3}, {"", 0}, {"two", 3}};
    struct msghdr m = {.msg_iov = v, .msg_iovlen = 3};

    tap(socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == 0 && send(s[0], "abc", 3, 0) == 3 &&
            send(s[0], "", 0, 0) == 0 && sendmsg(s[0], &m, 0) == 6 && recv(s[1], b, 2, 0) == 2 &&
            recv(s[1], b, 9, 0) == 0 && recv(s[1], b, 9, 0) == 6 && !memcmp(b, "onetwo", 6),
        "datagrams_keep_their_ends");
    memset(big, 'q', sizeof big);
    tap(send(s[0], big, sizeof big, 0) == sizeof big &&
            recv(s[1], b, 1, MSG_TRUNC | MSG_PEEK) == 1 && recv(s[1], big, sizeof big, 0) == sizeof big,
        "datagram_large");
    int sent = 0;
    while (send(s[0], big, sizeof big, MSG_DONTWAIT) > 0)
        sent++;
    struct pollfd p = {s[0], POLLOUT, 0};
    tap(errno == EAGAIN && sent >= 2 && poll(&p, 1, 0) >= 0 && recv(s[1], b, 1, 0) == 1 &&
            send(s[0], big, sizeof big, MSG_DONTWAIT) > 0,
        "datagrams_full");
    v[0] = (struct iovec){b, 4};
    m.msg_iovlen = 1;
    tap(recvmsg(s[1], &m, 0) == 4 && m.msg_flags & MSG_TRUNC, "datagram_cut");
    tap(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &(int){4000}, sizeof(int)) == 0 &&
            FAILS(send(s[0], big, 4001, 0), EMSGSIZE),
        "datagram_too_long");
    close(s[1]);
    tap(FAILS(send(s[0], "a", 1, 0), ECONNREFUSED), "datagram_nobody");
    close(s[0]);
    tap(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s) == 0 && send(s[0], "abc", 3, 0) == 3 &&
            send(s[0], "d", 1, 0) == 1 && recvmsg(s[1], &m, 0) == 3 && m.msg_flags & MSG_EOR &&
            recv(s[1], b, 9, 0) == 1 && close(s[0]) == 0 && recv(s[1], b, 9, 0) == 0,
        "seqpacket");
    close(s[1]);
}

/* ---- descriptors in messages ---- */

union control {
    struct cmsghdr head;
    char room[CMSG_SPACE(8 * sizeof(int))];
};

static ssize_t pass(int s, const int *fds, unsigned count, const char *text)
{
    union control c;
    struct iovec v = {(void *)text, strlen(text)};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
                       .msg_controllen = CMSG_SPACE(count * sizeof(int))};

    memset(&c, 0, sizeof c);
    c.head = (struct cmsghdr){.cmsg_len = CMSG_LEN(count * sizeof(int)), .cmsg_level = SOL_SOCKET,
                              .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&c.head), fds, count * sizeof(int));
    return sendmsg(s, &m, 0);
}

/* How many came, into fds; the bytes' number in *size. */
static int catch(int s, int *fds, ssize_t *size, size_t room, int *flags)
{
    union control c;
    char text[64];
    struct iovec v = {text, sizeof text};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
                       .msg_controllen = (socklen_t)room};

    *size = recvmsg(s, &m, MSG_CMSG_CLOEXEC);
    *flags = m.msg_flags;
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    if (*size < 0 || !h || h->cmsg_type != SCM_RIGHTS)
        return 0;
    int n = (int)((h->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(fds, CMSG_DATA(h), (size_t)n * sizeof(int));
    return n;
}

static void rights(int type, const char *name)
{
    int s[2], p[2], got[8], flags;
    char b[8], text[64];
    ssize_t size;

    socketpair(AF_UNIX, type, 0, s);
    pipe(p);
    bool good = pass(s[0], &p[1], 1, "pipe") == 4;
    close(p[1]);
    struct pollfd poller = {p[0], POLLIN, 0};
    good &= poll(&poller, 1, 0) == 0; /* no end of file: a message holds it */
    send(s[0], "more", 4, 0);
    good &= catch(s[1], got, &size, sizeof(union control), &flags) == 1 && size >= 4;
    good &= write(got[0], "hi", 2) == 2 && read(p[0], b, 8) == 2 && close(got[0]) == 0 &&
            read(p[0], b, 8) == 0;
    snprintf(text, sizeof text, "%s_rights", name);
    tap(good, text);
    while (recv(s[1], b, 8, MSG_DONTWAIT) > 0)
        ;
    int many[3] = {0, 1, 2};
    snprintf(text, sizeof text, "%s_rights_cut", name);
    tap(pass(s[0], many, 3, "three") == 5 &&
            catch(s[1], got, &size, CMSG_LEN(2 * sizeof(int)), &flags) == 2 && flags & MSG_CTRUNC &&
            fcntl(got[0], F_GETFD) == FD_CLOEXEC && close(got[0]) == 0 && close(got[1]) == 0 &&
            FAILS(pass(s[0], (int[]){99}, 1, "bad"), EBADF),
        text);
    snprintf(text, sizeof text, "%s_rights_unread", name);
    close(p[0]);
    pipe(p);
    poller.fd = p[0];
    good = pass(s[0], &p[1], 1, "a") == 1 && pass(s[0], &p[1], 1, "b") == 1;
    close(p[1]);
    good &= recv(s[1], b, 8, 0) == 1 && poll(&poller, 1, 0) == 0;
    close(s[0]);
    close(s[1]);
    tap(good && poll(&poller, 1, 1000) == 1 && read(p[0], b, 1) == 0, text);
    close(p[0]);
}

/* ---- processes ---- */

static void killed(void)
{
    int s[2];
    char b[8];

    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    pid_t child = fork();
    if (!child) {
        close(s[0]);
        write(s[1], "!", 1);
        pause();
    }
    close(s[1]);
    bool good = read(s[0], b, 1) == 1;
    kill(child, SIGKILL);
    tap(good && read(s[0], b, 1) == 0 && status_of(child) == SIGKILL, "peer_was_killed");
    close(s[0]);
}

static void several_accept(void)
{
    struct sockaddr_un un = named("/tmp/several");
    int l = socket(AF_UNIX, SOCK_STREAM, 0), who = 0;
    pid_t child[3], pid;

    bind(l, AS(&un));
    listen(l, 8);
    for (int i = 0; i < 3; i++)
        if (!(child[i] = fork())) {
            for (int n = 0; n < 4; n++) {
                int c = accept(l, 0, 0);
                pid = getpid();
                write(c, &pid, sizeof pid);
                close(c);
            }
            _exit(0);
        }
    for (int i = 0; i < 12; i++) {
        int c = socket(AF_UNIX, SOCK_STREAM, 0);
        connect(c, AS(&un));
        if (read(c, &pid, sizeof pid) == sizeof pid)
            for (int k = 0; k < 3; k++)
                who += pid == child[k];
        close(c);
    }
    bool good = who == 12;
    for (int i = 0; i < 3; i++)
        good &= status_of(child[i]) == 0;
    tap(good, "several_processes_accept");
    close(l);
    unlink("/tmp/several");
}

static void timeouts(void)
{
    struct timeval t = {0, 30000}, before, after;
    int s[2];
    char b;

    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    gettimeofday(&before, NULL);
    tap(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) == 0 && FAILS(read(s[0], &b, 1), EAGAIN),
        "receive_times_out");
    gettimeofday(&after, NULL);
    long us = (after.tv_sec - before.tv_sec) * 1000000 + after.tv_usec - before.tv_usec;
    socklen_t size = sizeof t;
    tap(us >= 29000 && getsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, &size) == 0 && t.tv_usec >= 29999,
        "receive_timeout_kept");
    close(s[0]);
    close(s[1]);
}

/* ---- bad input ---- */

static void bad(void)
{
    struct sockaddr_un un = named("/tmp/bad");
    socklen_t size = sizeof un;
    int s[2], p[2], plain = socket(AF_UNIX, SOCK_STREAM, 0);
    char b[4];

    tap(FAILS(socket(77, SOCK_STREAM, 0), EAFNOSUPPORT) && FAILS(socket(AF_UNIX, 9, 0), EPROTOTYPE) &&
            FAILS(socket(AF_UNIX, SOCK_STREAM, 6), EPROTONOSUPPORT) &&
            FAILS(socket(AF_UNIX, SOCK_STREAM | 0x100, 0), EINVAL),
        "bad_socket");
    tap(FAILS(socketpair(AF_INET, SOCK_STREAM, 0, s), EOPNOTSUPP) &&
            FAILS(socketpair(AF_UNIX, SOCK_STREAM, 0, WILD), EFAULT),
        "bad_socketpair");
    pipe(p);
    tap(FAILS(send(p[1], b, 1, 0), ENOTSOCK) && FAILS(recv(99, b, 1, 0), EBADF) &&
            FAILS(bind(p[0], AS(&un)), ENOTSOCK) && FAILS(listen(-1, 1), EBADF) &&
            FAILS(accept(p[0], 0, 0), ENOTSOCK) && FAILS(shutdown(p[0], 0), ENOTSOCK) &&
            FAILS(getsockopt(p[0], SOL_SOCKET, SO_TYPE, b, &size), ENOTSOCK),
        "no_socket");
    tap(FAILS(bind(plain, WILD, sizeof un), EFAULT) && FAILS(bind(plain, (void *)&un, 1), EINVAL) &&
            FAILS(bind(plain, (void *)&un, 4000), EINVAL) &&
            FAILS(connect(plain, (void *)&un, sizeof un.sun_family), EINVAL) &&
            FAILS(connect(plain, WILD, sizeof un), EFAULT),
        "bad_names");
    un.sun_family = AF_INET;
    tap(FAILS(bind(plain, AS(&un)), EAFNOSUPPORT) && FAILS(connect(plain, AS(&un)), EAFNOSUPPORT),
        "bad_family");
    un = named("/nowhere/s");
    tap(FAILS(bind(plain, AS(&un)), ENOENT) && FAILS(listen(plain, 1), EDESTADDRREQ) &&
            FAILS(read(plain, b, 1), EINVAL) && FAILS(write(plain, b, 1), ENOTCONN) &&
            FAILS(shutdown(plain, SHUT_RD), ENOTCONN) && FAILS(shutdown(plain, 7), EINVAL),
        "unconnected");
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    struct msghdr m = {.msg_iov = WILD, .msg_iovlen = 1};
    tap(FAILS(send(s[0], WILD, 4, 0), EFAULT) && write(s[0], "abcd", 4) == 4 &&
            FAILS(recv(s[1], WILD, 4, 0), EFAULT) && FAILS(sendmsg(s[0], WILD, 0), EFAULT) &&
            FAILS(sendmsg(s[0], &m, 0), EFAULT) && FAILS(recvmsg(s[1], &m, 0), EFAULT) &&
            recv(s[1], b, 4, 0) == 4,
        "bad_buffers_take_nothing");
    m = (struct msghdr){.msg_iov = &(struct iovec){b, 1}, .msg_iovlen = 5000};
    bool good = FAILS(sendmsg(s[0], &m, 0), EMSGSIZE);
    m.msg_iovlen = 1;
    union control c = {.head = {.cmsg_len = 4, .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    m.msg_control = &c;
    m.msg_controllen = sizeof c;
    good &= FAILS(sendmsg(s[0], &m, 0), EINVAL);
    c.head.cmsg_len = 1 << 20;
    tap(good && FAILS(sendmsg(s[0], &m, 0), EINVAL), "bad_messages");
    int value = 1;
    tap(FAILS(getsockopt(s[0], SOL_SOCKET, 99, &value, &size), ENOPROTOOPT) &&
            FAILS(setsockopt(s[0], SOL_SOCKET, SO_TYPE, &value, sizeof value), ENOPROTOOPT) &&
            FAILS(setsockopt(s[0], SOL_SOCKET, SO_REUSEADDR, &value, 1), EINVAL) &&
            FAILS(setsockopt(s[0], SOL_SOCKET, SO_REUSEADDR, WILD, 4), EFAULT) &&
            FAILS(getsockopt(s[0], SOL_SOCKET, SO_TYPE, WILD, &size), EFAULT) &&
            getsockopt(s[0], SOL_SOCKET, SO_TYPE, &value, &size) == 0 && value == SOCK_STREAM,
        "options");
    close(s[0]);
    close(s[1]);
    close(p[0]);
    close(p[1]);
    close(plain);
}

/* ---- exec ---- */

static void through_exec(const char *self)
{
    char text[16], b[8];
    int s[2];

    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    pid_t child = fork();
    if (!child) {
        snprintf(text, sizeof text, "%d", s[1]);
        execl(self, self, text, NULL);
        _exit(9);
    }
    close(s[1]);
    write(s[0], "ping", 4);
    tap(read(s[0], b, 8) == 4 && !memcmp(b, "pong", 4) && status_of(child) == 0, "exec_keeps_a_socket");
    close(s[0]);
}

static int executed(int s)
{
    char b[8];
    return !(read(s, b, 8) == 4 && write(s, "pong", 4) == 4);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return executed(atoi(argv[1]));
    streams();
    datagrams();
    rights(SOCK_STREAM, "stream");
    rights(SOCK_DGRAM, "datagram");
    rights(SOCK_SEQPACKET, "seqpacket");
    killed();
    several_accept();
    timeouts();
    bad();
    through_exec(argv[0]);
    return tap_failed;
}
