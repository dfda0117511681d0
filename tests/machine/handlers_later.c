/* SPDX-License-Identifier: BSD-2-Clause */
/* Handlers that ask for a later run: when it comes, beside those who sleep and those who compute; what it may do; what ends it. */
#include "handler_later.h"

/* On a hart that idles: on time, whatever it says there is nothing to pass on and nothing to send, and until it asks no more. */
void handler_runs_later(void)
{
    struct bench b;
    bench_open(&b, 1);
    const unsigned verdict[] = {ASH_DROP, ASH_PASS, ASH_SEND};
    for (unsigned i = 0; i < 3; i++) {
        unsigned n = install_done(IMAGE(&image, LATER(verdict[i])));
        b.window[RUNS] = 0;
        b.window[TICKS] = milliseconds(2);
        frame(&b, 0);
        EQUAL(b.window[RUNS], 1);
        EQUAL(b.window[LENGTH_SEEN], LENGTH);
        EQUAL(b.window[ANSWER], 0);
        unsigned long idle = EXPOSED->hart[0].idle_ticks, dropped = b.socket.ring->dropped;
        sleep_ms(200);
        within(b.window[RUNS] - 1, 80, 101);
        CHECK(EXPOSED->hart[0].idle_ticks - idle > milliseconds(exact() ? 150 : 10)); /* between them it sleeps */
        EQUAL(b.window[LENGTH_SEEN], 0);
        never_again(&b);
        EQUAL(HANDLER(n)->runs, b.window[RUNS]);
        EQUAL(HANDLER(n)->sent, verdict[i] == ASH_SEND);
        EQUAL(b.socket.ring->dropped, dropped);
        EQUAL(b.socket.ring->received, 0);
        DONE(UNTIL_DONE(aegis_handler_remove(FILTER)));
    }
    bench_close(&b);
}

static void computes(long unused)
{
    (void)unused;
    for (;;)
        other.done++;
}

/* Beside those who compute it is at the end of somebody's slot; nobody is kept from his. */
void handler_runs_later_beside_who_computes(void)
{
    struct bench b;
    struct child c;
    bench_open(&b, 3);
    install_done(IMAGE(&image, LATER(ASH_DROP)));
    b.window[TICKS] = milliseconds(5);
    frame(&b, 0);
    spin_ms(200); /* 20 slots */
    within(b.window[RUNS] - 1, 15, 40);
    other_start(&c, 0, computes, 0, 0);
    CHECK(wait_word(&other.done, 1));
    unsigned long idle = EXPOSED->hart[0].idle_ticks, done = other.done, runs = b.window[RUNS];
    spin_ms(400);
    EQUAL(EXPOSED->hart[0].idle_ticks, idle);
    within(b.window[RUNS] - runs, 30, 80);
    CHECK(other.done - done > 1000);
    child_end(&c);
    never_again(&b);
    bench_close(&b);
}

static long answer_seven(long a)
{
    return a + 7;
}

static void server(long unused)
{
    (void)unused;
    my()->entry_fn = (unsigned long)answer_seven;
    aegis_alloc(AEGIS_SLOT_SELF, 0, 7);
    other.errors = aegis_capability_make(7, AEGIS_CALL, 0, 0).value;
    for (;;) {
        other.done++;
        up_yield();
    }
}

/* What is done so that computing does not put a run off is in nobody's way: transfers are what they were. */
void handler_runs_later_beside_transfers(void)
{
    struct bench b;
    struct child c;
    long reply = 0;
    unsigned long low = low_slot(0);
    bench_open(&b, 3);
    install_done(IMAGE(&image, LATER(ASH_DROP)));
    other_start(&c, 0, server, 0, 0);
    CHECK(wait_word(&other.done, 1));
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENTRY, AEGIS_CALL, 0, c.index), other.errors, low));
    b.window[TICKS] = milliseconds(3);
    frame(&b, 0);
    unsigned long until = now() + milliseconds(300), failed = 0, made = 0;
    for (; now() < until; made++) {
        long error = pct_call(SYNC(low), 1, 0, 0, 0, 0, &reply);
        failed += error || reply != 8;
    }
    CHECK(made > 100);
    EQUAL(failed, 0);
    within(b.window[RUNS], 20, 100);
    page_put(low);
    child_end(&c);
    never_again(&b);
    bench_close(&b);
}

