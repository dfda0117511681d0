/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The exposed state as JSON. Everything is read in place, without a call and without a lock, while
 * others change it: what comes out is a moment's blur, as a photograph is, and always valid JSON.
 */
#include <aegis/exposed.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web.h"

#define E AEGIS_EXPOSED_STATE

void out_put(struct out *t, const char *format, ...)
{
    va_list a;
    int n;

    if (t->room - t->size < 512) {
        char *more = realloc(t->bytes, t->room * 2 + 4096);
        if (!more) {
            t->failed = 1;
            return;
        }
        t->bytes = more;
        t->room = t->room * 2 + 4096;
    }
    va_start(a, format);
    n = vsnprintf(t->bytes + t->size, t->room - t->size, format, a);
    va_end(a);
    if (n >= 0 && (size_t)n < t->room - t->size)
        t->size += (size_t)n;
    else
        t->failed = 1;
}

void out_quote(struct out *t, const char *s, size_t size)
{
    out_put(t, "\"");
    for (size_t i = 0; i < size && s[i]; i++)
        if (s[i] < 0x20 || s[i] > 0x7e || s[i] == '"' || s[i] == '\\' || s[i] == '<')
            out_put(t, "\\u%04x", (unsigned char)s[i]);
        else
            out_put(t, "%c", s[i]);
    out_put(t, "\"");
}

void out_free(struct out *t)
{
    free(t->bytes);
    *t = (struct out){0};
}

/* ---- pages: runs of neighbours that look alike ---- */

/* What a run is: the page's state, flags, and the environment that allocated it. */
struct run {
    uint64_t first, count;
    unsigned state, flags, owner;
};

static unsigned long owned[AEGIS_ENVS]; /* pages, by who allocated them */

static void run_put(struct out *t, const struct run *r, unsigned *runs)
{
    if (!r->count)
        return;
    out_put(t, "%s[%lu,%lu,%u,%u,%u]", *runs ? "," : "", (unsigned long)r->first,
             (unsigned long)r->count, r->state, r->flags, r->owner);
    ++*runs;
}

static void pages_write(struct out *t)
{
    const volatile struct aegis_page *page = (const volatile struct aegis_page *)E->pages_va;
    uint64_t count = E->page_count, n;
    struct run run = {0};
    unsigned runs = 0;

    memset(owned, 0, sizeof owned);
    out_put(t, "\"pages\":[");
    for (uint64_t i = 0; i < count; i += n) {
        unsigned state = page[i].state, order = page[i].order, owner = page[i].next;
        /* A block's first page speaks for all of it; a tail met alone is a block that changes just now. */
        n = state >= AEGIS_PAGE_FREE && state != AEGIS_PAGE_TAIL && order <= AEGIS_ORDER_MAX
                ? 1UL << order : 1;
        if (n > count - i)
            n = count - i;
        if (state != AEGIS_PAGE_USED || owner >= AEGIS_ENVS)
            owner = AEGIS_ENVS;
        else
            owned[owner] += n;
        struct run next = {i, n, state, page[i].flags, owner};
        if (run.count && run.state == next.state && run.owner == next.owner &&
            run.flags == next.flags) {
            run.count += n;
            continue;
        }
        run_put(t, &run, &runs);
        run = next;
    }
    run_put(t, &run, &runs);
    out_put(t, "]");
}

/* ---- time ---- */

static void hart_write(struct out *t, unsigned h)
{
    out_put(t, "%s{\"id\":%lu,\"idle\":%u,\"idle_ticks\":%lu,\"slices\":[", h ? "," : "",
             (unsigned long)E->hart[h].hartid, E->hart[h].idle,
             (unsigned long)E->hart[h].idle_ticks);
    for (unsigned i = 0; i < AEGIS_SLICES; i++)
        out_put(t, "%s[%d,%d]", i ? "," : "", (int)E->slice[h][i].owner, (int)E->slice[h][i].runs);
    out_put(t, "]}");
}

/* ---- environments ---- */

static void env_write(struct out *t, unsigned i, unsigned *written)
{
    const volatile struct aegis_env_record *e = &E->env[i];
    const struct name *name = name_of(i);
    unsigned sleeping = 0;

    if (e->state == AEGIS_ENV_FREE)
        return;
    for (unsigned h = 0; h < AEGIS_HARTS; h++)
        sleeping |= (e->sleeping[h] & 1) << h;
    out_put(t, "%s{\"i\":%u,\"pid\":%d,\"name\":", (*written)++ ? "," : "", i, name->pid);
    out_quote(t, name->text, sizeof name->text);
    out_put(t, ",\"state\":%u,\"controller\":%u,\"end\":%u,\"cause\":%u", e->state, e->controller,
             e->end, e->end_cause);
    out_put(t, ",\"pages\":%lu,\"ledger\":%u,\"harts\":%u,\"sleeping\":%u,\"positions\":%u",
             owned[i], e->pages, e->harts, sleeping, e->positions);
    out_put(t, ",\"claims\":%u,\"entries\":%u}", e->claims, e->entries);
}

