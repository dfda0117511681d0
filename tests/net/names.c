/* SPDX-License-Identifier: BSD-2-Clause */
/* What getaddrinfo says of each argument, on a line. */
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
        char text[64];
        int error = getaddrinfo(argv[i], "80", &hints, &found);
        printf("%s", argv[i]);
        for (struct addrinfo *a = error ? NULL : found; a; a = a->ai_next)
            if (!getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST))
                printf(" %s", text);
        puts(error == EAI_NONAME ? " none" : error == EAI_AGAIN ? " again" : error ? " error" : "");
        if (!error)
            freeaddrinfo(found);
    }
    puts("done");
}
