/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trie of filters. The kernel's own lies in memory that nobody sees; but dpf/ is pure code, so
 * the same one is made here from what the filters compare, as far as the session's programs say
 * (/proc/aegis/filters).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dpf/trie.h"
#include "web.h"

#define DATA_CELLS 4096
#define CODE_CELLS 2048

/* Those of which nothing is known, or that are one too many. */
static unsigned unknown[64], unknown_count;

static const char *after(const char *s, const char *what)
{
    return s && !strncmp(s, what, strlen(what)) ? s + strlen(what) : NULL;
}

static const char *number(const char *s, unsigned long *n)
{
    char *end = NULL;

    if (s)
        *n = strtoul(s, &end, 0);
    return end == s ? NULL : end;
}

/* One comparison as proc tells it: what follows, or null. */
static const char *atom_read(const char *s, struct dpf_atom *a)
{
    unsigned long offset = 0, width = 0, mask = 0, low = 0, high = 0, left = 0, add = 0;
    const char *shift = after(s, "base+=("), *more;

    s = number(after(shift ? shift : s, "["), &offset);
    s = number(after(s, ":"), &width);
    s = number(after(s, "]&"), &mask);
    if (shift) {
        s = number(after(s, ")<<"), &left);
        s = number(after(s, "+"), &add);
    } else {
        s = number(after(s, "="), &low);
        if ((more = after(s, "..")))
            s = number(more, &high);
    }
    *a = (struct dpf_atom){.kind = shift  ? DPF_SHIFT
                                   : high ? DPF_RANGE
                                          : DPF_EQ,
                           .width = (uint8_t)width,
                           .left = (uint8_t)left,
                           .add = (uint8_t)add,
                           .offset = (uint32_t)offset,
                           .mask = mask,
                           .low = low,
                           .high = high};
    return s;
}

static void line_read(struct dpf *d, const char *line)
{
    struct dpf_filter f = {0};
    const char *s = strchr(line, ':');
    unsigned long filter = strtoul(line, NULL, 10);

    for (s = s ? s + 1 : NULL; s && *s == ' ' && f.count < DPF_ATOMS; f.count++)
        s = atom_read(s + 1, &f.atom[f.count]);
    bool taken = s && !dpf_check(&f) && !dpf_insert(d, &f, (uint32_t)filter);
    dpf_commit(d);
    dpf_reclaim(d);
    if (!taken && unknown_count < sizeof unknown / sizeof *unknown)
        unknown[unknown_count++] = (unsigned)filter;
}

static struct dpf *trie_make(void)
{
    static struct dpf d;
    static struct dpf_run run;
    static char data[DATA_CELLS * CELL_SIZE] __attribute__((aligned(CELL_SIZE)));
    static char code[CODE_CELLS * CELL_SIZE] __attribute__((aligned(CELL_SIZE)));
    static uint64_t bits[(DATA_CELLS + CODE_CELLS) / 64 + 2];
    static const struct dpf_helpers helpers = {1, 2, 3, 4};
    char line[4096];
    FILE *f = fopen("/proc/aegis/filters", "r");

    memset(&d, 0, sizeof d);
    dpf_init(&d, &run, data, DATA_CELLS, code, CODE_CELLS, 0, bits, &helpers);
    unknown_count = 0;
    bool head = f && fgets(line, sizeof line, f);
    while (head && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        line_read(&d, line);
    }
    if (f)
        fclose(f);
    return &d;
}

static void state_put(struct out *t, const struct dpf_state *s);

static void edge_put(struct out *t, const struct dpf_test *test, const struct dpf_state *e)
{
    uint64_t low = __builtin_bswap64(e->key) >> (64 - 8 * test->atom.width), high = 0;

    if (test->atom.kind == DPF_RANGE) {
        low = test->atom.low;
        high = test->atom.high;
    }
    out_put(t, "[\"%lx\",\"%lx\",", (unsigned long)low, (unsigned long)high);
    state_put(t, e);
    out_put(t, "]");
}

/* {"f": filter + 1 that ends here, "t": tests in order, each {"a": what is looked at, "e": edges}}:
 * page.html draws it. */
static void state_put(struct out *t, const struct dpf_state *s)
{
    out_put(t, "{\"f\":%u,\"t\":[", s->accepts);
    for (const struct dpf_test *test = s->tests; test; test = test->next) {
        const struct dpf_atom *a = &test->atom;
        out_put(t, "{\"a\":[%u,%u,%u,%u,%u,%u,\"%lx\"],\"hash\":%d,\"e\":[", a->kind, a->width,
                a->offset, s->level, a->left, a->add, (unsigned long)a->mask, test->table != NULL);
        for (const struct dpf_state *e = test->edges; e; e = e->next) {
            edge_put(t, test, e);
            out_put(t, "%s", e->next ? "," : "");
        }
        out_put(t, "]}%s", test->next ? "," : "");
    }
    out_put(t, "]}");
}

void trie_write(struct out *t)
{
    const struct dpf *d = trie_make();

    out_put(t, "\"trie\":");
    state_put(t, &d->root);
    out_put(t, ",\"unknown\":[");
    for (unsigned i = 0; i < unknown_count; i++)
        out_put(t, "%s%u", i ? "," : "", unknown[i]);
    out_put(t, "]");
}
