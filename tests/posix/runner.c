/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs tests that were linked into this one program, each in a child of its own: with a group of its
 * own, its output in a file, and so many seconds. Lines on standard output:
 *
 *     begin NAME
 *     end NAME exit STATUS | end NAME signal NUMBER | end NAME late
 *     said TEXT              what a test that did not pass has printed
 *
 * The arguments: the number of the first test, 1 to hear what was said, and by what to multiply each
 * test's seconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runner.h"

#define OUTPUT "/tmp/posix.out"
#define SHOWN  1500

static void nap(long milliseconds)
{
    struct timespec t = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void child_run(const struct posix_test *test)
{
    char *arguments[] = {(char *)test->name, NULL};
    int out = open(OUTPUT, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    setpgid(0, 0);
    dup2(out, 1);
    dup2(out, 2);
    close(out);
    errno = 0; /* as a program finds it */
    exit(test->main(1, arguments));
}

/* Looks ever less often: what ends at once is seen at once, and waiting costs little. */
static int child_wait(pid_t pid, unsigned seconds, int *status)
{
    double end = now() + seconds;
    long pause = 1;

    while (now() < end) {
        pid_t got = waitpid(pid, status, WNOHANG);
        if (got)
            return got == pid;
        nap(pause);
        pause = pause < 50 ? pause * 2 : 50;
    }
    return 0;
}

static void output_show(void)
{
    static char text[SHOWN + 1];
    FILE *file = fopen(OUTPUT, "r");

    if (!file)
        return;
    text[fread(text, 1, SHOWN, file)] = 0;
    fclose(file);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        printf("said %s\n", line);
}

static void test_run(const struct posix_test *test, int verbose, unsigned times)
{
    int status = 0, ended;

    printf("begin %s\n", test->name);
    fflush(stdout);
    pid_t pid = fork();
    if (!pid)
        child_run(test);
    if (pid < 0) {
        printf("end %s fork\n", test->name);
        return;
    }
    ended = child_wait(pid, times * test->seconds, &status);
    kill(-pid, SIGKILL);
    if (!ended) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        printf("end %s late\n", test->name);
    } else if (WIFSIGNALED(status)) {
        printf("end %s signal %d\n", test->name, WTERMSIG(status));
    } else {
        printf("end %s exit %d\n", test->name, WEXITSTATUS(status));
    }
    if (verbose && (!ended || status))
        output_show();
}

int main(int argc, char **argv)
{
    unsigned first = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
    int verbose = argc > 2 && atoi(argv[2]);
    unsigned times = argc > 3 ? (unsigned)atoi(argv[3]) : 1;

    for (unsigned i = first; i < posix_test_count; i++)
        test_run(&posix_tests[i], verbose, times);
    printf("done\n");
    return 0;
}
