/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes: made, ended, waited for; and one that gives way to another. */
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "figure.h"

static void fork_exit_wait(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
}

/* The program is this one, which does nothing when it is told so. */
static void fork_exec_wait(const char *self)
{
    pid_t child = fork();

    if (child == 0) {
        execl(self, "nothing", (char *)NULL);
        _exit(127);
    }
    waitpid(child, NULL, 0);
}

/* There and back is two switches. */
static unsigned long yield_switch(void)
{
    pid_t child = fork();

    while (child == 0)
        sched_yield();
    unsigned long there_and_back = FIGURE_MEAN(10, 20, sched_yield());
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return there_and_back / 2;
}

int main(int argc, char **argv)
{
    if (argc && !strcmp(argv[0], "nothing"))
        return 0;
    figure_report("fork_exit_wait", FIGURE_MEAN(4, 4, fork_exit_wait()));
    figure_report("fork_exec_wait", FIGURE_MEAN(4, 4, fork_exec_wait("/bin/figures-process")));
    figure_report("yield_switch", yield_switch());
    return 0;
}
