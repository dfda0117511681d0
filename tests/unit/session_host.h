/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session for tests on the host: the libOS's own monitor and allocator over memory of the host's,
 * one process, which can be made to die before or after its n-th logged store; the log is then
 * rolled back, as another process would. Wants
 *
 *     sources: libos/session/monitor.c libos/session/allocate.c
 *     flags: -idirafter libos/include -Wl,--wrap=session_log -DSESSION_VA=0x300000000000UL
 */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../../libos/posix/user.h"
#include "../../libos/session/chunk.h"
#include "../../libos/session/monitor.h"
#include "../../libos/session/process.h"
#include "../../libos/signal/signals.h"

#define HOST_CHUNKS 120 /* 62 MiB */

struct process *process_self;
uint64_t session_me = 7;
static struct thread thread_only;

struct thread *thread_self(void)
{
    return &thread_only;
}

void signals_deliver(void)
{
}

static jmp_buf death;
static long steps_left = -1;
static unsigned chunk_limit = HOST_CHUNKS;

void __real_session_log(const volatile void *at);

void __wrap_session_log(const volatile void *at)
{
    if (!SESSION->owner)
        abort();
    if (steps_left >= 0 && steps_left-- == 0)
        longjmp(death, 1);
    __real_session_log(at);
    if (steps_left >= 0 && steps_left-- == 0)
        longjmp(death, 1);
}

bool owner_is_gone(uint64_t identity)
{
    return identity != session_me;
}

void monitor_relax(unsigned tries)
{
    if (tries > 1000)
        abort();
}

static bool chunk_add(void)
{
    unsigned chunk = SESSION->chunk_count;

    if (chunk >= chunk_limit)
        return false;
    monitor_enter();
    session_set(SESSION->chunk_count, chunk + 1);
    allocator_add(chunk);
    monitor_leave();
    return true;
}

int session_reserve(size_t bytes)
{
    unsigned order = 0;

    while (4096UL << order < bytes)
        order++;
    while (!allocator_has(order)) {
        monitor_enter();
        bool more = allocator_settle();
        monitor_leave();
        if (!more && !allocator_has(order) && !chunk_add())
            return -ENOMEM;
    }
    return 0;
}

static inline void session_host_boot(void)
{
    void *at = mmap((void *)SESSION_VA, 64 << 20, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    if (at != (void *)SESSION_VA)
        abort();
    chunk_add();
}

/* Somebody else comes, after we have died. */
static inline void successor(void)
{
    session_me++;
    monitor_enter();
    monitor_leave();
}

uint64_t session_identity(void)
{
    return session_me;
}

bool session_alive(uint64_t identity)
{
    return identity == session_me;
}

bool busy_try(struct busy *b)
{
    if (b->owner == session_me)
        return false;
    b->owner = session_me;
    return true;
}

void busy_take(struct busy *b)
{
    if (!busy_try(b))
        abort();
}

void busy_give(struct busy *b)
{
    b->owner = 0;
}

/* Addresses below a page are not there, nor any behind `user_end` if that is set. */
static const char *user_end;

static bool user_there(const void *user, size_t size)
{
    return (uintptr_t)user >= 4096 && (!user_end || (const char *)user + size <= user_end);
}

int user_copy_in(void *to, const void *user, size_t size)
{
    return user_there(user, size) ? (memcpy(to, user, size), 0) : -EFAULT;
}

int user_copy_out(void *user, const void *from, size_t size)
{
    return user_there(user, size) ? (memcpy(user, from, size), 0) : -EFAULT;
}

int user_zero(void *user, size_t size)
{
    return user_there(user, size) ? (memset(user, 0, size), 0) : -EFAULT;
}
