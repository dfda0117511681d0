/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scheduler of one's own: stride scheduling (Waldspurger and Weihl, 1995). A thread's pass grows
 * with each slot by its stride, which is smaller the more tickets it has; the smallest pass runs.
 * Three threads with 3, 2 and 1 tickets compute; what each got is printed, and whose each slot was
 * (of a millisecond, with slice=1000).
 *
 *     aegis-cc -O2 -o stride stride.c
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <aegis/scheduler.h>

#define STRIDE1 720720UL /* what all numbers of tickets up to 16 divide */
enum { TICKETS, PASS };  /* in struct thread's policy[] */

static PINNED_BSS struct thread *queue;
static PINNED_BSS uint64_t now;   /* the pass of who ran last */
static PINNED_BSS char had[2000]; /* each slot: the tickets of who had it, a digit */
static PINNED_BSS unsigned slots;

static void stride_init(void)
{
    queue = 0;
}

/* Kept in order of pass. One that was away may not make up for it. */
PINNED_CODE static void stride_start(struct thread *t)
{
    struct thread **at = &queue;

    if ((int64_t)(t->policy[PASS] - now) < 0)
        t->policy[PASS] = now;
    while (*at && (int64_t)((*at)->policy[PASS] - t->policy[PASS]) <= 0)
        at = &(*at)->next;
    t->next = *at;
    *at = t;
}

/* The slot is paid for. */
PINNED_CODE static void stride_stop(struct thread *t)
{
    t->policy[PASS] += STRIDE1 / (t->policy[TICKETS] ? t->policy[TICKETS] : 1);
    stride_start(t);
}

PINNED_CODE static void stride_block(struct thread *t)
{
    t->policy[PASS] += STRIDE1 / (t->policy[TICKETS] ? t->policy[TICKETS] : 1);
}

PINNED_CODE static struct thread *stride_pick(unsigned hart)
{
    for (struct thread **at = &queue, *t; (t = *at); at = &t->next)
        if (t->affinity >> hart & 1) {
            *at = t->next;
            now = t->policy[PASS];
            if (slots < sizeof had - 1)
                had[slots++] = (char)('0' + t->policy[TICKETS]);
            return t;
        }
    return 0;
}

static PINNED_CONST const struct scheduler stride = {
    "stride", stride_init, stride_start, stride_stop, stride_block, stride_pick};
const struct scheduler *const aegis_scheduler = &stride;

static volatile int stop;
static void *compute(void *tickets)
{
    unsigned long n = 0;

    thread_self()->policy[TICKETS] = (unsigned long)tickets;
    while (!stop)
        n++;
    return (void *)n;
}

int main(int argc, char **argv)
{
    struct timespec second = {argc > 1 ? atoi(argv[1]) : 1, 0};
    unsigned long got[3], sum = 0;
    pthread_t t[3];

    for (unsigned long i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, compute, (void *)(3 - i));
    nanosleep(&second, NULL);
    stop = 1;
    for (int i = 0; i < 3; sum += got[i++])
        pthread_join(t[i], (void **)&got[i]);
    for (int i = 0; i < 3; i++)
        printf("%d tickets of 6: %.2f %%\n", 3 - i, 100.0 * got[i] / sum);
    printf("%s\n", had);
    return 0;
}
