/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs: exec and its kin, posix_spawn, and what goes over from one to the next. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "conformance.h"

extern char **environ;
static const char *self;

/* ---- exec ---- */

static int write_file(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0 &&
           chmod(path, mode) == 0;
}

static int runs_fifo(void)
{
    char *arguments[] = {"x", NULL};

    alarm(2);
    return !FAILS(execve("/tmp/fifo", arguments, environ), EACCES);
}

static void test_exec(void)
{
    static char long_name[300];
    char *arguments[] = {"x", NULL};

    memset(long_name, 'x', sizeof long_name - 1);
    write_file("/tmp/text", "no program at all\n", 0755);
    write_file("/tmp/plain", "", 0644);
    write_file("/tmp/half", "\177ELF\2\1\1", 0755);
    symlink("loop", "/tmp/loop");
    tap(FAILS(execve("/tmp/none", arguments, environ), ENOENT) &
            FAILS(execve("", arguments, environ), ENOENT) &
            FAILS(execve("/tmp/plain", arguments, environ), EACCES) &
            FAILS(execve("/tmp", arguments, environ), EACCES) &
            FAILS(execve("/tmp/plain/x", arguments, environ), ENOTDIR) &
            FAILS(execve("/tmp/text", arguments, environ), ENOEXEC) &
            FAILS(execve("/tmp/half", arguments, environ), ENOEXEC) &
            FAILS(execve("/tmp/loop", arguments, environ), ELOOP) &
            FAILS(execve(long_name, arguments, environ), ENAMETOOLONG),
        "exec_errors");
    tap(FAILS(execve(NULL_PAGE, arguments, environ), EFAULT) &
            FAILS(execve(self, NULL_PAGE, environ), EFAULT) &
            FAILS(execve(self, arguments, FAR), EFAULT),
        "exec_efault");
    static char *many[20000], huge[150000];
    memset(huge, 'a', sizeof huge - 1);
    for (int i = 0; i < 19999; i++)
        many[i] = huge;
    tap(FAILS(execve(self, many, environ), E2BIG), "exec_e2big");
    mkfifo("/tmp/fifo", 0755);
    tap(child_well(runs_fifo), "exec_of_a_fifo_waits_for_nobody");
    unlink("/tmp/fifo");
    unlink("/tmp/text");
    unlink("/tmp/plain");
    unlink("/tmp/half");
    unlink("/tmp/loop");
}

/* A copy of this program: its descriptor, for writing. */
static int copy_open(const char *path)
{
    static char buffer[65536];
    int from = open("/proc/self/exe", O_RDONLY), to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    ssize_t n;

    while ((n = read(from, buffer, sizeof buffer)) > 0 && write(to, buffer, (size_t)n) == n)
        ;
    close(from);
    return n == 0 ? to : -1;
}

static int runs_copy(void)
{
    execl("/tmp/copies/link", "other", "argument", NULL);
    return errno;
}

static pid_t copy_waits(void)
{
    int told[2];
    char c;

    pipe(told);
    pid_t child = fork();
    if (child == 0) {
        dup2(told[1], 1);
        execl("/tmp/copies/link", "other", "waits", NULL);
        _exit(1);
    }
    close(told[1]);
    read(told[0], &c, 1);
    close(told[0]);
    return child;
}

static int link_is(pid_t pid, const char *wanted)
{
    char path[64], target[256];

    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    ssize_t n = readlink(path, target, sizeof target - 1);
    target[n > 0 ? n : 0] = 0;
    return !strcmp(target, wanted) || complain(n, target, __LINE__);
}

