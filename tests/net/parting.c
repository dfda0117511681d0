/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parting stream | datagram [SECONDS]: a child sends 3,000 bytes (one datagram) to port 9 of 10.0.0.1, closes and ends; its
 * parent waits for it and then so many seconds, not for the network. Without SECONDS there is no child: the machine ends with us.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int part(int stream)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0x0a000001)};
    int s = socket(AF_INET, stream ? SOCK_STREAM : SOCK_DGRAM, 0);
    char bytes[3000];
    size_t size = stream ? sizeof bytes : 100;

    memset(bytes, 'x', sizeof bytes);
    return connect(s, (struct sockaddr *)&to, sizeof to) || write(s, bytes, size) != (ssize_t)size || close(s);
}

int main(int argc, char **argv)
{
    int stream = argc > 1 && !strcmp(argv[1], "stream"), status = 1;

    if (argc < 3)
        return part(stream);
    if (!fork())
        _exit(part(stream));
    wait(&status);
    puts("parted");
    fflush(stdout);
    sleep((unsigned)atoi(argv[2]));
    puts("over");
    return status != 0;
}
