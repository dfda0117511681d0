/* SPDX-License-Identifier: BSD-2-Clause */
/* err, warn and their kin: a message on standard error, and perhaps the end. */
#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const char *getprogname(void);

static void message(const char *format, va_list arguments, const char *reason)
{
    fprintf(stderr, "%s: ", getprogname());
    if (format)
        vfprintf(stderr, format, arguments);
    if (reason)
        fprintf(stderr, format ? ": %s" : "%s", reason);
    fputc('\n', stderr);
}

void vwarn(const char *format, va_list arguments)
{
    message(format, arguments, strerror(errno));
}

void vwarnx(const char *format, va_list arguments)
{
    message(format, arguments, NULL);
}

void verr(int status, const char *format, va_list arguments)
{
    vwarn(format, arguments);
    exit(status);
}

void verrx(int status, const char *format, va_list arguments)
{
    vwarnx(format, arguments);
    exit(status);
}

void warn(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vwarn(format, arguments);
    va_end(arguments);
}

void warnx(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vwarnx(format, arguments);
    va_end(arguments);
}

void err(int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    verr(status, format, arguments);
}

void errx(int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    verrx(status, format, arguments);
}
