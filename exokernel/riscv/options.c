/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's command line: words apart by blanks, NAME or NAME=VALUE; what is not the kernel's is
 * passed over.
 */
#include "boot.h"

static bool is_end(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || !c;
}

/* The rest of a word after `name`, or null when it begins otherwise. */
static const char *after(const char *word, const char *name)
{
    while (*name && *word == *name)
        word++, name++;
    return *name ? NULL : word;
}

static bool is(const char *word, const char *name)
{
    const char *rest = after(word, name);
    return rest && is_end(*rest);
}

static uint64_t number(const char *text)
{
    uint64_t value = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        value = value * 10 + (uint64_t)(*text - '0');
    return value;
}

static void word_read(struct options *o, const char *word)
{
    const char *value;
    o->framed |= is(word, "console=framed");
    o->bench |= is(word, "bench");
    o->no_asid |= is(word, "noasid");
    o->no_sstc |= is(word, "nosstc");
    if ((value = after(word, "trace=")))
        o->trace = number(value);
    else if ((value = after(word, "harts=")))
        o->harts = (unsigned)number(value);
    else if ((value = after(word, "slice=")))
        o->slice_us = number(value);
    else if ((value = after(word, "grace=")))
        o->grace_us = number(value);
    else if ((value = after(word, "seed=")))
        for (o->seed = value, o->seed_size = 0; !is_end(value[o->seed_size]);)
            o->seed_size++;
}

void options_read(struct options *o, const char *text)
{
    *o = (struct options){.harts = AEGIS_HARTS, .slice_us = 10000, .grace_us = 100};
    while (*text) {
        if (!is_end(*text))
            word_read(o, text);
        while (!is_end(*text))
            text++;
        text += *text != 0;
    }
    if (!o->harts || o->harts > AEGIS_HARTS)
        o->harts = AEGIS_HARTS;
    o->slice_us = o->slice_us < 100 ? 100 : o->slice_us > 1000000 ? 1000000 : o->slice_us;
    o->grace_us = o->grace_us > o->slice_us ? o->slice_us : o->grace_us; /* 0: every end of a slice is an overrun, as tests want */
}
