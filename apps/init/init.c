/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first environment: starts the program that the archive asks for in an environment of its own,
 * waits until it ends, reports how, and ends the machine. Its records on the console's control
 * channel are lines:
 *
 *     ready | notfound | notexec | exit N | signal N
 */
#include <stdio.h>
#include <string.h>

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/pager.h>
#include <aegis/scheduler.h>

#include "../../libos/posix/process.h"
#include "spawn.h"

#define SIGNAL_FAULT  11
#define SIGNAL_KILLED 9

static void finish(const char *record, unsigned status) __attribute__((noreturn));
static void finish(const char *record, unsigned status)
{
    console_print(3, record);
    for (;;)
        aegis_machine_end(AEGIS_SLOT_MACHINE, status);
}

static void complain(const char *name, const char *what, const char *more)
{
    console_print(2, "init: ");
    console_print(2, name);
    console_print(2, what);
    console_print(2, more);
    console_print(2, "\n");
}

/* A list of strings in the archive; only whole ones count. */
static struct strings strings_of(const char *member, const char *otherwise, size_t size)
{
    struct cpio_file file;
    struct strings s = {otherwise, size, 0};

    if (archive_file(member, &file) == 0) {
        s.text = (const char *)file.data;
        s.size = file.size;
    }
    while (s.size && s.text[s.size - 1])
        s.size--;
    for (size_t i = 0; i < s.size; i++)
        s.count += s.text[i] == 0;
    return s;
}

/* A bare name is looked for in bin. */
static int program_find(const char *name, struct cpio_file *file)
{
    char path[256];

    if (strchr(name, '/'))
        return archive_file(name, file);
    if ((size_t)snprintf(path, sizeof path, "bin/%s", name) >= sizeof path)
        return -1;
    return archive_file(path, file);
}

static void wait_for_end(const struct child *child)
{
    struct aegis_predicate ended = {AEGIS_NONE, AEGIS_NE, 4,
                                    (uint32_t)AEGIS_EXPOSED_OFFSET(env[0].state) +
                                        child->index * (uint32_t)sizeof(struct aegis_env_record),
                                    AEGIS_ENV_LIVE};
    while (AEGIS_EXPOSED_STATE->env[child->index].state == AEGIS_ENV_LIVE)
        thread_wait(&ended, 1, 0);
}

static void report(const struct child *child) __attribute__((noreturn));
static void report(const struct child *child)
{
    uint64_t how = __atomic_load_n(&child->start->ended, __ATOMIC_ACQUIRE);
    unsigned value = child->start->value & 0xff, end = AEGIS_EXPOSED_STATE->env[child->index].end;
    char line[32];

    if (how != START_EXITED && how != START_SIGNALED) {
        /* it did not come to saying so */
        how = START_SIGNALED;
        value = end == AEGIS_END_FAULT ? SIGNAL_FAULT : SIGNAL_KILLED;
    }
    snprintf(line, sizeof line, how == START_EXITED ? "exit %u\n" : "signal %u\n", value);
    finish(line, how == START_EXITED ? value : 128 + value);
}

int main(void)
{
    static const char no_arguments[] = "lua", no_environment[] = "PATH=/bin\0HOME=/";
    struct strings arguments = strings_of(".aegis/argv", no_arguments, sizeof no_arguments);
    struct strings environment =
        strings_of(".aegis/environ", no_environment, sizeof no_environment);
    struct elf_program program;
    struct cpio_file file;
    struct child child;

    if (!arguments.count || program_find(arguments.text, &file))
        finish("notfound\n", 127);
    const char *wrong =
        elf_read(file.data, file.size, AEGIS_EXPOSED_STATE->free_pages * AEGIS_PAGE_SIZE, &program);
    if (wrong) {
        complain(arguments.text, ": cannot be run: ", wrong);
        finish("notexec\n", 126);
    }
    if (child_make(&child, file.data, &program, &arguments, &environment)) {
        complain(arguments.text, ": ", "not enough memory");
        finish("notexec\n", 126);
    }
    console_print(3, "ready\n");
    if (child_run(&child))
        finish("notexec\n", 126);
    wait_for_end(&child);
    report(&child);
}
