/* SPDX-License-Identifier: BSD-2-Clause */
/* What this system can do and how much of it: sysconf and confstr. Paths have limits of their own
 * (fd). */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <sys/resource.h>
#include <unistd.h>

#include <aegis/exposed.h>

#include "../fd/file.h"
#include "../session/process.h"
#include "../session/apart.h"

struct answer {
    short name;
    long value;
};

#define YES 200809L
#define NO  (-1L)

/* What never changes. -1 without an error: no limit, or not there. */
static const struct answer answers[] = {
    {_SC_ARG_MAX, ARG_MAX},
    {_SC_CHILD_MAX, PROCESSES},
    {_SC_CLK_TCK, CLOCKS_PER_SEC},
    {_SC_NGROUPS_MAX, NGROUPS_MAX},
    {_SC_JOB_CONTROL, 1},
    {_SC_SAVED_IDS, 1},
    {_SC_VERSION, _POSIX_VERSION},
    {_SC_PAGESIZE, AEGIS_PAGE_SIZE},
    {_SC_RTSIG_MAX, RTSIG_MAX},
    {_SC_SEM_NSEMS_MAX, NO},
    {_SC_SEM_VALUE_MAX, SEM_VALUE_MAX},
    {_SC_SIGQUEUE_MAX, SIGNALS_QUEUED},
    {_SC_TIMER_MAX, TIMER_MAX},
    {_SC_TZNAME_MAX, TZNAME_MAX},
    {_SC_DELAYTIMER_MAX, DELAYTIMER_MAX},
    {_SC_THREAD_KEYS_MAX, PTHREAD_KEYS_MAX},
    {_SC_THREAD_STACK_MIN, PTHREAD_STACK_MIN},
    {_SC_THREAD_THREADS_MAX, NO},
    {_SC_THREAD_DESTRUCTOR_ITERATIONS, PTHREAD_DESTRUCTOR_ITERATIONS},
    {_SC_TTY_NAME_MAX, TTY_NAME_MAX},
    {_SC_LOGIN_NAME_MAX, LOGIN_NAME_MAX},
    {_SC_HOST_NAME_MAX, HOST_NAME_MAX},
    {_SC_GETGR_R_SIZE_MAX, 1024},
    {_SC_GETPW_R_SIZE_MAX, 1024},
    {_SC_ATEXIT_MAX, NO},
    {_SC_STREAM_MAX, NO},
    {_SC_IOV_MAX, IOV_MAX},
    {_SC_SYMLOOP_MAX, SYMLOOP_MAX},
    {_SC_LINE_MAX, LINE_MAX},
    {_SC_RE_DUP_MAX, RE_DUP_MAX},
    {_SC_BC_BASE_MAX, BC_BASE_MAX},
    {_SC_BC_DIM_MAX, BC_DIM_MAX},
    {_SC_BC_SCALE_MAX, BC_SCALE_MAX},
    {_SC_BC_STRING_MAX, BC_STRING_MAX},
    {_SC_COLL_WEIGHTS_MAX, COLL_WEIGHTS_MAX},
    {_SC_EXPR_NEST_MAX, EXPR_NEST_MAX},
    {_SC_NSIG, NSIG},
    {_SC_FSYNC, YES},
    {_SC_MAPPED_FILES, YES},
    {_SC_MEMLOCK, YES},
    {_SC_MEMLOCK_RANGE, YES},
    {_SC_MEMORY_PROTECTION, YES},
    {_SC_REALTIME_SIGNALS, YES},
    {_SC_SEMAPHORES, YES},
    {_SC_SHARED_MEMORY_OBJECTS, YES},
    {_SC_SYNCHRONIZED_IO, YES},
    {_SC_TIMERS, YES},
    {_SC_THREADS, YES},
    {_SC_THREAD_ATTR_STACKADDR, YES},
    {_SC_THREAD_ATTR_STACKSIZE, YES},
    {_SC_THREAD_PRIORITY_SCHEDULING, YES},
    {_SC_THREAD_PRIO_INHERIT, YES},
    {_SC_THREAD_PRIO_PROTECT, YES},
    {_SC_THREAD_PROCESS_SHARED, YES},
    {_SC_THREAD_SAFE_FUNCTIONS, YES},
    {_SC_THREAD_CPUTIME, YES},
    {_SC_PRIORITY_SCHEDULING, YES},
    {_SC_ADVISORY_INFO, YES},
    {_SC_ASYNCHRONOUS_IO, YES},
    {_SC_AIO_LISTIO_MAX, AIO_LISTIO_MAX},
    {_SC_BARRIERS, YES},
    {_SC_CLOCK_SELECTION, YES},
    {_SC_CPUTIME, YES},
    {_SC_MONOTONIC_CLOCK, YES},
    {_SC_READER_WRITER_LOCKS, YES},
    {_SC_REGEXP, 1},
    {_SC_SHELL, 1},
    {_SC_SPAWN, YES},
    {_SC_SPIN_LOCKS, YES},
    {_SC_TIMEOUTS, YES},
    {_SC_V7_LP64_OFF64, 1},
    {_SC_XOPEN_UNIX, 1},
    {_SC_XOPEN_VERSION, _XOPEN_VERSION},
    {_SC_2_C_BIND, YES},
    {_SC_2_VERSION, YES},
    {_SC_2_CHAR_TERM, 1},
    {_SC_PRIORITIZED_IO, NO},
    {_SC_MESSAGE_PASSING, NO},
    {_SC_MQ_OPEN_MAX, NO},
    {_SC_MQ_PRIO_MAX, NO},
    {_SC_AIO_MAX, NO},
    {_SC_AIO_PRIO_DELTA_MAX, 0},
    {_SC_IPV6, NO},
    {_SC_RAW_SOCKETS, NO},
    {_SC_SPORADIC_SERVER, NO},
    {_SC_SS_REPL_MAX, NO},
    {_SC_THREAD_SPORADIC_SERVER, NO},
    {_SC_TRACE, NO},
    {_SC_TRACE_EVENT_FILTER, NO},
    {_SC_TRACE_EVENT_NAME_MAX, NO},
    {_SC_TRACE_INHERIT, NO},
    {_SC_TRACE_LOG, NO},
    {_SC_TRACE_NAME_MAX, NO},
    {_SC_TRACE_SYS_MAX, NO},
    {_SC_TRACE_USER_EVENT_MAX, NO},
    {_SC_TYPED_MEMORY_OBJECTS, NO},
    {_SC_V7_ILP32_OFF32, NO},
    {_SC_V7_ILP32_OFFBIG, NO},
    {_SC_V7_LPBIG_OFFBIG, 1},
    {_SC_XOPEN_CRYPT, NO},
    {_SC_XOPEN_ENH_I18N, NO},
    {_SC_XOPEN_LEGACY, NO},
    {_SC_XOPEN_REALTIME, NO},
    {_SC_XOPEN_REALTIME_THREADS, NO},
    {_SC_XOPEN_SHM, NO},
    {_SC_XOPEN_STREAMS, NO},
    {_SC_XOPEN_UUCP, NO},
    {_SC_2_C_DEV, NO},
    {_SC_2_FORT_DEV, NO},
    {_SC_2_FORT_RUN, NO},
    {_SC_2_LOCALEDEF, NO},
    {_SC_2_PBS, NO},
    {_SC_2_PBS_ACCOUNTING, NO},
    {_SC_2_PBS_CHECKPOINT, NO},
    {_SC_2_PBS_LOCATE, NO},
    {_SC_2_PBS_MESSAGE, NO},
    {_SC_2_PBS_TRACK, NO},
    {_SC_2_SW_DEV, NO},
    {_SC_2_UPE, NO},
    {_SC_THREAD_ROBUST_PRIO_INHERIT, NO},
    {_SC_THREAD_ROBUST_PRIO_PROTECT, NO},
};

