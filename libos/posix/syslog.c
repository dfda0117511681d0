/* SPDX-License-Identifier: BSD-2-Clause */
/* The log: lines at the end of /var/log/messages, which is there if the system's archive made the
 * folder. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LINE 1024

extern const char *getprogname(void);

static const char *identity;
static int options, facility = LOG_USER, mask = LOG_UPTO(LOG_DEBUG), log_file = -1;

void openlog(const char *name, int wanted, int default_facility)
{
    identity = name;
    options = wanted;
    if (default_facility & LOG_FACMASK)
        facility = default_facility & LOG_FACMASK;
    if (options & LOG_NDELAY && log_file < 0)
        log_file = open("/var/log/messages", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

void closelog(void)
{
    if (log_file >= 0)
        close(log_file);
    log_file = -1;
    identity = NULL;
}

int setlogmask(int wanted)
{
    int before = mask;
    if (wanted)
        mask = wanted;
    return before;
}

static void line_write(int file, const char *line, size_t size)
{
    while (size) {
        ssize_t done = write(file, line, size);
        if (done <= 0)
            return;
        line += done;
        size -= (size_t)done;
    }
}

static void line_keep(const char *line, size_t size, size_t head)
{
    if (log_file < 0)
        log_file = open("/var/log/messages", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (log_file >= 0)
        line_write(log_file, line, size);
    if (options & LOG_PERROR)
        line_write(STDERR_FILENO, line + head, size - head);
    if (log_file >= 0 || !(options & LOG_CONS))
        return;
    int console = open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC);
    if (console >= 0) {
        line_write(console, line + head, size - head);
        close(console);
    }
}

/* The format with each %m as the text of the error. */
static void format_expand(char *to, size_t size, const char *format, int error)
{
    char *end = to + size - 1;

    for (; *format && to < end; format++) {
        if (format[0] == '%' && format[1] == 'm') {
            to += strlcpy(to, strerror(error), (size_t)(end - to));
            to = to > end ? end : to;
            format++;
            continue;
        }
        *to++ = *format;
        if (format[0] == '%' && format[1] && to < end)
            *to++ = *++format;
    }
    *to = 0;
}

void vsyslog(int priority, const char *format, va_list arguments)
{
    int error = errno;
    char line[LINE], text[LINE / 2], expanded[LINE / 2];
    time_t now = time(NULL);
    struct tm when;

    if (!(mask & LOG_MASK(LOG_PRI(priority))) || priority & ~(LOG_PRIMASK | LOG_FACMASK))
        return;
    if (!(priority & LOG_FACMASK))
        priority |= facility;
    format_expand(expanded, sizeof expanded, format, error);
    vsnprintf(text, sizeof text, expanded, arguments);
    size_t head = strftime(line, sizeof line, "%b %e %H:%M:%S ", localtime_r(&now, &when));
    head += (size_t)snprintf(line + head, sizeof line - head, "<%d> ", priority);
    size_t size = head;
    size += (size_t)snprintf(line + size, 128, "%.64s", identity ? identity : getprogname());
    if (options & LOG_PID)
        size += (size_t)snprintf(line + size, 32, "[%d]", (int)getpid());
    size += (size_t)snprintf(line + size, sizeof line - size - 1, ": %s", text);
    if (line[size - 1] != '\n')
        line[size++] = '\n';
    line_keep(line, size, head);
    errno = error;
}

void syslog(int priority, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsyslog(priority, format, arguments);
    va_end(arguments);
}
