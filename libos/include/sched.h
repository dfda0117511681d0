/* SPDX-License-Identifier: BSD-2-Clause */
/* Scheduling policies and processor sets. */
#pragma once

#include <sys/sched.h>
#include <sys/types.h>
#include <time.h>

#define CPU_SETSIZE 64

typedef struct {
    unsigned long __bits[CPU_SETSIZE / (8 * sizeof(unsigned long))];
} cpu_set_t;

#define __CPU_WORD(cpu) ((cpu) / (8 * sizeof(unsigned long)))
#define __CPU_BIT(cpu)  (1UL << (cpu) % (8 * sizeof(unsigned long)))
#define CPU_ZERO(set)   ((void)(*(set) = (cpu_set_t){{0}}))
#define CPU_SET(cpu, set) \
    ((void)((unsigned)(cpu) < CPU_SETSIZE && ((set)->__bits[__CPU_WORD(cpu)] |= __CPU_BIT(cpu))))
#define CPU_CLR(cpu, set) \
    ((void)((unsigned)(cpu) < CPU_SETSIZE && ((set)->__bits[__CPU_WORD(cpu)] &= ~__CPU_BIT(cpu))))
#define CPU_ISSET(cpu, set) \
    ((unsigned)(cpu) < CPU_SETSIZE && ((set)->__bits[__CPU_WORD(cpu)] & __CPU_BIT(cpu)) != 0)
#define CPU_COUNT(set)    __builtin_popcountl((set)->__bits[0])
#define CPU_EQUAL(a, b)   ((a)->__bits[0] == (b)->__bits[0])
#define CPU_AND(to, a, b) ((void)((to)->__bits[0] = (a)->__bits[0] & (b)->__bits[0]))
#define CPU_OR(to, a, b)  ((void)((to)->__bits[0] = (a)->__bits[0] | (b)->__bits[0]))

#ifdef __cplusplus
extern "C" {
#endif
int sched_get_priority_max(int);
int sched_get_priority_min(int);
int sched_getparam(pid_t, struct sched_param *);
int sched_getscheduler(pid_t);
int sched_rr_get_interval(pid_t, struct timespec *);
int sched_setparam(pid_t, const struct sched_param *);
int sched_setscheduler(pid_t, int, const struct sched_param *);
int sched_yield(void);
int sched_getaffinity(pid_t, size_t, cpu_set_t *);
int sched_setaffinity(pid_t, size_t, const cpu_set_t *);
int sched_getcpu(void);
#ifdef __cplusplus
}
#endif
