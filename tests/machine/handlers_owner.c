/* SPDX-License-Identifier: BSD-2-Clause */
/* Handlers and their owners: one that sleeps while its handler runs, is woken or is not, lets go of what the handler stands on, loses it, or dies. */
#include "handler_bench.h"
#include "parts.h"

static struct {
    volatile unsigned long number, how, slept;
} owner;

/* Memory is MAPPED until whoever made us has let go of it too. */
static struct aegis_result install_own(unsigned long window)
{
    struct aegis_result r;
    do
        r = UNTIL_DONE(aegis_handler_install(FILTER, window, (unsigned long)&image, FUEL, MEMORY));
    while (r.error == AEGIS_E_MAPPED);
    return r;
}

/* Installs `image`, whose window it then sleeps on: until its doubleword 0 is not 0 or, where there is one, a deadline. */
static void sleeping_owner(long deadline)
{
    struct aegis_predicate p = {.slot = WINDOW, .offset = deadline ? 8 : 0, .operation = AEGIS_NE, .width = 8, .value = 0};
    struct aegis_result r = install_own(WINDOW);

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
    struct aegis_result r = install_own(WINDOW);
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

/* What a handler pins is BUSY (call_handler_install); before it is installed and once it has ended its window can be re-keyed, and
   serves the next one. */
void handler_window_rekeyed_when_it_has_ended(void)
{
    struct bench b;
    bench_open(&b, 1);
    IMAGE(&image, COUNT(0), SAY(ASH_DROP));
    for (unsigned k = 1; k <= 3; k++) {
        unsigned long check = LEDGER[WINDOW].check;
        DONE(aegis_rekey(WINDOW));
        CHECK(LEDGER[WINDOW].check != check);
        unsigned n = install_done(&image);
        frame(&b, 0);
        EQUAL(HANDLER(n)->runs, 1);
        EQUAL(b.window[0], k);
        GIVES(aegis_rekey(WINDOW), BUSY);
        DONE(UNTIL_DONE(aegis_handler_remove(FILTER)));
    }
    bench_close(&b);
}

/* ---- and by force ---- */

#define HIGH 224UL       /* where the owner has its window: nothing below 128 is taken by force */
#define CONTROLLED LOW(4) /* the controller's claim on the owner's environment */

static struct {
    volatile unsigned long capability, owner, done, errors;
} controller;

/* Asks for one page, and takes it while its handler runs. */
static void controller_that_takes(long unused)
{
    (void)unused;
    struct aegis_result r = aegis_claim(AEGIS_WHAT(AEGIS_ENV, 0, 0, controller.owner), controller.capability, CONTROLLED);
    controller.errors = (unsigned long)r.error;
    controller.errors |= (unsigned long)aegis_revoke(PAGES_ROOT, CONTROLLED, 1, now()).error;
    unsigned long runs = HANDLER(owner.number)->runs;
    while (HANDLER(owner.number)->runs == runs)
        if (EXPOSED->harts == 1)
            up_yield();
    r = UNTIL_DONE(aegis_revoke_force(PAGES_ROOT, CONTROLLED));
    controller.errors |= (unsigned long)r.error;
    controller.done = 1;
    for (;;)
        up_yield();
}

/* Is told by its repossession vector: `how` is what was lost, `slept` where and how often. */
static void owner_that_is_told(long unused)
{
    (void)unused;
    struct aegis_result r = install_own(HIGH);
    owner.number = (unsigned long)r.value;
    other.errors = (unsigned long)r.error;
    other.done = 1;
    while (!activation()->loss_count)
        up_yield();
    owner.how = activation()->loss[0].what;
    owner.slept = activation()->loss[0].slot;
    other.done = 2;
    for (;;)
        up_yield();
}

static void owner_in_two_ledger_pages(struct child *c, struct bench *b)
{
    other.done = other.errors = 0;
    child_make(c, 0);
    page_get(S(5), 0);
    DONE(aegis_table_lend(c->slot, S(5), AEGIS_TABLE_LEDGER, 0));
    page_put(S(5));
    CHECK(HIGH >= image_end);
    page_put(WINDOW);
    page_get(HIGH, 0);
    DONE(UNTIL_DONE(aegis_map(0, HIGH, WINDOW_VA | AEGIS_R | AEGIS_W)));
    b->window[0] = 0;
    DONE(aegis_share(c->slot, FILTER, 1, AEGIS_R | AEGIS_W));
    DONE(aegis_share(c->slot, MEMORY, 1, AEGIS_R | AEGIS_W | AEGIS_LEND));
    DONE(aegis_share(c->slot, HIGH, 1, AEGIS_R | AEGIS_W));
    child_on(c, 0, owner_that_is_told, 0);
    child_slice(c, 0);
}

static void controller_start(struct child *c, struct child *of)
{
    struct aegis_result r = aegis_capability_make(of->slot, 0, 0, 0);
    DONE(r);
    controller.capability = r.value;
    controller.owner = of->index;
    controller.done = controller.errors = 0;
    child_make(c, 1);
    DONE(aegis_share(c->slot, PAGES_ROOT, 1, AEGIS_REVOKE));
    child_on(c, EXPOSED->harts > 1, controller_that_takes, 0);
    child_slice(c, EXPOSED->harts > 1);
}

static void window_is_taken(void)
{
    struct bench b;
    struct child c, d;
    bench_open(&b, 3);
    image_spin(&image);
    owner_in_two_ledger_pages(&c, &b);
    unsigned long what = LEDGER[HIGH].what, page = AEGIS_WHAT_RESOURCE(what);
    page_put(HIGH); /* all of it is the owner's alone */
    page_put(MEMORY);
    CHECK(wait_word(&other.done, 1));
    EQUAL(other.errors, 0);
    frame(&b, 0);
    EQUAL(HANDLER(owner.number)->runs, 1);
    controller_start(&d, &c);
    unsigned long until = now() + milliseconds(2000);
    while (now() < until && !controller.done) {
        frame_at_once(&b, 0);
        if (EXPOSED->harts == 1)
            up_yield();
    }
    EQUAL(controller.done, 1);
    EQUAL(controller.errors, 0);
    CHECK(wait_word(&other.done, 2)); /* told, and it lives */
    EQUAL(AEGIS_WHAT_RESOURCE(owner.how), page);
    EQUAL(owner.slept, HIGH);
    EQUAL(HANDLER(owner.number)->aborted, 0);
    unsigned long runs = HANDLER(owner.number)->runs;
    socket_post(&b.socket, 3);
    frame(&b, 0);
    EQUAL(HANDLER(owner.number)->runs, runs);
    EQUAL(b.socket.ring->received, 1); /* its frames come to the ring */
    CHECK(wait_for(all_gone, &b, 1000));
    EQUAL(HANDLER(owner.number)->check, 0);
    EQUAL(EXPOSED->env[c.index].state, AEGIS_ENV_LIVE);
    nobody_writes(&b, page);
    child_end(&d);
    child_end(&c);
    bench_close(&b);
}

/* A controller takes the window's block by force while the handler serves frames, of another hart where there is one: the owner is told
   where and what, its handler is ended, and goes by itself; what has neither part in it goes on. */
void handler_window_revoked_while_it_runs(void)
{
    for (unsigned n = 0; n < 5; n++)
        window_is_taken();
}
