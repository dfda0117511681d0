/* SPDX-License-Identifier: BSD-2-Clause */
/* Every call that is no file's with memory that is not there: EFAULT where Linux has it, and nobody dies. Files: bad_files.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <pty.h>
#include <pwd.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <aegis/layout.h>

#include "tap.h"

/* Not there; the kernel's; no address; past the end; and, for results, what may only be read. */
static void *const places[] = {(void *)0x2fff000000, (void *)0xffffffff80200000, (void *)0x4000000000000000,
                               (void *)-1, (void *)AEGIS_EXPOSED};
#define READ_PLACES 4

static int wrong;
static int master, slave;
static timer_t timer;

static void check(const char *call, void *bad, int good, long result)
{
    if (good)
        return;
    printf("# %s with %p: %ld, errno %d\n", call, bad, result, errno);
    wrong++;
}

/* By errno; by its result, as pthread_* do. */
#define FAULT(call)                                                                                \
    do {                                                                                           \
        errno = 0;                                                                                 \
        long r_ = (long)(call);                                                                    \
        check(#call, bad, r_ == -1 && errno == EFAULT, r_);                                        \
    } while (0)
#define FAULT_TOLD(call)                                                                           \
    do {                                                                                           \
        long r_ = (long)(call);                                                                    \
        check(#call, bad, r_ == EFAULT, r_);                                                       \
    } while (0)
#define NOTHING(call)                                                                              \
    do {                                                                                           \
        errno = 0;                                                                                 \
        long r_ = (long)(call);                                                                    \
        check(#call, bad, r_ == 0 && errno == EFAULT, r_);                                         \
    } while (0)

/* ---- what is read ---- */

static void read_signals(void *bad)
{
    struct timespec soon = {0, 1000};
    int signal;

    FAULT(sigaction(SIGUSR1, bad, NULL));
    FAULT(sigprocmask(SIG_BLOCK, bad, NULL));
    FAULT_TOLD(pthread_sigmask(SIG_BLOCK, bad, NULL));
    FAULT(sigsuspend(bad));
    FAULT_TOLD(sigwait(bad, &signal));
    FAULT(sigwaitinfo(bad, NULL));
    FAULT(sigtimedwait(bad, NULL, &soon));
    FAULT(sigaltstack(bad, NULL));
}

static void read_time(void *bad)
{
    FAULT(timer_create(CLOCK_REALTIME, bad, &timer));
    FAULT(timer_settime(timer, 0, bad, NULL));
    FAULT(setitimer(ITIMER_REAL, bad, NULL));
    FAULT(clock_settime(CLOCK_REALTIME, bad));
    FAULT(settimeofday(bad, NULL));
    FAULT(nanosleep(bad, NULL));
    FAULT_TOLD(clock_nanosleep(CLOCK_MONOTONIC, 0, bad, NULL));
}

static void read_processes(void *bad)
{
    char *good[] = {"true", NULL}, *inside[] = {"true", bad, NULL};
    pid_t pid;

    FAULT(execve(bad, good, environ));
    FAULT(execve("/bin/true", bad, environ));
    FAULT(execve("/bin/true", inside, environ));
    FAULT(execve("/bin/true", good, bad));
    FAULT(execve("/bin/true", good, inside));
    FAULT_TOLD(posix_spawn(&pid, bad, NULL, NULL, good, environ));
    FAULT_TOLD(posix_spawn(&pid, "/bin/true", bad, NULL, good, environ));
    FAULT_TOLD(posix_spawn(&pid, "/bin/true", NULL, bad, good, environ));
    FAULT_TOLD(posix_spawn(&pid, "/bin/true", NULL, NULL, inside, environ));
    FAULT_TOLD(posix_spawnp(&pid, bad, NULL, NULL, good, environ));
    FAULT(setrlimit(RLIMIT_NOFILE, bad));
    FAULT(setgroups(2, bad));
}

static void read_names(void *bad)
{
    FAULT(shm_open(bad, O_RDWR | O_CREAT, 0600));
    FAULT(shm_unlink(bad));
    NOTHING(sem_open(bad, O_CREAT, 0600, 1));
    FAULT(sem_unlink(bad));
    NOTHING(realpath(bad, NULL));
    FAULT(statfs(bad, NULL));
    errno = 0;
    check("sem_close", bad, sem_close(bad) == -1 && errno == EINVAL, 0);
    check("sem_destroy", bad, sem_destroy(bad) == -1 && errno == EINVAL, 0);
}

static void read_scheduling(void *bad)
{
    FAULT(sched_setparam(0, bad));
    FAULT(sched_setscheduler(0, SCHED_OTHER, bad));
    FAULT(sched_setaffinity(0, sizeof(cpu_set_t), bad));
    FAULT_TOLD(pthread_setschedparam(pthread_self(), SCHED_OTHER, bad));
    FAULT_TOLD(pthread_setaffinity_np(pthread_self(), sizeof(cpu_set_t), bad));
    FAULT_TOLD(pthread_setname_np(pthread_self(), bad));
}

static void read_terminals(void *bad)
{
    FAULT(tcsetattr(slave, TCSANOW, bad));
    FAULT(ioctl(slave, TIOCSWINSZ, bad));
    FAULT(write(slave, bad, 8));
    FAULT(write(master, bad, 8));
}

/* ---- what is written ---- */

static pid_t zombie(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return child;
}

/* Blocked and pending, so that a wait for it has something to tell. */
static const sigset_t *pending_set(void)
{
    static sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR2);
    return &set;
}

static void write_signals(void *bad)
{
    FAULT(sigaction(SIGUSR1, NULL, bad));
    FAULT(sigprocmask(SIG_BLOCK, NULL, bad));
    FAULT_TOLD(pthread_sigmask(SIG_BLOCK, NULL, bad));
    FAULT(sigpending(bad));
    FAULT(sigaltstack(NULL, bad));
    FAULT_TOLD(sigwait(pending_set(), bad));
    FAULT(sigwaitinfo(pending_set(), bad));
}

static void write_time(void *bad)
{
    struct itimerspec never = {{0, 0}, {0, 0}};

    FAULT(timer_create(CLOCK_REALTIME, NULL, bad));
    FAULT(timer_gettime(timer, bad));
    FAULT(timer_settime(timer, 0, &never, bad));
    FAULT(getitimer(ITIMER_REAL, bad));
    FAULT(clock_gettime(CLOCK_MONOTONIC, bad));
    FAULT(clock_gettime(CLOCK_REALTIME, bad));
    FAULT(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, bad));
    FAULT(clock_getres(CLOCK_REALTIME, bad));
    FAULT(gettimeofday(bad, NULL));
    FAULT(times(bad));
}

static void write_processes(void *bad)
{
    char *good[] = {"true", NULL};

    FAULT(waitpid(zombie(), bad, 0));
    zombie();
    FAULT(wait(bad));
    zombie();
    FAULT(waitid(P_ALL, 0, bad, WEXITED));
    while (waitpid(-1, NULL, WNOHANG) >= 0)
        ;
    FAULT_TOLD(posix_spawn(bad, "/bin/true", NULL, NULL, good, environ));
    FAULT(getrlimit(RLIMIT_NOFILE, bad));
    FAULT(getrusage(RUSAGE_SELF, bad));
    check("nobody was made", bad, waitpid(-1, NULL, 0) == -1 && errno == ECHILD, 0);
}

static void write_system(void *bad)
{
    struct statfs *s = bad;
    uid_t u;
    gid_t g = 0;

    setgroups(1, &g);

    FAULT(uname(bad));
    FAULT(gethostname(bad, 60));
    FAULT(getdomainname(bad, 60));
    FAULT(sysinfo(bad));
    FAULT(getentropy(bad, 16));
    FAULT(getrandom(bad, 16, 0));
    FAULT(getresuid(bad, &u, &u));
    FAULT(getresuid(&u, &u, bad));
    FAULT(getresgid(&g, bad, &g));
    FAULT(getgroups(1, bad));
    FAULT(statfs("/", s));
    FAULT(fstatfs(slave, s));
    NOTHING(realpath("/tmp", bad));
    FAULT_TOLD(getlogin_r(bad, 60));
}

static void write_scheduling(void *bad)
{
    int policy;

    FAULT(sched_getparam(0, bad));
    FAULT(sched_rr_get_interval(0, bad));
    FAULT(sched_getaffinity(0, sizeof(cpu_set_t), bad));
    FAULT_TOLD(pthread_getaffinity_np(pthread_self(), sizeof(cpu_set_t), bad));
    FAULT_TOLD(pthread_getschedparam(pthread_self(), &policy, bad));
    FAULT_TOLD(pthread_getname_np(pthread_self(), bad, 16));
}

static void write_terminals(void *bad)
{
    FAULT(tcgetattr(slave, bad));
    FAULT(ioctl(slave, TIOCGWINSZ, bad));
    FAULT(ioctl(master, TIOCGPTN, bad));
    FAULT_TOLD(ttyname_r(slave, bad, 60));
    FAULT_TOLD(ptsname_r(master, bad, 60));
    write(master, "typed\n", 6);
    FAULT(read(slave, bad, 8));
}

static void group(const char *name, void (*test)(void *), unsigned count)
{
    wrong = 0;
    for (unsigned i = 0; i < count; i++)
        test(places[i]);
    tap(wrong == 0, name);
}

/* A program that is given no word at all has one, which is empty; `main` looks. */
static int without(char *const *arguments)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        execve("/proc/self/exe", arguments, NULL);
        _exit(9);
    }
    waitpid(child, &status, 0);
    return status;
}

