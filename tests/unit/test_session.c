/* SPDX-License-Identifier: BSD-2-Clause */
/* The session's monitor and allocator, and death at every store. */
/* sources: libos/session/monitor.c libos/session/allocate.c */
/* flags: -idirafter libos/include -Wl,--wrap=session_log -DSESSION_VA=0x300000000000UL */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../../libos/session/chunk.h"
#include "../../libos/session/monitor.h"
#include "../../libos/signal/signals.h"
#include "tap.h"

uint64_t session_me = 1;
static uint64_t dead; /* identity */
static long steps_left = -1;
static jmp_buf killed;

void __real_session_log(const volatile void *at);

/* Death before the log's entry, or after it and before the store. */
void __wrap_session_log(const volatile void *at)
{
    if (steps_left >= 0 && steps_left-- == 0)
        longjmp(killed, 1);
    __real_session_log(at);
    if (steps_left >= 0 && steps_left-- == 0)
        longjmp(killed, 1);
}

struct thread *thread_self(void)
{
    static struct thread self;
    return &self;
}

void signals_deliver(void)
{
    abort();
}

bool owner_is_gone(uint64_t identity)
{
    return identity == dead;
}

void monitor_relax(unsigned tries)
{
    if (tries > 1000)
        abort();
}

static void chunk_add(void)
{
    monitor_enter();
    unsigned chunk = SESSION->chunk_count;
    session_set(SESSION->chunk_count, chunk + 1);
    allocator_add(chunk);
    monitor_leave();
}

