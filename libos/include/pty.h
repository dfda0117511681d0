/* SPDX-License-Identifier: BSD-2-Clause */
/* Pseudo-terminals. */
#pragma once

#include <sys/ioctl.h>
#include <sys/types.h>
#include <termios.h>

#ifdef __cplusplus
extern "C" {
#endif
int openpty(int *, int *, char *, const struct termios *, const struct winsize *);
pid_t forkpty(int *, char *, const struct termios *, const struct winsize *);
int login_tty(int);
#ifdef __cplusplus
}
#endif
