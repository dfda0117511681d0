/* SPDX-License-Identifier: BSD-2-Clause */
/* What the system calls itself. */
#include <errno.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "user.h"

#define HOST "aegis"

int uname(struct utsname *name)
{
    static const struct utsname names = {.sysname = "Aegis-V",
                                         .nodename = HOST,
                                         .release = "1.0",
                                         .version = "libOS",
                                         .machine = "riscv64",
                                         .domainname = "(none)"};

    if (!user_copy_out(name, &names, sizeof names))
        return 0;
    errno = EFAULT;
    return -1;
}

static int name_get(char *to, size_t size, const char *name)
{
    int error = user_string_out(to, size, name);

    if (error)
        errno = error == -ERANGE ? ENAMETOOLONG : -error;
    return error ? -1 : 0;
}

int gethostname(char *name, size_t size)
{
    return name_get(name, size, HOST);
}

int getdomainname(char *name, size_t size)
{
    return name_get(name, size, "(none)");
}

/* The machine's name is no process's to change. */
int sethostname(const char *name, size_t size)
{
    (void)name, (void)size;
    errno = EPERM;
    return -1;
}

int setdomainname(const char *name, size_t size)
{
    return sethostname(name, size);
}

long gethostid(void)
{
    return 0x7f000001;
}