/* ---- packets ---- */

static void filters_write(struct out *t)
{
    unsigned written = 0;

    out_put(t, "\"filters\":[");
    for (unsigned i = 0; i < AEGIS_FILTERS; i++) {
        const volatile struct aegis_filter_record *f = &E->net.filter[i];
        if (f->check)
            out_put(t, "%s[%u,%u,%u,%u,%lu,%u]", written++ ? "," : "", i, f->owner, f->parent,
                    f->endpoint, (unsigned long)f->frames, f->limit);
    }
    out_put(t, "],\"endpoints\":[");
    written = 0;
    for (unsigned i = 0; i < AEGIS_ENDPOINTS; i++) {
        const volatile struct aegis_endpoint_record *e = &E->net.endpoint[i];
        if (e->check)
            out_put(t, "%s[%u,%u,%u,%lu,%lu,%lu,%lu]", written++ ? "," : "", i, e->owner, e->filters,
                    (unsigned long)e->received, (unsigned long)e->dropped, (unsigned long)e->sent,
                    (unsigned long)e->refused);
    }
    out_put(t, "]");
}

static void handlers_write(struct out *t)
{
    unsigned written = 0;

    out_put(t, ",\"handlers\":[");
    for (unsigned i = 0; i < AEGIS_HANDLERS; i++) {
        const volatile struct aegis_handler_record *h = &E->net.handler[i];
        if (h->check)
            out_put(t, "%s[%u,%u,%u,%u,%lu,%lu,%lu,%lu,%lu]", written++ ? "," : "", i, h->owner, h->filter, h->aborted,
                    (unsigned long)h->runs, (unsigned long)h->steps, (unsigned long)h->sent,
                    (unsigned long)(h->refused + h->spent), (unsigned long)h->passed);
    }
    out_put(t, "],");
    trie_write(t);
}

static void net_write(struct out *t)
{
    const volatile struct aegis_net *n = &E->net;

    out_put(t, "\"net\":{\"device\":%u,\"up\":%u,\"mac\":\"%02x:%02x:%02x:%02x:%02x:%02x\",", n->device,
            n->up, n->mac[0], n->mac[1], n->mac[2], n->mac[3], n->mac[4], n->mac[5]);
    out_put(t, "\"received\":%lu,\"received_bytes\":%lu,\"sent\":%lu,\"sent_bytes\":%lu,",
            (unsigned long)n->received, (unsigned long)n->received_bytes, (unsigned long)n->sent,
            (unsigned long)n->sent_bytes);
    out_put(t, "\"looped\":%lu,\"unwanted\":%lu,\"dropped\":%lu,\"nonsense\":%lu,\"resets\":%lu,",
            (unsigned long)n->looped, (unsigned long)n->unwanted, (unsigned long)n->dropped,
            (unsigned long)n->nonsense, (unsigned long)n->resets);
    filters_write(t);
    handlers_write(t);
    out_put(t, "}");
}

static uint64_t time_now(void)
{
    uint64_t t;
    __asm__ volatile("rdtime %0" : "=r"(t));
    return t;
}

void state_write(struct out *t)
{
    unsigned written = 0;

    out_put(t, "{\"time\":%lu,\"hz\":%lu,\"slice\":%lu,\"grace\":%lu,", (unsigned long)time_now(),
             (unsigned long)E->time_hz, (unsigned long)E->slice_ticks,
             (unsigned long)E->grace_ticks);
    out_put(t, "\"page_first\":%lu,\"page_count\":%lu,\"free\":%lu,\"clean\":%lu,",
             (unsigned long)E->page_first, (unsigned long)E->page_count,
             (unsigned long)E->free_pages, (unsigned long)E->clean_pages);
    out_put(t, "\"deaths\":%lu,\"asid_bits\":%u,\"input\":%lu,", (unsigned long)E->deaths,
             E->asid_bits, (unsigned long)E->input_count);
    pages_write(t);
    out_put(t, ",\"harts\":[");
    for (unsigned h = 0; h < E->harts && h < AEGIS_HARTS; h++)
        hart_write(t, h);
    out_put(t, "],\"envs\":[");
    for (unsigned i = 0; i < AEGIS_ENVS; i++)
        env_write(t, i, &written);
    out_put(t, "],\"irqs\":[");
    written = 0;
    for (unsigned i = 0; i < AEGIS_IRQS; i++)
        if (E->irq_count[i])
            out_put(t, "%s[%u,%lu]", written++ ? "," : "", i, (unsigned long)E->irq_count[i]);
    out_put(t, "],");
    net_write(t);
    out_put(t, ",");
    pictures_write(t);
    out_put(t, "}\n");
}
