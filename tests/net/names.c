/* SPDX-License-Identifier: BSD-2-Clause */
/* What getaddrinfo says of each argument, on a line; then, for those behind a `-`, gethostbyname. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

static void by_name(const char *name)
{
    struct hostent *h = gethostbyname(name);
    char text[64];

    printf("-%s", name);
    for (char **a = h ? h->h_addr_list : NULL; a && *a; a++)
        printf(" %s", inet_ntop(h->h_addrtype, *a, text, sizeof text));
    puts(h ? "" : h_errno == HOST_NOT_FOUND ? " none" : h_errno == TRY_AGAIN ? " again" : " error");
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
        char text[64];
        if (argv[i][0] == '-') {
            by_name(argv[i] + 1);
            continue;
        }
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
