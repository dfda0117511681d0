/* SPDX-License-Identifier: BSD-2-Clause */
/* What the conformance programs share: calls that must fail, and say how they did not. */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

/* Addresses where nothing is. */
#define NULL_PAGE ((void *)8)
#define FAR       ((void *)0x3700000000)
#define KERNEL    ((void *)0xffffffff80200000)

static inline int complain(long result, const char *call, int line)
{
    printf("# line %d: %s gave %ld, errno %d\n", line, call, result, errno);
    return 0;
}

/* -1 and that errno. */
#define FAILS(call, error)                                                                         \
    ({                                                                                             \
        errno = 0;                                                                                 \
        long result_ = (long)(call);                                                               \
        (result_ == -1 && errno == (error)) || complain(result_, #call, __LINE__);                 \
    })
/* -1 and one of two that POSIX leaves open. */
#define FAILS_EITHER(call, error, other)                                                           \
    ({                                                                                             \
        errno = 0;                                                                                 \
        long result_ = (long)(call);                                                               \
        (result_ == -1 && (errno == (error) || errno == (other))) ||                               \
            complain(result_, #call, __LINE__);                                                    \
    })
/* A certain value; for functions that return their error. */
#define GIVES(call, value)                                                                         \
    ({                                                                                             \
        errno = 0;                                                                                 \
        long result_ = (long)(call);                                                               \
        result_ == (long)(value) || complain(result_, #call, __LINE__);                            \
    })

/* A child that runs `body`; its wait status. */
static inline int status_of(int (*body)(void))
{
    int status = -1;

    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int result = body();
        fflush(stdout);
        _exit(result);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return -1;
    return status;
}

/* A child in which all went well. */
static inline int child_well(int (*body)(void))
{
    return GIVES(status_of(body), 0);
}

static inline void doze(long milliseconds)
{
    struct timespec t = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&t, &t) && errno == EINTR)
        ;
}
