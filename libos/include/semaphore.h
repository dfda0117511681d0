/* SPDX-License-Identifier: BSD-2-Clause */
/* POSIX semaphores. */
#pragma once

#include <sys/types.h>
#include <time.h>

typedef struct {
    unsigned __value;
    unsigned __waiters;
    unsigned __kind; /* sharing, named or not */
    unsigned __guard;
    unsigned long __queue[2];
} sem_t;

#define SEM_FAILED    ((sem_t *)0)
#define SEM_VALUE_MAX 2147483647

#ifdef __cplusplus
extern "C" {
#endif
int sem_init(sem_t *, int, unsigned);
int sem_destroy(sem_t *);
sem_t *sem_open(const char *, int, ...);
int sem_close(sem_t *);
int sem_unlink(const char *);
int sem_wait(sem_t *);
int sem_trywait(sem_t *);
int sem_timedwait(sem_t *__restrict, const struct timespec *__restrict);
int sem_post(sem_t *);
int sem_getvalue(sem_t *__restrict, int *__restrict);
#ifdef __cplusplus
}
#endif
