/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is logged in: there is no login, so the data base is empty and stays so. */
#include <errno.h>
#include <utmp.h>
#include <utmpx.h>

void setutxent(void)
{
}

void endutxent(void)
{
}

struct utmpx *getutxent(void)
{
    return NULL;
}

struct utmpx *getutxid(const struct utmpx *wanted)
{
    (void)wanted;
    return NULL;
}

struct utmpx *getutxline(const struct utmpx *wanted)
{
    (void)wanted;
    return NULL;
}

struct utmpx *pututxline(const struct utmpx *entry)
{
    (void)entry;
    errno = EPERM;
    return NULL;
}

void setutent(void)
{
}

void endutent(void)
{
}

struct utmp *getutent(void)
{
    return NULL;
}

struct utmp *getutid(const struct utmp *wanted)
{
    (void)wanted;
    return NULL;
}

struct utmp *getutline(const struct utmp *wanted)
{
    (void)wanted;
    return NULL;
}

struct utmp *pututline(const struct utmp *entry)
{
    return pututxline(entry);
}

int utmpname(const char *file)
{
    (void)file;
    errno = ENOENT;
    return -1;
}

void updwtmp(const char *file, const struct utmp *entry)
{
    (void)file, (void)entry;
}
