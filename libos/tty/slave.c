/* SPDX-License-Identifier: BSD-2-Clause */
/* Terminals as files: /dev/tty, /dev/console, /dev/pts/N. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>

#include <aegis/exposed.h>

#include "../fs/node.h"
#include "../posix/process.h"
#include "terminals.h"
#include "../session/apart.h"

#define INIT 1 /* its process number */

/* ---- which one ---- */

static int find_pts(unsigned number, struct terminal **t)
{
    *t = number + 1 < TERMINALS ? terminals()->terminal[number + 1] : NULL;
    if (!*t || !(*t)->masters)
        return -ENXIO;
    return (*t)->flags & TERMINAL_LOCKED ? -EIO : 0;
}

/* A standard stream of the first program, which init opens, is what the host has there. */
static int find_console(struct file *file, struct terminal **t)
{
    struct terminals *all = terminals();
    bool standard = process_self->pid == INIT;

    *t = all->terminal[0];
    if (!*t || (standard && all->stream[file->words[0] % 3] != STREAM_TERMINAL)) {
        *t = NULL;
        session_set(file->type, FILE_CONSOLE);
    }
    return 0;
}

static int find(struct file *file, struct terminal **t)
{
    dev_t device = file->node->device;

    if (DEVICE_MAJOR(device) == DEVICE_PTS)
        return find_pts(DEVICE_MINOR(device), t);
    if (DEVICE_MINOR(device) == 1)
        return find_console(file, t);
    *t = terminal_of(process_self);
    return *t ? 0 : -ENXIO;
}

static int terminal_open(struct file *file, int flags)
{
    struct terminal *t = NULL;
    int error = find(file, &t);

    if (error || !t)
        return error;
    if (t->flags & TERMINAL_EXCLUSIVE)
        return -EBUSY;
    if (!(flags & O_NOCTTY) && process_self->pid != INIT) /* it opens the console for others */
        terminal_acquire(t, process_self);
    session_set(file->object, t);
    session_set(file->words[1], t->hangups);
    session_set(t->opens, t->opens + 1);
    session_set(t->flags, t->flags | TERMINAL_OPENED);
    return 0;
}

static void terminal_closed(struct file *file)
{
    terminal_close(file->object, false);
}

/* Whether a read would find what it waits for; between bytes it has waited for the first. */
static bool readable(const struct terminal *t)
{
    const cc_t *cc = t->settings.c_cc;

    if (t->flags & TERMINAL_OVER)
        return true;
    if (t->settings.c_lflag & ICANON)
        return t->marks;
    return t->end - t->head >= (cc[VTIME] || !cc[VMIN] ? 1 : cc[VMIN]);
}

static unsigned terminal_poll(struct file *file, struct file_watch *watch)
{
    struct terminal *t = file->object;
    unsigned events = 0;

    if (terminal_lost(file, t))
        return POLLIN | POLLHUP;
    file_watch_add(watch, &t->input);
    file_watch_add(watch, &t->output);
    if (readable(t))
        events |= POLLIN;
    if (!(t->flags & TERMINAL_STOPPED) &&
        (!t->index || TERMINAL_RING - (t->out_end - t->out_head) >= COOKED_MOST))
        events |= POLLOUT;
    return events;
}

const struct file_operations terminal_operations = {.open = terminal_open,
                                                    .close = terminal_closed,
                                                    .read = terminal_read,
                                                    .write = terminal_write,
                                                    .ioctl = terminal_ioctl,
                                                    .poll = terminal_poll};

/* ---- the beginning ---- */

static const char *word(const char **at, const char *end, size_t *size)
{
    while (*at < end && (**at == ' ' || **at == '\n'))
        ++*at;
    const char *begin = *at;
    while (*at < end && **at != ' ' && **at != '\n')
        ++*at;
    *size = (size_t)(*at - begin);
    return begin;
}

static bool is_word(const char *text, size_t size, const char *word)
{
    while (size && *word == *text)
        word++, text++, size--;
    return !size && !*word;
}

/* Whether any is a terminal. */
static bool streams_read(uint32_t stream[3])
{
    static const char *const names[] = {"null", "pipe", "file", "terminal"};
    struct cpio_file file;
    bool any = false;

    if (session_is_apart()) {
        stream[0] = STREAM_NULL;
        stream[1] = stream[2] = STREAM_PIPE;
        return false;
    }
    if (archive_file(".aegis/streams", &file))
        return false;
    const char *at = (const char *)file.data, *end = at + file.size;
    for (unsigned i = 0; i < 3; i++) {
        size_t size;
        const char *text = word(&at, end, &size);
        for (unsigned kind = 0; kind < 4; kind++) {
            if (is_word(text, size, names[kind]))
                stream[i] = kind;
        }
        any |= stream[i] == STREAM_TERMINAL;
    }
    return any;
}

static unsigned short number(const char **at, const char *end)
{
    size_t size;
    const char *text = word(at, end, &size);
    unsigned n = 0;

    for (size_t i = 0; i < size && text[i] >= '0' && text[i] <= '9'; i++)
        n = (n * 10 + (unsigned)(text[i] - '0')) & 0xffff;
    return (unsigned short)n;
}

static struct winsize window_read(void)
{
    struct winsize window = {.ws_row = 24, .ws_col = 80};
    struct cpio_file file;

    if (archive_file(".aegis/tty", &file) == 0) {
        const char *at = (const char *)file.data, *end = at + file.size;
        window.ws_row = number(&at, end);
        window.ws_col = number(&at, end);
    }
    return window;
}

/* A terminal of the host's to which nobody types stays as its user has it: it makes the carriage
 * returns. */
static void console_make(const struct terminals *all, struct terminal *console,
                         const struct winsize *window)
{
    bool keys = all->stream[0] == STREAM_TERMINAL, shown = all->stream[1] == STREAM_TERMINAL;

    terminal_defaults(console);
    session_store(&console->window, window, sizeof *window);
    if (!keys || !shown)
        session_set(console->settings.c_oflag, OPOST);
    /* reads are then at their end from the beginning */
    if (!keys)
        session_set(console->flags, TERMINAL_OVER);
}

int terminals_boot(void)
{
    struct winsize window = window_read();
    uint32_t stream[3] = {0};
    bool any = streams_read(stream);
    int error = session_reserve(sizeof(struct terminals) + (TERMINAL_PAGES + 1) * 4096);

    if (error)
        return error;
    monitor_enter();
    struct terminals *all = session_alloc(sizeof *all);
    struct terminal *console = session_pages(TERMINAL_PAGES);
    if (!all || !console) {
        monitor_abandon();
        return -ENOMEM;
    }
    session_store(all->stream, stream, sizeof stream);
    if (any) {
        console_make(all, console, &window);
        all->terminal[0] = console;
    } else {
        session_pages_free(console, TERMINAL_PAGES);
    }
    all->channel = all->stream[1] == STREAM_TERMINAL ? 1 : 2;
    session_set(SESSION->terminals, all);
    monitor_leave();
    return 0;
}
