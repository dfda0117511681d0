/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first environment: makes the session, starts the program that the archive asks for, keeps the
 * session (adds its memory, buries the dead) until that program ends, says how, and ends the
 * machine. Its records on the console's control channel are lines:
 *
 *     ready | notfound | notexec | exit N | signal N
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/scheduler.h>

#include "../../libos/fs/node.h"
#include "../../libos/posix/process.h"
#include "../../libos/proc/exec.h"
#include "../../libos/sched/thread.h"
#include "../../libos/session/apart.h"
#include "../../libos/session/chunk.h"
#include "../../libos/session/random.h"
#include "../../libos/tty/terminals.h"
#include "keeper.h"

#define WORDS   1024
#define LINGERS 5 /* seconds */

extern char **environ;

static void finish(const char *record, unsigned status) __attribute__((noreturn));
static void finish(const char *record, unsigned status)
{
    if (session_is_apart()) {
        processes_end();
        link_end(status);
        for (;;)
            aegis_env_destroy(AEGIS_SLOT_SELF);
    }
    console_print(3, record);
    for (;;)
        aegis_machine_end(AEGIS_SLOT_MACHINE, status);
}

static void complain(const char *name, const char *what)
{
    console_print(2, "init: ");
    console_print(2, name);
    console_print(2, ": ");
    console_print(2, what);
    console_print(2, "\n");
}

/* A list of strings in the archive; only whole ones count. */
static const char **words_of(const char *member, const char *otherwise, size_t size)
{
    static const char *words[2][WORDS + 1];
    static unsigned lists;
    struct cpio_file file;
    const char *text = otherwise, **list = words[lists++];
    unsigned count = 0;

    if (archive_file(member, &file) == 0) {
        text = (const char *)file.data;
        size = file.size;
    }
    while (size && text[size - 1])
        size--;
    for (size_t at = 0; at < size && count < WORDS; at += strlen(text + at) + 1)
        list[count++] = text + at;
    list[count] = NULL;
    return list;
}

/* A bare name is looked for in /bin. */
static void program_path(char *path, size_t size, const char *name)
{
    snprintf(path, size, "%s%s", strchr(name, '/') ? "" : "/bin/", name);
}

/* The first program leads a session and a group of its own, on the console. */
static int lead(struct process *p, void *unused)
{
    (void)unused;
    session_set(p->group, p->pid);
    session_set(p->session, p->pid);
    terminal_first(p);
    return 0;
}

/* `given`: by who started a session apart; else the archive says what runs. */
static void start(const char *const *given)
{
    static const char no_arguments[] = "lua", no_environment[] = "PATH=/bin\0HOME=/";
    struct strings arguments = {
        given ? given : words_of(".aegis/argv", no_arguments, sizeof no_arguments), true};
    struct strings environment = {
        given ? (const char *const *)environ
              : words_of(".aegis/environ", no_environment, sizeof no_environment),
        true};
    struct spawn_setup setup = {0};
    char path[1024];

    if (!arguments.list[0])
        finish("notfound\n", 127);
    program_path(path, sizeof path, arguments.list[0]);
    console_print(3, "ready\n");
    pid_t pid = process_spawn(path, &arguments, &environment, &setup, lead, NULL);
    if (pid == -ENOENT || pid == -ENOTDIR)
        finish("notfound\n", 127);
    if (pid < 0) {
        complain(arguments.list[0], strerror(-pid));
        finish("notexec\n", 126);
    }
}

static void report(int status) __attribute__((noreturn));
static void report(int status)
{
    char line[32];
    unsigned value = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);

    snprintf(line, sizeof line, WIFEXITED(status) ? "exit %u\n" : "signal %u\n", value);
    finish(line, WIFEXITED(status) ? value : 128 + value);
}

/* The session, and the files that every program finds: those of the archive, and the console. */
static int session_boot(void)
{
    size_t bytes;
    const uint8_t *archive = archive_map(&bytes);
    int error = session_create();

    if (!error) {
        random_seed(session_is_apart() ? (void *)LINK->seed
                                       : (void *)aegis_activation_current()->seed);
        uint64_t tick = 1000000000 / AEGIS_EXPOSED_STATE->time_hz;
        SESSION->boot_time = clock_now() - (int64_t)(clock_ticks() * tick);
        error = processes_create();
    }
    if (!error)
        error = file_system_boot();
    if (!error)
        error = files_import(archive, bytes);
    if (!error)
        error = terminals_boot();
    return error ? error : descriptors_boot();
}

/* What programs have sent and closed arrives, if it can be: for a while. */
static void linger(void)
{
    uint64_t until = time_now() + LINGERS * AEGIS_EXPOSED_STATE->time_hz;
    int status;

    while (keeper_lingers() && time_now() < until) {
        keeper_wait(until);
        keeper_step(&status);
    }
}

int main(int argc, char **argv)
{
    int status;

    if (session_is_apart())
        link_open();
    if (session_boot())
        finish("notexec\n", 126);
    start(session_is_apart() && argc > 0 ? (const char *const *)argv + 1 : NULL);
    while (!keeper_step(&status))
        keeper_wait(0);
    linger();
    report(status);
}
