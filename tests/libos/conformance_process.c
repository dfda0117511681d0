/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes: their errors, their ends, and what happens when there are no more to be had. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
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

/* ---- waiting ---- */

static int exits_7(void)
{
    return 7;
}

static int kills_itself(void)
{
    raise(SIGKILL);
    return 0;
}

static int aborts(void)
{
    abort();
}

static int wild(void)
{
    *(volatile int *)NULL_PAGE = 1;
    return 0;
}

static void test_wait(void)
{
    int status = 0;
    siginfo_t info;

    tap(FAILS(wait(&status), ECHILD) & FAILS(waitpid(-1, &status, WNOHANG), ECHILD) &
            FAILS(waitpid(getpid(), &status, 0), ECHILD) &
            FAILS(waitpid(0x7ffffff, &status, 0), ECHILD) &
            FAILS(waitpid(-1, &status, 0x7f000000), EINVAL) &
            FAILS(waitid(P_ALL, 0, &info, WEXITED), ECHILD) &
            FAILS(waitid(P_ALL, 0, &info, 0), EINVAL) &
            FAILS(waitid(99, 0, &info, WEXITED), EINVAL),
        "wait_errors");
    status = status_of(exits_7);
    tap(WIFEXITED(status) && WEXITSTATUS(status) == 7, "wait_exited");
    status = status_of(kills_itself);
    tap(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "wait_killed");
    status = status_of(aborts);
    tap(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "wait_aborted");
    status = status_of(wild);
    tap(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "wait_wild_pointer");
    pid_t child = fork();
    if (child == 0)
        _exit(3);
    tap(GIVES(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0) &&
            info.si_code == CLD_EXITED && info.si_status == 3 && info.si_pid == child &&
            info.si_signo == SIGCHLD,
        "waitid_nowait");
    tap(GIVES(waitpid(child, NULL, 0), child) && FAILS(waitpid(child, NULL, 0), ECHILD),
        "waitpid_null");
    child = fork();
    if (child == 0)
        for (;;)
            pause();
    tap(GIVES(waitpid(child, &status, WNOHANG), 0), "waitpid_wnohang");
    tap(FAILS(waitpid(child + 1, &status, WNOHANG), ECHILD), "waitpid_no_child");
    kill(child, SIGKILL);
    tap(FAILS(waitpid(child, NULL_PAGE, 0), EFAULT) || errno == 0, "waitpid_efault");
    while (waitpid(-1, NULL, 0) > 0)
        ;
}

/* ---- identities ---- */

static int leads_a_session(void)
{
    pid_t own = getpid();
    int all = GIVES(setsid(), own) & FAILS(setsid(), EPERM) & FAILS(setpgid(0, 0), EPERM) &
              GIVES(getpgrp(), own) & GIVES(getsid(0), own);
    return !all;
}

static int joins_groups(void)
{
    int all = GIVES(setpgid(0, 0), 0) & GIVES(getpgrp(), getpid()) & FAILS(setpgid(0, -1), EINVAL) &
              FAILS(setpgid(getppid(), 0), ESRCH) & FAILS(setpgid(0, 0x7ffffff), EPERM) &
              FAILS(setpgid(0x7ffffff, 0), ESRCH) & FAILS(getpgid(0x7ffffff), ESRCH) &
              FAILS(getsid(0x7ffffff), ESRCH) & FAILS(getpgid(-1), ESRCH);
    return !all;
}

static int other_user(void)
{
    if (setgid(1000) || setuid(1000))
        return 1;
    int all = FAILS(setuid(0), EPERM) & FAILS(setgid(0), EPERM) & FAILS(seteuid(0), EPERM) &
                  FAILS(kill(getppid(), SIGTERM), EPERM) & FAILS(kill(getppid(), 0), EPERM) &
                  GIVES(getuid(), 1000) & GIVES(geteuid(), 1000) & GIVES(setuid(1000), 0) &
                  FAILS(setpriority(PRIO_PROCESS, 0, -5) - 0, EACCES) ||
              errno == EPERM;
    return !all;
}

