// SPDX-License-Identifier: BSD-2-Clause
//
// readline.c on the host: prints each line in brackets until the input ends. Keys come from
// standard input, taken for a terminal.

#include <aegis/tty.h>
#include <readline/history.h>
#include <readline/readline.h>

#include <stdio.h>
#include <stdlib.h>

int isatty(int fd)
{
    (void)fd;
    return 1;
}

int aegis_tty_raw(int on)
{
    (void)on;
    return 0;
}

int aegis_tty_size(int *rows, int *columns)
{
    (void)rows, (void)columns;
    return -1;
}

int main(void)
{
    char *line;
    while ((line = readline("> "))) {
        add_history(line);
        fprintf(stderr, "[%s]\n", line);
        free(line);
    }
    clear_history();
    return 0;
}
