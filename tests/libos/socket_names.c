/* SPDX-License-Identifier: BSD-2-Clause */
/* Unix sockets by name: of files, abstract, chosen by the system; who is refused, and what a listener's queue takes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define FAILS(call, error) (errno = 0, (call) == -1 && errno == (error))

static int status_of(pid_t pid)
{
    int status = -1;
    return waitpid(pid, &status, 0) == pid ? status : -1;
}

static struct sockaddr_un named(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    strcpy(un.sun_path, path);
    return un;
}

#define AS(un) (const struct sockaddr *)(un), sizeof *(un)

static void connections(void)
{
    struct sockaddr_un un = named("/tmp/s"), other;
    socklen_t size = sizeof other;
    struct stat st;
    char b[8];

    int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    tap(FAILS(connect(c, AS(&un)), ENOENT) && bind(l, AS(&un)) == 0 &&
            FAILS(connect(c, AS(&un)), ECONNREFUSED) && FAILS(accept(l, 0, 0), EINVAL) &&
            listen(l, 2) == 0 && fcntl(c, F_GETFD) == FD_CLOEXEC,
        "bind_listen");
    tap(stat("/tmp/s", &st) == 0 && S_ISSOCK(st.st_mode) && FAILS(open("/tmp/s", O_RDWR), ENXIO) &&
            fstat(l, &st) == 0 && S_ISSOCK(st.st_mode),
        "bound_name_is_a_socket");
    fcntl(l, F_SETFL, O_NONBLOCK);
    struct pollfd p = {l, POLLIN, 0};
    tap(FAILS(accept(l, 0, 0), EAGAIN) && poll(&p, 1, 0) == 0, "accept_nobody");
    tap(connect(c, AS(&un)) == 0 && write(c, "early", 5) == 5 && poll(&p, 1, 0) == 1 &&
            FAILS(connect(c, AS(&un)), EISCONN),
        "connect_before_accept");
    int a = accept4(l, (struct sockaddr *)&other, &size, SOCK_NONBLOCK);
    tap(a >= 0 && size == sizeof(sa_family_t) && read(a, b, 8) == 5 && FAILS(read(a, b, 8), EAGAIN),
        "accepted");
    size = sizeof other;
    tap(getpeername(c, (struct sockaddr *)&other, &size) == 0 && !strcmp(other.sun_path, "/tmp/s") &&
            size == offsetof(struct sockaddr_un, sun_path) + 7 &&
            getsockname(a, (struct sockaddr *)&other, &size) == 0 &&
            !strcmp(other.sun_path, "/tmp/s") && FAILS(getpeername(l, (void *)&other, &size), ENOTCONN),
        "names_of_both_ends");
    struct ucred who;
    size = sizeof who;
    tap(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 && who.pid == getpid(),
        "peer_credentials");
    close(c);
    close(a);
    int full[3];
    for (int i = 0; i < 3; i++) {
        full[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(full[i], AS(&un));
    }
    tap(errno == EAGAIN && FAILS(getpeername(full[2], (void *)&other, &size), ENOTCONN),
        "backlog_is_full");
    fcntl(full[2], F_SETFL, 0);
    pid_t child = fork();
    if (!child) {
        usleep(20000);
        _exit(accept(l, 0, 0) < 0);
    }
    tap(connect(full[2], AS(&un)) == 0 && status_of(child) == 0, "connect_waits_for_room");
    close(l);
    tap(read(full[1], b, 1) == 0 && read(full[2], b, 1) == 0, "listener_gone");
    tap(FAILS(connect(socket(AF_UNIX, SOCK_STREAM, 0), AS(&un)), ECONNREFUSED),
        "name_outlives_its_socket");
    l = socket(AF_UNIX, SOCK_STREAM, 0);
    tap(FAILS(bind(l, AS(&un)), EADDRINUSE) && unlink("/tmp/s") == 0 && bind(l, AS(&un)) == 0 &&
            unlink("/tmp/s") == 0,
        "name_taken_and_freed");
    for (int i = 0; i < 3; i++)
        close(full[i]);
    close(l);
}

static void datagram_names(void)
{
    struct sockaddr_un un = named("/tmp/d"), mine = named("/tmp/e"), from;
    socklen_t size = sizeof from;
    int d = socket(AF_UNIX, SOCK_DGRAM, 0), e = socket(AF_UNIX, SOCK_DGRAM, 0);
    int stream = socket(AF_UNIX, SOCK_STREAM, 0);
    char b[8];

    tap(bind(d, AS(&un)) == 0 && bind(e, AS(&mine)) == 0 &&
            sendto(e, "hi", 2, 0, AS(&un)) == 2 &&
            recvfrom(d, b, 8, 0, (struct sockaddr *)&from, &size) == 2 &&
            !strcmp(from.sun_path, "/tmp/e"),
        "datagram_from_a_name");
    tap(FAILS(send(e, "x", 1, 0), EDESTADDRREQ) && connect(e, AS(&un)) == 0 &&
            send(e, "x", 1, 0) == 1 && recv(d, b, 8, 0) == 1 &&
            FAILS(connect(stream, AS(&un)), EPROTOTYPE) && FAILS(listen(d, 1), EOPNOTSUPP),
        "datagram_connected");
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    tap(connect(e, &none, sizeof none) == 0 && FAILS(send(e, "x", 1, 0), EDESTADDRREQ),
        "datagram_disconnected");
    close(d);
    tap(FAILS(sendto(e, "x", 1, 0, AS(&un)), ECONNREFUSED), "datagram_refused");
    close(e);
    close(stream);
    unlink("/tmp/d");
    unlink("/tmp/e");
}

/* An abstract name: what follows a NUL, as long as it is, with any bytes. */
static socklen_t abstract(struct sockaddr_un *un, const char *name, size_t length)
{
    memset(un, 'x', sizeof *un); /* what lies behind is no part of it */
    un->sun_family = AF_UNIX;
    un->sun_path[0] = 0;
    memcpy(un->sun_path + 1, name, length);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
}

