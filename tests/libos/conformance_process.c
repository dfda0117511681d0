/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes: their errors, their ends, and what happens when there are no more to be had. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "conformance.h"

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

int main(void)
{
    test_wait();
    test_identities();
    test_limits();
    test_orphans();
    test_scheduling();
    tap(child_well(ignores_children), "sigchld_ignored_leaves_no_zombie");
    test_out_of_processes();
    test_bomb();
    return tap_failed;
}