static void test_identities(void)
{
    tap(child_well(leads_a_session), "setsid");
    tap(child_well(joins_groups), "setpgid_errors");
    tap(child_well(other_user), "other_user");
    tap(FAILS(kill(0x7ffffff, 0), ESRCH) & FAILS(kill(getpid(), -1), EINVAL) &
            FAILS(kill(getpid(), 1000), EINVAL) & GIVES(kill(getpid(), 0), 0) &
            FAILS(kill(-0x7ffffff, SIGTERM), ESRCH),
        "kill_errors");
}

static void test_limits(void)
{
    struct rlimit limit, wrong = {10, 5};
    struct rusage usage;

    tap(FAILS(getrlimit(9999, &limit), EINVAL) & FAILS(setrlimit(9999, &limit), EINVAL) &
            FAILS(getrlimit(RLIMIT_NOFILE, NULL_PAGE), EFAULT) &
            FAILS(setrlimit(RLIMIT_NOFILE, &wrong), EINVAL) &
            FAILS(setrlimit(RLIMIT_NOFILE, KERNEL), EFAULT),
        "rlimit_errors");
    tap(FAILS(getrusage(99, &usage), EINVAL) & FAILS(getrusage(RUSAGE_SELF, NULL_PAGE), EFAULT) &
            GIVES(getrusage(RUSAGE_CHILDREN, &usage), 0),
        "getrusage_errors");
    tap(FAILS(getpriority(99, 0), EINVAL) & FAILS(getpriority(PRIO_PROCESS, 0x7ffffff), ESRCH) &
            FAILS(setpriority(99, 0, 0), EINVAL) &
            FAILS(setpriority(PRIO_PROCESS, 0x7ffffff, 0), ESRCH),
        "priority_errors");
    gid_t groups[2];
    tap(FAILS(setgroups(1000000, groups), EINVAL) & FAILS(getgroups(-1, groups), EINVAL),
        "groups_errors");
}

/* ---- exec ---- */

static int write_file(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0 &&
           chmod(path, mode) == 0;
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

/* ---- orphans ---- */

static int report[2];

static int leaves_an_orphan(void)
{
    if (fork() == 0) {
        pid_t parent = getpid();
        while ((parent = getppid()) != 1)
            doze(5);
        write(report[1], &parent, sizeof parent);
        _exit(0);
    }
    return 0;
}

static void test_orphans(void)
{
    pid_t parent = 0;

    pipe(report);
    tap(child_well(leaves_an_orphan) && read(report[0], &parent, sizeof parent) == sizeof parent &&
            parent == 1,
        "orphan_is_adopted");
    close(report[0]);
    close(report[1]);
}

static int ignores_children(void)
{
    signal(SIGCHLD, SIG_IGN);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return !FAILS(waitpid(child, NULL, 0), ECHILD);
}

/* ---- running out ---- */

/* Children that wait until the pipe's other end is closed; how many there were. */
static int crowd(int most, int *error)
{
    int gate[2], count = 0;
    char byte;

    pipe(gate);
    for (; count < most; count++) {
        pid_t child = fork();
        if (child < 0)
            break;
        if (child == 0) {
            close(gate[1]);
            read(gate[0], &byte, 1);
            _exit(0);
        }
    }
    *error = errno;
    close(gate[0]);
    close(gate[1]);
    for (int i = 0; i < count; i++)
        if (wait(NULL) < 0)
            return -1;
    return count;
}

static void test_out_of_processes(void)
{
    int error = 0, count = crowd(400, &error);

    tap(count > 20 && (count == 400 || error == EAGAIN || error == ENOMEM), "fork_eagain");
    printf("# %d processes\n", count);
    int again = crowd(20, &error);
    tap(again == 20 && status_of(exits_7) == 7 << 8, "fork_eagain_goes_on");
    struct rlimit limit;
    getrlimit(RLIMIT_NPROC, &limit);
    tap(FAILS(wait(NULL), ECHILD), "fork_eagain_leaves_nobody");
}

/* Every child forks twice, for ever; the group is killed after a while. */
static int bomb(void)
{
    setpgid(0, 0);
    for (;;) {
        if (fork() < 0 && errno != EAGAIN && errno != ENOMEM)
            _exit(1);
    }
}

static void test_bomb(void)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        bomb();
    setpgid(child, child);
    doze(300);
    int status = 0, tries = 0;
    while (kill(-child, SIGKILL) == 0 && tries++ < 200) {
        while (waitpid(-1, &status, WNOHANG) > 0)
            ;
        doze(10);
    }
    while (waitpid(-1, &status, WNOHANG) > 0)
        ;
    tap(tries < 200, "fork_bomb_is_killed");
    tap(status_of(exits_7) == 7 << 8, "fork_bomb_goes_on");
}

