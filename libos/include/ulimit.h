/* SPDX-License-Identifier: BSD-2-Clause */
/* The older form of setrlimit. */
#pragma once

#define UL_GETFSIZE 1
#define UL_SETFSIZE 2

#ifdef __cplusplus
extern "C" {
#endif
long ulimit(int, ...);
#ifdef __cplusplus
}
#endif
