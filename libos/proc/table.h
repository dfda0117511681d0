/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of proc/ know of each other. */
#pragma once

#include "../session/process.h"
#include "space.h"

#define PID_INIT  1
#define PID_FIRST 2 /* the session's first program: the session ends with it */
#define PID_MAX   99999

/* By init, once. -ENOMEM. */
int processes_create(void);

/*
 * A NASCENT child of `parent` with what it inherits, but no environment. In the monitor. Null: the
 * table is full, or RLIMIT_NPROC says no: EAGAIN; `*error`: or what a part says.
 */
struct process *process_new(const struct process *parent, int *error);
/* Its environment, which it is made in, is known from here on. Outside the monitor. */
int process_bind(struct process *p, struct space *s);
/* It runs, or never will: gone again, with all that was made for it. Outside the monitor. */
void process_begin(struct process *p, pid_t pid);
void process_forget(struct process *p);

/*
 * Lets go of all that a process holds, and makes it a zombie; of oneself or of a dead one. May be
 * begun again by somebody else at any point. Outside the monitor.
 */
void process_close(struct process *p, int status);
/* In a process's first slot: by what others wake the hart on which it sleeps. */
void process_ring_publish(void);

/* A zombie was waited for. In the monitor. */
void process_collect(struct process *p);
/* Whether it can never run again, without having said so. In the monitor. */
bool process_is_lost(const struct process *p);
/* Ends an environment that stays in the monitor. The keeper's, outside it. */
void process_end_stuck(uint64_t identity);
/* Buries all of those; true: there were some. The keeper's. */
bool processes_bury(void);
/* Sees to it that SIGKILL and SIGSTOP are heeded. The keeper's, whenever it wakes: it wants to be called again at that time, 0:
 * when it is woken. */
uint64_t processes_enforce(void);
/* All that are left, by force, before the session's end. */
void processes_end(void);
/* Destroys the environment that a capability is for, all steps; nothing if it is gone. Outside the monitor. */
void environment_end(const struct aegis_capability *control);

/* In the monitor: whether a group has nobody whose parent is in the session but not in the group. */
bool group_orphaned(pid_t group);

/* A signal of a process to another, with the sender filled in. In the monitor. */
int signal_send(struct process *to, int signal, int code, int value);
