/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of a process. Who ends by itself closes what it holds, becomes a zombie and destroys its
 * environment; who was destroyed is closed by the session's keeper. Both do the same, and either
 * may be cut short anywhere: each part's end may be begun again.
 */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/netstack.h>
#include <aegis/pager.h>

#include "table.h"

int signal_send(struct process *to, int signal, int code, int value)
{
    siginfo_t information = {.si_signo = signal, .si_code = code};

    information.si_pid = process_self->pid;
    information.si_uid = process_self->uid;
    information.si_status = value;
    return signal_post(to, signal, &information);
}

/* ---- groups without anybody who could take care of them ---- */

/* Its parent, of another group of the session, takes care of its group. */
static bool is_kept(const struct process *p)
{
    const struct process *parent = process_find(p->parent);
    return p->state != PROCESS_ZOMBIE && parent && parent->state != PROCESS_ZOMBIE &&
           parent->group != p->group && parent->session == p->session;
}

static int is_kept_member(struct process *p, void *group)
{
    return p->group == *(pid_t *)group && is_kept(p);
}

bool group_orphaned(pid_t group)
{
    return !process_each(is_kept_member, &group);
}

static int is_stopped_member(struct process *p, void *group)
{
    return p->group == *(pid_t *)group && p->state == PROCESS_STOPPED;
}

static int hang_up(struct process *p, void *group)
{
    if (p->group == *(pid_t *)group && p->state != PROCESS_ZOMBIE) {
        signal_send(p, SIGHUP, SI_USER, 0);
        signal_send(p, SIGCONT, SI_USER, 0);
    }
    return 0;
}

/* Of a group that may have become an orphan just now. */
static void group_check(pid_t group)
{
    if (process_each(is_stopped_member, &group) && group_orphaned(group))
        process_each(hang_up, &group);
}

/* ---- zombies ---- */

static void entry_free(struct process *p)
{
    if (p->arguments) {
        session_free(p->arguments, p->arguments_size);
        session_set(p->arguments, NULL);
    }
    session_set(p->image, NULL);
    session_set(p->next_image, NULL);
    session_set(p->state, PROCESS_FREE);
    while (SESSION->process_high &&
           SESSION->processes[SESSION->process_high - 1].state == PROCESS_FREE)
        session_set(SESSION->process_high, SESSION->process_high - 1);
}

void process_collect(struct process *p)
{
    entry_free(p);
}

static int child_code(int status)
{
    return WIFEXITED(status) ? CLD_EXITED : WCOREDUMP(status) ? CLD_DUMPED : CLD_KILLED;
}

/* The parent hears of it; nobody's child, and one whose parent does not care, goes at once. */
static void become_zombie(struct process *p)
{
    struct process *parent = process_find(p->parent);
    bool kept = parent && (parent->pid != PID_INIT || p->pid == PID_FIRST) &&
                !(parent->flags & PROCESS_NOCLDWAIT);

    bool kept_group = is_kept(p);
    session_set(p->state, PROCESS_ZOMBIE);
    if (kept_group)
        group_check(p->group);
    if (parent && parent->pid != PID_INIT) {
        siginfo_t i = {.si_signo = SIGCHLD, .si_code = child_code(p->status)};
        i.si_pid = p->pid;
        i.si_uid = p->uid;
        i.si_status = WIFEXITED(p->status) ? WEXITSTATUS(p->status) : WTERMSIG(p->status);
        signal_post(parent, SIGCHLD, &i);
    }
    if (!kept)
        entry_free(p);
    if (parent)
        channel_wake(parent->pid == PID_INIT ? &SESSION->keeper_channel : &parent->child_channel);
}

static int give_to_init(struct process *c, void *argument)
{
    const struct process *p = argument;

    if (c->parent != p->pid || c == p)
        return 0;
    session_set(c->parent, PID_INIT);
    if (c->state == PROCESS_ZOMBIE)
        entry_free(c);
    else if (c->group != p->group && c->session == p->session)
        group_check(c->group);
    return 0;
}

static bool ending_begin(struct process *p, int status)
{
    monitor_enter();
    bool mine = p->state != PROCESS_FREE && p->state != PROCESS_ZOMBIE;
    if (mine && !(p->flags & PROCESS_ENDING)) {
        session_set(p->status, status);
        session_set(p->flags, p->flags | PROCESS_ENDING);
    }
    monitor_leave();
    return mine;
}

void process_close(struct process *p, int status)
{
    if (!ending_begin(p, status))
        return;
    signals_end(p);
    locks_end(p);
    descriptors_end(p);
    directories_end(p);
    terminal_end(p);
    if (aegis_netstack && aegis_netstack->end)
        aegis_netstack->end();
    monitor_enter();
    process_each(give_to_init, p);
    session_set(p->exec_done, 1);
    become_zombie(p);
    monitor_leave();
}

/* ---- those who did not say goodbye ---- */

/* The time that it was lent is what it lives by. */
static bool runs(uint64_t identity)
{
    return session_alive(identity) &&
           AEGIS_EXPOSED_STATE->env[identity & (AEGIS_ENVS - 1)].positions;
}

bool process_is_lost(const struct process *p)
{
    switch (p->state) {
    case PROCESS_NASCENT:
        return !session_alive(p->maker) && !runs(p->identity);
    case PROCESS_RUNNING:
    case PROCESS_STOPPED:
        return !session_alive(p->identity) && !runs(p->next_identity);
    default:
        return false;
    }
}

void environment_end(const struct aegis_capability *c)
{
    unsigned slot = slot_find();

    if (!c->what || !slot || aegis_claim(c->what, c->mac, slot).error)
        return;
    while (aegis_env_destroy(slot).error == AEGIS_E_AGAIN)
        ;
    page_put(slot);
}

void process_end_stuck(uint64_t identity)
{
    struct process *p = SESSION->processes, *end = p + SESSION->process_high;

    for (; p < end; p++) {
        if (p->identity == identity)
            environment_end(&p->control);
        if (p->next_identity == identity)
            environment_end(&p->next_control);
    }
}

void process_forget(struct process *p)
{
    environment_end(&p->control);
    locks_end(p);
    descriptors_end(p);
    directories_end(p);
    monitor_enter();
    entry_free(p);
    monitor_leave();
}

static int status_of(const struct process *p)
{
    uint32_t index = (uint32_t)(p->identity & (AEGIS_ENVS - 1));
    const volatile struct aegis_env_record *r = &AEGIS_EXPOSED_STATE->env[index];
    uint32_t end = session_identity_of(index) == p->identity ? r->end : AEGIS_END_CONTROLLER;

    if (p->pending >> SIGKILL & 1)
        return W_EXITCODE(0, SIGKILL);
    return end == AEGIS_END_FAULT ? W_EXITCODE(0, SIGSEGV) : W_EXITCODE(0, SIGKILL);
}

static void bury(struct process *p)
{
    if (p->state == PROCESS_NASCENT) {
        process_forget(p);
        return;
    }
    environment_end(&p->next_control);
    process_close(p, status_of(p));
}

bool processes_bury(void)
{
    bool any = false;

    for (unsigned i = 1; i < SESSION->process_high; i++) {
        struct process *p = &SESSION->processes[i];
        if (!process_is_lost(p))
            continue;
        monitor_enter(); /* which what it left half done ends */
        bool lost = process_is_lost(p);
        monitor_leave();
        if (lost)
            bury(p);
        any |= lost;
    }
    return any;
}
