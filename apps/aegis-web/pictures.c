/* SPDX-License-Identifier: BSD-2-Clause */
/* Histograms that other programs want on the page: /run/aegis-web/NAME has a title, then lines of
 * label, tab, number. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web.h"

#define FOLDER   "/run/aegis-web"
#define PICTURES 8
#define BARS     64

static void bars_put(struct out *t, FILE *f)
{
    char line[128];

    for (unsigned n = 0; n < BARS && fgets(line, sizeof line, f);) {
        char *value = strchr(line, '\t');
        if (!value)
            continue;
        *value++ = 0;
        out_put(t, "%s[", n++ ? "," : "");
        out_quote(t, line, 24);
        out_put(t, ",%lu]", strtoul(value, NULL, 10));
    }
}

static bool picture_put(struct out *t, const char *name, bool first)
{
    char path[64], title[128];
    FILE *f = snprintf(path, sizeof path, FOLDER "/%s", name) < (int)sizeof path ? fopen(path, "r")
                                                                                 : NULL;

    if (!f || !fgets(title, sizeof title, f)) {
        if (f)
            fclose(f);
        return false;
    }
    title[strcspn(title, "\n")] = 0;
    out_put(t, "%s{\"title\":", first ? "" : ",");
    out_quote(t, title, sizeof title);
    out_put(t, ",\"bars\":[");
    bars_put(t, f);
    out_put(t, "]}");
    fclose(f);
    return true;
}

void pictures_write(struct out *t)
{
    DIR *d = opendir(FOLDER);
    struct dirent *e;
    unsigned count = 0;

    out_put(t, "\"pictures\":[");
    while (d && (e = readdir(d)) && count < PICTURES)
        if (e->d_name[0] != '.')
            count += picture_put(t, e->d_name, !count);
    if (d)
        closedir(d);
    out_put(t, "]");
}
