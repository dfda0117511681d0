/* SPDX-License-Identifier: BSD-2-Clause */
/* Types of POSIX threads. Zero is every object's initial state; libos/thread/ says what the words mean. */
#pragma once

#include <stddef.h>
#include <sys/_types.h>
#include <sys/sched.h>

#define PTHREAD_SCOPE_PROCESS 0
#define PTHREAD_SCOPE_SYSTEM  1

#define PTHREAD_INHERIT_SCHED  1
#define PTHREAD_EXPLICIT_SCHED 2

#define PTHREAD_CREATE_DETACHED 0
#define PTHREAD_CREATE_JOINABLE 1

#define PTHREAD_PROCESS_PRIVATE 0
#define PTHREAD_PROCESS_SHARED  1

#define PTHREAD_PRIO_NONE    0
#define PTHREAD_PRIO_INHERIT 1
#define PTHREAD_PRIO_PROTECT 2

#define PTHREAD_MUTEX_NORMAL     0
#define PTHREAD_MUTEX_RECURSIVE  1
#define PTHREAD_MUTEX_ERRORCHECK 2
#define PTHREAD_MUTEX_DEFAULT    PTHREAD_MUTEX_NORMAL

#define PTHREAD_MUTEX_STALLED 0
#define PTHREAD_MUTEX_ROBUST  1

typedef unsigned long pthread_t;
typedef unsigned pthread_key_t;

typedef struct {
    unsigned __state; /* PTHREAD_CREATE_* */
    unsigned short __scope;
    unsigned short __inherit;
    int __policy;
    struct sched_param __param;
    void *__stack;
    size_t __stack_size;
    size_t __guard_size;
    unsigned long __valid;
    unsigned long __spare;
} pthread_attr_t;

typedef struct {
    unsigned __lock;  /* 0: free; what else, the library says */
    unsigned __kind;  /* type, robustness, sharing and protocol, as pthread_mutexattr_t packs them */
    unsigned __owner; /* of a recursive, error-checking or robust one */
    unsigned __count; /* how often a recursive one is held */
    unsigned long __queue[3];
} pthread_mutex_t;

typedef struct {
    unsigned __kind;
    int __ceiling;
} pthread_mutexattr_t;

typedef struct {
    unsigned __sequence;
    unsigned __kind; /* clock and sharing */
    unsigned __waiters;
    unsigned __guard;
    unsigned long __queue[4];
} pthread_cond_t;

typedef struct {
    unsigned __kind;
    unsigned __clock;
} pthread_condattr_t;

typedef struct {
    unsigned __state; /* readers, or that a writer has it */
    unsigned __kind;
    unsigned __writer;
    unsigned __waiting;
    unsigned __guard;
    unsigned __spare;
    unsigned long __queue[4];
} pthread_rwlock_t;

typedef struct {
    unsigned __kind;
} pthread_rwlockattr_t;

typedef struct {
    unsigned __count;
    unsigned __arrived;
    unsigned __round;
    unsigned __kind;
    unsigned long __queue[2];
} pthread_barrier_t;

typedef struct {
    unsigned __kind;
} pthread_barrierattr_t;

typedef unsigned pthread_once_t;

typedef volatile unsigned pthread_spinlock_t;

#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L && !defined(__cplusplus)
_Static_assert(sizeof(pthread_mutex_t) == 40 && sizeof(pthread_cond_t) == 48, "pthread types");
_Static_assert(sizeof(pthread_rwlock_t) == 56 && sizeof(pthread_barrier_t) == 32, "pthread types");
#endif
