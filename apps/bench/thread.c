/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults that the program skips, as a signal and by an upcall of its own; a mutex; threads in turn. */
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <ucontext.h>

#include <aegis/pager.h>
#include <aegis/upcall.h>

#include "figure.h"
#include "trap.h"

static volatile int skipped;

static void skip(int signal, siginfo_t *information, void *context)
{
    (void)signal;
    skipped += (char *)information->si_addr == page;
    ((ucontext_t *)context)->uc_mcontext.__gregs[REG_PC] += 4;
}

static void *nothing(void *argument)
{
    return argument;
}

static void create_join(void)
{
    pthread_t t;

    pthread_create(&t, NULL, nothing, NULL);
    pthread_join(t, NULL);
}

int main(void)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    struct sigaction action = {.sa_flags = SA_SIGINFO};
    unsigned long n;

    page[0] = 1;
    pager_protect((uintptr_t)page, 1, AEGIS_R);
    action.sa_sigaction = skip;
    sigaction(SIGSEGV, &action, NULL);
    n = FIGURE_MEAN(4, 16, touch());
    if (skipped != 20)
        return 1;
    figure_report("signal_trap", n);
    figure_report("upcall_trap", trap_figure());
    n = FIGURE_MEAN(4, 16, (pthread_mutex_lock(&mutex), pthread_mutex_unlock(&mutex)));
    figure_report("mutex", n);
    n = FIGURE_MEAN(4, 16, create_join());
    figure_report("thread_cycle", n);
    return 0;
}
