/* SPDX-License-Identifier: BSD-2-Clause */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void text_bytes(struct text *t, const char *bytes, size_t size)
{
    uint64_t begin = t->at < t->skip ? t->skip - t->at : 0;
    uint64_t place = t->at > t->skip ? t->at - t->skip : 0;

    t->at += size;
    if (begin >= size || place >= t->size)
        return;
    size_t n = size - begin < t->size - place ? size - begin : t->size - place;
    memcpy(t->to + place, bytes + begin, n);
}

void text_put(struct text *t, const char *format, ...)
{
    char line[320];
    va_list arguments;

    va_start(arguments, format);
    int n = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (n > 0)
        text_bytes(t, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

size_t text_size(const struct text *t)
{
    if (t->at <= t->skip)
        return 0;
    return t->at - t->skip < t->size ? t->at - t->skip : t->size;
}
