/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared libraries: programs are static here, and dlopen() says so. */
#include <dlfcn.h>
#include <stddef.h>

static char *complaint;

void *dlopen(const char *path, int mode)
{
    (void)path, (void)mode;
    complaint = "programs are linked statically: there are no shared libraries";
    return NULL;
}

void *dlsym(void *restrict library, const char *restrict name)
{
    (void)library, (void)name;
    complaint = "no library is open";
    return NULL;
}

int dlclose(void *library)
{
    (void)library;
    complaint = "no library is open";
    return -1;
}

char *dlerror(void)
{
    char *text = complaint;
    complaint = NULL;
    return text;
}

int dladdr(const void *address, Dl_info *information)
{
    (void)address, (void)information;
    return 0;
}
