/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A live picture of what the exokernel exposes, served over HTTP from this machine itself: who owns
 * which page, who runs in which slice, the environments. It needs no privilege: every environment
 * may read all of it (SOSP'95, 3.2).
 *
 *     aegis-web [-p PORT]   serve
 *     aegis-web --state     the state as JSON, once
 *     aegis-web --page      the page
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web.h"

static int usage(FILE *to, int status)
{
    fputs("aegis-web [-p PORT]   serve a live picture of the machine (port 80)\n"
          "aegis-web --state     print the exposed state as JSON, once\n"
          "aegis-web --page      print the page that draws it\n", to);
    return status;
}

static int state_print(void)
{
    struct out t = {0};

    names_read();
    state_write(&t);
    if (t.failed) {
        fputs("aegis-web: no memory for the state\n", stderr);
        return 1;
    }
    fwrite(t.bytes, 1, t.size, stdout);
    out_free(&t);
    return fflush(stdout) != 0;
}

int main(int argc, char **argv)
{
    unsigned long port = 80;
    char *end;

    if (argc == 2 && !strcmp(argv[1], "--help"))
        return usage(stdout, 0);
    if (argc == 2 && !strcmp(argv[1], "--state"))
        return state_print();
    if (argc == 2 && !strcmp(argv[1], "--page"))
        return fwrite(page_html, 1, (size_t)(page_html_end - page_html), stdout) == 0;
    if (argc == 3 && !strcmp(argv[1], "-p")) {
        port = strtoul(argv[2], &end, 10);
        if (*end || port < 1 || port > 65535) {
            fprintf(stderr, "aegis-web: %s: a port is 1 to 65535\n", argv[2]);
            return 2;
        }
    } else if (argc != 1)
        return usage(stderr, 2);
    return http_serve((unsigned)port);
}
