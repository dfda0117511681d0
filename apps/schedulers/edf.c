/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scheduler of one's own: earliest deadline first (Liu and Layland, 1973). Three periodic threads
 * load the hart to 95 %. Round robin misses deadlines; then earliest deadline first takes its place,
 * while they run, and none is missed. Wants slots of a millisecond (slice=1000).
 *
 *     aegis-cc -O2 -o edf edf.c && run --icount --slice 1000 ./edf
 */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include <aegis/scheduler.h>

#define DEADLINE 0 /* in struct thread's policy[]; 0: before all others */
#define SECOND   1000000000L

static PINNED_BSS struct thread *queue;

static void edf_init(void)
{
    queue = 0;
}

PINNED_CODE static void edf_start(struct thread *t)
{
    struct thread **at = &queue;

    while (*at && (*at)->policy[DEADLINE] <= t->policy[DEADLINE])
        at = &(*at)->next;
    t->next = *at;
    *at = t;
}

PINNED_CODE static void edf_block(struct thread *t)
{
    (void)t;
}

PINNED_CODE static struct thread *edf_pick(unsigned hart)
{
    struct thread *t = queue;

    (void)hart;
    if (t)
        queue = t->next;
    return t;
}

static PINNED_CONST const struct scheduler edf = {"earliest deadline first", edf_init, edf_start,
                                                  edf_start, edf_block, edf_pick};

static const struct task { /* milliseconds: 35 + 30 + 30 % */
    long period, cost;
} tasks[3] = {{40, 14}, {60, 18}, {100, 30}};
static volatile unsigned jobs, missed;

static long clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

__attribute__((noreturn)) static void *periodic(void *argument)
{
    const struct task *task = argument;
    long period = task->period * 1000000, deadline = clock_ns(CLOCK_MONOTONIC) + period;

    for (;; deadline += period) {
        thread_self()->policy[DEADLINE] = (uint64_t)deadline;
        long end = clock_ns(CLOCK_THREAD_CPUTIME_ID) + task->cost * 1000000;
        while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < end)
            ;
        jobs++;
        missed += clock_ns(CLOCK_MONOTONIC) > deadline;
        struct timespec next = {deadline / SECOND, deadline % SECOND};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    }
}

static void watch(const char *name)
{
    nanosleep(&(struct timespec){1, 200000000}, NULL); /* what is late from before */
    unsigned jobs_before = jobs, missed_before = missed;
    nanosleep(&(struct timespec){2, 400000000}, NULL);
    printf("%s: %u of %u deadlines missed\n", name, missed - missed_before, jobs - jobs_before);
}

int main(void)
{
    pthread_t t;

    for (int i = 0; i < 3; i++)
        pthread_create(&t, NULL, periodic, (void *)&tasks[i]);
    watch("round robin");
    scheduler_set(&edf);
    watch(edf.name);
}
