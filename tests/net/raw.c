/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stack that is none: its errors, then an echo over it. raw sockets: the same by sockets of netstack_raw, port 8, and a
 * question of our own to ADDRESS PORT, whose answer is printed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <aegis/raw.h>

const struct netstack *const aegis_netstack = &netstack_raw;

static int wrong;
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            wrong = printf("line %d: %s\n", __LINE__, #condition);                                 \
    } while (0)

static void errors(void)
{
    static char large[RAW_MOST + 1];
    pid_t child;
    int status;

    CHECK(raw_open(0) == -EINVAL);
    CHECK(raw_open(7) == 0 && raw_open(7) == -EADDRINUSE);
    CHECK(raw_close(9) == -EBADF);
    CHECK(raw_open(9) == 0 && raw_close(9) == 0 && raw_open(9) == 0 && raw_close(9) == 0);
    CHECK(raw_send(7, raw_address(), 7, large, sizeof large) == -EMSGSIZE);
    CHECK(raw_send(9, raw_address(), 7, large, 1) == -EBADF);
    CHECK(raw_send(7, raw_address() ^ htonl(0x77), 7, large, 1) == -EHOSTUNREACH);
    /* a child's ports are its own; ours is ours */
    if (!(child = fork()))
        _exit(raw_close(7) != -EBADF || raw_open(7) != -EADDRINUSE || raw_open(10) != 0);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    int error = -EADDRINUSE;
    for (int i = 0; i < 100 && error == -EADDRINUSE; i++) { /* until the reaper has taken the child's out */
        error = raw_open(10);
        usleep(20000);
    }
    CHECK(error == 0 && raw_close(10) == 0);
}

static int ask(int s, const char *address, const char *port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((in_port_t)atoi(port))}, from;
    socklen_t size = sizeof from;
    struct pollfd p = {s, POLLIN, 0};
    char text[100] = "";

    inet_pton(AF_INET, address, &to.sin_addr);
    CHECK(connect(s, (void *)&to, sizeof to) == 0 && send(s, "question", 8, 0) == 8);
    CHECK(poll(&p, 1, 20000) == 1 && recvfrom(s, text, sizeof text - 1, 0, (void *)&from, &size) > 0);
    CHECK(from.sin_addr.s_addr == to.sin_addr.s_addr && from.sin_port == to.sin_port);
    CHECK(getpeername(s, (void *)&from, &size) == 0 && from.sin_port == to.sin_port);
    printf("answered: %s\n", text);
    return 0;
}

static int by_sockets(char **argv)
{
    static char text[2000];
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(8)}, from;
    int u = socket(AF_INET, SOCK_DGRAM, 0), other = socket(AF_INET, SOCK_DGRAM, 0);

    CHECK(bind(u, (void *)&at, sizeof at) == 0);
    CHECK(bind(other, (void *)&at, sizeof at) == -1 && errno == EADDRINUSE);
    CHECK(socket(AF_INET, SOCK_STREAM, 0) == -1 && errno == EPROTONOSUPPORT);
    CHECK(recv(other, text, sizeof text, MSG_DONTWAIT) == -1 && errno == EAGAIN);
    ask(other, argv[0], argv[1]);
    puts(wrong ? "wrong" : "serving");
    fflush(stdout);
    for (;;) {
        socklen_t size = sizeof from;
        ssize_t n = recvfrom(u, text, sizeof text, 0, (void *)&from, &size);
        sendto(u, text, (size_t)n, 0, (void *)&from, size);
    }
}

int main(int argc, char **argv)
{
    struct raw_datagram d;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 2)
        return by_sockets(argv + 1);
    errors();
    puts(wrong ? "wrong" : "serving");
    for (;;) {
        while (raw_next(&d))
            raw_answer(&d, d.size);
        raw_wait(0);
    }
}
