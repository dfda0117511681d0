/* SPDX-License-Identifier: BSD-2-Clause */
/* The frame of a call on a descriptor: signals deferred, done again after a handler that says so.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>

#include "../fs/node.h"
#include "../posix/user.h"
#include "../signal/signals.h"
#include "../thread/pthread_internal.h"
#include "table.h"

/* Whether signals_point() may end the thread: two instructions. */
static inline bool point_due(void)
{
    return __builtin_expect(pthread_here()->cancelled, 0);
}

static inline void call_point(void)
{
    if (point_due())
        signals_point();
}

/* Evaluates `call` (a count, 0 or a negative errno) until no signal wants it done again. */
#define CALL(call) CALL_AFTER((void)0, call)
/* The same for a call that is a cancellation point: each time before it begins. */
#define POINT_CALL(call) CALL_AFTER(call_point(), call)

#define CALL_AFTER(before, call)                                                                   \
    ({                                                                                             \
        long result_;                                                                              \
        do {                                                                                       \
            before;                                                                                \
            signals_defer();                                                                       \
            result_ = (call);                                                                      \
            signals_allow();                                                                       \
        } while (__builtin_expect(result_ == -EINTR, 0) && signal_restart());                      \
        __builtin_expect(result_ < 0, 0) ? file_result(result_) : result_;                         \
    })

static inline bool file_reads(const struct file *file)
{
    return (file->flags & O_ACCMODE) != O_WRONLY;
}

static inline bool file_writes(const struct file *file)
{
    return (file->flags & O_ACCMODE) != O_RDONLY;
}
