/* SPDX-License-Identifier: BSD-2-Clause */
/* httpd [-p PORT] [-r FOLDER]: serves a folder's files, HTTP/1.1. */
#include <aegis/exposed.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "httpd.h"

#define ROOM (64UL << 20)

static int usage(void)
{
    fputs("usage: httpd [-p PORT] [-r FOLDER]\n", stderr);
    return 2;
}

/* 0: no port. */
static unsigned port_of(const char *text)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && n < 65536 ? (unsigned)n : 0;
}

int main(int argc, char **argv)
{
    const char *folder = ".";
    unsigned port = 80;
    struct stat st;

    for (int c; (c = getopt(argc, argv, "p:r:")) != -1;) {
        if (c == 'p' && !(port = port_of(optarg)))
            return fprintf(stderr, "httpd: -p %s: no port\n", optarg), 2;
        if (c == 'r')
            folder = optarg;
        if (c == '?')
            return usage();
    }
    if (optind < argc)
        return usage();
    if (stat(folder, &st) || !S_ISDIR(st.st_mode))
        return fprintf(stderr, "httpd: -r %s: %s\n", folder, strerror(errno ? errno : ENOTDIR)), 1;
    files_start(folder, ROOM);
    if (serve_open(port))
        return fprintf(stderr, "httpd: port %u: %s\n", port, strerror(errno)), 1;
    printf("httpd: http://[::]:%u/\n", port);
    if (!AEGIS_EXPOSED_STATE->net.device)
        printf("httpd: only programs of this machine reach it; for others: scripts/run --forward tcp:8080:%u httpd ...\n", port);
    fflush(stdout);
    while (!serve_turn())
        ;
    perror("httpd");
    return 1;
}
