/* SPDX-License-Identifier: BSD-2-Clause */
/* The texts: one flat object comes, and one with an array of streams goes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "throughput.h"

/* The value of a member of the outermost object, or null. */
static const char *member(const char *text, const char *name)
{
    size_t size = strlen(name);

    for (const char *at = text; (at = strchr(at, '"')); at++) {
        const char *end = strchr(++at, '"');
        if (!end)
            return NULL;
        const char *value = end + 1 + strspn(end + 1, " \t\r\n");
        if (*value == ':' && (size_t)(end - at) == size && !memcmp(at, name, size))
            return value + 1 + strspn(value + 1, " \t\r\n");
        at = end;
    }
    return NULL;
}

static double number(const char *text, const char *name, double otherwise)
{
    const char *value = member(text, name);

    if (!value)
        return otherwise;
    return *value == 't' ? 1 : strtod(value, NULL);
}

static bool is_on(const char *text, const char *name)
{
    return number(text, name, 0) != 0;
}

int parameters_read(struct test *t, const char *text)
{
    double parallel = number(text, "parallel", 1), block = number(text, "len", 0);

    t->udp = is_on(text, "udp");
    t->reverse = is_on(text, "reverse");
    t->both = is_on(text, "bidirectional");
    t->wide = is_on(text, "udp_counters_64bit");
    t->rate = number(text, "bandwidth", 0);
    if (!block)
        block = t->udp ? 1460 : 131072;
    if (is_on(text, "sctp") || parallel < 1 || parallel > STREAMS / 2 || block < 16 || block > BLOCK_MOST)
        return -1;
    t->parallel = (unsigned)parallel;
    t->block = (size_t)block;
    return 0;
}

void results_write(const struct test *t, char *text, size_t size)
{
    int at = snprintf(text, size, "{\"cpu_util_total\":0,\"cpu_util_user\":0,\"cpu_util_system\":0,\"sender_has_retransmits\":0,\"streams\":[");

    for (unsigned i = 0; i < t->count && (size_t)at < size; i++) {
        const struct stream *s = &t->stream[i];
        at += snprintf(text + at, size - (size_t)at,
                       "%s{\"id\":%u,\"bytes\":%llu,\"retransmits\":-1,\"jitter\":%g,\"errors\":%llu,\"omitted_errors\":0,\"packets\":%llu,"
                       "\"omitted_packets\":0,\"start_time\":0,\"end_time\":%f}",
                       i ? "," : "", i ? i + 2 : 1, /* so they are numbered: 1, 3, 4 ... */
                       (unsigned long long)s->bytes, s->jitter, (unsigned long long)s->lost,
                       (unsigned long long)(s->sends ? s->packets : s->highest), t->ended - t->began);
    }
    if ((size_t)at < size)
        snprintf(text + at, size - (size_t)at, "]}");
}
