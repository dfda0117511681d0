/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel exposes, as text. */
#include <aegis/exposed.h>

#include "../net/network.h"
#include "mount.h"
#include "node.h"
#include "proc.h"

#define E ((const volatile struct aegis_exposed *)AEGIS_EXPOSED)

#define HUNDREDTHS 100 /* of a second: what /proc counts time in */

static uint64_t ticks_now(void)
{
    uint64_t t;
    __asm__ volatile("rdtime %0" : "=r"(t));
    return t;
}

static unsigned long hundredths(uint64_t ticks)
{
    return ticks * HUNDREDTHS / E->time_hz;
}

static int count_one(struct process *p, void *argument)
{
    unsigned *count = argument;

    count[0]++;
    count[1] += p->state == PROCESS_RUNNING;
    return 0;
}

/* count[0]: processes, count[1]: those that are not stopped or dead. */
static void processes_count(unsigned count[2])
{
    count[0] = count[1] = 0;
    monitor_enter();
    process_each(count_one, count);
    monitor_leave();
}

/* ---- the usual files ---- */

static unsigned long memory_pages(void)
{
    unsigned long n = 0;

    for (unsigned i = 0; i < 8; i++)
        n += E->memory[i].count;
    return n ? n : E->page_count;
}

static void meminfo(struct text *t)
{
    unsigned long total = memory_pages() * 4, free = E->free_pages * 4;
    unsigned long spare = SESSION->free_bytes / 1024;

    text_put(t, "MemTotal:       %8lu kB\nMemFree:        %8lu kB\nMemAvailable:   %8lu kB\n",
             total, free, free + spare);
    text_put(t, "Buffers:        %8lu kB\nCached:         %8lu kB\nSwapCached:     %8lu kB\n", 0UL,
             E->archive.count * 4, 0UL);
    text_put(t, "Shmem:          %8lu kB\nSReclaimable:   %8lu kB\n", 0UL, 0UL);
    text_put(t, "SwapTotal:      %8lu kB\nSwapFree:       %8lu kB\n", 0UL, 0UL);
}

static uint64_t idle_ticks(void)
{
    uint64_t sum = 0;

    for (unsigned h = 0; h < E->harts; h++)
        sum += E->hart[h].idle_ticks;
    return sum;
}

static void uptime(struct text *t)
{
    unsigned long up = hundredths(ticks_now()), idle = hundredths(idle_ticks());

    text_put(t, "%lu.%02lu %lu.%02lu\n", up / 100, up % 100, idle / 100, idle % 100);
}

/* Nobody keeps averages; who is runnable now is known. */
static void loadavg(struct text *t)
{
    unsigned count[2];

    processes_count(count);
    text_put(t, "0.00 0.00 0.00 %u/%u %d\n", count[1], count[0], (int)process_self->pid);
}

static void cpuinfo(struct text *t)
{
    for (unsigned h = 0; h < E->harts; h++)
        text_put(t, "processor\t: %u\nhart\t\t: %lu\nisa\t\t: rv64imafdc\nmmu\t\t: sv39\n\n", h,
                 (unsigned long)E->hart[h].hartid);
}

static void cpu_line(struct text *t, const char *name, uint64_t up, uint64_t idle)
{
    text_put(t, "%s %lu 0 0 %lu 0 0 0 0 0 0\n", name, hundredths(up > idle ? up - idle : 0),
             hundredths(idle));
}

static void counters(struct text *t)
{
    uint64_t up = ticks_now();
    unsigned count[2];
    char name[16] = "cpu0";

    processes_count(count);
    cpu_line(t, "cpu ", up * E->harts, idle_ticks());
    for (unsigned h = 0; h < E->harts; h++) {
        name[3] = (char)('0' + h);
        cpu_line(t, name, up, E->hart[h].idle_ticks);
    }
    text_put(t, "intr 0\nctxt 0\nbtime %ld\nprocesses %u\nprocs_running %u\nprocs_blocked 0\n",
             (long)(SESSION->boot_time / 1000000000), count[0], count[1]);
}

static void filesystems(struct text *t)
{
    text_put(t, "nodev\tmemory\n");
    for (unsigned i = 0; i < MOUNTS; i++)
        if (file_systems[i])
            text_put(t, "nodev\t%s\n", file_systems[i]->name);
}

/* ---- what Aegis exposes ---- */

static char page_sign(uint64_t i)
{
    const volatile struct aegis_page *p =
        (const volatile struct aegis_page *)AEGIS_EXPOSED_PAGES + i;

    switch (p->state) {
    case AEGIS_PAGE_NONE:
        return ' ';
    case AEGIS_PAGE_KERNEL:
        return 'K';
    case AEGIS_PAGE_FREE:
        return '.';
    case AEGIS_PAGE_FREE_DIRTY:
        return ',';
    case AEGIS_PAGE_TAIL:
        return '-';
    default:
        if (p->flags & AEGIS_PAGE_IS_PRIVATE)
            return 'k';
        return p->flags & AEGIS_PAGE_IS_LENT ? 'l' : (char)('a' + p->next % 26);
    }
}

