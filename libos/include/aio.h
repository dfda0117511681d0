/* SPDX-License-Identifier: BSD-2-Clause */
/* Asynchronous input and output, done by threads of the process (libos/posix/aio.c). */
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/types.h>
#include <time.h>

#ifndef _POSIX_ASYNCHRONOUS_IO
#define _POSIX_ASYNCHRONOUS_IO 200809L
#endif

#define AIO_CANCELED    0
#define AIO_NOTCANCELED 1
#define AIO_ALLDONE     2

#define LIO_READ  0
#define LIO_WRITE 1
#define LIO_NOP   2

#define LIO_WAIT   0
#define LIO_NOWAIT 1

struct aiocb {
    int aio_fildes;
    int aio_lio_opcode;
    int aio_reqprio;
    volatile void *aio_buf;
    size_t aio_nbytes;
    off_t aio_offset;
    struct sigevent aio_sigevent;

    int __what;  /* 0: nothing was asked for, or its result has been taken */
    int __state; /* EINPROGRESS, or how it ended */
    ssize_t __result;
};

#ifdef __cplusplus
extern "C" {
#endif
int aio_read(struct aiocb *);
int aio_write(struct aiocb *);
int aio_fsync(int, struct aiocb *);
int aio_error(const struct aiocb *);
ssize_t aio_return(struct aiocb *);
int aio_suspend(const struct aiocb *const[], int, const struct timespec *);
int aio_cancel(int, struct aiocb *);
int lio_listio(int, struct aiocb *__restrict const *__restrict, int, struct sigevent *__restrict);
#ifdef __cplusplus
}
#endif