static void start(unsigned chunks)
{
    void *at = mmap((void *)SESSION_VA, 32 << 20, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    if (at != (void *)SESSION_VA)
        abort();
    while (chunks--)
        chunk_add();
}

/* ---- what lies in the session, to be compared ---- */



/* The log's own entries may differ, and what was free then: only what is reachable must be the same.
 * So it is compared by what the transactions themselves look at. */
struct node {
    struct node *next;
    uint64_t value[5];
};

static struct node **list(void)
{
    return (struct node **)&SESSION->objects[0];
}

static uint64_t digest(void)
{
    uint64_t h = session_used();

    for (const struct node *n = *list(); n; n = n->next)
        for (unsigned i = 0; i < 5; i++)
            h = h * 31 + n->value[i];
    for (unsigned i = 1; i < 4; i++)
        if (SESSION->objects[i])
            h = h * 37 + *(uint64_t *)SESSION->objects[i] + ((uint64_t *)SESSION->objects[i])[511];
    return h;
}

static void push(uint64_t value)
{
    struct node *n = session_alloc(sizeof *n);
    if (!n)
        return;
    for (unsigned i = 0; i < 5; i++)
        n->value[i] = value + i;
    session_set(n->next, *list());
    session_set(*list(), n);
}

static void pop(void)
{
    struct node *n = *list();
    if (!n)
        return;
    session_set(*list(), n->next);
    session_free(n, sizeof *n);
}

static void page_put_in(unsigned i, uint64_t value, size_t count)
{
    uint64_t *page = session_pages(count);
    page[0] = value;
    page[511] = value + 1;
    session_set(SESSION->objects[i], (void *)page);
}

static void page_take_out(unsigned i, size_t count)
{
    if (SESSION->objects[i])
        session_pages_free(SESSION->objects[i], count);
    session_set(SESSION->objects[i], NULL);
}

static void transaction(unsigned kind)
{
    monitor_enter();
    switch (kind) {
    case 0: push(10); break;
    case 1: push(20), push(30), pop(), push(40); break;
    case 2: page_put_in(1, 5, 1); break;
    case 3: page_put_in(2, 6, 4), page_take_out(1, 1), page_put_in(3, 7, 1); break;
    case 4: pop(), page_take_out(2, 4), push(50); break;
    case 5: page_put_in(1, 8, 1), page_take_out(3, 1); break;
    case 6: page_put_in(2, 9, 16), pop(), pop(), push(1); break;
    default: page_take_out(1, 1), page_take_out(2, 16), push(2), push(3); break;
    }
    monitor_leave();
}
#define KINDS 8

/* One transaction, cut after `cut` steps. True: it came to its end. */
static bool cut_after(unsigned kind, long cut)
{
    steps_left = cut;
    if (setjmp(killed)) {
        steps_left = -1;
        dead = session_me;
        session_me++;
        monitor_enter();
        monitor_leave();
        return false;
    }
    transaction(kind);
    bool ended = steps_left >= 0;
    steps_left = -1;
    return ended;
}

static void killed_at_every_store(void)
{
    bool same = true;
    unsigned cuts = 0;

    for (unsigned round = 0; round < 3; round++)
        for (unsigned kind = 0; kind < KINDS; kind++) {
            uint64_t before = digest();
            for (long cut = 0; !cut_after(kind, cut); cut++, cuts++)
                same &= digest() == before && SESSION->owner == 0 && SESSION->log_count == 0;
        }
    tap(same && cuts > 200, "killed_at_every_store");
}

static void abandoned(void)
{
    uint64_t before = digest();

    monitor_enter();
    push(77);
    page_take_out(1, 1);
    page_put_in(2, 3, 2);
    monitor_abandon();
    tap(digest() == before, "abandoned");
}

/* Random sizes, each filled with its own pattern, none overlapping; all given back. */
#define OBJECTS 200
static void allocator_storm(void)
{
    struct { unsigned char *at; size_t size; bool pages; } o[OBJECTS] = {0};
    uint64_t used = session_used();
    bool good = true;

    srand(1);
    for (unsigned step = 0; step < 20000; step++) {
        unsigned i = (unsigned)rand() % OBJECTS;
        monitor_enter();
        if (o[i].at) {
            for (size_t k = 0; k < o[i].size; k++)
                good &= o[i].at[k] == (unsigned char)i;
            o[i].pages ? session_pages_free(o[i].at, o[i].size / 4096) : session_free(o[i].at, o[i].size);
            o[i].at = NULL;
        } else {
            o[i].pages = rand() % 4 == 0;
            o[i].size = o[i].pages ? 4096U << rand() % 5 : 1 + (unsigned)rand() % 2048;
            o[i].at = o[i].pages ? session_pages(o[i].size / 4096) : session_alloc(o[i].size);
            for (size_t k = 0; o[i].at && k < o[i].size; k++)
                good &= o[i].at[k] == 0;
            if (o[i].at)
                memset(o[i].at, (int)i, o[i].size);
        }
        monitor_leave();
    }
    for (unsigned i = 0; i < OBJECTS; i++) {
        monitor_enter();
        if (o[i].at)
            o[i].pages ? session_pages_free(o[i].at, o[i].size / 4096) : session_free(o[i].at, o[i].size);
        monitor_leave();
    }
    bool more = true;
    while (more) {
        monitor_enter();
        more = allocator_settle();
        monitor_leave();
    }
    tap(good, "allocator_keeps_what_it_gave");
    tap(session_used() == used, "allocator_gives_back");
}

static void chunks_meet(void)
{
    uint64_t first;
    bool good = true;

    for (unsigned k = 0; k < SESSION_CHUNKS; k++) {
        unsigned order;
        uint64_t page = chunk_first(k, &order);
        good &= chunk_of(page, &first) == k && first == page;
        good &= chunk_of(page + (1UL << order) - 1, &first) == k && first == page;
        good &= k + 1 == SESSION_CHUNKS || chunk_first(k + 1, &order) == page + (1UL << order) ||
                k == 15 || k == 75 || k == 123;
    }
    tap(good, "chunks_meet");
    /* all but the last 2 MiB, which are those of a session apart */
    tap(chunk_of((SESSION_SIZE >> 12) - 513, &first) == SESSION_CHUNKS - 1 &&
            chunk_of((SESSION_SIZE >> 12) - 512, &first) == SESSION_CHUNKS, "chunks_fill_the_range");
}

int main(void)
{
    start(16 + 20);
    killed_at_every_store();
    abandoned();
    allocator_storm();
    chunks_meet();
    return tap_failed;
}
