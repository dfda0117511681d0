/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Death at any instruction: a child begins a fresh slot, spins, and works on what is shared; when its
 * slot ends, wherever it then stands, its environment is destroyed. What it held must be whole again,
 * and nothing of it left. `kill FIRST STEP COUNT`: cut after FIRST, FIRST + STEP, ... instructions.
 * Wants --icount and slots of one millisecond.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/pager.h>

#include "../../libos/proc/table.h"
#include "tap.h"

#define SLOT 1000000 /* instructions */
#define SELF "/bin/kill"

static volatile uint32_t *armed; /* session memory */

/* ---- what the child is cut in ---- */

static void work_fork(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
}

static void work_exec(void)
{
    execl(SELF, "kill", "nothing", (char *)NULL);
}

/* In an environment that an earlier child has parked (libos/proc/park.h). */
static void work_fork_exec(void)
{
    pid_t pid = fork();
    if (pid == 0)
        work_exec();
    waitpid(pid, NULL, 0);
}

static void work_pipe(void)
{
    char bytes[3000];
    int ends[2];

    if (pipe(ends))
        return;
    memset(bytes, 'x', sizeof bytes);
    for (int i = 0; i < 8; i++) {
        write(ends[1], bytes, sizeof bytes);
        read(ends[0], bytes, sizeof bytes);
    }
    close(ends[0]);
    close(ends[1]);
}

static void work_rename(void)
{
    for (int i = 0; i < 4; i++) {
        int fd = open("/tmp/old", O_CREAT | O_WRONLY, 0600);
        write(fd, "abc", 3);
        close(fd);
        rename("/tmp/old", "/tmp/new");
        unlink("/tmp/new");
    }
}

static const struct {
    const char *name;
    void (*work)(void);
    void (*before)(void);
} works[] = {{"fork", work_fork, NULL},        {"fork_again", work_fork, work_fork}, {"exec", work_exec, NULL},
             {"fork_exec_again", work_fork_exec, work_fork_exec},
             {"pipe", work_pipe, NULL},        {"rename", work_rename, NULL}};

/* ---- cutting ---- */

static void spin(unsigned long instructions)
{
    instructions /= 2;
    __asm__ volatile("1: addi %0, %0, -1\n\tbnez %0, 1b" : "+r"(instructions));
}

static void victim(unsigned work, unsigned long cut)
{
    if (works[work].before)
        works[work].before();
    *armed = 1;
    sched_yield();
    spin(SLOT - cut);
    works[work].work();
    _exit(0);
}

static void destroy(pid_t pid)
{
    struct aegis_capability c = {0};

    monitor_enter();
    const struct process *p = process_find(pid);
    if (p && p->state != PROCESS_ZOMBIE)
        c = p->control;
    monitor_leave();
    unsigned slot = slot_find();
    if (!c.what || aegis_claim(c.what, c.mac, slot).error)
        return; /* it had come to its end */
    while (aegis_env_destroy(slot).error == AEGIS_E_AGAIN)
        ;
    page_put(slot);
}

static int count_one(struct process *p, void *count)
{
    *(unsigned *)count += p->state != PROCESS_FREE;
    return 0;
}

/* Only init and we are left: its own children are buried too. */
static bool alone(void)
{
    for (unsigned tries = 0; tries < 10000; tries++) {
        unsigned count = 0;
        process_each(count_one, &count);
        if (count == 2)
            return true;
        sched_yield();
    }
    return false;
}

static int cut_once(unsigned work, unsigned long cut)
{
    *armed = 0;
    pid_t pid = fork();
    if (pid == 0)
        victim(work, cut);
    while (!*armed)
        sched_yield();
    sched_yield();
    destroy(pid);
    return waitpid(pid, NULL, 0) == pid && alone();
}

static uint64_t used(void)
{
    unlink("/tmp/old");
    unlink("/tmp/new");
    monitor_enter();
    uint64_t bytes = session_used();
    monitor_leave();
    return bytes;
}

static unsigned long pages_settled(void)
{
    while (aegis_reap(AEGIS_VECTOR).value)
        ;
    return AEGIS_EXPOSED_STATE->free_pages;
}

static void sweep(unsigned work, unsigned long first, unsigned long step, unsigned count)
{
    char name[64];
    bool whole = true;
    uint64_t bytes;
    unsigned long pages;

    for (unsigned i = 0; i < 3; i++) { /* caches are filled */
        cut_once(work, SLOT - 1000);
        cut_once(work, 5000 + 20000 * i);
    }
    bytes = used();
    pages = pages_settled();
    for (unsigned i = 0; i < count && whole; i++) {
        unsigned long cut = first + i * step;
        whole = cut_once(work, cut) && SESSION->owner == 0 && used() == bytes;
        long lost = (long)(pages - pages_settled());
        if (!whole || lost > 8) {
            printf("# %s cut after %lu: %ld pages, %ld bytes of the session\n", works[work].name, cut,
                   lost, (long)(used() - bytes));
            whole = false;
        }
    }
    snprintf(name, sizeof name, "killed_anywhere_in_%s", works[work].name);
    tap(whole, name);
}

static void heard(int signal)
{
    (void)signal;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = heard, .sa_flags = SA_RESTART};

    if (argc == 2)
        return 0;
    sigaction(SIGCHLD, &action, NULL);
    unsigned long first = argc > 3 ? strtoul(argv[1], NULL, 0) : 100;
    unsigned long step = argc > 3 ? strtoul(argv[2], NULL, 0) : 3989;
    unsigned count = argc > 3 ? (unsigned)atoi(argv[3]) : 50;

    session_reserve(4096);
    monitor_enter();
    armed = session_alloc(64);
    monitor_leave();
    for (unsigned work = 0; work < sizeof works / sizeof works[0]; work++)
        sweep(work, first, works[work].before && step > 4 ? step / 4 : step, count); /* shorter */
    return tap_failed;
}
