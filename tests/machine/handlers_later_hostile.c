/* SPDX-License-Identifier: BSD-2-Clause */
/* Later runs against who wants others to have less: of time, of the fast paths, of the machine. */
#include "handler_later.h"

#define SENDER LOW(4) /* the endpoint, of a child too */

/* The endpoint where a child has it, and a frame that is to be sent. */
static void sender_make(struct bench *b)
{
    struct aegis_result r = aegis_capability_make(S(2), AEGIS_W, 0, 0);
    DONE(r);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENDPOINT, AEGIS_W, 0, b->socket.number), r.value, SENDER));
    udp_frame(b->socket.buffers + 2, LENGTH, PORT, PORT, 0);
    socket_queue(&b->socket, b->filter, 2, LENGTH);
}

static void yields(long unused)
{
    (void)unused;
    for (;;) {
        other.done++;
        up_yield();
    }
}

static void sends_and_computes(long unused)
{
    (void)unused;
    other.errors = aegis_net_send(SENDER).value;
    for (;;)
        ;
}

/* Who computed here before, and is given time again when a run is asked for already, does not put it off. */
void handler_runs_later_beside_who_comes_back(void)
{
    struct bench b;
    struct child c, sender;
    bench_open(&b, 3);
    install_done(IMAGE(&image, LATER(ASH_DROP)));
    sender_make(&b);
    other_start(&c, 1, yields, 0, 0);
    CHECK(wait_word(&other.done, 100));
    child_make(&sender, 1);
    DONE(aegis_share(sender.slot, SENDER, 1, AEGIS_W));
    child_on(&sender, 1, sends_and_computes, 0);
    b.window[TICKS] = milliseconds(1);
    DONE(aegis_slice_lend(c.slices[1], sender.slot));
    CHECK(wait_word(&other.errors, 1));
    sleep_ms(200); /* 20 slots */
    CHECK(often(b.window[RUNS]));
    DONE(aegis_slice_lend(c.slices[1], c.slot));
    unsigned long done = other.done, runs = b.window[RUNS];
    CHECK(wait_word(&other.done, done + 100));
    sleep_ms(200);
    CHECK(often(b.window[RUNS] - runs));
    never_again(&b);
    child_end(&c);
    child_end(&sender);
    page_put(SENDER);
    bench_close(&b);
}

static unsigned long yields_take(void)
{
    up_yield(); /* C has looked */
    unsigned long since = now();
    for (unsigned i = 0; i < 500; i++)
        up_yield();
    return now() - since;
}

/* The fast paths come back with whoever asked for a run in a thousand years: it asks for none, it is removed, it is replaced. */
void handler_asks_no_more(void)
{
    struct bench b;
    bench_open(&b, 3);
    unsigned long usual = yields_take(), slow;
    install_done(IMAGE(&image, LATER(ASH_DROP)));
    for (unsigned how = 0; how < 3; how++) {
        b.window[TICKS] = 1UL << 50;
        frame(&b, 0);
        slow = yields_take();
        CHECK(!exact() || slow > usual); /* else this shows nothing */
        if (how == 0) {
            b.window[TICKS] = ~0UL;
            frame(&b, 0);
        } else if (how == 1) {
            DONE(UNTIL_DONE(aegis_handler_remove(FILTER)));
            install_done(&image);
        } else {
            install_done(IMAGE(&second, SAY(ASH_DROP)));
            settle();
        }
        slow = yields_take();
        if (exact() && slow > usual + usual / 8)
            say("# %d: %d, and not %d", (int)how, (int)slow, (int)usual);
        CHECK(!exact() || slow <= usual + usual / 8);
    }
    bench_close(&b);
}

/* Its owner's part is a part of each hart's rotation: runs on a hart with a short one do not make it new on another. */
void handler_time_is_each_harts(void)
{
    struct bench b;
    struct child c;
    enum { MORE = 15 };
    bench_open(&b, 3);
    IMAGE(&image, SLTIU(X_T0, X_A1, 1), LD(X_A0, 8 * OTHERS_RUNS, X_S10), OR(X_T0, X_T0, X_A0), BEQ(X_T0, X_ZERO, 16), ASK, COUNT(RUNS),
        ADDI(X_S8, X_S8, -6), BLT(X_S8, X_ZERO, 8), JAL(0, -20), SAY(ASH_SPENT));
    struct ash_label *label = (struct ash_label *)(image.word + image.head.words);
    label[0] = (struct ash_label){.at = 7};
    label[1] = (struct ash_label){.at = 13};
    image.head.labels = 2;
    unsigned n = install_done(&image);
    sender_make(&b);
    b.window[TICKS] = 1;
    b.window[OTHERS_RUNS] = 1; /* this one asks */
    other.errors = 0;
    child_make(&c, 0);
    DONE(aegis_share(c.slot, SENDER, 1, AEGIS_W));
    child_on(&c, 1, sends_and_computes, 0);
    child_slice(&c, 1);
    CHECK(wait_word(&other.errors, 1));
    b.window[OTHERS_RUNS] = 0;
    for (unsigned i = 0; i < MORE; i++)
        DONE(aegis_alloc(AEGIS_SLOT_SLICES, 0xff, S(40 + i)));
    const volatile uint64_t *ticks = &EXPOSED->env[HANDLER(n)->owner].handler_ticks;
    unsigned long since = now(), length = 4 * (MORE + 1) * EXPOSED->slice_ticks;
    uint64_t before = *ticks, runs = HANDLER(n)->runs;
    while (now() - since < length)
        frame_at_once(&b, 0);
    CHECK(often(HANDLER(n)->runs - runs));
    within(*ticks - before, length / 64, 3 * length / 64); /* of two harts */
    b.window[TICKS] = ~0UL;
    for (unsigned i = 0; i < MORE; i++)
        page_put(S(40 + i));
    child_end(&c);
    page_put(SENDER);
    bench_close(&b);
}

