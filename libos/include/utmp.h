/* SPDX-License-Identifier: BSD-2-Clause */
/* The older form of utmpx.h. */
#pragma once

#include <utmpx.h>

#define utmp    utmpx
#define ut_name ut_user
#define ut_time ut_tv.tv_sec
#define _PATH_UTMP "/var/run/utmp"
#define _PATH_WTMP "/var/log/wtmp"
#define UTMP_FILE  _PATH_UTMP
#define WTMP_FILE  _PATH_WTMP

#ifdef __cplusplus
extern "C" {
#endif
void endutent(void);
struct utmp *getutent(void);
struct utmp *getutid(const struct utmp *);
struct utmp *getutline(const struct utmp *);
struct utmp *pututline(const struct utmp *);
void setutent(void);
int utmpname(const char *);
void updwtmp(const char *, const struct utmp *);
#ifdef __cplusplus
}
#endif
