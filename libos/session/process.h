/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process table, in session memory. A process is one environment; exec gives it another one.
 * Every field is written in the monitor by session_set, but where an atomic operation is said.
 *
 *            fork/spawn          first slot            exit, or death seen         wait
 *     FREE ------------> NASCENT ----------> RUNNING ----------------------> ZOMBIE ----> FREE
 *                                             |   ^
 *                                     SIGSTOP v   | SIGCONT
 *                                            STOPPED
 */
#pragma once

#include <signal.h>
#include <sys/types.h>

#include "session.h"

#define PROCESSES     256
#define PROCESS_NAME  16
#define PROCESS_GROUPS 16
#define SIGNALS_QUEUED 64 /* queued signals of a process (sigqueue) */

enum process_state {
    PROCESS_FREE,
    PROCESS_NASCENT,
    PROCESS_RUNNING,
    PROCESS_STOPPED,
    PROCESS_ZOMBIE,
};

struct process_limit {
    uint64_t now, most;
};

struct queued_signal {
    struct queued_signal *next;
    siginfo_t information;
};

struct process {
    uint32_t state; /* enum process_state */
    pid_t pid, parent, group, session;
    uint32_t environment;                /* index */
    uint64_t identity;                   /* session_identity() of its environment */
    struct aegis_capability control;     /* CONTROL and RING over the environment */
    struct aegis_capability ring;        /* RING alone: what its descendants may hold of it */
    uint64_t maker;                      /* identity of who makes it, while NASCENT */
    uint64_t next_identity;              /* exec: the environment that is being made, to be destroyed if we die meanwhile */
    struct aegis_capability next_control;
    int32_t status;    /* as wait() gives it; valid in ZOMBIE, and for stopped/continued reports */
    uint32_t report;   /* bit 0: a stop, bit 1: a continuation is to be reported to the parent */
    uint32_t flags;    /* PROCESS_* below */
    uint32_t exec_done; /* 1: it runs a program of its own, or has failed to */
    uid_t uid, euid, suid;
    gid_t gid, egid, sgid;
    uint32_t group_count;
    gid_t groups[PROCESS_GROUPS];
    char name[PROCESS_NAME];
    char *arguments; /* for /proc: argv, NUL-separated; session memory */
    uint32_t arguments_size;
    uint32_t nice;
    int64_t started;           /* `time` */
    uint64_t time_user;        /* `time` in its slots; of its dead and waited-for children below */
    uint64_t time_children;
    uint64_t faults;

    /* signals: set by atomic or, taken by atomic and */
    uint64_t pending;
    uint64_t ignored;           /* dispositions that matter to senders, kept by the process */
    uint64_t caught;
    struct queued_signal *queue; /* in order */
    uint32_t queue_count;
    uint32_t policy, priority; /* of its first thread, as sched.h has them */
    struct { uint64_t deadline, at, interval; } interval_timers[3]; /* that exec passes on */
    uint64_t semaphore, semaphore_order; /* a thread with a rank waits for that one; its own alone */
    struct channel signal_channel; /* woken with every signal: part of each wait */
    struct channel child_channel;  /* woken when a child changes state: wait() */

    /* libos/fd and libos/fs */
    struct descriptor_table *descriptors;
    void *directory, *root; /* current and root directory: nodes, held */
    uint64_t directory_number; /* where the current one is within what is mounted there */
    mode_t mask;
    uint32_t terminal; /* controlling terminal, index + 1, or 0 */
    struct image *image, *next_image; /* whose pages it has claimed (proc/image.h); exec: will */
    struct process_limit limits[16]; /* by RLIMIT_ */
    uint64_t parts[8]; /* spare for parts; the last: the signal mask that exec passes on */
};

#define PROCESS_PART_MASK 7
#define PROCESS_NOCLDWAIT 1
#define PROCESS_NOCLDSTOP 2
#define PROCESS_VFORKED   4 /* its parent waits for exec_done */
#define PROCESS_ENDING    8 /* `status` says how: it only has to let go of what it holds */

/* The calling process's entry; null in a program that was started outside any session. */
extern struct process *process_self;

/* In the monitor. Null: none. */
struct process *process_find(pid_t pid);
/* Calls for each that is in use until non-zero. In the monitor. */
int process_each(int (*visit)(struct process *, void *), void *argument);

/*
 * Sends a signal (0: none, only looks) to a process: pending bit, queue, wake. In the monitor.
 * -EAGAIN: the queue is full. libos/signal implements it.
 */
int signal_post(struct process *to, int signal, const siginfo_t *information);

/* Tells a process's parent that it ended, stopped or goes on (CLD_*): SIGCHLD if it wants to know,
 * and its wait() is woken. In the monitor. libos/signal implements it. */
void process_report(struct process *p, int code, int status);

/*
 * What the parts do when a process is born or has ended. Each is called in the monitor with the
 * child NASCENT, or outside it for the end: then it takes the monitor itself, in short stays, and
 * may be called again after being cut short. `process_bury` calls all of the latter for a process
 * whose environment is dead.
 */
int descriptors_fork(struct process *child, const struct process *parent); /* -errno; all fds */
void descriptors_exec(struct process *p);                                  /* close-on-exec goes */
void descriptors_end(struct process *p);
void directories_fork(struct process *child, const struct process *parent);
void directories_end(struct process *p);
void locks_end(struct process *p);     /* record locks */
void terminal_end(struct process *p);  /* a session leader's: hang-up */
void signals_end(struct process *p);

/* ---- environments of others ---- */

/* After a store that a process's wait looks at: has the idle hart look on which it sleeps. */
void process_ring(const struct process *p);

/* The same for one hart, if it sleeps there. False: it does not, or is gone. */
bool process_ring_there(const struct process *p, unsigned hart);

/* A slot with a claim on a process's environment (RING), claimed by its capability and kept
 * for the next time. 0: it is gone. */
unsigned process_slot(const struct process *p);