static void test_text_busy(void)
{
    mkdir("/tmp/copies", 0755);
    int writing = copy_open("/tmp/copies/copy");
    symlink("copy", "/tmp/copies/link");
    int refused = GIVES(status_of(runs_copy), ETXTBSY << 8);
    close(writing);
    tap(writing >= 0 && refused && GIVES(status_of(runs_copy), 7 << 8), "exec_of_what_is_written_etxtbsy");
    pid_t child = copy_waits();
    tap(FAILS(open("/tmp/copies/copy", O_WRONLY), ETXTBSY) & FAILS(open("/tmp/copies/link", O_RDWR | O_CREAT, 0600), ETXTBSY) &
            FAILS(open("/tmp/copies/copy", O_RDONLY | O_TRUNC), ETXTBSY) & FAILS(truncate("/tmp/copies/copy", 0), ETXTBSY) &
            GIVES(close(open("/tmp/copies/copy", O_RDONLY)), 0),
        "writing_what_runs_etxtbsy");
    tap(link_is(child, "/tmp/copies/copy"), "proc_exe_is_the_file");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    tap(GIVES(close(open("/tmp/copies/copy", O_WRONLY)), 0), "written_when_it_has_ended");
    child = copy_waits();
    unlink("/tmp/copies/copy");
    tap(link_is(child, "/tmp/copies/copy (deleted)"), "proc_exe_of_a_deleted_file");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    unlink("/tmp/copies/link");
    rmdir("/tmp/copies");
}

static int program;

static int runs_descriptor(void)
{
    fexecve(program, (char *[]){"other", "argument", NULL}, environ);
    return errno;
}

static void test_fexecve(void)
{
    char *arguments[] = {"x", NULL};

    program = open("/proc/self/exe", O_RDONLY);
    tap(GIVES(status_of(runs_descriptor), 7 << 8), "fexecve");
    write_file("/tmp/plain", "", 0644);
    int plain = open("/tmp/plain", O_RDONLY);
    tap(FAILS(fexecve(-1, arguments, environ), EBADF) & FAILS(fexecve(plain, arguments, environ), EACCES) &
            FAILS(fexecve(program, NULL_PAGE, environ), EFAULT),
        "fexecve_errors");
    close(plain);
    close(program);
    unlink("/tmp/plain");
}

/* A file's name in /proc: opened by it, the file is at its beginning, and may be cut. */
static void test_descriptor_names(void)
{
    char name[64], c = 0;
    struct stat st;

    write_file("/tmp/plain", "abc", 0644);
    int fd = open("/tmp/plain", O_RDONLY);
    read(fd, &c, 1);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int again = open(name, O_RDWR);
    tap(read(again, &c, 1) == 1 && c == 'a' && lseek(fd, 0, SEEK_CUR) == 1 && close(open(name, O_WRONLY | O_TRUNC)) == 0 &&
            fstat(fd, &st) == 0 && st.st_size == 0,
        "open_of_proc_fd");
    close(again);
    close(fd);
    unlink("/tmp/plain");
}

/* ---- limits and timers ---- */

static int spins_beyond_limit(void)
{
    struct rlimit limit = {0, 2};

    setrlimit(RLIMIT_CPU, &limit);
    for (;;)
        ;
}

static int child_spins_beyond_limit(void)
{
    struct rlimit limit = {0, 0};

    signal(SIGXCPU, SIG_IGN);
    setrlimit(RLIMIT_CPU, &limit);
    for (;;)
        ;
}

static int exceeds_file_size(void)
{
    struct rlimit limit = {100, 0x1000};
    char bytes[200];

    memset(bytes, 'x', sizeof bytes);
    signal(SIGXFSZ, SIG_IGN);
    int file = open("/tmp/limited", O_RDWR | O_CREAT | O_TRUNC, 0600);
    setrlimit(RLIMIT_FSIZE, &limit);
    int good = GIVES(write(file, bytes, 200), 100) & FAILS(write(file, bytes, 1), EFBIG) & FAILS(ftruncate(file, 200), EFBIG) &
               GIVES(posix_fallocate(file, 50, 100), EFBIG) & GIVES(posix_fallocate(file, 0, 100), 0);
    limit.rlim_cur = limit.rlim_max = 0;
    setrlimit(RLIMIT_FSIZE, &limit);
    lseek(file, 0, SEEK_SET);
    good &= FAILS(write(file, bytes, 1), EFBIG);
    return !good;
}

