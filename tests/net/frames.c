/* SPDX-License-Identifier: BSD-2-Clause */
/* Echoes datagrams of port 7, of IPv4 and of IPv6, by a buffer that is aligned in each way in turn, and one connection of port 7 after the
 * other; listens on port 80, where it takes none; answers "pages" with how many the machine has free, and "counts" with how many frames the
 * kernel has had, and how many of these cannot be. */
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <aegis/exposed.h>

static char buffer[65536];

static int opened(int family, int type, int port)
{
    struct sockaddr_in6 to = {.sin6_family = (sa_family_t)family, .sin6_port = htons((in_port_t)port)}; /* sin_port is at the same place */
    int fd = socket(family, type, 0), on = 1;

    if (family == AF_INET6 && type == SOCK_DGRAM)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&to, family == AF_INET ? sizeof(struct sockaddr_in) : sizeof to) ||
        (type == SOCK_STREAM && listen(fd, 8)))
        return -1;
    return fd;
}

static void echo_datagram(int fd, char *at)
{
    struct sockaddr_in6 from;
    socklen_t size = sizeof from;
    ssize_t n = recvfrom(fd, at, sizeof buffer - 8, 0, (struct sockaddr *)&from, &size);
    const volatile struct aegis_net *net = &AEGIS_EXPOSED_STATE->net;

    if (n == 5 && !memcmp(at, "pages", 5))
        n = snprintf(at, sizeof buffer - 8, "%lu", (unsigned long)AEGIS_EXPOSED_STATE->free_pages);
    else if (n == 6 && !memcmp(at, "counts", 6))
        n = snprintf(at, sizeof buffer - 8, "%lu %lu", (unsigned long)net->received, (unsigned long)net->nonsense);
    if (n >= 0)
        sendto(fd, at, (size_t)n, 0, (struct sockaddr *)&from, size);
}

int main(void)
{
    struct pollfd p[] = {{opened(AF_INET, SOCK_DGRAM, 7), POLLIN, 0}, {opened(AF_INET6, SOCK_DGRAM, 7), POLLIN, 0},
                         {opened(AF_INET6, SOCK_STREAM, 7), POLLIN, 0}, {-1, POLLIN, 0}};

    if (p[0].fd < 0 || p[1].fd < 0 || p[2].fd < 0 || opened(AF_INET, SOCK_STREAM, 80) < 0)
        return 1;
    puts("serving");
    fflush(stdout);
    for (unsigned turn = 0;; turn++) {
        char *at = buffer + turn % 8;
        ssize_t n;
        poll(p, 4, -1);
        for (int i = 0; i < 2; i++)
            if (p[i].revents)
                echo_datagram(p[i].fd, at);
        if (p[2].revents) {
            close(p[3].fd);
            p[3].fd = accept(p[2].fd, NULL, NULL);
        } else if (p[3].revents && ((n = read(p[3].fd, at, 4096)) <= 0 || write(p[3].fd, at, (size_t)n) != n)) {
            close(p[3].fd);
            p[3].fd = -1;
        }
    }
}
