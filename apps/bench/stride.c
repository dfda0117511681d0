/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stride scheduling of child environments from user level (SOSP'95 Figure 3). Three children give up
 * their own positions in the slice vector and compute; the parent gives each of its slots to the one
 * with the smallest pass, 3:2:1, without any privilege but that they are its children. What ran in a
 * slot is seen by whose count has moved. Lines: after each slot, the slots that each has had.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <aegis/aegis.h>
#include <aegis/pager.h>
#include <aegis/scheduler.h>

#include "../../libos/proc/space.h"
#include "../../libos/session/process.h"

#define CHILDREN 3
#define SLOTS    120
#define STRIDE1  6

static volatile struct {
    unsigned long work[CHILDREN];
    int ready, stop;
} *shared;

/* From here on it has no time but what it is given. */
static void positions_give_up(void)
{
    for (unsigned slot = SLOT_OWN; slot < SLOT_FIRST_PAGE; slot++)
        if (AEGIS_WHAT_TYPE(slot_claim(slot)->what) == AEGIS_SLICE)
            aegis_release(AEGIS_SLOT_SELF, slot);
}

static void child(int i)
{
    __atomic_fetch_add(&shared->ready, 1, __ATOMIC_SEQ_CST);
    positions_give_up();
    while (!shared->stop)
        shared->work[i]++;
    _exit(0);
}

static int ran(const unsigned long *before)
{
    int found = -1;

    for (int i = 0; i < CHILDREN; i++)
        if (shared->work[i] != before[i])
            found = found < 0 ? i : CHILDREN;
    return found;
}

int main(void)
{
    unsigned slots[CHILDREN], had[CHILDREN] = {0}, pass[CHILDREN] = {0};
    unsigned long before[CHILDREN];
    pid_t pid[CHILDREN];

    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < CHILDREN; i++)
        if ((pid[i] = fork()) == 0)
            child(i);
    while (shared->ready < CHILDREN)
        thread_yield();
    for (int i = 0; i < CHILDREN; i++)
        slots[i] = process_slot(process_find(pid[i]));
    thread_yield(); /* the slots in which they gave theirs up are over */
    for (int n = 0; n < SLOTS; n++) {
        int next = 0;
        for (int i = 1; i < CHILDREN; i++)
            next = pass[i] < pass[next] ? i : next;
        pass[next] += STRIDE1 / (unsigned)(CHILDREN - next);
        memcpy(before, (const void *)shared->work, sizeof before);
        if (thread_yield_to(slots[next]))
            return 1;
        int who = ran(before);
        if (who < 0 || who == CHILDREN)
            return 2;
        had[who]++;
        printf("%u\t%u\t%u\n", had[0], had[1], had[2]);
    }
    shared->stop = 1;
    for (int i = 0; i < CHILDREN; i++)
        while (waitpid(pid[i], NULL, WNOHANG) == 0)
            if (thread_yield_to(slots[i]))
                thread_yield();
    return 0;
}