static int alarm_and_exec(void)
{
    struct itimerval soon = {{0, 0}, {0, 50000}};

    setitimer(ITIMER_REAL, &soon, NULL);
    execl("/proc/self/exe", self, "sleeps", NULL);
    return 1;
}

static int alarm_and_fork(void)
{
    struct itimerval later = {{0, 0}, {1000, 0}}, now;

    setitimer(ITIMER_REAL, &later, NULL);
    if (fork() == 0) {
        getitimer(ITIMER_REAL, &now);
        _exit(now.it_value.tv_sec != 0);
    }
    int status = -1;
    wait(&status);
    return status;
}

static void test_timers_and_limits(void)
{
    tap(child_well(exceeds_file_size), "rlimit_fsize");
    unlink("/tmp/limited");
    tap(GIVES(status_of(alarm_and_exec), SIGALRM) & child_well(alarm_and_fork), "alarm_over_exec_not_fork");
    tap(GIVES(status_of(spins_beyond_limit) & 0x7f, SIGXCPU), "rlimit_cpu_sigxcpu");
    tap(GIVES(status_of(child_spins_beyond_limit), SIGKILL), "rlimit_cpu_sigkill");
}

/* What a program finds after exec: run as `self exec`. */
static int after_exec(void)
{
    sigset_t mask, pending;
    struct sigaction ignored, caught;

    sigprocmask(SIG_BLOCK, NULL, &mask);
    sigpending(&pending);
    sigaction(SIGUSR1, NULL, &ignored);
    sigaction(SIGUSR2, NULL, &caught);
    int all = ignored.sa_handler == SIG_IGN && caught.sa_handler == SIG_DFL &&
              sigismember(&mask, SIGTERM) && sigismember(&pending, SIGTERM) &&
              FAILS(fcntl(50, F_GETFD), EBADF) && GIVES(fcntl(51, F_GETFD), 0) &&
              !strcmp(getenv("KEPT"), "yes");
    char name[64];
    getcwd(name, sizeof name);
    return all && !strcmp(name, "/tmp") && umask(0) == 027 ? 42 : 1;
}

static void nothing(int signal)
{
    (void)signal;
}

static int execs(void)
{
    sigset_t mask;

    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, nothing);
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    raise(SIGTERM);
    dup2(0, 50);
    fcntl(50, F_SETFD, FD_CLOEXEC);
    dup2(0, 51);
    chdir("/tmp");
    umask(027);
    char *arguments[] = {(char *)self, "exec", NULL}, *environment[] = {"KEPT=yes", NULL};
    execve(self, arguments, environment);
    return 1;
}

static void test_inheritance(void)
{
    int status = status_of(execs);
    tap(WIFEXITED(status) && WEXITSTATUS(status) == 42, "exec_keeps_and_drops");
}

/* ---- spawn ---- */