long sysconf(int name)
{
    const volatile struct aegis_exposed *e = AEGIS_EXPOSED_STATE;
    struct rlimit limit;

    switch (name) {
    case _SC_OPEN_MAX:
        getrlimit(RLIMIT_NOFILE, &limit);
        return limit.rlim_cur < DESCRIPTORS ? (long)limit.rlim_cur : DESCRIPTORS;
    case _SC_NPROCESSORS_CONF:
    case _SC_NPROCESSORS_ONLN:
        return e->harts;
    case _SC_PHYS_PAGES:
        return (long)e->page_count;
    case _SC_AVPHYS_PAGES:
        return (long)pages_free();
    }
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        if (answers[i].name == name)
            return answers[i].value;
    errno = EINVAL;
    return -1;
}

int getdtablesize(void)
{
    return (int)sysconf(_SC_OPEN_MAX);
}

int getpagesize(void)
{
    return AEGIS_PAGE_SIZE;
}

static const char *string_of(int name)
{
    switch (name) {
    case _CS_PATH:
        return "/bin:/usr/bin";
    case _CS_POSIX_V7_WIDTH_RESTRICTED_ENVS:
        return "POSIX_V7_LP64_OFF64";
    case _CS_V7_ENV:
        return "POSIXLY_CORRECT=1";
    case _CS_POSIX_V7_LP64_OFF64_CFLAGS:
    case _CS_POSIX_V7_LP64_OFF64_LDFLAGS:
    case _CS_POSIX_V7_LP64_OFF64_LIBS:
    case _CS_POSIX_V7_THREADS_CFLAGS:
    case _CS_POSIX_V7_THREADS_LDFLAGS:
        return ""; /* nothing needs to be said to the compiler */
    default:
        return NULL;
    }
}

size_t confstr(int name, char *to, size_t size)
{
    const char *text = string_of(name);

    if (!text) {
        if (name < 0 || name > _CS_LFS_LINTFLAGS)
            errno = EINVAL;
        return 0;
    }
    if (to && size)
        strlcpy(to, text, size);
    return strlen(text) + 1;
}