/* It sends of its own accord what it has built; its filter's template is asked. */
void handler_sends_later(void)
{
    struct bench b;
    bench_open(&b, 2);
    unsigned n = install_done(IMAGE(&image, COUNT(RUNS), ASK, FRAME, ADDI(X_A1, X_ZERO, 60), CALL(ASH_CALL_send), SAY(ASH_DROP)));
    socket_post(&b.socket, 3);
    socket_post(&b.socket, 3);
    socket_post(&b.socket, 3);
    b.window[TICKS] = milliseconds(1);
    frame(&b, 0);
    sleep_ms(100);
    EQUAL(b.socket.ring->received, 3);
    EQUAL(b.socket.ring->rx[2].length, 60);
    CHECK(often(b.socket.ring->dropped));
    EQUAL(HANDLER(n)->sent, HANDLER(n)->runs);
    never_again(&b);
    n = install_done(IMAGE(&image, COUNT(RUNS), ASK, SH(X_ZERO, ASH_FRAME_START + 12, X_S7), FRAME, ADDI(X_A1, X_ZERO, 60), CALL(ASH_CALL_send), SAY(ASH_DROP)));
    b.window[TICKS] = milliseconds(1);
    frame(&b, 0);
    sleep_ms(50);
    CHECK(often(HANDLER(n)->runs));
    EQUAL(HANDLER(n)->refused, HANDLER(n)->runs);
    EQUAL(b.socket.ring->received, 3);
    bench_close(&b);
}

/* Runs as long as it may, and at once again: while somebody computes that is its owner's part of a rotation, else all the time there is. */
void handler_runs_later_in_its_owners_time(void)
{
    struct bench b;
    struct child c;
    bench_open(&b, 3);
    IMAGE(&image, ASK, COUNT(RUNS), ADDI(X_S8, X_S8, -6), BLT(X_S8, X_ZERO, 8), JAL(0, -20), SAY(ASH_SPENT));
    struct ash_label *label = (struct ash_label *)(image.word + image.head.words);
    label[0] = (struct ash_label){.at = 3};
    label[1] = (struct ash_label){.at = 9};
    image.head.labels = 2;
    unsigned n = install_done(&image);
    b.window[TICKS] = 0;
    frame(&b, 0);
    uint64_t slot = EXPOSED->slice_ticks, runs = HANDLER(n)->runs;
    spin_ms(300); /* once at each slot's end */
    within(HANDLER(n)->runs - runs, 28, 31);
    other_start(&c, 0, computes, 0, 0);
    CHECK(wait_word(&other.done, 1));
    const volatile uint64_t *ticks = &EXPOSED->env[HANDLER(n)->owner].handler_ticks;
    uint64_t before = *ticks, since = now(), sent = 0, passed = HANDLER(n)->passed;
    runs = HANDLER(n)->runs;
    for (; now() - since < 60 * slot; sent++) /* frames use up its part of the 30 rotations */
        frame_at_once(&b, 0);
    passed = HANDLER(n)->passed - passed;
    CHECK(passed > 0);
    CHECK(!exact() || HANDLER(n)->runs - runs - (sent - passed) <= 45); /* put off, mostly: 60 if it were not */
    within(*ticks - before, slot / 64 * 10, 32 * (2 * slot / 64 + 50 + FUEL / 10));
    child_end(&c);
    runs = HANDLER(n)->runs;
    sleep_ms(100);
    CHECK(often(HANDLER(n)->runs - runs));
    never_again(&b);
    bench_close(&b);
}

