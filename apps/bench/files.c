/* SPDX-License-Identifier: BSD-2-Clause */
/* The figures of files and pipes. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "figure.h"

#define PIPE_BYTES 65536

static char block[PIPE_BYTES] __attribute__((aligned(4096)));

static void file_cycle(void)
{
    int fd = open("/tmp/cycle", O_WRONLY | O_CREAT | O_EXCL, 0644);

    if (fd < 0 || write(fd, block, 1024) != 1024 || close(fd) || unlink("/tmp/cycle"))
        abort();
}

static void files(void)
{
    struct stat status;
    int fd = open("/tmp/f", O_RDWR | O_CREAT, 0644);

    if (fd < 0 || write(fd, block, sizeof block) != sizeof block)
        abort();
    figure_report("file_cycle", FIGURE_MEAN(4, 16, file_cycle()));
    figure_report("stat", FIGURE_MEAN(4, 16, stat("/tmp/f", &status)));
    figure_report("open_close", FIGURE_MEAN(4, 16, close(open("/tmp/f", O_RDONLY))));
    figure_report("read_4k",
                  FIGURE_MEAN(4, 16, (lseek(fd, 4096, SEEK_SET), read(fd, block, 4096))));
}

/* The partner: sends back each byte until 'q', then takes what is sent and says when it has it. */
static void partner(int in, int out)
{
    char byte = 0;

    while (read(in, &byte, 1) == 1 && byte != 'q')
        write(out, &byte, 1);
    for (;;) {
        for (size_t have = 0; have < PIPE_BYTES;) {
            ssize_t n = read(in, block + have, PIPE_BYTES - have);
            if (n <= 0)
                _exit(0);
            have += (size_t)n;
        }
        write(out, &byte, 1);
    }
}

static void pipes(void)
{
    int to[2], from[2];
    char byte = 'p';

    if (pipe(to) || pipe(from))
        abort();
    pid_t child = fork();
    if (!child) {
        close(to[1]);
        partner(to[0], from[1]);
    }
    close(to[0]);
    close(from[1]);
    figure_report("pipe_pingpong",
                  FIGURE_MEAN(8, 32, (write(to[1], &byte, 1), read(from[0], &byte, 1))));
    byte = 'q';
    write(to[1], &byte, 1);
    figure_report("pipe_64k",
                  FIGURE_MEAN(4, 8, (write(to[1], block, PIPE_BYTES), read(from[0], &byte, 1))));
    close(to[1]);
    waitpid(child, NULL, 0);
}

static void socket_pair(void)
{
    int s[2];
    char byte = 'p';

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
        abort();
    pid_t child = fork();
    if (!child) {
        close(s[0]);
        while (read(s[1], &byte, 1) == 1)
            write(s[1], &byte, 1);
        _exit(0);
    }
    close(s[1]);
    figure_report("socketpair_pingpong",
                  FIGURE_MEAN(8, 32, (write(s[0], &byte, 1), read(s[0], &byte, 1))));
    close(s[0]);
    waitpid(child, NULL, 0);
}

int main(void)
{
    files();
    pipes();
    socket_pair();
    return 0;
}
