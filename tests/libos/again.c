/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that begin in an environment in which one has ended (libos/proc/again.h): nothing of
 * that life is seen. Each life looks at data, zeroed data, heap, stack, registers, pinned data and
 * mappings, then spoils them all, and ends in a way of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/pager.h>

#include "tap.h"

#define SELF   "/bin/again"
#define SECRET 0x5ec2e75ec2e75ec2UL
#define FIXED  ((char *)0x2700000000)

extern char **environ;
static uint64_t data[600] = {[0] = 7, [599] = 8};
static uint64_t zero[600];
static PINNED_BSS volatile uint64_t pinned_zero[8];
static PINNED_DATA volatile uint64_t pinned_data[4] = {1, 2, 3, 4};
static __thread int local = 9, local_zero;

enum way { EXIT, FAST_EXIT, THREAD, CHILD, KILLED, MAPS, RIGHTS, EXEC, WAYS };

static unsigned self(void)
{
    return AEGIS_WHAT_RESOURCE(slot_claim(AEGIS_SLOT_SELF)->what);
}

/* ---- a life ---- */

/* The stack below us, as far as pages of it are kept; memory that malloc gives. */
static __attribute__((noinline)) bool below_is_clean(void)
{
    volatile uint64_t words[2400];
    __asm__ volatile("" : : "r"(words) : "memory");
    for (unsigned i = 0; i < 2400; i++)
        if (words[i] == SECRET)
            return false;
    return true;
}

static __attribute__((noinline)) void below_spoil(void)
{
    volatile uint64_t words[2400];
    for (unsigned i = 0; i < 2400; i++)
        words[i] = SECRET;
    (void)words[7];
}

static bool heap_is_clean(void)
{
    uint64_t *p = malloc(20000);
    bool good = p;
    for (unsigned i = 0; good && i < 2500; i++)
        good = p[i] != SECRET;
    for (unsigned i = 0; p && i < 2500; i++)
        p[i] = SECRET;
    return good;
}

static bool float_is_clean(void)
{
    uint64_t word;
    __asm__ volatile("fmv.x.d %0, fs5" : "=r"(word));
    __asm__ volatile("fmv.d.x fs5, %0" : : "r"(SECRET) : "fs5");
    return word != SECRET;
}

static int found(void)
{
    struct sigaction action;
    sigset_t mask;

    for (unsigned i = 0; i < 600; i++)
        if (data[i] != (i == 0 ? 7 : i == 599 ? 8 : 0) || zero[i])
            return 1;
    for (unsigned i = 0; i < 8; i++)
        if (pinned_zero[i] || pinned_data[i % 4] != i % 4 + 1)
            return 2;
    if (local != 9 || local_zero || errno)
        return 3;
    if (!below_is_clean())
        return 4;
    if (!heap_is_clean())
        return 5;
    if (!float_is_clean())
        return 6;
    if (msync(FIXED, 4096, MS_ASYNC) == 0)
        return 7;
    if (sigaction(SIGUSR1, NULL, &action) || action.sa_handler != SIG_DFL)
        return 8;
    if (sigprocmask(SIG_BLOCK, NULL, &mask) || sigismember(&mask, SIGUSR2))
        return 9;
    return fcntl(20, F_GETFD) == -1 ? 0 : 10;
}

static void handler(int signal)
{
    (void)signal;
}

