/* SPDX-License-Identifier: BSD-2-Clause */
/* What the process table says of a process, as text. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <aegis/exposed.h>
#include <aegis/pager.h>

#include "../fd/table.h"
#include "../proc/busy_text.h"
#include "../tty/terminal.h"
#include "../vm/vm.h"
#include "mount.h"
#include "node.h"
#include "proc.h"

#define E ((const volatile struct aegis_exposed *)AEGIS_EXPOSED)

/* ---- looking ---- */

bool proc_process(pid_t pid, struct process *copy)
{
    monitor_enter();
    const struct process *p = process_find(pid);
    if (p)
        *copy = *p;
    monitor_leave();
    return p;
}

struct search {
    pid_t above, found;
};

static int search_one(struct process *p, void *argument)
{
    struct search *s = argument;

    if (p->pid > s->above && (!s->found || p->pid < s->found))
        s->found = p->pid;
    return 0;
}

pid_t proc_next(pid_t pid)
{
    struct search s = {pid, 0};

    monitor_enter();
    process_each(search_one, &s);
    monitor_leave();
    return s.found;
}

static uint64_t word_of(const struct process *p, int d)
{
    const struct descriptor_table *t = p ? p->descriptors : NULL;
    const struct descriptor_chunk *c = t && d < DESCRIPTORS ? t->chunk[d / CHUNK_WORDS] : NULL;
    return c ? c->word[d % CHUNK_WORDS] : 0;
}

bool proc_descriptor(pid_t pid, int descriptor)
{
    monitor_enter();
    bool is = word_of(process_find(pid), descriptor) != 0;
    monitor_leave();
    return is;
}

int proc_next_descriptor(pid_t pid, int descriptor)
{
    int d = descriptor + 1;

    monitor_enter();
    const struct process *p = process_find(pid);
    while (p && d < DESCRIPTORS && !word_of(p, d))
        d++;
    monitor_leave();
    return p && d < DESCRIPTORS ? d : -1;
}

/* ---- pages ---- */

unsigned long proc_pages_of(uint32_t environment)
{
    static SELDOM_BSS uint32_t pages[AEGIS_ENVS];
    static int64_t counted;
    int64_t now = files_now();

    if (!counted || now - counted > 500000000) {
        const volatile struct aegis_page *p =
            (const volatile struct aegis_page *)AEGIS_EXPOSED_PAGES;
        memset(pages, 0, sizeof pages);
        for (uint64_t i = 0; i < E->page_count; i++)
            if (p[i].state == AEGIS_PAGE_USED && p[i].next < AEGIS_ENVS)
                pages[p[i].next] += 1U << p[i].order;
        counted = now;
    }
    return environment < AEGIS_ENVS ? pages[environment] : 0;
}

/* ---- texts ---- */

static char state_of(const struct process *p)
{
    if (p->state == PROCESS_ZOMBIE)
        return 'Z';
    if (p->state == PROCESS_STOPPED)
        return 'T';
    for (unsigned h = 0; h < E->harts; h++)
        if (E->env[p->environment].sleeping[h])
            return 'S';
    return 'R';
}

static unsigned long hundredths(uint64_t ticks)
{
    return ticks * 100 / E->time_hz;
}

static void stat_line(struct text *t, const struct process *p)
{
    unsigned long pages = p->state == PROCESS_ZOMBIE ? 0 : proc_pages_of(p->environment);
    unsigned long terminal = p->terminal ? 136UL << 8 | (p->terminal - 1) : 0;

    text_put(t, "%d (%.16s) %c %d %d %d %lu -1 0 %lu 0 0 0 ", (int)p->pid, p->name, state_of(p),
             (int)p->parent, (int)p->group, (int)p->session, terminal, (unsigned long)p->faults);
    text_put(t, "%lu 0 %lu 0 %d %d 1 0 %lu %lu %lu ", hundredths(p->time_user),
             hundredths(p->time_children), 20 + (int)p->nice, (int)p->nice,
             hundredths((uint64_t)p->started), pages * 4096, pages);
    text_put(t,
             "18446744073709551615 0 0 0 0 0 %lu 0 %lu %lu 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
             (unsigned long)p->pending, (unsigned long)p->ignored, (unsigned long)p->caught);
}

