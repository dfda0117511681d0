/* SPDX-License-Identifier: BSD-2-Clause */
/* Schedulers that are wrong, put in place while the program runs: rubbish, a fault, a loop. Each is
 * this environment's end and nobody else's. */
#include <aegis/scheduler.h>

#include <sched.h>
#include <stdio.h>
#include <string.h>

PINNED_CODE static void nothing(void)
{
}

PINNED_CODE static void accept(struct thread *t)
{
    (void)t;
}

PINNED_CODE static struct thread *rubbish(unsigned hart)
{
    return (struct thread *)(0x123456789aUL + hart);
}

PINNED_CODE static struct thread *fault(unsigned hart)
{
    return *(struct thread *volatile *)(8UL * hart);
}

PINNED_CODE static struct thread *loop(unsigned hart)
{
    for (;;)
        __asm__ volatile("" ::"r"(hart));
    return 0;
}

static PINNED_CONST const struct scheduler wrong[] = {
    {"rubbish", nothing, accept, accept, accept, rubbish},
    {"fault", nothing, accept, accept, accept, fault},
    {"loop", nothing, accept, accept, accept, loop},
};

int main(int argc, char **argv)
{
    struct aegis_predicate never = {AEGIS_NONE, AEGIS_EQ, 8, 0, 0};

    for (unsigned i = 0; argc > 1 && i < sizeof wrong / sizeof wrong[0]; i++)
        if (!strcmp(argv[1], wrong[i].name)) {
            scheduler_set(&wrong[i]);
            thread_wait(&never, 1, 0); /* has it asked for the next */
        }
    puts("still there");
    return 0;
}