static void abstract_names(void)
{
    struct sockaddr_un un, longer, other;
    socklen_t length = abstract(&un, "a\0/b", 4), more = abstract(&longer, "a\0/bc", 5), size = sizeof other;
    int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
    int again = socket(AF_UNIX, SOCK_STREAM, 0);
    char b[8];

    tap(FAILS(connect(c, (void *)&un, length), ECONNREFUSED) && bind(l, (void *)&un, length) == 0 && listen(l, 2) == 0 &&
            FAILS(bind(again, (void *)&un, length), EADDRINUSE) && FAILS(connect(c, (void *)&longer, more), ECONNREFUSED) &&
            FAILS(connect(c, (void *)&un, length - 1), ECONNREFUSED) && bind(again, (void *)&longer, more) == 0,
        "abstract_name_is_its_bytes");
    pid_t child = fork();
    if (!child)
        _exit(connect(c, (void *)&un, length) || write(c, "hi", 2) != 2 || getpeername(c, (void *)&other, &size) || size != length ||
              memcmp(&other, &un, length));
    int a = accept(l, NULL, NULL);
    tap(a >= 0 && read(a, b, 8) == 2 && status_of(child) == 0 && getsockname(a, (void *)&other, &size) == 0 && size == length &&
            !memcmp(&other, &un, length),
        "abstract_name_connects_and_is_told");
    close(a);
    close(again);
    close(l);
    l = socket(AF_UNIX, SOCK_STREAM, 0);
    close(c);
    c = socket(AF_UNIX, SOCK_STREAM, 0);
    tap(FAILS(connect(c, (void *)&un, length), ECONNREFUSED) && bind(l, (void *)&un, length) == 0, "abstract_name_ends_with_its_socket");
    close(l);
    int d = socket(AF_UNIX, SOCK_DGRAM, 0), e = socket(AF_UNIX, SOCK_DGRAM, 0);
    size = sizeof other;
    l = socket(AF_UNIX, SOCK_STREAM, 0); /* of another type: another name */
    tap(bind(d, (void *)&un, length) == 0 && FAILS(connect(c, (void *)&un, length), ECONNREFUSED) && bind(l, (void *)&un, length) == 0 &&
            listen(l, 2) == 0 && connect(c, (void *)&un, length) == 0,
        "abstract_names_of_each_type");
    close(l);
    close(c);
    c = socket(AF_UNIX, SOCK_STREAM, 0);
    tap(bind(e, (void *)&longer, more) == 0 && sendto(e, "hi", 2, 0, (void *)&un, length) == 2 &&
            recvfrom(d, b, 8, 0, (void *)&other, &size) == 2 && size == more && !memcmp(&other, &longer, more) &&
            FAILS(connect(c, (void *)&un, length), ECONNREFUSED),
        "abstract_datagram_from_a_name");
    close(e);
    child = fork(); /* who is killed frees its names */
    if (!child) {
        e = socket(AF_UNIX, SOCK_DGRAM, 0);
        bind(e, (void *)&longer, more);
        kill(getpid(), SIGKILL);
    }
    e = socket(AF_UNIX, SOCK_DGRAM, 0);
    status_of(child);
    tap(bind(e, (void *)&longer, more) == 0, "abstract_name_of_the_dead_is_free");
    int many[200], made = 0;
    for (int i = 0; i < 200; i++) {
        b[0] = (char)i;
        length = abstract(&un, b, 1);
        many[i] = socket(AF_UNIX, SOCK_DGRAM, 0);
        made += bind(many[i], (void *)&un, length) == 0 && sendto(e, b, 1, 0, (void *)&un, length) == 1 && recv(many[i], b + 1, 1, 0) == 1 &&
                b[1] == b[0];
    }
    for (int i = 0; i < 200; i++)
        close(many[i]);
    tap(made == 200, "abstract_names_by_the_hundred");
    close(c);
    close(d);
    close(e);
}

