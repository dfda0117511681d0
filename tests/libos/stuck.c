/* SPDX-License-Identifier: BSD-2-Clause */
/* A process that enters the session's monitor and never leaves it is ended, and everybody else goes on. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

void __aegis_monitor_enter(void);

static volatile int *inside;

static pid_t stuck(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        __aegis_monitor_enter();
        *inside = 1;
        for (;;)
            ;
    }
    while (!*inside)
        usleep(100);
    *inside = 0;
    return pid;
}

static int works(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(7);
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7;
}

int main(void)
{
    int status = 0;

    inside = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid = stuck();
    tap(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "stuck_in_the_monitor_is_ended");
    tap(works(), "stuck_others_go_on");
    pid = fork(); /* the parent of others, too */
    if (pid == 0) {
        stuck();
        _exit(works() ? 5 : 6);
    }
    tap(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 5, "stuck_below_somebody_else");
    tap(works(), "stuck_others_go_on_again");
    return tap_failed;
}
