/* SPDX-License-Identifier: BSD-2-Clause */
/* Handlers and their owners: one that sleeps while its handler runs, is woken or is not, lets go of what the handler stands on, or dies. */
#include "handler_bench.h"
#include "parts.h"

static struct {
    volatile unsigned long number, how, slept;
} owner;

/* Installs `image`, whose window it then sleeps on: until its doubleword 0 is not 0 or, where there is one, a deadline. */
static void sleeping_owner(long deadline)
{
    struct aegis_predicate p = {.slot = WINDOW, .offset = deadline ? 8 : 0, .operation = AEGIS_NE, .width = 8, .value = 0};
    struct aegis_result r = install(&image);

    other.errors = (unsigned long)r.error;
    owner.number = (unsigned long)r.value;
    other.done = 1;
    for (;;) {
        unsigned long from = now();
        up_wait(&p, 1, deadline ? from + milliseconds((unsigned long)deadline) : 0);
        owner.how = (unsigned long)activation()->wake;
        owner.slept = now() - from;
        other.done++;
        while (other.stop)
            up_yield();
    }
}

static void owner_end(struct child *c, struct bench *b)
{
    child_end(c);
    settle();
    frame(b, 0); /* its owner is gone: it is not run, and goes too */
    CHECK(wait_for(all_gone, b, 1000));
    EQUAL(pins(WINDOW), 0);
    bench_close(b);
}

static void owner_begin(struct bench *b, struct child *c, unsigned hart, long deadline)
{
    bench_open(b, 3);
    other_start(c, hart, sleeping_owner, deadline, 4);
    page_put(MEMORY); /* its alone: what is lent is claimed once */
    page_put(MEMORY + 1);
    CHECK(wait_word(&other.done, 1));
    EQUAL(other.errors, 0);
}

/* Nobody is told of its frames, and nobody needs to be: its owner sleeps and wakes as it asked to, what came is counted where all can see
   it, and nothing is kept for the owner that could grow. */
void handler_never_wakes(void)
{
    struct bench b;
    struct child c;
    IMAGE(&image, COUNT(0), SAY(ASH_DROP));
    owner_begin(&b, &c, 0, 20);
    unsigned long free = EXPOSED->free_pages, sent = 0;
    while (other.done < 5 && sent < 1000000) {
        frame_at_once(&b, 0);
        sent++;
        if (sent % 64 == 0)
            up_yield();
    }
    EQUAL(other.done, 5);
    EQUAL((long)owner.how, AEGIS_WAKE_TIMEOUT);
    EQUAL(b.window[0], HANDLER(owner.number)->runs);
    EQUAL(HANDLER(owner.number)->runs + HANDLER(owner.number)->passed, sent);
    EQUAL(HANDLER(owner.number)->steps, HANDLER(owner.number)->runs * image.head.words);
    CHECK(HANDLER(owner.number)->runs > 0);
    EQUAL(HANDLER(owner.number)->owner, c.index);
    CHECK(EXPOSED->env[c.index].handler_ticks > 0);
    EQUAL(b.socket.ring->received, 0);
    EQUAL(b.socket.ring->dropped, HANDLER(owner.number)->passed);
    EQUAL(EXPOSED->free_pages, free);
    owner_end(&c, &b);
}

/* On a hart that idles its owner hears of it at once, not when something else happens there. */
void handler_wakes(void)
{
    struct bench b;
    struct child c;
    IMAGE(&image, COUNT(0), CALL(2), SAY(ASH_DROP));
    owner_begin(&b, &c, 1, 0);
    for (unsigned n = 1; n <= 10; n++) {
        b.window[0] = 0;
        other.stop = 0;
        while (!EXPOSED->hart[1].idle)
            up_yield();
        other.stop = 1;
        frame(&b, 0);
        if (!wait_word(&other.done, n + 1))
            break;
        EQUAL(owner.how, 0);
    }
    EQUAL(other.done, 11);
    owner_end(&c, &b);
}

/* What it sends to its own filter comes to the ring, where no buffer is; never to itself. */
void handler_replies_to_itself(void)
{
    struct bench b;
    bench_open(&b, 1);
    unsigned n = install_done(IMAGE(&image, COUNT(0), FRAME, ADDI(X_A1, X_ZERO, LENGTH), CALL(1), FRAME, ADDI(X_A1, X_ZERO, LENGTH), CALL(1), SAY(ASH_SEND)));
    for (unsigned k = 1; k <= 20; k++) {
        frame(&b, 0);
        EQUAL(b.window[0], k);
        EQUAL(HANDLER(n)->runs, k);
        EQUAL(HANDLER(n)->sent, 3 * k);
        EQUAL(b.socket.ring->dropped, 3 * k);
    }
    bench_close(&b);
}

/* ---- what it stands on goes ---- */

enum going { RELEASES_WINDOW, RELEASES_FILTER, REKEYS_FILTER, DIES };

static void owner_that_goes(long how)
{
    struct aegis_result r = install(&image);
    owner.number = (unsigned long)r.value;
    other.errors = (unsigned long)r.error;
    other.done = 1;
    while (!other.stop)
        ;
    if (how == DIES)
        aegis_env_destroy(0);
    r = how == REKEYS_FILTER ? UNTIL_DONE(aegis_rekey(FILTER)) : UNTIL_DONE(aegis_release(0, how == RELEASES_WINDOW ? WINDOW : FILTER));
    other.errors |= (unsigned long)r.error;
    other.done = 2;
    for (;;)
        up_yield();
}

static bool page_is_free(void *page)
{
    aegis_reap(64);
    struct aegis_result r = aegis_page_alloc(PAGES_ROOT, *(unsigned long *)page, 0, S(5), NONE);
    return !r.error;
}

/* The page, which was the window: whoever gets it finds it clear, and nobody writes it any more while frames come. */
static void nobody_writes(struct bench *b, unsigned long page)
{
    CHECK(wait_for(page_is_free, &page, 2000));
    DONE(UNTIL_DONE(aegis_map(0, S(5), WINDOW_VA | AEGIS_R | AEGIS_W)));
    for (unsigned k = 0; k < 20; k++) {
        if (LEDGER[FILTER].what)
            frame_at_once(b, 0);
        for (unsigned i = 0; i < 512; i++)
            EQUAL(b->window[i], 0);
    }
    page_put(S(5));
}

static void window_goes(long how)
{
    struct bench b;
    struct child c;
    bench_open(&b, 3);
    image_spin(&image); /* writes its window as long as there is fuel */
    unsigned long page = AEGIS_WHAT_RESOURCE(LEDGER[WINDOW].what);
    other_start(&c, 1, owner_that_goes, how, 4);
    page_put(WINDOW); /* all of it is the owner's alone */
    page_put(MEMORY);
    page_put(MEMORY + 1);
    CHECK(wait_word(&other.done, 1));
    EQUAL(other.errors, 0);
    frame(&b, 0);
    other.stop = 1; /* now, while frames come on this hart */
    unsigned long until = now() + milliseconds(1000);
    while (now() < until && (how == DIES ? !env_gone(&c) : other.done < 2))
        frame_at_once(&b, 0);
    EQUAL(other.errors, 0);
    EQUAL(HANDLER(owner.number)->aborted, 0);
    child_end(&c);
    settle();
    nobody_writes(&b, page);
    bench_close(&b);
}

/* Runs on one hart while its owner, on another, takes away what it stands on: it ends whole, and touches nothing that is somebody else's by then. */
void handler_window_goes_while_it_runs(void)
{
    for (unsigned n = 0; n < 3; n++)
        for (long how = RELEASES_WINDOW; how <= DIES; how++)
            window_goes(how);
}
