/* SPDX-License-Identifier: BSD-2-Clause */
/* Job control: whose terminal it is, and who may use it. In the monitor, but terminal_end. */
#include <errno.h>
#include <signal.h>

#include "../signal/signals.h"
#include "terminals.h"

/* ---- groups ---- */

struct group_look {
    pid_t group, session;
    int signal;
    bool found;
};

static int signal_member(struct process *p, void *argument)
{
    const struct group_look *look = argument;

    if (p->group == look->group && p->state != PROCESS_ZOMBIE)
        signal_post(p, look->signal, NULL);
    return 0;
}

static void group_signal(pid_t group, int signal)
{
    struct group_look look = {.group = group, .signal = signal};

    if (group)
        process_each(signal_member, &look);
}

static int is_of_group_and_session(struct process *p, void *argument)
{
    const struct group_look *look = argument;

    return p->group == look->group && p->session == look->session;
}

/* ---- who may use it ---- */

struct terminal *terminal_of(const struct process *p)
{
    if (!p || !p->terminal || !terminals())
        return NULL;
    struct terminal *t = terminals()->terminal[p->terminal - 1];
    return t && t->session == p->session ? t : NULL;
}

int terminal_allows(const struct terminal *t, int signal)
{
    const struct process *p = process_self;

    if (terminal_of(p) != t || !t->foreground || t->foreground == p->group)
        return 0;
    if (signal_blocked(signal) || signal_ignored(signal))
        return signal == SIGTTIN ? -EIO : 0;
    if (group_orphaned(p->group))
        return -EIO;
    group_signal(p->group, signal);
    return -EINTR;
}

int terminal_foreground_set(struct terminal *t, pid_t group)
{
    struct group_look look = {.group = group, .session = process_self->session};

    if (terminal_of(process_self) != t)
        return -ENOTTY;
    if (group <= 0)
        return -EINVAL;
    if (!process_each(is_of_group_and_session, &look))
        return -EPERM;
    session_set(t->foreground, group);
    channel_wake(&t->input); /* who waits may be in the background now */
    return 0;
}

void terminal_signal(struct terminal *t, int signal)
{
    group_signal(t->foreground, signal);
}

void terminal_resize(struct terminal *t, const struct winsize *window)
{
    const struct winsize *old = &t->window;

    if (old->ws_row == window->ws_row && old->ws_col == window->ws_col &&
        old->ws_xpixel == window->ws_xpixel && old->ws_ypixel == window->ws_ypixel)
        return;
    session_store(&t->window, window, sizeof *window);
    terminal_signal(t, SIGWINCH);
}

/* ---- whose it is ---- */

static int give_to_member(struct process *p, void *argument)
{
    const struct terminal *t = argument;

    if (p->session == t->session)
        session_set(p->terminal, t->index + 1);
    return 0;
}

bool terminal_acquire(struct terminal *t, struct process *p)
{
    if (p->session != p->pid || terminal_of(p) || t->session)
        return false;
    session_set(t->session, p->session);
    session_set(t->foreground, p->group);
    process_each(give_to_member, t);
    session_set(p->terminal, t->index + 1); /* it may be too new to be found */
    return true;
}

void terminal_first(struct process *p)
{
    if (terminals() && terminals()->terminal[0])
        terminal_acquire(terminals()->terminal[0], p);
}

void terminal_disown(struct terminal *t)
{
    if (t->foreground) {
        group_signal(t->foreground, SIGHUP);
        group_signal(t->foreground, SIGCONT);
    }
    session_set(t->session, 0);
    session_set(t->foreground, 0);
}

void terminal_hang_up(struct terminal *t)
{
    terminal_disown(t);
    session_set(t->hangups, t->hangups + 1);
    terminal_flush_input(t);
    terminal_hold(t, false);
    channel_wake(&t->input);
    channel_wake(&t->output);
    channel_wake(&t->master);
}

void terminal_end(struct process *p)
{
    monitor_enter();
    struct terminal *t = p->session == p->pid ? terminal_of(p) : NULL;
    if (t)
        terminal_hang_up(t);
    monitor_leave();
}
