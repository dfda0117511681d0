/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes: made, replaced, ended, waited for, stopped; and nothing is left of them. */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/upcall.h>

#include "tap.h"

#define SELF "/bin/process"
#define ROUNDS 200

extern char **environ;
static int global = 5;

static int ended_with(pid_t pid)
{
    int status = -1;
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static pid_t run(const char *how)
{
    char *argv[] = {"process", (char *)how, NULL};
    pid_t pid = fork();

    if (pid == 0) {
        execve(SELF, argv, environ);
        _exit(99);
    }
    return pid;
}

static void forking(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        global = 7;
        _exit(getpid() != 1 && getppid() > 1 ? 40 : 41);
    }
    tap(pid > 1 && ended_with(pid) == 40, "fork_exit_wait");
    tap(global == 5, "fork_memory_is_its_own");
    errno = 0;
    tap(waitpid(-1, NULL, 0) == -1 && errno == ECHILD, "wait_without_children");
    tap(wait4(12345, NULL, WNOHANG, NULL) == -1 && waitpid(-1, NULL, 0x4000) == -1 && errno == EINVAL,
        "wait_bad_arguments");
}

static void executing(void)
{
    char *argv[] = {"process", "ok", NULL};
    char *bad = (char *)8, *volatile nowhere = bad, **volatile vector = (char **)16;

    tap(ended_with(run("ok")) == 17, "exec_and_arguments");
    setenv("MARK", "there", 1);
    tap(ended_with(run("environment")) == 18, "exec_passes_the_environment");
    tap(ended_with(run("pid")) == 19, "exec_keeps_the_pid");
    tap(ended_with(run("again")) == 20, "exec_twenty_times");
    tap(execve("/nonexistent", argv, environ) == -1 && errno == ENOENT, "exec_enoent");
    tap(execve("/bin", argv, environ) == -1 && errno == EACCES, "exec_eacces");
    tap(execve(nowhere, argv, environ) == -1 && errno == EFAULT, "exec_bad_path");
    tap(execve(SELF, vector, environ) == -1 && errno == EFAULT, "exec_bad_vector");
    char *wild[] = {"process", bad, NULL};
    tap(execve(SELF, wild, environ) == -1 && errno == EFAULT, "exec_bad_string");
    size_t size = 300000;
    char *large = malloc(size);
    memset(large, 'x', size);
    large[size - 1] = 0;
    char *too_large[] = {"process", large, NULL};
    tap(execve(SELF, too_large, environ) == -1 && errno == E2BIG, "exec_e2big");
    large[120000] = 0;
    char *fits[] = {"process", "length", large, NULL};
    pid_t pid = fork();
    if (pid == 0) {
        execve(SELF, fits, environ);
        _exit(98);
    }
    tap(ended_with(pid) == 21, "exec_120000_bytes");
    free(large);
}

static void spawning(void)
{
    char *argv[] = {"process", "ok", NULL}, *group[] = {"process", "group", NULL};
    posix_spawnattr_t attributes;
    pid_t pid = 0;

    tap(posix_spawn(&pid, SELF, NULL, NULL, argv, environ) == 0 && ended_with(pid) == 17, "spawn");
    tap(posix_spawnp(&pid, "process", NULL, NULL, argv, environ) == 0 && ended_with(pid) == 17,
        "spawnp_by_path");
    tap(posix_spawn(&pid, "/nonexistent", NULL, NULL, argv, environ) == ENOENT, "spawn_enoent");
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    tap(posix_spawn(&pid, SELF, NULL, &attributes, group, environ) == 0 && ended_with(pid) == 22,
        "spawn_into_a_group");
}

/* ---- a signal at any step of making one ---- */

static volatile int made_by_handler;

static void makes_one(int signal)
{
    int error = errno;
    pid_t pid = fork();

    (void)signal;
    if (pid == 0)
        _exit(24);
    made_by_handler += ended_with(pid) == 24;
    errno = error;
}