static pid_t other; /* what somebody else's is asked of */

static int sets_as_user(void)
{
    struct sched_param param = {.sched_priority = 5};

    if (setuid(1000))
        return 9;
    int good = FAILS(sched_setparam(other, &param), EPERM) &
               FAILS(sched_setscheduler(other, SCHED_RR, &param), EPERM) &
               FAILS(sched_setscheduler(0, SCHED_FIFO, &param), EPERM) &
               GIVES(sched_getscheduler(other), SCHED_FIFO) &
               GIVES(sched_getparam(other, &param), 0);
    return good && param.sched_priority == 7 ? 7 : 8;
}

static void test_scheduling(void)
{
    struct sched_param param = {.sched_priority = 7}, none = {0}, large = {.sched_priority = 100};

    other = fork();
    if (other == 0) {
        struct sched_param own;
        int policy;
        while (sched_getscheduler(0) != SCHED_FIFO)
            doze(5);
        _exit(pthread_getschedparam(pthread_self(), &policy, &own) == 0 && policy == SCHED_FIFO &&
                      own.sched_priority == 7
                  ? 7
                  : 8);
    }
    tap(FAILS(sched_getscheduler(0x7ffffff), ESRCH) &
            FAILS(sched_setparam(0x7ffffff, &none), ESRCH) &
            FAILS(sched_setscheduler(other, SCHED_FIFO, &none), EINVAL) &
            FAILS(sched_setscheduler(other, 99, &none), EINVAL) &
            FAILS(sched_setscheduler(other, SCHED_FIFO, &large), EINVAL) &
            FAILS(sched_setscheduler(other, SCHED_FIFO, NULL), EINVAL) &
            FAILS(sched_setscheduler(other, SCHED_FIFO, FAR), EFAULT) &
            FAILS(sched_getparam(other, FAR), EFAULT) & FAILS(sched_getscheduler(-1), EINVAL) &
            GIVES(sched_getscheduler(other), SCHED_OTHER),
        "scheduling_errors");
    kill(other, SIGSTOP);
    int status = 0;
    waitpid(other, &status, WUNTRACED);
    int set = GIVES(sched_setscheduler(other, SCHED_FIFO, &param), SCHED_OTHER);
    tap(set && status_of(sets_as_user) == 7 << 8, "scheduling_of_others_is_its_users");
    kill(other, SIGCONT);
    waitpid(other, &status, 0);
    tap(status == 7 << 8, "scheduling_set_by_another");
    tap(FAILS(sched_getparam(other, &param), ESRCH), "scheduling_of_none");
}

int main(int argc, char **argv)
{
    self = argv[0];
    if (argc > 1 && !strcmp(argv[1], "sleeps"))
        return (int)sleep(1000);
    if (argc > 1 && !strcmp(argv[1], "waits"))
        return write(1, "", 1) == 1 ? pause() : 1;
    if (argc > 1)
        return !strcmp(argv[1], "exec") ? after_exec() : 7;
    test_wait();
    test_identities();
    test_limits();
    test_exec();
    test_text_busy();
    test_timers_and_limits();
    test_fexecve();
    test_descriptor_names();
    test_inheritance();
    test_spawn();
    test_orphans();
    test_scheduling();
    tap(child_well(ignores_children), "sigchld_ignored_leaves_no_zombie");
    test_out_of_processes();
    test_bomb();
    return tap_failed;
}