/* Five digits behind a NUL. */
static bool is_chosen(const struct sockaddr_un *un, socklen_t size)
{
    return size == offsetof(struct sockaddr_un, sun_path) + 6 && un->sun_family == AF_UNIX && !un->sun_path[0] &&
           strspn(un->sun_path + 1, "0123456789abcdef") >= 5;
}

static void chosen_names(void)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX}, got[64], from;
    const socklen_t family = offsetof(struct sockaddr_un, sun_path);
    socklen_t size = sizeof un, back = sizeof from;
    int s[64], l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), a, one = 1;
    bool good = true;
    char b[8];

    tap(bind(l, (void *)&un, family) == 0 && getsockname(l, (void *)&got[0], &size) == 0 && is_chosen(&got[0], size) && listen(l, 1) == 0 &&
            connect(c, (void *)&got[0], size) == 0 && (a = accept(l, NULL, NULL)) >= 0 && write(c, "hi", 2) == 2 && read(a, b, 8) == 2 &&
            getpeername(c, (void *)&from, &back) == 0 && back == size && !memcmp(&from, &got[0], size),
        "chosen_name_is_told_and_connects");
    got[1] = got[0];
    tap(bind(l, (void *)&un, family) == 0 && getsockname(l, (void *)&from, &back) == 0 && !memcmp(&from, &got[0], size) &&
            FAILS(bind(l, (void *)&got[1], size), EINVAL) && FAILS(connect(c, (void *)&un, family), EINVAL) &&
            FAILS(bind(c, (void *)&un, family - 1), EINVAL) && FAILS(bind(s[0] = socket(AF_UNIX, SOCK_STREAM, 0), (void *)&got[1], size), EADDRINUSE),
        "chosen_name_stays_and_is_taken");
    close(s[0]);
    close(a);
    close(c);
    close(l);
    c = socket(AF_UNIX, SOCK_STREAM, 0);
    tap(FAILS(connect(c, (void *)&got[0], size), ECONNREFUSED), "chosen_name_ends_with_its_socket");
    close(c);
    for (int i = 0; i < 64; i++) {
        size = sizeof got[i];
        s[i] = socket(AF_UNIX, SOCK_DGRAM, 0);
        good &= bind(s[i], (void *)&un, family) == 0 && getsockname(s[i], (void *)&got[i], &size) == 0 && is_chosen(&got[i], size);
        for (int k = 0; k < i; k++)
            good &= memcmp(got[k].sun_path, got[i].sun_path, 6) != 0;
    }
    for (int i = 1; i < 64; i++) { /* each hears what is sent to its name, and from whom */
        back = sizeof from;
        good &= sendto(s[i - 1], &i, sizeof i, 0, (void *)&got[i], size) == sizeof i &&
                recvfrom(s[i], b, sizeof b, MSG_DONTWAIT, (void *)&from, &back) == sizeof i && back == size && !memcmp(b, &i, sizeof i) &&
                !memcmp(&from, &got[i - 1], size);
    }
    tap(good, "chosen_names_are_distinct");
    c = socket(AF_UNIX, SOCK_DGRAM, 0);
    a = socket(AF_UNIX, SOCK_DGRAM, 0);
    socklen_t none = sizeof from, told = sizeof from;
    tap(sendto(c, "x", 1, 0, (void *)&got[0], size) == 1 && getsockname(c, (void *)&from, &none) == 0 && none == family &&
            setsockopt(c, SOL_SOCKET, SO_PASSCRED, &one, sizeof one) == 0 && sendto(c, "x", 1, 0, (void *)&got[0], size) == 1 &&
            getsockname(c, (void *)&from, &told) == 0 && is_chosen(&from, told) && setsockopt(a, SOL_SOCKET, SO_PASSCRED, &one, sizeof one) == 0 &&
            connect(a, (void *)&got[0], size) == 0 && (told = sizeof from) && getsockname(a, (void *)&from, &told) == 0 && is_chosen(&from, told),
        "chosen_name_for_who_passes_credentials");
    close(a);
    close(c);
    for (int i = 0; i < 64; i++)
        close(s[i]);
}

int main(void)
{
    connections();
    datagram_names();
    abstract_names();
    chosen_names();
    return tap_failed;
}
