/* SPDX-License-Identifier: BSD-2-Clause */
/* ioctl on a terminal, from either side. */
#include <errno.h>
#include <signal.h>

#include "../posix/user.h"
#include "terminals.h"

/* What follows is asked for by a file of the terminal, which may have lost it, and by a process
 * that may be in the background. In the monitor. */
static int may_change(const struct file *file, const struct terminal *t)
{
    if (file->type == FILE_PTY_MASTER)
        return 0;
    return terminal_lost(file, t) ? -EIO : terminal_allows(t, SIGTTOU);
}

/* ---- settings ---- */

static int settings_get(const struct terminal *t, unsigned long argument)
{
    struct termios settings;

    monitor_enter();
    settings = t->settings;
    monitor_leave();
    return user_copy_out((void *)argument, &settings, sizeof settings);
}

/* Output goes out as it is written: there is none to wait for. */
static int settings_set(struct file *file, struct terminal *t, unsigned long argument, bool flush)
{
    struct termios settings;
    int error = user_copy_in(&settings, (void *)argument, sizeof settings);

    if (error)
        return error;
    monitor_enter();
    error = may_change(file, t);
    if (!error && flush)
        terminal_flush_input(t);
    if (!error)
        terminal_set(t, &settings);
    monitor_leave();
    return error;
}

static int window_get(const struct terminal *t, unsigned long argument)
{
    struct winsize window;

    monitor_enter();
    window = t->window;
    monitor_leave();
    return user_copy_out((void *)argument, &window, sizeof window);
}

static int window_set(struct terminal *t, unsigned long argument)
{
    struct winsize window;
    int error = user_copy_in(&window, (void *)argument, sizeof window);

    if (error)
        return error;
    monitor_enter();
    terminal_resize(t, &window);
    monitor_leave();
    return 0;
}

/* ---- flow ---- */

static void flow(struct terminal *t, unsigned long action)
{
    if (action == TCOOFF || action == TCOON)
        terminal_hold(t, action == TCOOFF);
    else
        terminal_send(t, t->settings.c_cc[action == TCIOFF ? VSTOP : VSTART]);
}

static void flush(struct terminal *t, unsigned long queue)
{
    if (queue != TCOFLUSH)
        terminal_flush_input(t);
    if (queue != TCIFLUSH)
        terminal_flush_output(t);
}

static int change(struct file *file, struct terminal *t, unsigned long request,
                  unsigned long argument)
{
    if ((request == TCXONC && argument > TCION) || (request == TCFLSH && argument > TCIOFLUSH))
        return -EINVAL;
    monitor_enter();
    int error = may_change(file, t);
    if (!error && request == TCXONC)
        flow(t, argument);
    else if (!error && request == TCFLSH)
        flush(t, argument);
    monitor_leave();
    return error;
}

/* ---- whose it is ---- */

static int group_get(const struct file *file, struct terminal *t, unsigned long argument)
{
    monitor_enter();
    bool mine = file->type == FILE_PTY_MASTER || terminal_of(process_self) == t;
    pid_t group = t->foreground;
    monitor_leave();
    if (!mine)
        return -ENOTTY;
    if (!group)
        group = 0x7fffffff; /* none: POSIX wants a number that is no group's */
    return user_copy_out((void *)argument, &group, sizeof group);
}

static int group_set(struct file *file, struct terminal *t, unsigned long argument)
{
    pid_t group;
    int error = user_copy_in(&group, (void *)argument, sizeof group);

    if (error)
        return error;
    monitor_enter();
    error = terminal_of(process_self) == t ? may_change(file, t) : -ENOTTY;
    if (!error)
        error = terminal_foreground_set(t, group);
    monitor_leave();
    return error;
}

static int session_get(const struct file *file, struct terminal *t, unsigned long argument)
{
    monitor_enter();
    bool mine = file->type == FILE_PTY_MASTER || terminal_of(process_self) == t;
    pid_t session = t->session;
    monitor_leave();
    return mine && session ? user_copy_out((void *)argument, &session, sizeof session) : -ENOTTY;
}

static int acquire(struct terminal *t)
{
    monitor_enter();
    int error = terminal_of(process_self) == t || terminal_acquire(t, process_self) ? 0 : -EPERM;
    monitor_leave();
    return error;
}

static int give_up(struct terminal *t)
{
    monitor_enter();
    bool mine = terminal_of(process_self) == t;
    if (mine && process_self->session == process_self->pid)
        terminal_disown(t);
    if (mine)
        session_set(process_self->terminal, 0);
    monitor_leave();
    return mine ? 0 : -ENOTTY;
}

/* ---- the rest ---- */

static int count_get(size_t count, unsigned long argument)
{
    int value = (int)count;

    return user_copy_out((void *)argument, &value, sizeof value);
}

static int exclusive_set(struct terminal *t, bool on)
{
    monitor_enter();
    session_set(t->flags,
                on ? t->flags | TERMINAL_EXCLUSIVE : t->flags & ~(uint32_t)TERMINAL_EXCLUSIVE);
    monitor_leave();
    return 0;
}

/* A byte as if it had been typed: on one's own terminal only. */
static int type_byte(struct terminal *t, unsigned long argument)
{
    uint8_t byte;
    int error = user_copy_in(&byte, (void *)argument, 1);

    if (error)
        return error;
    monitor_enter();
    if (terminal_of(process_self) != t)
        error = -EPERM;
    else if (!terminal_input(t, &byte, 1))
        error = -EAGAIN;
    monitor_leave();
    return error;
}

static int ask(struct file *file, struct terminal *t, unsigned long request,
               unsigned long argument)
{
    switch (request) {
    case TCGETS:
        return settings_get(t, argument);
    case TIOCGWINSZ:
        return window_get(t, argument);
    case TIOCGPGRP:
        return group_get(file, t, argument);
    case TIOCGSID:
        return session_get(file, t, argument);
    case FIONREAD:
        return count_get(file->type == FILE_PTY_MASTER ? t->out_end - t->out_head
                                                       : terminal_readable(t),
                         argument);
    case TIOCOUTQ:
        return count_get(t->out_end - t->out_head, argument);
    default:
        return -ENOTTY;
    }
}

int terminal_ioctl(struct file *file, unsigned long request, unsigned long argument)
{
    struct terminal *t = file->object;

    switch (request) {
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
        return settings_set(file, t, argument, request == TCSETSF);
    case TCSBRK:
    case TCXONC:
    case TCFLSH:
        return change(file, t, request, argument);
    case TIOCSWINSZ:
        return window_set(t, argument);
    case TIOCSPGRP:
        return group_set(file, t, argument);
    case TIOCSCTTY:
        return acquire(t);
    case TIOCNOTTY:
        return give_up(t);
    case TIOCEXCL:
    case TIOCNXCL:
        return exclusive_set(t, request == TIOCEXCL);
    case TIOCSTI:
        return type_byte(t, argument);
    default:
        return terminal_lost(file, t) && file->type != FILE_PTY_MASTER
                   ? -EIO
                   : ask(file, t, request, argument);
    }
}
