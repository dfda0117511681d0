/* SPDX-License-Identifier: BSD-2-Clause */
/* Children that change their state. */
#pragma once

#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>

#define WNOHANG    1
#define WUNTRACED  2
#define WSTOPPED   WUNTRACED
#define WCONTINUED 4
#define WEXITED    8
#define WNOWAIT    16

/* Exit status in bits 8 to 15, or a signal in bits 0 to 6; 0x7f there: stopped by the signal above. */
#define WEXITSTATUS(status)  ((status) >> 8 & 0xff)
#define WTERMSIG(status)     ((status)&0x7f)
#define WSTOPSIG(status)     WEXITSTATUS(status)
#define WIFEXITED(status)    (WTERMSIG(status) == 0)
#define WIFSIGNALED(status)  (WTERMSIG(status) != 0 && WTERMSIG(status) != 0x7f)
#define WIFSTOPPED(status)   (((status)&0xff) == 0x7f)
#define WIFCONTINUED(status) ((status) == 0xffff)
#define WCOREDUMP(status)    ((status)&0x80)
#define W_EXITCODE(code, signal) ((code) << 8 | (signal))
#define W_STOPCODE(signal)       ((signal) << 8 | 0x7f)

typedef enum { P_ALL, P_PID, P_PGID } idtype_t;

#define WAIT_ANY   (-1)
#define WAIT_MYPGRP 0

#ifdef __cplusplus
extern "C" {
#endif
pid_t wait(int *);
pid_t waitpid(pid_t, int *, int);
int waitid(idtype_t, id_t, siginfo_t *, int);
pid_t wait3(int *, int, struct rusage *);
pid_t wait4(pid_t, int *, int, struct rusage *);
/* What newlib calls. */
pid_t _wait(int *);
#ifdef __cplusplus
}
#endif