static int made_amid_signals(void)
{
    struct sigaction action = {.sa_handler = makes_one, .sa_flags = SA_RESTART};
    char *argv[] = {"process", "ok", NULL};
    int made = 0;

    sigaction(SIGALRM, &action, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        struct itimerval soon = {.it_value = {0, 1 + i * 7 % 300}}, never = {0};
        pid_t pid = -1;
        setitimer(ITIMER_REAL, &soon, NULL);
        if (i % 2 && utimes(SELF, (struct timeval[2]){{i}, {i}}) == 0) /* changed: it is read again, which takes long */
            posix_spawn(&pid, SELF, NULL, NULL, argv, environ);
        else if ((pid = fork()) == 0)
            _exit(17);
        made += ended_with(pid) == 17;
        setitimer(ITIMER_REAL, &never, NULL);
    }
    return made == ROUNDS && made_by_handler ? 25 : made;
}

/* A hang must not last. */
static void making_amid_signals(void)
{
    const struct timespec part = {0, 10000000};
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(made_amid_signals());
    for (int i = 0; i < 2000 && waitpid(pid, &status, WNOHANG) == 0; i++)
        nanosleep(&part, NULL);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    tap(WIFEXITED(status) && WEXITSTATUS(status) == 25, "handlers_make_processes_while_one_is_made");
}

static void stopping(void)
{
    int status = 0;
    pid_t pid = fork();

    while (pid == 0)
        pause();
    kill(pid, SIGSTOP);
    tap(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP,
        "wait_stopped");
    tap(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0, "stop_is_told_once");
    kill(pid, SIGCONT);
    tap(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status), "wait_continued");
    kill(pid, SIGKILL);
    siginfo_t i;
    tap(waitid(P_PID, (id_t)pid, &i, WEXITED | WNOWAIT) == 0 && i.si_pid == pid &&
            i.si_code == CLD_KILLED && i.si_status == SIGKILL,
        "waitid_nowait");
    tap(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
        "wait_killed");
    errno = 0;
    tap(kill(pid, 0) == -1 && errno == ESRCH, "kill_esrch");
}

/* A process that has left the libOS: its slots of time run two loops of its own, and no signal is ever looked at. */
#define COUNTER ((volatile unsigned long *)0x2700000000)

/* Unmasked, also when the last slot was ended by force. */
__attribute__((naked)) PINNED_CODE static void deaf_begin(void)
{
    __asm__ volatile("sd zero, %1(gp)\n sd zero, %2(gp)\n"
                     "li t0, %0\n1: ld t1, 0(t0)\n addi t1, t1, 1\n sd t1, 0(t0)\n j 1b"
                     :
                     : "i"(COUNTER), "i"(offsetof(struct aegis_activation, forced) - AEGIS_GP),
                       "i"(offsetof(struct aegis_activation, masked) - AEGIS_GP));
}

__attribute__((naked)) PINNED_CODE static void deaf_end(void)
{
    __asm__ volatile("1: li a7, %0\n ecall\n j 1b" : : "i"(AEGIS_CALL_slice_yield));
}

static pid_t deaf(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        struct aegis_activation *a = aegis_activation_current();
        *COUNTER = 1; /* it is mapped */
        a->up_slice_end = (uint64_t)deaf_end;
        a->up_slice_begin = (uint64_t)deaf_begin;
        for (;;)
            ;
    }
    while (*COUNTER < 2)
        usleep(1000);
    return pid;
}

static bool counts(void)
{
    unsigned long before = *COUNTER;
    usleep(100000);
    return *COUNTER != before;
}

static void deafness(void)
{
    int status = 0;

    mmap((void *)COUNTER, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    pid_t pid = deaf();
    tap(counts(), "deaf_process_runs");
    kill(pid, SIGTERM);
    usleep(100000);
    tap(counts(), "deaf_process_hears_nothing");
    kill(pid, SIGSTOP);
    tap(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP,
        "deaf_process_is_told_to_be_stopped");
    tap(!counts(), "deaf_process_is_stopped");
    kill(pid, SIGCONT);
    tap(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status), "deaf_process_is_continued");
    usleep(100000);
    tap(counts(), "deaf_process_goes_on");
    kill(pid, SIGSTOP);
    tap(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status), "deaf_process_is_stopped_again");
    kill(pid, SIGKILL);
    tap(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "deaf_process_is_killed_while_stopped");
    *COUNTER = 0;
    pid = deaf();
    kill(pid, SIGKILL);
    tap(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "deaf_process_is_killed");
    munmap((void *)COUNTER, 4096);
}

