/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a flood of frames takes from a program that has nothing to do with it. Three compute in slots of their own; then one of
 * them serves datagrams instead, of which more come than it can answer. Told: what another one gets done in the same time,
 * before and then, in units of its loop a millisecond.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <aegis/exposed.h>
#include <aegis/raw.h>

#define MILLISECONDS 400

static volatile unsigned long *done; /* by the two who compute */

static unsigned long now(void)
{
    unsigned long t;
    __asm__ volatile("rdtime %0" : "=r"(t));
    return t;
}

static void child(volatile unsigned long *count)
{
    if (!fork())
        for (;;)
            ++*count;
}

static unsigned long answered;

static void serve(void)
{
    struct raw_datagram d;

    while (raw_next(&d)) {
        raw_answer(&d, d.size);
        answered++;
    }
    raw_flush();
}

/* What both of them get done while we do `what` all the time. */
static void measure(const char *name, void (*what)(void))
{
    unsigned long hz = AEGIS_EXPOSED_STATE->time_hz, begin, first[2];

    usleep(1000); /* a slot begins */
    first[0] = done[0];
    first[1] = done[64];
    for (begin = now(); now() - begin < MILLISECONDS * hz / 1000;)
        if (what)
            what();
    unsigned long took = (now() - begin) * 1000 / hz;
    for (int i = 0; i < 2; i++)
        printf("%s%d %lu\n", name, i, (done[64 * i] - first[i]) / took);
}

int main(void)
{
    const volatile struct aegis_net *net = &AEGIS_EXPOSED_STATE->net;

    done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (raw_open(7))
        return 1;
    child(&done[0]);
    child(&done[64]);
    measure("before", NULL);
    puts("flood");
    fflush(stdout);
    unsigned long dropped = net->dropped, unwanted = net->unwanted, received = net->received, polls = net->polls;
    raw_wait(0);
    measure("during", serve);
    printf("received %lu\nturns %lu\n", net->received - received, net->polls - polls);
    printf("answered %lu\ndropped %lu\nunwanted %lu\nover\n", answered, net->dropped - dropped, net->unwanted - unwanted);
    fflush(stdout);
    pause();
}
