/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc: text about the machine and the session's processes, from what the kernel exposes and the
 * process table says. A file is a number:
 *
 *     bits 0-7 enum proc_file | 16-31 descriptor | 32-62 pid
 */
#pragma once

#include "../session/process.h"
#include "text.h"

enum proc_file {
    PROC_NONE,
    PROC_ROOT, /* MOUNT_ROOT */
    /* in the root */
    PROC_SELF,
    PROC_MEMINFO,
    PROC_UPTIME,
    PROC_LOADAVG,
    PROC_CPUINFO,
    PROC_STAT,
    PROC_VERSION,
    PROC_MOUNTS,
    PROC_FILESYSTEMS,
    PROC_AEGIS,
    /* in aegis/ */
    PROC_PAGES,
    PROC_SLICES,
    PROC_ENVIRONMENTS,
    PROC_FILTERS,
    /* a process's directory, and what is in it */
    PROC_PID,
    PROC_PID_STAT,
    PROC_PID_STATM,
    PROC_PID_STATUS,
    PROC_PID_CMDLINE,
    PROC_PID_COMM,
    PROC_PID_MAPS,
    PROC_PID_FD,
    PROC_PID_EXE,
    PROC_PID_CWD,
    PROC_PID_ROOT,
    /* in fd/ */
    PROC_DESCRIPTOR,
    PROC_FILES,
};

#define PROC_NUMBER(file, pid, fd)                                                                 \
    ((uint64_t)(file) | (uint64_t)(fd) << 16 | (uint64_t)(uint32_t)(pid) << 32)
#define PROC_FILE(number)   ((enum proc_file)((number)&0xff))
#define PROC_PID_OF(number) ((pid_t)((number) >> 32))
#define PROC_FD_OF(number)  ((int)((number) >> 16 & 0xffff))

/* Texts of the machine (machine_text.c) and of a process (process_text.c). */
void proc_machine_text(struct text *t, enum proc_file file);
/* -ENOENT: it is gone. */
int proc_process_text(struct text *t, enum proc_file file, pid_t pid);
/* What a process's link leads to. A length, or -errno. */
long proc_link(enum proc_file file, pid_t pid, int descriptor, char *target, size_t size);

/* A copy of a process's entry. false: there is none. */
bool proc_process(pid_t pid, struct process *copy);
/* The least pid above this one, or 0. */
pid_t proc_next(pid_t pid);
/* Whether a process has a descriptor; the least above this one, or -1. */
bool proc_descriptor(pid_t pid, int descriptor);
int proc_next_descriptor(pid_t pid, int descriptor);
/* Pages that an environment has allocated, as the page records say (counted at most twice a
 * second). */
unsigned long proc_pages_of(uint32_t environment);
