/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * echo                    serves port 7 of TCP (a child for each connection) and of UDP, IPv4 and IPv6
 * echo ADDRESS SIZE       sends SIZE bytes to port 7 there and compares what comes back
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <aegis/exposed.h>

static char buffer[16384];

static int serve(void)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(7)}, from;
    int l = socket(AF_INET6, SOCK_STREAM, 0), u = socket(AF_INET6, SOCK_DGRAM, 0);

    signal(SIGCHLD, SIG_IGN);
    if (bind(l, (void *)&any, sizeof any) || listen(l, 16) || bind(u, (void *)&any, sizeof any))
        return 1;
    puts(AEGIS_EXPOSED_STATE->net.features & AEGIS_NET_TX_CHECKSUM ? "serving, sums by the device" : "serving");
    fflush(stdout);
    for (;;) {
        struct pollfd p[2] = {{l, POLLIN, 0}, {u, POLLIN, 0}};
        socklen_t size = sizeof from;
        ssize_t n;
        poll(p, 2, -1);
        if (p[1].revents && (n = recvfrom(u, buffer, sizeof buffer, 0, (void *)&from, &size)) >= 0)
            sendto(u, buffer, (size_t)n, 0, (void *)&from, size);
        if (!p[0].revents)
            continue;
        int c = accept(l, NULL, NULL);
        if (!fork()) {
            while ((n = read(c, buffer, sizeof buffer)) > 0 && write(c, buffer, (size_t)n) == n)
                ;
            _exit(n != 0);
        }
        close(c);
    }
}

static char byte_of(size_t i)
{
    return (char)(i * 131 + i / 1009);
}

static int compare(const char *address, size_t size)
{
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(7)};
    int c = socket(AF_INET6, SOCK_STREAM, 0);
    size_t got = 0;

    inet_pton(AF_INET6, address, &to.sin6_addr);
    for (int i = 0; connect(c, (void *)&to, sizeof to); i++) {
        if (i == 20)
            return perror("connect"), 1;
        close(c);
        sleep(1);
        c = socket(AF_INET6, SOCK_STREAM, 0);
    }
    if (!fork()) {
        for (size_t at = 0; at < size;) {
            size_t n = size - at < sizeof buffer ? size - at : sizeof buffer;
            for (size_t i = 0; i < n; i++)
                buffer[i] = byte_of(at + i);
            if (write(c, buffer, n) != (ssize_t)n)
                _exit(1);
            at += n;
        }
        shutdown(c, SHUT_WR);
        _exit(0);
    }
    for (ssize_t n; (n = read(c, buffer, sizeof buffer)) > 0; got += (size_t)n)
        for (ssize_t i = 0; i < n; i++)
            if (buffer[i] != byte_of(got + (size_t)i))
                return printf("differs at %zu\n", got + (size_t)i), 1;
    printf("%zu bytes came back\n", got);
    return got != size;
}

int main(int argc, char **argv)
{
    return argc > 2 ? compare(argv[1], strtoul(argv[2], NULL, 10)) : serve();
}