/* Asked once: run once. */
void handler_runs_later_once(void)
{
    struct bench b;
    bench_open(&b, 1);
    IMAGE(&image, COUNT(RUNS), BEQ(X_A1, X_ZERO, 16), ASK, SAY(ASH_DROP));
    ((struct ash_label *)(image.word + image.head.words))[0] = (struct ash_label){.at = 7};
    image.head.labels = 1;
    unsigned n = install_done(&image);
    b.window[TICKS] = milliseconds(1);
    for (unsigned i = 1; i < 5; i++) {
        frame(&b, 0);
        EQUAL(b.window[RUNS], 2 * i - 1);
        sleep_ms(50);
        EQUAL(b.window[RUNS], 2 * i);
    }
    EQUAL(HANDLER(n)->runs, 8);
    bench_close(&b);
}

static volatile struct {
    unsigned long what, capability;
} lent;

/* And says how others may claim the memory that it has lent. */
static void installs(long unused)
{
    (void)unused;
    other.errors = (unsigned long)UNTIL_DONE(aegis_handler_install(FILTER, WINDOW, (unsigned long)&image, FUEL, MEMORY)).error;
    lent.what = AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, AEGIS_HANDLER_ORDER, AEGIS_WHAT_RESOURCE(LEDGER[MEMORY].what));
    lent.capability = aegis_capability_make(MEMORY, AEGIS_R, 0, AEGIS_HANDLER_ORDER).value;
    other.done = 1;
    for (;;)
        up_yield();
}

/* Its owner is gone, and all that it stands on is somebody else's too: it is neither run nor waited for. */
void handler_runs_no_more_for_the_dead(void)
{
    struct bench b;
    struct child c;
    bench_open(&b, 3);
    IMAGE(&image, LATER(ASH_DROP));
    other_start(&c, 0, installs, 0, 4);
    page_put(MEMORY);
    CHECK(wait_word(&other.done, 1));
    EQUAL((long)other.errors, 0);
    DONE(aegis_claim(lent.what, lent.capability, S(9)));
    b.window[TICKS] = milliseconds(1);
    frame(&b, 0);
    sleep_ms(50);
    CHECK(often(b.window[RUNS]));
    child_end(&c);
    uint64_t runs = b.window[RUNS];
    settle();
    sleep_ms(50);
    EQUAL(b.window[RUNS], runs);
    CHECK(wait_for(all_gone, &b, 1000));
    page_put(S(9));
    bench_close(&b);
}

/* Removed, replaced: it is not run any more. */
void handler_runs_no_more(void)
{
    struct bench b;
    bench_open(&b, 3);
    unsigned n = install_done(IMAGE(&image, LATER(ASH_DROP)));
    b.window[TICKS] = milliseconds(1);
    frame(&b, 0);
    sleep_ms(50);
    CHECK(often(b.window[RUNS]));
    install_done(IMAGE(&second, COUNT(OTHERS_RUNS), SAY(ASH_DROP)));
    uint64_t runs = b.window[RUNS];
    sleep_ms(50);
    EQUAL(b.window[RUNS], runs);
    EQUAL(b.window[OTHERS_RUNS], 0);
    EQUAL(HANDLER(n)->aborted, 0); /* nor its code entered, which is not there */
    frame(&b, 0);
    EQUAL(b.window[OTHERS_RUNS], 1);
    n = install_done(&image);
    frame(&b, 0);
    sleep_ms(50);
    CHECK(often(b.window[RUNS] - runs));
    DONE(UNTIL_DONE(aegis_handler_remove(FILTER)));
    runs = b.window[RUNS];
    sleep_ms(50);
    EQUAL(b.window[RUNS], runs);
    EQUAL(HANDLER(n)->aborted, 0);
    page_put(WINDOW);
    bench_close(&b);
}