static void spoil(void)
{
    struct sigaction action = {.sa_handler = handler};
    sigset_t mask;

    memset(data, 0xa5, sizeof data);
    for (unsigned i = 0; i < 600; i++)
        zero[i] = SECRET;
    for (unsigned i = 0; i < 8; i++)
        pinned_zero[i] = pinned_data[i % 4] = SECRET;
    local = local_zero = errno = 77;
    below_spoil();
    mmap(FIXED, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    memset(FIXED, 0x11, 65536);
    sigaction(SIGUSR1, &action, NULL);
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    dup2(0, 20);
}

static void *thread(void *argument)
{
    return argument;
}

static void end(enum way way)
{
    pthread_t t;
    uintptr_t page = (uintptr_t)&data[300] & -4096UL;
    char *argv[] = {"again", "life", "0", NULL};

    switch (way) {
    case FAST_EXIT:
        _exit(0);
    case THREAD:
        pthread_create(&t, NULL, thread, NULL);
        break;
    case CHILD: {
        pid_t pid = fork();
        if (pid == 0)
            _exit(zero[5] != SECRET);
        int status = 1;
        waitpid(pid, &status, 0);
        exit(status != 0);
    }
    case KILLED:
        raise(SIGKILL);
        break;
    case MAPS: /* other pages where data stood */
        mmap((void *)page, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
             -1, 0);
        _exit(0);
    case RIGHTS:
        mprotect((void *)page, 4096, PROT_READ);
        _exit(0);
    case EXEC:
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        close(20);
        execve(SELF, argv, environ);
        break;
    default:
        break;
    }
    exit(0);
}

/* ---- lives ---- */

static int life(bool spawned, enum way way)
{
    char number[8];
    char *argv[] = {"again", "life", number, NULL};
    int status = -1;
    pid_t pid;

    snprintf(number, sizeof number, "%d", way);
    if (spawned) {
        if (posix_spawn(&pid, SELF, NULL, NULL, argv, environ))
            return 100;
    } else if ((pid = fork()) == 0) {
        execve(SELF, argv, environ);
        _exit(101);
    }
    if (waitpid(pid, &status, 0) != pid)
        return 102;
    if (way == KILLED)
        return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 0 : 103;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 104;
}

static void lives(bool spawned, const char *name)
{
    int result = 0;

    for (unsigned i = 0; i < 40 && !result; i++)
        if ((result = life(spawned, i < 4 ? FAST_EXIT : (i * 5 + i / 8) % WAYS)))
            printf("# life %u: %d\n", i, result);
    tap(result == 0, name);
}

/* Two of them, by turns, and three at once: each in an environment of its own. */
static void at_once(void)
{
    char *argv[] = {"again", "life", "0", NULL};
    bool good = true;

    for (unsigned round = 0; round < 6; round++) {
        pid_t pid[5];
        for (unsigned i = 0; i < 5; i++)
            good &= posix_spawn(&pid[i], SELF, NULL, NULL, argv, environ) == 0;
        for (unsigned i = 0; i < 5; i++) {
            int status = -1;
            good &= waitpid(pid[i], &status, 0) == pid[i] && status == 0;
        }
    }
    tap(good, "five_at_once");
}

static unsigned long pages_free_now(void)
{
    while (aegis_reap(AEGIS_VECTOR).value)
        ;
    return AEGIS_EXPOSED_STATE->free_pages;
}

static void used_again(void)
{
    unsigned long pages = 0;
    unsigned count = 0;
    int fd[2];
    char *argv[] = {"again", "who", NULL};
    uint32_t before = 0, now = 0;

    for (unsigned i = 0; i < 12; i++) {
        pid_t pid = -1;
        if (pipe(fd))
            break;
        if ((pid = fork()) == 0) {
            dup2(fd[1], 1);
            execve(SELF, argv, environ);
            _exit(1);
        }
        read(fd[0], &now, sizeof now);
        waitpid(pid, NULL, 0);
        count += now == before;
        before = now;
        close(fd[0]);
        close(fd[1]);
        if (i == 5)
            pages = pages_free_now();
    }
    tap(count >= 8, "an_environment_is_used_again");
    tap(pages_free_now() + 8 >= pages, "nothing_is_left_behind");
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "life")) {
        int result = found();
        if (result)
            _exit(result);
        spoil();
        end((enum way)atoi(argv[2]));
    }
    if (argc == 2 && !strcmp(argv[1], "who")) {
        uint32_t number = self();
        _exit(write(1, &number, sizeof number) != sizeof number);
    }
    used_again();
    lives(false, "no_life_sees_the_one_before");
    lives(true, "no_spawned_life_sees_the_one_before");
    at_once();
    used_again();
    return tap_failed;
}