/* Asks for no time at all, for ever, on a hart that idles: who sleeps there wakes in time, and who dies is gone. */
void handler_asks_for_no_time(void)
{
    struct bench b;
    struct child c;
    bench_open(&b, 3);
    unsigned n = install_done(IMAGE(&image, LATER(ASH_DROP)));
    b.window[TICKS] = 0;
    frame(&b, 0);
    unsigned long late = 0;
    for (unsigned i = 0; i < 20; i++) {
        unsigned long until = now() + milliseconds(5);
        while (now() < until)
            up_wait(NULL, 0, until);
        late += now() - until;
    }
    within(late / 20, 0, milliseconds(1));
    CHECK(often(HANDLER(n)->runs));
    for (unsigned i = 0; i < 2; i++) {
        other_start(&c, EXPOSED->harts > 1 ? 1 : 0, yields, 0, 0);
        CHECK(wait_word(&other.done, 1));
        child_end(&c);
    }
    never_again(&b);
    bench_close(&b);
}

#define SET_MAC(n, value) ADDI(X_T0, X_ZERO, value), SB(X_T0, ASH_FRAME_START + (n), X_S7)
#define TRY_SEND(n, ...) __VA_ARGS__, CALL(ASH_CALL_send), SD(X_A0, 8 * (WORDS + (n)), X_S10)

/* With no frame there is nothing at a1, and no length of it that may be sent; what is sent elsewhere wants a device. */
void handler_sends_nonsense_later(void)
{
    struct bench b;
    bench_open(&b, 3);
    unsigned n = install_done(IMAGE(&image, COUNT(RUNS), SD(X_A1, 8 * LENGTH_SEEN, X_S10), ASK, SET_MAC(4, EXPOSED->net.mac[4]), SET_MAC(5, EXPOSED->net.mac[5]),
        TRY_SEND(0, FRAME, ADDI(X_A1, X_ZERO, 0)), TRY_SEND(1, FRAME, ADDI(X_A1, X_ZERO, 1519)), TRY_SEND(2, FRAME, ADDI(X_A1, X_ZERO, -1)),
        TRY_SEND(3, ADDI(X_A0, X_S7, ASH_FRAME_START + 2), ADDI(X_A1, X_ZERO, 60)), TRY_SEND(4, ADDI(X_A0, X_S10, 0), ADDI(X_A1, X_ZERO, 60)),
        SET_MAC(4, 0x55), SET_MAC(5, 2), TRY_SEND(5, FRAME, ADDI(X_A1, X_ZERO, 60)), SAY(ASH_SEND)));
    b.window[TICKS] = milliseconds(1);
    frame(&b, 0);
    sleep_ms(50);
    CHECK(often(b.window[RUNS]));
    EQUAL(b.window[LENGTH_SEEN], 0);
    for (unsigned i = 0; i < 5; i++)
        EQUAL(b.window[WORDS + i], -1);
    if (!EXPOSED->net.irq)
        EQUAL(b.window[WORDS + 5], -1);
    EQUAL(HANDLER(n)->aborted, 0);
    EQUAL(b.socket.ring->received + b.socket.ring->dropped, 0);
    never_again(&b);
    bench_close(&b);
}

/* It traps with no frame, having asked again: aborted, never run again; the hart goes on, and another may take its place. */
void handler_traps_later(void)
{
    struct bench b;
    bench_open(&b, 3);
    /* As in handler_trap_is_contained: a page of the window, or its hole, by a byte of the frame that was there last. */
    IMAGE(&image, BEQ(X_A1, X_ZERO, 36), COUNT(RUNS), ASK, SAY(ASH_DROP), ASK, LBU(X_T0, ASH_FRAME_START + 42, X_S7), SLLI(X_T0, X_T0, 12),
        ADD(X_T0, X_T0, X_S10), SD(X_S8, 8 * WORDS, X_T0), SAY(ASH_DROP));
    ((struct ash_label *)(image.word + image.head.words))[0] = (struct ash_label){.at = 9, .tracked = 1U << X_T0};
    image.head.labels = 1;
    unsigned n = install_done(&image);
    b.window[TICKS] = milliseconds(1);
    frame(&b, 200);
    sleep_ms(100);
    EQUAL(HANDLER(n)->aborted, 1);
    EQUAL(HANDLER(n)->pc, 15);
    EQUAL(HANDLER(n)->value & 0xfffff, 200 * 4096 + 8 * WORDS);
    EQUAL(HANDLER(n)->runs, 2);
    socket_post(&b.socket, 3);
    frame(&b, 200);
    EQUAL(b.socket.ring->received, 1);
    EQUAL(b.window[RUNS], 1);
    n = install_done(IMAGE(&image, LATER(ASH_DROP)));
    frame(&b, 0);
    sleep_ms(100);
    CHECK(often(HANDLER(n)->runs));
    never_again(&b);
    bench_close(&b);
}
