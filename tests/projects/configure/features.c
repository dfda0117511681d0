// SPDX-License-Identifier: BSD-2-Clause
#include <config.h>

#include <stdio.h>

int main(void)
{
#ifdef HAVE_UNISTD_H
    fputs("unistd.h ", stdout);
#endif
#ifdef HAVE_SYS_SOCKET_H
    fputs("sys/socket.h ", stdout);
#endif
#ifdef HAVE_PTHREAD_H
    fputs("pthread.h ", stdout);
#endif
#ifdef HAVE_WINDOWS_H
    fputs("windows.h ", stdout);
#endif
#ifdef HAVE_FORK
    fputs("fork ", stdout);
#endif
#ifdef HAVE_GETADDRINFO
    fputs("getaddrinfo ", stdout);
#endif
#ifdef HAVE_STRLCPY
    fputs("strlcpy ", stdout);
#endif
#ifdef HAVE_CREATEPROCESS
    fputs("CreateProcess ", stdout);
#endif
    printf("int %d long %d pointer %d for %s\n", SIZEOF_INT, SIZEOF_LONG, SIZEOF_VOID_P, CONFIGURED_FOR);
    return SIZEOF_LONG == sizeof(long) ? 0 : 1;
}