static void no_arguments(void)
{
    char *none[] = {NULL};

    tap(without(none) == 0, "bad_pointers_no_arguments");
    tap(without(NULL) == 0, "bad_pointers_null_arguments");
}

int main(int argc, char **argv)
{
    if (argc == 1 && !*argv[0])
        return *environ != NULL;
    timer_create(CLOCK_REALTIME, &(struct sigevent){.sigev_notify = SIGEV_NONE}, &timer);
    openpty(&master, &slave, NULL, NULL, NULL);
    group("bad_pointers_read_signals", read_signals, READ_PLACES);
    group("bad_pointers_read_time", read_time, READ_PLACES);
    group("bad_pointers_read_processes", read_processes, READ_PLACES);
    group("bad_pointers_read_names", read_names, READ_PLACES);
    group("bad_pointers_read_scheduling", read_scheduling, READ_PLACES);
    group("bad_pointers_read_terminals", read_terminals, READ_PLACES);
    group("bad_pointers_written_signals", write_signals, READ_PLACES + 1);
    group("bad_pointers_written_time", write_time, READ_PLACES + 1);
    group("bad_pointers_written_processes", write_processes, READ_PLACES + 1);
    group("bad_pointers_written_system", write_system, READ_PLACES + 1);
    group("bad_pointers_written_scheduling", write_scheduling, READ_PLACES + 1);
    group("bad_pointers_written_terminals", write_terminals, READ_PLACES + 1);
    no_arguments();
    return tap_failed;
}