static void test_spawn(void)
{
    pid_t child = -1;
    int status = 0;
    char *arguments[] = {(char *)self, "seven", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;

    tap(GIVES(posix_spawn(&child, "/tmp/none", NULL, NULL, arguments, environ), ENOENT),
        "posix_spawn_enoent");
    tap(GIVES(posix_spawn(&child, self, NULL, NULL, arguments, environ), 0) &&
            GIVES(waitpid(child, &status, 0), child) && WEXITSTATUS(status) == 7,
        "posix_spawn");
    posix_spawn_file_actions_init(&actions);
    tap(GIVES(posix_spawn_file_actions_addclose(&actions, -1), EBADF) &
            GIVES(posix_spawn_file_actions_adddup2(&actions, -1, 0), EBADF) &
            GIVES(posix_spawn_file_actions_addopen(&actions, -1, "/", 0, 0), EBADF) &
            GIVES(posix_spawn_file_actions_adddup2(&actions, 99, 0), 0),
        "posix_spawn_file_actions_errors");
    /* POSIX leaves it open who says so: the call, or the child's status */
    int error = posix_spawn(&child, self, &actions, NULL, arguments, environ);
    tap(error == EBADF ||
            (!error && GIVES(waitpid(child, &status, 0), child) && WEXITSTATUS(status) == 127),
        "posix_spawn_dup2_of_nothing");
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_init(&attributes);
    tap(GIVES(posix_spawnattr_setflags(&attributes, 0x7000), EINVAL), "posix_spawnattr_einval");
    posix_spawnattr_destroy(&attributes);
}

/* What a program finds that was spawned with attributes and actions: run as `self spawned`. */
static int after_spawn(void)
{
    struct sched_param param = {0};
    sigset_t mask;
    struct sigaction action;
    char word[8] = "";

    sigprocmask(SIG_BLOCK, NULL, &mask);
    sigaction(SIGUSR1, NULL, &action);
    return GIVES(getpgrp(), getpid()) & GIVES(sched_getscheduler(0), SCHED_RR) & GIVES(sched_getparam(0, &param), 0) &
                   GIVES(param.sched_priority, 7) & GIVES(sigismember(&mask, SIGTERM), 1) &
                   GIVES(sigismember(&mask, SIGHUP), 0) & (action.sa_handler == SIG_DFL) & GIVES(read(60, word, 8), 4) &
                   GIVES(read(61, word + 4, 4), 0) & FAILS(fcntl(62, F_GETFD), EBADF)
               ? 42
               : 1;
}

static void test_attributes(void)
{
    char *arguments[] = {(char *)self, "spawned", NULL};
    struct sched_param param = {.sched_priority = 7};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    pid_t child = -1;
    sigset_t set;
    int status = 0;

    close(creat("/tmp/spawned", 0600));
    truncate("/tmp/spawned", 4);
    dup2(0, 62);
    signal(SIGUSR1, SIG_IGN);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 60, "/tmp/spawned", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, 60, 61);
    posix_spawn_file_actions_addclose(&actions, 62);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETSCHEDULER);
    posix_spawnattr_setpgroup(&attributes, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    posix_spawnattr_setsigmask(&attributes, &set);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    posix_spawnattr_setsigdefault(&attributes, &set);
    posix_spawnattr_setschedpolicy(&attributes, SCHED_RR);
    posix_spawnattr_setschedparam(&attributes, &param);
    tap(GIVES(posix_spawn(&child, self, &actions, &attributes, arguments, environ), 0) &&
            GIVES(waitpid(child, &status, 0), child) && GIVES(status, 42 << 8),
        "posix_spawn_attributes_and_actions");
    param.sched_priority = 100;
    posix_spawnattr_setschedparam(&attributes, &param);
    tap(GIVES(posix_spawn(&child, self, &actions, &attributes, arguments, environ), EINVAL), "posix_spawn_wrong_priority");
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    signal(SIGUSR1, SIG_DFL);
    close(62);
    unlink("/tmp/spawned");
}

int main(int argc, char **argv)
{
    self = argv[0];
    if (argc > 1 && !strcmp(argv[1], "sleeps"))
        return (int)sleep(1000);
    if (argc > 1 && !strcmp(argv[1], "waits"))
        return write(1, "", 1) == 1 ? pause() : 1;
    if (argc > 1 && !strcmp(argv[1], "spawned"))
        return after_spawn();
    if (argc > 1)
        return !strcmp(argv[1], "exec") ? after_exec() : 7;
    test_exec();
    test_text_busy();
    test_timers_and_limits();
    test_fexecve();
    test_descriptor_names();
    test_inheritance();
    test_spawn();
    test_attributes();
    return tap_failed;
}
