/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * udp_load (SOSP'95, Figure 2): how long a datagram waits for its owner, who sleeps, while others compute. One process asks
 * another straight on the ring at moments that nothing is in step with; a question carries the time at which it left. What is
 * told is the longest wait, in rotations of the slice vector: positions times the length of a slice.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <aegis/exposed.h>
#include <aegis/raw.h>

#define SERVER 7001
#define CLIENT 7002
#define QUESTIONS 6

static const unsigned loads[] = {1, 2, 5, 10, 20};

static struct shared {
    volatile unsigned long rotation; /* 0: not yet */
    volatile unsigned long asked;
    volatile int wrong;
} *shared;

static unsigned long now(void)
{
    unsigned long t;
    __asm__ volatile("rdtime %0" : "=r"(t));
    return t;
}

static void ask(unsigned long after)
{
    struct raw_datagram d;
    unsigned long begin = now();

    while (now() - begin < after)
        ;
    begin = now();
    if (raw_send(CLIENT, raw_address(), SERVER, &begin, sizeof begin))
        exit(1);
    raw_flush();
    while (!raw_next(&d))
        raw_wait(0);
    raw_done(&d);
}

/* The client asks so often, over and over, when it is told to. */
static void client(void)
{
    shared->wrong = raw_open(CLIENT);
    for (unsigned long q = 0;; q++) {
        while (!shared->rotation)
            usleep(1000);
        ask((q * 618 + 31) % 1000 * shared->rotation / 1000); /* the golden section: spread evenly */
        if (++shared->asked == QUESTIONS)
            shared->rotation = 0;
    }
}

/* Until all is asked: the longest wait and the sum. */
static void serve(unsigned long *worst, unsigned long *sum)
{
    struct raw_datagram d;

    for (unsigned long answered = 0; answered < QUESTIONS; raw_wait(0))
        while (raw_next(&d)) {
            unsigned long begin;
            memcpy(&begin, d.bytes, sizeof begin);
            unsigned long waited = now() - begin;
            *sum += waited;
            *worst = waited > *worst ? waited : *worst;
            raw_answer(&d, d.size);
            raw_flush();
            answered++;
        }
}

static void child(void (*run)(void))
{
    if (!fork()) {
        run();
        _exit(0);
    }
}

static void busy(void)
{
    for (;;)
        __asm__ volatile("");
}

/* The server's position comes first, the client's next: the others lie between a question and who is asked. */
int main(void)
{
    unsigned long slice = AEGIS_EXPOSED_STATE->slice_ticks, most = 0;

    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (raw_open(SERVER))
        return 1;
    child(client);
    for (unsigned i = 0, there = 0; i < sizeof loads / sizeof *loads; i++) {
        unsigned long worst = 0, sum = 0, rotation = slice * (loads[i] + 2);
        for (; there < loads[i]; there++)
            child(busy);
        shared->asked = 0;
        shared->rotation = rotation;
        serve(&worst, &sum);
        worst = (worst * 1000 + rotation - 1) / rotation;
        printf("udp_load.%u\t%lu.%03lu\n", loads[i], worst / 1000, worst % 1000);
        printf("udp_load.%u_mean_us\t%lu\n", loads[i], sum / QUESTIONS * 1000000 / AEGIS_EXPOSED_STATE->time_hz);
        fflush(stdout);
        most = worst > most ? worst : most;
    }
    printf("udp_load\t%lu.%03lu\n", most / 1000, most % 1000);
    fflush(stdout);
    return shared->wrong;
}