static void grouping(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        int good = setpgid(0, 0) == 0 && getpgrp() == getpid() && setsid() == -1 && errno == EPERM;
        _exit(good ? 30 : 31);
    }
    tap(ended_with(pid) == 30, "setpgid_and_setsid_of_a_leader");
    pid = fork();
    if (pid == 0)
        _exit(setsid() == getpid() && getsid(0) == getpid() && setpgid(0, 0) == -1 ? 30 : 31);
    tap(ended_with(pid) == 30, "setsid");
    siginfo_t information;
    pid_t leader = fork();
    if (leader == 0) {
        setpgid(0, 0);
        _exit(0);
    }
    waitid(P_PID, (id_t)leader, &information, WEXITED | WNOWAIT);
    pid = fork();
    if (pid == 0)
        _exit(setpgid(0, leader) == 0 && getpgrp() == leader ? 30 : 31);
    tap(ended_with(pid) == 30, "group_of_one_that_was_not_waited_for");
    waitpid(leader, 0, 0);
    tap(setpgid(1, 0) == -1 && errno == ESRCH, "setpgid_of_a_stranger");
    tap(getpgid(99999) == -1 && errno == ESRCH, "getpgid_esrch");
}

/* The child's child is init's when the child has ended, and nobody has to wait for it. */
static void orphans(void)
{
    int ends[2];
    char c = 0;
    pid_t pid;

    pipe(ends);
    pid = fork();
    if (pid == 0) {
        if (fork() == 0) {
            while (getppid() != 1)
                usleep(1000);
            write(ends[1], "o", 1);
        }
        _exit(0);
    }
    close(ends[1]);
    tap(ended_with(pid) == 0 && read(ends[0], &c, 1) == 1 && c == 'o', "orphans_are_inits");
    tap(read(ends[0], &c, 1) == 0, "the_dead_have_closed_their_files");
    close(ends[0]);
}

static long microseconds(int who)
{
    struct rusage u = {0};
    getrusage(who, &u);
    return u.ru_utime.tv_sec * 1000000L + u.ru_utime.tv_usec;
}

static void work(long us)
{
    long end = microseconds(RUSAGE_SELF) + us;
    while (microseconds(RUSAGE_SELF) < end)
        ;
}

/* A child's time, what it used before exec, and that of its child: once it was waited for. */
static void times_of_children(void)
{
    struct tms t;
    long before = microseconds(RUSAGE_CHILDREN), tick = 1000000 / sysconf(_SC_CLK_TCK);
    pid_t pid = fork();

    if (pid == 0) {
        work(30000);
        pid_t grandchild = fork();
        if (grandchild == 0) {
            work(20000);
            _exit(0);
        }
        ended_with(grandchild);
        execl(SELF, "process", "work", NULL);
    }
    usleep(200000);
    tap(microseconds(RUSAGE_CHILDREN) == before, "times_of_children_are_added_by_wait");
    int ended = ended_with(pid);
    long used = microseconds(RUSAGE_CHILDREN) - before;
    bool right = ended == 23 && used >= 80000 && used < 1000000;
    if (!right)
        printf("# ended %d, used %ld\n", ended, used);
    tap(right, "times_of_children_across_exec");
    tap(times(&t) > 0 && labs(t.tms_cutime * tick - before - used) < 20000 && t.tms_utime * tick <= microseconds(RUSAGE_SELF),
        "times_of_oneself_and_children");
    tap(getrusage(RUSAGE_CHILDREN, (void *)8) == -1 && errno == EFAULT && getrusage(7, NULL) == -1 && errno == EINVAL,
        "getrusage_bad_arguments");
}

