/* SPDX-License-Identifier: BSD-2-Clause */
/* What libraries ask of the shell: system, popen, wordexp; and scripts as programs. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wordexp.h>

#include "tap.h"

extern char **environ;

static int exited(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void systems(void)
{
    struct sigaction now;

    tap(system(NULL) != 0, "shell_system_there_is_one");
    tap(exited(system("exit 3")) == 3 && exited(system("/nonexistent")) == 127, "shell_system_status");
    int status = system("kill -9 $$");
    tap(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "shell_system_signal");
    signal(SIGINT, SIG_DFL);
    tap(exited(system("kill -2 $PPID; exit 5")) == 5, "shell_system_ignores_sigint");
    tap(sigaction(SIGINT, NULL, &now) == 0 && now.sa_handler == SIG_DFL, "shell_system_restores_sigint");
    setenv("MARK", "there", 1);
    tap(exited(system("test \"$MARK\" = there")) == 0, "shell_system_environment");
}

static void popens(void)
{
    char line[64] = "";
    FILE *in = popen("echo one; exit 7", "r"), *out;

    tap(in && fgets(line, sizeof line, in) && !strcmp(line, "one\n") && !fgets(line, sizeof line, in), "shell_popen_reads");
    tap(in && exited(pclose(in)) == 7, "shell_pclose_status");
    out = popen("cat > /tmp/written", "w");
    fputs("two\n", out);
    /* an end of `out` that a later child kept would keep cat waiting */
    FILE *other = popen("sleep 1000", "w");
    tap(pclose(out) == 0, "shell_pclose_with_another_open");
    system("pkill sleep || killall sleep");
    pclose(other);
    in = fopen("/tmp/written", "r");
    tap(in && fgets(line, sizeof line, in) && !strcmp(line, "two\n"), "shell_popen_writes");
    fclose(in);
    errno = 0;
    tap(!popen("true", "x") && errno == EINVAL && pclose(stdin) == -1 && errno == ECHILD, "shell_popen_bad_arguments");
}

static int is(const wordexp_t *w, const char *const *words)
{
    size_t n = 0;

    while (n < w->we_wordc && words[n] && !strcmp(w->we_wordv[n], words[n]))
        n++;
    return n == w->we_wordc && !words[n] && !w->we_wordv[n];
}

#define WORDS(...) (const char *const[]){__VA_ARGS__, NULL}

static void words(void)
{
    wordexp_t w;

    setenv("A", "x  y", 1);
    setenv("HOME", "/root", 1);
    tap(wordexp("one 'two three' \"$A\" $A ~ $((2 + 3)) ${A%y}z", &w, 0) == 0 &&
            is(&w, WORDS("one", "two three", "x  y", "x", "y", "/root", "5", "x", "z")),
        "shell_wordexp");
    tap(wordexp("four", &w, WRDE_APPEND) == 0 && w.we_wordc == 10 && !strcmp(w.we_wordv[9], "four"), "shell_wordexp_append");
    wordfree(&w);
    tap(wordexp("`echo a b` $(echo c)", &w, 0) == 0 && is(&w, WORDS("a", "b", "c")), "shell_wordexp_commands");
    wordfree(&w);
    mkdir("/tmp/w", 0755);
    close(open("/tmp/w/1.c", O_CREAT | O_WRONLY, 0644));
    close(open("/tmp/w/2.c", O_CREAT | O_WRONLY, 0644));
    tap(wordexp("/tmp/w/*.c /tmp/w/*.h", &w, 0) == 0 && is(&w, WORDS("/tmp/w/1.c", "/tmp/w/2.c", "/tmp/w/*.h")), "shell_wordexp_patterns");
    wordfree(&w);
    tap(wordexp("$(true)", &w, WRDE_NOCMD) == WRDE_CMDSUB && wordexp("a|b", &w, 0) == WRDE_BADCHAR &&
            wordexp("a\nb", &w, 0) == WRDE_BADCHAR && wordexp("'a", &w, 0) == WRDE_SYNTAX && wordexp("${", &w, 0) == WRDE_SYNTAX &&
            wordexp("$NOWHERE", &w, WRDE_UNDEF) == WRDE_BADVAL,
        "shell_wordexp_errors");
    w.we_offs = 2;
    tap(wordexp("a", &w, WRDE_DOOFFS) == 0 && !w.we_wordv[0] && !w.we_wordv[1] && !strcmp(w.we_wordv[2], "a") && !w.we_wordv[3],
        "shell_wordexp_offsets");
    wordfree(&w);
}

static int script(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, mode);
    pid_t pid;

    write(fd, text, strlen(text));
    close(fd);
    chmod(path, mode);
    if ((pid = fork()) == 0) {
        execl(path, "zero", "a b", "c", NULL);
        _exit(200 + errno % 50);
    }
    int status;
    waitpid(pid, &status, 0);
    return exited(status);
}

static void *popen_often(void *argument)
{
    uintptr_t wrong = 0;

    for (int i = 0; i < 20; i++) {
        int n = (int)(uintptr_t)argument * 1000 + i;
        char command[32], line[32] = "";
        snprintf(command, sizeof command, "echo %d; exit %d", n, i);
        FILE *f = popen(command, "r");
        wrong += !f || !fgets(line, sizeof line, f) || atoi(line) != n;
        wrong += !f || exited(pclose(f)) != i;
    }
    return (void *)wrong;
}

static void popens_of_threads(void)
{
    pthread_t t[4];
    void *wrong;
    uintptr_t sum = 0;

    for (uintptr_t i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, popen_often, (void *)i);
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(t[i], &wrong);
        sum += (uintptr_t)wrong;
    }
    tap(!sum, "shell_popen_of_four_threads");
}

static void scripts(void)
{
    tap(script("/tmp/s1", "#!/bin/sh\ntest \"$0 $# $1\" = '/tmp/s1 2 a b' && exit 4\n", 0755) == 4, "shell_script");
    tap(script("/tmp/s2", "#! /bin/sh -eu\nfalse\nexit 9\n", 0755) == 1, "shell_script_with_an_argument");
    tap(script("/tmp/s3", "#!/tmp/s1\n", 0755) == 1, "shell_script_of_a_script");
    tap(script("/tmp/s4", "#!/tmp/s4\n", 0755) == 200 + ELOOP % 50, "shell_script_of_itself");
    tap(script("/tmp/s5", "#!/nonexistent\n", 0755) == 200 + ENOENT, "shell_script_without_interpreter");
    tap(script("/tmp/s6", "exit 1\n", 0755) == 200 + ENOEXEC, "shell_text_is_no_program");
    tap(script("/tmp/s7", "#!/bin/sh\n", 0644) == 200 + EACCES, "shell_script_without_the_right");
    tap(exited(system("/tmp/s6")) == 1, "shell_runs_text_itself");
}

int main(void)
{
    systems();
    popens();
    popens_of_threads();
    words();
    scripts();
    return tap_failed;
}
