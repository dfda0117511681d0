/* SPDX-License-Identifier: BSD-2-Clause */
#include "log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "console.h"

struct line {
    size_t used;
    char text[160];
};

static void put(struct line *line, char c)
{
    if (line->used < sizeof line->text - 1)
        line->text[line->used++] = c;
}

static void put_string(struct line *line, const char *s)
{
    for (s = s ? s : "(null)"; *s; s++)
        put(line, *s);
}

static void put_number(struct line *line, uint64_t value, unsigned base)
{
    char digits[24];
    unsigned count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    while (count)
        put(line, digits[--count]);
}

static void put_signed(struct line *line, int64_t value)
{
    if (value < 0)
        put(line, '-');
    put_number(line, value < 0 ? -(uint64_t)value : (uint64_t)value, 10);
}

/* One conversion; `list` by pointer, since the caller goes on with it. */
static void put_conversion(struct line *line, char c, bool is_long, __builtin_va_list *list)
{
    if (c == 's')
        put_string(line, __builtin_va_arg(*list, const char *));
    else if (c == 'd')
        put_signed(line, is_long ? __builtin_va_arg(*list, long) : __builtin_va_arg(*list, int));
    else if (c == 'u' || c == 'x')
        put_number(line,
                   is_long ? __builtin_va_arg(*list, unsigned long)
                           : __builtin_va_arg(*list, unsigned),
                   c == 'u' ? 10 : 16);
    else
        put(line, c);
}

void log_print_list(const char *format, __builtin_va_list list)
{
    struct line line = {0};
    __builtin_va_list rest;
    __builtin_va_copy(rest, list);
    for (; *format; format++) {
        bool is_long = false;
        if (*format != '%') {
            put(&line, *format);
            continue;
        }
        while (*++format == 'l')
            is_long = true;
        if (!*format)
            break;
        put_conversion(&line, *format, is_long, &rest);
    }
    __builtin_va_end(rest);
    line.text[line.used] = 0;
    console_log(line.text);
}

void log_print(const char *format, ...)
{
    __builtin_va_list list;
    __builtin_va_start(list, format);
    log_print_list(format, list);
    __builtin_va_end(list);
}
