/* SPDX-License-Identifier: BSD-2-Clause */
/* Looks at all frames that the session's stack receives, before it; aegis-web draws what is in
 * these files. */
#include <stdio.h>
#include <sys/stat.h>

#include "handle.h"

#define FOLDER "/run/aegis-web"

/* What apps/handlers/sample.c shares. */
struct seen {
    uint64_t frames, bytes;
    uint32_t by_length[48]; /* of 32 bytes each */
    uint32_t by_protocol[256];
};

static FILE *picture_begin(const char *title)
{
    FILE *f = fopen(FOLDER "/.new", "w");

    if (f)
        fprintf(f, "%s\n", title);
    return f;
}

static void picture_end(FILE *f, const char *path)
{
    if (!fclose(f))
        rename(FOLDER "/.new", path);
}

static void pictures_write(const struct seen *s)
{
    static const struct {
        unsigned number;
        const char *name;
    } protocols[] = {{1, "ICMP"}, {2, "IGMP"}, {6, "TCP"}, {17, "UDP"}};
    FILE *f = picture_begin("Frames received, by bytes (a handler's window)");

    for (unsigned i = 0; f && i < 48; i++)
        fprintf(f, "%u\t%u\n", 32 * i, (unsigned)s->by_length[i]);
    if (f)
        picture_end(f, FOLDER "/lengths");
    if (!(f = picture_begin("Frames received, by protocol (a handler's window)")))
        return;
    for (unsigned i = 0; i < sizeof protocols / sizeof *protocols; i++)
        fprintf(f, "%s\t%u\n", protocols[i].name, (unsigned)s->by_protocol[protocols[i].number]);
    picture_end(f, FOLDER "/protocols");
}

int sample(unsigned port, char **arguments)
{
    struct raw_handler h = handler_begin(0, port, false, &image_sample);

    (void)arguments;
    mkdir("/run", 0755);
    mkdir(FOLDER, 0755);
    for (;;) {
        pictures_write(h.window);
        handler_second(&h);
    }
}
