/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scheduler of one's own: lottery scheduling (Waldspurger and Weihl, 1994). For each slot a ticket
 * is drawn; who holds it runs. Shares are right in the long run only. Three threads with 3, 2 and 1
 * tickets compute; what each got is printed.
 *
 * With slots of a millisecond (slice=1000) a second is a thousand of them.
 *
 *     aegis-cc -O2 -o lottery lottery.c
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <aegis/scheduler.h>

#define TICKETS 0 /* in struct thread's policy[] */

static PINNED_BSS struct thread *runnable;
static PINNED_BSS uint64_t drawn;

static void lottery_init(void)
{
    runnable = 0;
}

PINNED_CODE static void lottery_start(struct thread *t)
{
    t->next = runnable;
    runnable = t;
}

PINNED_CODE static void lottery_block(struct thread *t)
{
    (void)t;
}

PINNED_CODE static uint64_t tickets(const struct thread *t, unsigned hart)
{
    return t->affinity >> hart & 1 ? t->policy[TICKETS] + !t->policy[TICKETS] : 0;
}

PINNED_CODE static struct thread *lottery_pick(unsigned hart)
{
    uint64_t all = 0, winner;

    for (struct thread *t = runnable; t; t = t->next)
        all += tickets(t, hart);
    if (!all)
        return 0;
    drawn = drawn * 6364136223846793005 + 1442695040888963407;
    winner = (drawn >> 33) % all;
    for (struct thread **at = &runnable, *t; (t = *at); at = &t->next) {
        if (winner < tickets(t, hart)) {
            *at = t->next;
            return t;
        }
        winner -= tickets(t, hart);
    }
    return 0;
}

static PINNED_CONST const struct scheduler lottery = {
    "lottery", lottery_init, lottery_start, lottery_start, lottery_block, lottery_pick};
const struct scheduler *const aegis_scheduler = &lottery;

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
    for (int i = 0; i < 3; i++) {
        pthread_join(t[i], (void **)&got[i]);
        sum += got[i];
    }
    for (int i = 0; i < 3; i++)
        printf("%d tickets of 6: %.1f %%\n", 3 - i, 100.0 * got[i] / sum);
    return 0;
}
