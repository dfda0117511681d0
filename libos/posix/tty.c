/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Standard input. If it is a terminal its bytes go through the line discipline, also while the
 * program computes: whenever a slot begins and the console has more than we have seen, the thread
 * is made to look, for there may be a ctrl-C.
 */
#include <aegis/tty.h>

#include <errno.h>
#include <signal.h>
#include <string.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>

#include "../sched/thread.h"
#include "../tty/discipline.h"
#include "../upcall/upcall_asm.h"
#include "process.h"
#include "signals.h"

static struct discipline discipline;
static int present;
static int ended;                /* the console's input is over */
static PINNED_BSS uint64_t seen; /* of input_count */
static PINNED_BSS int looking;   /* the discipline is in use: the hook must not enter it */
static unsigned rows, columns;

static void echo(const char *bytes, size_t size)
{
    console_put(1, bytes, size);
}

int tty_present(void)
{
    return present;
}

/* Moves what the console has into the discipline; the signal that a key asked for, or 0. */
static int take_input(void)
{
    static const int signals[] = {0, SIGINT, SIGQUIT, SIGTSTP};
    uint8_t bytes[64];
    int signal = 0;
    long n;

    seen = AEGIS_EXPOSED_STATE->input_count;
    if (discipline_room(&discipline) < sizeof bytes)
        return 0; /* typed far ahead: the console keeps the rest */
    while ((n = console_get(bytes, sizeof bytes)) > 0) {
        for (long i = 0; i < n; i++) {
            enum discipline_signal s = discipline_input(&discipline, bytes[i]);
            signal = s ? signals[s] : signal;
        }
        if (discipline_room(&discipline) < sizeof bytes)
            break;
    }
    if (n == 0)
        ended = 1;
    return signal;
}

PINNED_CODE static int input_hook(void)
{
    return AEGIS_EXPOSED_STATE->input_count != seen && !looking;
}

static void input_function(struct context *saved, long argument)
{
    (void)argument;
    looking++;
    int signal = take_input();
    looking--;
    if (signal)
        raise(signal);
    context_return(saved);
}

static unsigned number(const uint8_t **at, const uint8_t *end)
{
    unsigned n = 0;
    while (*at < end && (**at < '0' || **at > '9'))
        ++*at;
    for (; *at < end && **at >= '0' && **at <= '9'; ++*at)
        n = n * 10 + (**at - '0');
    return n;
}

void tty_boot(void)
{
    struct cpio_file file;

    discipline.echo = echo;
    if (archive_file(".aegis/tty", &file))
        return;
    const uint8_t *at = file.data, *end = at + file.size;
    rows = number(&at, end);
    columns = number(&at, end);
    present = 1;
    slice_hook_function = input_function;
    slice_hook = input_hook;
}

static long read_line(uint8_t *buffer, size_t size)
{
    int signal = 0;

    looking++;
    while (!signal && !discipline_ready(&discipline)) {
        signal = take_input();
        if (signal || discipline_ready(&discipline))
            break;
        if (ended) {
            looking--;
            return 0;
        }
        console_wait(seen);
    }
    long n = signal ? -EINTR : (long)discipline_read(&discipline, buffer, size);
    looking--;
    if (signal)
        raise(signal);
    return n;
}

static long read_bytes(uint8_t *buffer, size_t size)
{
    long n;

    for (;;) {
        seen = AEGIS_EXPOSED_STATE->input_count;
        n = console_get(buffer, size);
        if (n != AEGIS_E_AGAIN)
            return n < 0 ? -EIO : n;
        console_wait(seen);
    }
}

long tty_read(uint8_t *buffer, size_t size)
{
    if (!size)
        return 0;
    if (!present)
        return read_bytes(buffer, size);
    long n;
    do {
        n = read_line(buffer, size);
    } while (n == -EINTR && signal_restart());
    return n;
}

int aegis_tty_raw(int on)
{
    if (!present) {
        errno = ENOTTY;
        return -1;
    }
    int before = discipline.raw;
    looking++;
    discipline_mode(&discipline, on);
    looking--;
    return before;
}

int aegis_tty_size(int *row_count, int *column_count)
{
    uint64_t window = AEGIS_EXPOSED_STATE->resize;

    if (!present) {
        errno = ENOTTY;
        return -1;
    }
    *row_count = (int)(window ? window >> 32 : rows);
    *column_count = (int)(window ? window & 0xffffffff : columns);
    return 0;
}
