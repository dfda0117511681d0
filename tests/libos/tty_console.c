/* SPDX-License-Identifier: BSD-2-Clause */
/* What the console's tests run: argument 1 says what to do with the standard streams. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static volatile sig_atomic_t came;

static void note(int signal)
{
    came = signal;
}

static void catch(int signal)
{
    struct sigaction action = {.sa_handler = note};
    sigaction(signal, &action, NULL);
}

/* For each stream: whether it is a terminal, and its type. */
static int kinds(void)
{
    for (int fd = 0; fd < 3; fd++) {
        struct stat s = {0};
        fstat(fd, &s);
        char type = S_ISFIFO(s.st_mode) ? 'p' : S_ISCHR(s.st_mode) ? 'c' : '?';
        printf("%d%c ", isatty(fd), type);
    }
    printf("\n");
    return 0;
}

/* All of the input: its size and a sum that order matters to. */
static int sum(void)
{
    static unsigned char block[65536];
    unsigned long count = 0, total = 0;
    ssize_t n;

    while ((n = read(0, block, sizeof block)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            total = (total * 31 + block[i]) & 0xffffffff;
        count += (unsigned long)n;
    }
    printf("%lu %lx\n", count, total);
    return n < 0 ? errno : read(0, block, 1) != 0;
}

static int copy(void)
{
    char block[1000];
    ssize_t n;

    while ((n = read(0, block, sizeof block)) > 0)
        if (write(1, block, (size_t)n) != n)
            return 1;
    return 0;
}

static int lines(void)
{
    char line[200];

    while (fgets(line, sizeof line, stdin))
        printf("[%.*s]\n", (int)strcspn(line, "\n"), line);
    return 0;
}

/* Polls before it reads. */
static int polled(void)
{
    struct pollfd p = {0, POLLIN, 0};
    char block[100];
    int total = 0;

    for (;;) {
        if (poll(&p, 1, -1) != 1 || !(p.revents & POLLIN))
            return 1;
        ssize_t n = read(0, block, sizeof block);
        if (n <= 0)
            break;
        total += (int)n;
    }
    printf("polled %d\n", total);
    return 0;
}

/* Does not read: only a key's signal ends it. */
static int computes(void)
{
    catch(SIGINT);
    printf("ready\n");
    fflush(stdout);
    while (!came)
        ;
    printf("signal %d\n", (int)came);
    return 0;
}

static int killed(void)
{
    printf("ready\n");
    fflush(stdout);
    while (!came)
        ;
    return 0;
}

static int window(void)
{
    struct winsize w;

    catch(SIGWINCH);
    ioctl(0, TIOCGWINSZ, &w);
    printf("%d %d\n", w.ws_row, w.ws_col);
    fflush(stdout);
    while (!came)
        pause();
    ioctl(0, TIOCGWINSZ, &w);
    printf("%d %d\n", w.ws_row, w.ws_col);
    return 0;
}

static int raw(void)
{
    struct termios s;
    char bytes[100];

    tcgetattr(0, &s);
    cfmakeraw(&s);
    tcsetattr(0, TCSAFLUSH, &s);
    write(1, "ready\n", 6);
    for (;;) {
        ssize_t n = read(0, bytes, sizeof bytes);
        for (ssize_t i = 0; i < n; i++) {
            char text[8];
            write(1, text, (size_t)snprintf(text, sizeof text, "%02x ", (unsigned char)bytes[i]));
            if (bytes[i] == 'q')
                return 0;
        }
    }
}

/* Types much into both outputs. */
static int flood(void)
{
    for (int i = 0; i < 20000; i++)
        if (printf("line %d of a flood\n", i) < 0)
            return 1;
    fprintf(stderr, "done\n");
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } all[] = {{"kinds", kinds},       {"sum", sum},       {"copy", copy},     {"lines", lines},
               {"polled", polled},     {"computes", computes}, {"killed", killed},
               {"window", window},     {"raw", raw},       {"flood", flood}};

    for (size_t i = 0; argc > 1 && i < sizeof all / sizeof all[0]; i++)
        if (!strcmp(argv[1], all[i].name))
            return all[i].run();
    return 99;
}