static void status(struct text *t, const struct process *p)
{
    unsigned long kib = proc_pages_of(p->environment) * 4;

    text_put(t, "Name:\t%.16s\nUmask:\t%04o\nState:\t%c\nTgid:\t%d\nPid:\t%d\nPPid:\t%d\n", p->name,
             (unsigned)p->mask, state_of(p), (int)p->pid, (int)p->pid, (int)p->parent);
    text_put(t, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nGroups:\t", (unsigned)p->uid,
             (unsigned)p->euid, (unsigned)p->suid, (unsigned)p->euid, (unsigned)p->gid,
             (unsigned)p->egid, (unsigned)p->sgid, (unsigned)p->egid);
    for (uint32_t i = 0; i < p->group_count && i < PROCESS_GROUPS; i++)
        text_put(t, "%u ", (unsigned)p->groups[i]);
    text_put(t, "\nVmSize:\t%8lu kB\nVmRSS:\t%8lu kB\n", kib, kib);
    text_put(t, "SigPnd:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n", (unsigned long)p->pending,
             (unsigned long)p->ignored, (unsigned long)p->caught);
    text_put(t, "Environment:\t%u\n", p->environment);
}

/* Its arguments lie in session memory, and go with it: copied in parts, in the monitor. */
static void cmdline(struct text *t, pid_t pid)
{
    char part[512];
    size_t at = 0, n;

    do {
        monitor_enter();
        const struct process *p = process_find(pid);
        size_t size = p && p->arguments ? p->arguments_size : 0;
        n = at < size ? size - at : 0;
        n = n < sizeof part ? n : sizeof part;
        if (n)
            memcpy(part, p->arguments + at, n);
        monitor_leave();
        text_bytes(t, part, n);
        at += n;
    } while (n);
}

/* ---- what lies where ---- */

#define RANGES 32

struct range {
    uintptr_t start, end;
    unsigned rights;
};

static void maps_line(struct text *t, const struct range *r, const char *name)
{
    text_put(t, "%08lx-%08lx %c%c%cp 00000000 00:00 0%s%s\n", (unsigned long)r->start, (unsigned long)r->end,
             r->rights & AEGIS_R ? 'r' : '-', r->rights & AEGIS_W ? 'w' : '-', r->rights & AEGIS_X ? 'x' : '-',
             *name ? "                          " : "", name);
}

/* A process's image, from the blocks that all who run it have claimed. In the monitor. */
static unsigned image_ranges(const struct image *image, struct range *to)
{
    unsigned n = 0;

    for (uint32_t i = 0; image && i < image->piece_count; i++) {
        const struct image_piece *piece = &image->piece[i];
        uintptr_t end = piece->va + (AEGIS_PAGE_SIZE << piece->order);
        if (n && to[n - 1].end == piece->va && to[n - 1].rights == piece->rights)
            to[n - 1].end = end;
        else if (n < RANGES)
            to[n++] = (struct range){piece->va, end, piece->rights};
    }
    return n;
}

/* Of another process's memory only what all have alike is known: it alone knows the rest. */
static void maps_other(struct text *t, pid_t pid)
{
    static const struct range stack = {VM_STACK_TOP - VM_STACK_SIZE, VM_STACK_TOP, AEGIS_R | AEGIS_W};
    struct range ranges[RANGES];

    monitor_enter();
    const struct process *p = process_find(pid);
    bool there = p && p->state != PROCESS_ZOMBIE;
    unsigned n = there ? image_ranges(p->image, ranges) : 0;
    monitor_leave();
    for (unsigned i = 0; i < n; i++)
        maps_line(t, &ranges[i], "");
    if (there)
        maps_line(t, &stack, "[stack]");
}