/* One sign stands for a page, 64 a line; what follows in a block is '-'. Lines that say the same
 * are left out. */
static void pages(struct text *t)
{
    char line[65], last[65] = "";

    text_put(t,
             "physical pages from %#lx: . free  , free, to be cleared  K kernel  k kernel half  "
             "l lent  a-z of environment 0-25 (mod 26)  - rest of a block\n",
             (unsigned long)E->page_first);
    for (uint64_t i = 0; i < E->page_count; i += 64) {
        unsigned n = E->page_count - i < 64 ? (unsigned)(E->page_count - i) : 64;
        bool same = n == 64;
        for (unsigned k = 0; k < n; k++) {
            line[k] = page_sign(i + k);
            same &= line[k] == last[k];
        }
        if (!same)
            text_put(t, "%8lx %.*s\n", (unsigned long)(E->page_first + i), (int)n, line);
        __builtin_memcpy(last, line, sizeof last);
    }
}

static void slices(struct text *t)
{
    for (unsigned h = 0; h < E->harts; h++) {
        text_put(t, "hart %u, %u positions owned (owner:runs, . nobody's):", h, E->hart[h].slices);
        for (unsigned s = 0; s < AEGIS_SLICES; s++) {
            const volatile struct aegis_slice *slice = &E->slice[h][s];
            if (slice->owner == AEGIS_ANY)
                text_put(t, " .");
            else
                text_put(t, " %u:%u", slice->owner, slice->runs);
        }
        text_put(t, "\n");
    }
}

static const char *state_name(unsigned state)
{
    static const char *const states[] = {"free", "new", "live", "dying", "dead"};
    return state < 5 ? states[state] : "?";
}

static void environments(struct text *t)
{
    text_put(t, "index state controller claims entries ledger harts positions sleeping end\n");
    for (unsigned i = 0; i < AEGIS_ENVS; i++) {
        const volatile struct aegis_env_record *e = &E->env[i];
        unsigned asleep = 0;
        if (e->state == AEGIS_ENV_FREE)
            continue;
        for (unsigned h = 0; h < E->harts; h++)
            asleep |= (e->sleeping[h] != 0) << h;
        text_put(t, "%5u %-5s %10u %6u %7u %6u %#5x %9u %#8x %3u\n", i, state_name(e->state),
                 e->controller, e->claims, e->entries, e->pages, e->harts, e->positions, asleep,
                 e->end);
    }
}

static void atom(struct text *t, const struct aegis_atom *a)
{
    if (a->kind == AEGIS_ATOM_SHIFT) {
        text_put(t, " base+=([%u:%u]&%#lx)<<%u+%u", a->offset, a->width, (unsigned long)a->mask,
                 a->left, a->add);
        return;
    }
    text_put(t, " [%u:%u]&%#lx=%#lx", a->offset, a->width, (unsigned long)a->mask,
             (unsigned long)a->low);
    if (a->kind == AEGIS_ATOM_RANGE)
        text_put(t, "..%#lx", (unsigned long)a->high);
}

/* What the kernel counts; and what each compares, if who installed it is of this session. */
static void filters(struct text *t)
{
    struct aegis_atom atoms[AEGIS_ATOMS];

    text_put(t, "filter owner parent endpoint frames : [offset:bytes]&mask=value\n");
    for (unsigned i = 0; i < AEGIS_FILTERS; i++) {
        const volatile struct aegis_filter_record *f = &E->net.filter[i];
        if (!f->check)
            continue;
        text_put(t, "%6u %5u %6d %8d %6lu :", i, f->owner, f->parent == AEGIS_NONE ? -1 : f->parent,
                 f->endpoint == AEGIS_NONE ? -1 : f->endpoint, (unsigned long)f->frames);
        unsigned count = program_find(i, atoms);
        for (unsigned n = 0; n < count; n++)
            atom(t, &atoms[n]);
        text_put(t, "\n");
    }
}

void proc_machine_text(struct text *t, enum proc_file file)
{
    switch (file) {
    case PROC_MEMINFO:
        meminfo(t);
        break;
    case PROC_UPTIME:
        uptime(t);
        break;
    case PROC_LOADAVG:
        loadavg(t);
        break;
    case PROC_CPUINFO:
        cpuinfo(t);
        break;
    case PROC_STAT:
        counters(t);
        break;
    case PROC_VERSION:
        text_put(t, "Aegis-V, abi %u, session %u\n", E->abi, SESSION->abi);
        break;
    case PROC_MOUNTS:
        text_put(t, "memory / memory rw 0 0\nproc /proc proc ro 0 0\n");
        break;
    case PROC_FILESYSTEMS:
        filesystems(t);
        break;
    case PROC_PAGES:
        pages(t);
        break;
    case PROC_SLICES:
        slices(t);
        break;
    case PROC_ENVIRONMENTS:
        environments(t);
        break;
    case PROC_FILTERS:
        filters(t);
        break;
    default:
        break;
    }
}