static unsigned long free_pages(void)
{
    return AEGIS_EXPOSED_STATE->free_pages;
}

static void bomb(void)
{
    unsigned count = 0;
    pid_t pid;

    while ((pid = fork()) > 0)
        count++;
    if (pid == 0)
        for (;;)
            pause();
    tap(errno == EAGAIN && count > 50, "fork_bomb_ends_in_eagain");
    signal(SIGTERM, SIG_IGN);
    kill(0, SIGTERM);
    unsigned reaped = 0;
    while (wait(NULL) > 0)
        reaped++;
    signal(SIGTERM, SIG_DFL);
    tap(reaped == count, "fork_bomb_is_swept_up");
    tap(ended_with(run("ok")) == 17, "fork_after_the_bomb");
}

static void leaks(void)
{
    long lost = 0;

    for (int round = 0; round < 6; round++) { /* environments are kept for the next, up to some: that ends, a leak does not */
        unsigned long before = free_pages();
        for (int i = 0; i < 30; i++)
            ended_with(run("ok"));
        lost = (long)(before - free_pages());
        if (lost < 8)
            break;
    }
    tap(lost < 8, "processes_leave_nothing");
}

/* All that is free and a little of what is not: only what somebody keeps for the next child can be had for it. */
#define MORE 8 /* pages; and the libOS leaves 32 */

static bool more_than_free(void)
{
    size_t size = (free_pages() + MORE - 32) * 4096;
    void *all = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return all != MAP_FAILED && munmap(all, size) == 0;
}

static void shortage(void)
{
    bool own, none;
    int ends[2];
    char c;

    ended_with(run("ok")), ended_with(run("pid"));
    own = more_than_free();
    none = !more_than_free() && errno == ENOMEM;
    tap(own, "shortage_takes_what_one_keeps_oneself");
    pipe(ends);
    pid_t pid = fork(); /* is made anew, and keeps children of its own */
    if (pid == 0) {
        ended_with(run("ok")), ended_with(run("pid"));
        write(ends[1], "k", 1);
        for (;;)
            pause();
    }
    read(ends[0], &c, 1);
    sleep(1); /* others are asked once a second */
    tap(more_than_free(), "shortage_takes_what_others_keep");
    tap(none && !more_than_free() && errno == ENOMEM, "shortage_is_enomem");
    kill(pid, SIGKILL);
    tap(waitpid(pid, NULL, 0) == pid && ended_with(run("ok")) == 17 && ended_with(run("pid")) == 19, "shortage_is_over");
    close(ends[0]), close(ends[1]);
}

static int replaced(int argc, char **argv)
{
    const char *how = argv[1];
    char count[12];

    if (!strcmp(how, "ok"))
        return 17;
    if (!strcmp(how, "environment"))
        return getenv("MARK") && !strcmp(getenv("MARK"), "there") ? 18 : 1;
    if (!strcmp(how, "pid")) {
        snprintf(count, sizeof count, "%d", getpid());
        execl(SELF, "process", "was", count, NULL);
    }
    if (!strcmp(how, "was"))
        return atoi(argv[2]) == getpid() ? 19 : 1;
    if (!strcmp(how, "again")) {
        int n = argc > 2 ? atoi(argv[2]) : 0;
        snprintf(count, sizeof count, "%d", n + 1);
        return n == 20 ? 20 : execl(SELF, "process", "again", count, NULL);
    }
    if (!strcmp(how, "length"))
        return argc == 3 && strlen(argv[2]) == 120000 ? 21 : 1;
    if (!strcmp(how, "work")) {
        work(30000);
        return microseconds(RUSAGE_SELF) >= 60000 ? 23 : 1;
    }
    if (!strcmp(how, "group"))
        return getpgrp() == getpid() ? 22 : 1;
    return 2;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return replaced(argc, argv);
    forking();
    executing();
    spawning();
    making_amid_signals();
    stopping();
    deafness();
    grouping();
    orphans();
    times_of_children();
    leaks();
    shortage();
    bomb();
    return tap_failed;
}
