/* SPDX-License-Identifier: BSD-2-Clause */
/* Echoes datagrams of port 7, by a buffer that is aligned in each way in turn, listens on port 80, and answers "pages" with how many
 * the machine has free. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <aegis/exposed.h>

int main(void)
{
    static char buffer[65536];
    struct sockaddr_in udp = {.sin_family = AF_INET, .sin_port = htons(7)},
                       tcp = {.sin_family = AF_INET, .sin_port = htons(80)}, from;
    int u = socket(AF_INET, SOCK_DGRAM, 0), l = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(u, (struct sockaddr *)&udp, sizeof udp) ||
        bind(l, (struct sockaddr *)&tcp, sizeof tcp) || listen(l, 8))
        return 1;
    puts("serving");
    fflush(stdout);
    for (unsigned turn = 0;; turn++) {
        socklen_t size = sizeof from;
        char *at = buffer + turn % 8;
        ssize_t n = recvfrom(u, at, sizeof buffer - 8, 0, (struct sockaddr *)&from, &size);
        if (n == 5 && !memcmp(at, "pages", 5))
            n = snprintf(at, sizeof buffer - 8, "%lu",
                         (unsigned long)AEGIS_EXPOSED_STATE->free_pages);
        if (n >= 0)
            sendto(u, at, (size_t)n, 0, (struct sockaddr *)&from, size);
    }
}
