/* SPDX-License-Identifier: BSD-2-Clause */
/* Dates that newlib does not read: timegm, getdate; and the time in C11's form. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

int getdate_err;

/* Days since 1970 of a year's first day, by the Gregorian calendar. */
static long year_start(long year)
{
    long y = year - 1;
    return 365 * (year - 1970) + (y / 4 - y / 100 + y / 400) - 477;
}

static int is_leap(long year)
{
    return (year % 4 == 0 && year % 100) || year % 400 == 0;
}

/* Like mktime, but the fields are in universal time. Years from 1 on. */
time_t timegm(struct tm *when)
{
    static const short before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    long month = when->tm_mon % 12, year = when->tm_year + 1900L + when->tm_mon / 12;

    if (month < 0) {
        month += 12;
        year--;
    }
    long day = year_start(year) + before[month] + (month > 1 && is_leap(year)) + when->tm_mday - 1;
    time_t result = ((day * 24 + when->tm_hour) * 60 + when->tm_min) * 60 + when->tm_sec;
    return gmtime_r(&result, when) ? result : -1;
}

time_t timelocal(struct tm *when)
{
    return mktime(when);
}

int timespec_get(struct timespec *now, int base)
{
    return base == TIME_UTC && !clock_gettime(CLOCK_REALTIME, now) ? base : 0;
}

/* A template matches if it takes the whole text. */
static int line_match(const char *text, char *template, struct tm *when)
{
    static const struct tm unset = {-1, -1, -1, -1, -1, -1, -1, -1, -1};

    template[strcspn(template, "\n")] = 0;
    *when = unset;
    const char *end = strptime(text, template, when);
    while (end && *end == ' ')
        end++;
    return end && !*end;
}

/* What the template did not say is today's, or the next day that fits. */
static int date_complete(struct tm *when)
{
    time_t now = time(NULL);
    struct tm today;

    localtime_r(&now, &today);
    int no_date = when->tm_year < 0 && when->tm_mon < 0 && when->tm_mday < 0;
    if (no_date) {
        int ahead = when->tm_wday < 0 ? 0 : (when->tm_wday - today.tm_wday + 7) % 7;
        int past = when->tm_wday < 0 && when->tm_hour >= 0 && when->tm_hour < today.tm_hour;
        when->tm_mday = today.tm_mday + ahead + past;
        when->tm_mon = today.tm_mon;
        when->tm_year = today.tm_year;
    }
    if (when->tm_year < 0)
        when->tm_year = today.tm_year + (when->tm_mon >= 0 && when->tm_mon < today.tm_mon);
    if (when->tm_mon < 0)
        when->tm_mon = today.tm_mon;
    if (when->tm_mday < 0)
        when->tm_mday = 1;
    if (when->tm_hour < 0 && when->tm_min < 0 && when->tm_sec < 0) {
        when->tm_hour = today.tm_hour;
        when->tm_min = today.tm_min;
        when->tm_sec = today.tm_sec;
    }
    when->tm_hour = when->tm_hour < 0 ? 0 : when->tm_hour;
    when->tm_min = when->tm_min < 0 ? 0 : when->tm_min;
    when->tm_sec = when->tm_sec < 0 ? 0 : when->tm_sec;
    return mktime(when) == -1 ? 8 : 0;
}

static int date_read(const char *text, struct tm *when)
{
    const char *path = getenv("DATEMSK");
    char template[256];
    struct stat status;
    int error = 7;

    if (!path || !*path)
        return 1;
    if (stat(path, &status))
        return 2;
    if (!S_ISREG(status.st_mode))
        return 4;
    FILE *file = fopen(path, "re");
    if (!file)
        return 2;
    while (error == 7 && fgets(template, sizeof template, file))
        if (line_match(text, template, when))
            error = 0;
    if (error && ferror(file))
        error = 5;
    fclose(file);
    return error ? error : date_complete(when);
}

struct tm *getdate(const char *text)
{
    static struct tm when;
    getdate_err = date_read(text, &when);
    return getdate_err ? NULL : &when;
}
