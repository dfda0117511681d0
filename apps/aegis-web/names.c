/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of environments: /proc/PID/status tells which one a process is. */
#include <aegis/layout.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web.h"

static struct name names[AEGIS_ENVS];

static void name_read(const char *pid)
{
    char path[32], line[128];
    struct name n = {atoi(pid), ""};
    unsigned environment = AEGIS_ENVS;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%.10s/status", pid);
    if (!(f = fopen(path, "r")))
        return; /* it has just ended */
    while (fgets(line, sizeof line, f)) {
        if (!strncmp(line, "Name:\t", 6))
            snprintf(n.text, sizeof n.text, "%.*s", (int)strcspn(line + 6, "\n"), line + 6);
        if (!strncmp(line, "Environment:\t", 13))
            environment = (unsigned)strtoul(line + 13, 0, 10);
    }
    fclose(f);
    if (environment < AEGIS_ENVS)
        names[environment] = n;
}

void names_read(void)
{
    DIR *d = opendir("/proc");
    struct dirent *e;

    memset(names, 0, sizeof names);
    strcpy(names[0].text, "init"); /* the first environment is nobody's process */
    while (d && (e = readdir(d)))
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
            name_read(e->d_name);
    if (d)
        closedir(d);
}

const struct name *name_of(unsigned environment)
{
    return &names[environment];
}