static void maps(struct text *t, pid_t pid)
{
    struct region r;
    uintptr_t at = 0;

    if (pid != process_self->pid) {
        maps_other(t, pid);
        return;
    }
    for (; pager_region_next(at, &r); at = r.end)
        maps_line(t, &(struct range){r.start, r.end, r.rights},
                  r.kind == REGION_GROW ? "[heap]" : r.flags & REGION_DOWN ? "[stack]" : "");
}

int proc_process_text(struct text *t, enum proc_file file, pid_t pid)
{
    struct process p;

    if (!proc_process(pid, &p))
        return -ENOENT;
    unsigned long pages = proc_pages_of(p.environment);
    switch (file) {
    case PROC_PID_STAT:
        stat_line(t, &p);
        break;
    case PROC_PID_STATM:
        text_put(t, "%lu %lu 0 0 0 %lu 0\n", pages, pages, pages);
        break;
    case PROC_PID_STATUS:
        status(t, &p);
        break;
    case PROC_PID_CMDLINE:
        cmdline(t, pid);
        break;
    case PROC_PID_COMM:
        text_put(t, "%.16s\n", p.name);
        break;
    case PROC_PID_MAPS:
        maps(t, pid);
        break;
    default:
        break;
    }
    return 0;
}

/* ---- links ---- */

/* What is mounted where a link leads, and where in it. */
struct inside {
    unsigned mount;
    uint64_t number;
};

static long directory_link(const struct node *node, uint64_t number, struct inside *inside, char *target, size_t size)
{
    *inside = (struct inside){node->mount, number};
    return walk_path(node, FILE_SYSTEM->root, target, size);
}

static long terminal_link(const struct terminal *t, char *target, size_t size)
{
    return t->index ? snprintf(target, size, "/dev/pts/%u", t->index - 1) : snprintf(target, size, "/dev/console");
}

static long file_link(const struct file *file, struct inside *inside, char *target, size_t size)
{
    static const char *const kinds[FILE_TYPES] = {[FILE_PIPE] = "pipe",
                                                  [FILE_SOCKET] = "socket",
                                                  [FILE_CONSOLE] = "/dev/console",
                                                  [FILE_PTY_MASTER] = "/dev/ptmx",
                                                  [FILE_NULL] = "/dev/null",
                                                  [FILE_ZERO] = "/dev/zero",
                                                  [FILE_FULL] = "/dev/full",
                                                  [FILE_RANDOM] = "/dev/random"};

    if (file->type == FILE_DIRECTORY)
        return directory_link(file->node, file->words[0], inside, target, size);
    if (file->type == FILE_TERMINAL)
        return terminal_link(file->object, target, size);
    const char *kind = kinds[file->type];
    if (kind && *kind == '/')
        return snprintf(target, size, "%s", kind);
    return snprintf(target, size, "%s:[%lu]", kind ? kind : "file",
                    (unsigned long)(file->node ? file->node->inode : (uint64_t)file->object));
}

static long link_in_monitor(enum proc_file file, const struct process *p, int d, struct inside *inside, char *target,
                            size_t size)
{
    const struct node *root = FILE_SYSTEM->root;

    if (!p)
        return -ENOENT;
    switch (file) {
    case PROC_PID_CWD:
        return directory_link(p->directory ? p->directory : root, p->directory_number, inside, target, size);
    case PROC_PID_ROOT:
        return walk_path(p->root ? p->root : root, root, target, size);
    case PROC_PID_EXE:
        return text_link(p->image, target, size);
    default:
        break;
    }
    uint64_t word = word_of(p, d);
    return word ? file_link(word_file(word), inside, target, size) : -ENOENT;
}

long proc_link(enum proc_file file, pid_t pid, int descriptor, char *target, size_t size)
{
    struct inside inside = {0, 0};

    monitor_enter();
    long n = link_in_monitor(file, process_find(pid), descriptor, &inside, target, size);
    monitor_leave();
    if (n >= 0 && inside.mount)
        n = mounted_path(inside.mount, inside.number, target, size);
    if (n < 0)
        return n;
    return (long)strnlen(target, size);
}
