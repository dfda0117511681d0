/* SPDX-License-Identifier: BSD-2-Clause */
/* Handlers: installed, replaced, run on frames that stay on the machine, stopped, ended with what they stand on. */
#include "handler_bench.h"
#include "parts.h"

/* ---- calls ---- */

static void wrong_images(void)
{
    struct image *i = IMAGE(&image, SAY(ASH_DROP));
    i->head.magic++;
    GIVES(install(i), BAD_HANDLER);
    i->head.magic--;
    i->head.words = 0;
    EQUAL(install(i).value, ASH_EMPTY);
    i->head.words = ASH_WORDS_MAX + 1;
    GIVES(install(i), BAD_HANDLER);
    i->head.words = 2, i->head.labels = ASH_LABELS_MAX + 1;
    GIVES(install(i), BAD_HANDLER);
    i->head.labels = 0, i->head.knowns = 0xffffffff;
    GIVES(install(i), BAD_HANDLER);
    i->head.knowns = 0, i->head.window = 8192; /* the block has 4,096 */
    GIVES(install(i), BAD_RANGE);
    i = IMAGE(&image, ADDI(X_A0, X_ZERO, 1), 0x73, END); /* ecall */
    struct aegis_result r = install(i);
    GIVES(r, BAD_HANDLER);
    EQUAL(r.value, ASH_BAD_CODE | 1 << 8);
    EQUAL(install(IMAGE(&image, ADDI(X_S10, X_S10, 8), SAY(ASH_DROP))).value, ASH_RESERVED);
    EQUAL(install(IMAGE(&image, LD(X_A0, 0, X_A1), END)).value, ASH_NOT_ADDRESS);
    for (unsigned n = 0; n < ASH_WORDS_MAX; n++)
        image.word[n] = ADDI(X_A0, X_A0, 1);
    image.head.words = ASH_WORDS_MAX; /* it goes on behind its end, which many steps lead to */
    r = install(&image);
    GIVES(r, BAD_HANDLER);
    EQUAL(r.value, ASH_FALLS_OFF | ASH_WORDS_MAX << 8);
}

void call_handler_install(void)
{
    struct bench b;
    bench_open(&b, 1);
    struct image *i = IMAGE(&image, COUNT(0), SAY(ASH_DROP));
    unsigned long at = (unsigned long)i;
    GIVES(aegis_handler_install(BAD, WINDOW, at, FUEL, MEMORY), BAD_SLOT);
    GIVES(aegis_handler_install(FILTER, BAD, at, FUEL, MEMORY), BAD_SLOT);
    GIVES(aegis_handler_install(S(9), WINDOW, at, FUEL, MEMORY), EMPTY_SLOT);
    GIVES(aegis_handler_install(FILTER, S(9), at, FUEL, MEMORY), EMPTY_SLOT);
    GIVES(aegis_handler_install(WINDOW, WINDOW, at, FUEL, MEMORY), WRONG_TYPE);
    GIVES(aegis_handler_install(FILTER, FILTER, at, FUEL, MEMORY), WRONG_TYPE);
    GIVES(aegis_handler_install(FILTER, WINDOW, at + 4, FUEL, MEMORY), BAD_ADDRESS);
    GIVES(aegis_handler_install(FILTER, WINDOW, AREA + 0x80000, FUEL, MEMORY), BAD_ADDRESS);
    GIVES(aegis_handler_install(FILTER, WINDOW, -8UL, FUEL, MEMORY), BAD_ADDRESS);
    GIVES(aegis_handler_install(FILTER, WINDOW, at, 0, MEMORY), BAD_RANGE);
    GIVES(aegis_handler_install(FILTER, WINDOW, at, ASH_FUEL_MAX + 1, MEMORY), BAD_RANGE);
    page_get(S(5), 9);
    GIVES(aegis_handler_install(FILTER, S(5), at, FUEL, MEMORY), BAD_RANGE); /* 2 MiB */
    GIVES(aegis_handler_install(FILTER, WINDOW, at, FUEL, S(5)), BAD_RANGE);
    page_put(S(5));
    GIVES(aegis_handler_install(FILTER, WINDOW, at, FUEL, BAD), BAD_SLOT);
    GIVES(aegis_handler_install(FILTER, WINDOW, at, FUEL, S(9)), EMPTY_SLOT);
    GIVES(aegis_handler_install(FILTER, WINDOW, at, FUEL, FILTER), WRONG_TYPE);
    DONE(UNTIL_DONE(aegis_map(0, MEMORY, (AREA + 0x100000) | AEGIS_R | AEGIS_W)));
    GIVES(aegis_handler_install(FILTER, WINDOW, at, FUEL, MEMORY), MAPPED);
    DONE(UNTIL_DONE(aegis_unmap(0, MEMORY)));
    struct aegis_result c = aegis_capability_make(WINDOW, AEGIS_R, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, 0, AEGIS_WHAT_RESOURCE(LEDGER[WINDOW].what)), c.value, S(5)));
    GIVES(aegis_handler_install(FILTER, S(5), at, FUEL, MEMORY), NO_RIGHT);
    page_put(S(5));
    c = aegis_capability_make(FILTER, AEGIS_R, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_FILTER, AEGIS_R, 0, b.filter), c.value, S(5)));
    GIVES(aegis_handler_install(S(5), WINDOW, at, FUEL, MEMORY), NO_RIGHT);
    GIVES(aegis_handler_remove(S(5)), NO_RIGHT);
    page_put(S(5));
    unsigned long bare = LEDGER[MEMORY].what & ~((unsigned long)AEGIS_LEND << 40);
    c = aegis_capability_make(MEMORY, AEGIS_WHAT_RIGHTS(bare), 0, AEGIS_HANDLER_ORDER);
    DONE(aegis_claim(bare, c.value, S(5)));
    GIVES(aegis_handler_install(FILTER, WINDOW, at, FUEL, S(5)), NO_RIGHT);
    GIVES(aegis_handler_install(FILTER, WINDOW, at, FUEL, MEMORY), MAPPED); /* claimed twice */
    page_put(S(5));
    wrong_images();
    EQUAL(EXPOSED->net.filter[b.filter].limit, 1); /* what was refused has taken nothing */
    EQUAL(pins(WINDOW), 0);
    i = IMAGE(&image, COUNT(0), SAY(ASH_DROP));
    unsigned n = install_done(i);
    EQUAL(HANDLER(n)->check, LEDGER[FILTER].check);
    EQUAL(HANDLER(n)->filter, b.filter);
    EQUAL(EXPOSED->net.filter[b.filter].limit, 0);
    EQUAL(pins(WINDOW), 1);
    GIVES(aegis_rekey(WINDOW), BUSY);
    GIVES(aegis_map(0, MEMORY, (AREA + 0x100000) | AEGIS_R), LENT_PAGE); /* nobody's to read or write */
    GIVES(aegis_handler_install(FILTER, WINDOW, at, FUEL, MEMORY), FULL);
    GIVES(install(i), FULL); /* another beside it takes another of the filter's limit */
    for (unsigned k = 1; k <= 3; k++) {
        frame(&b, 0);
        EQUAL(b.window[0], k);
        EQUAL(HANDLER(n)->runs, k);
        EQUAL(HANDLER(n)->steps, k * i->head.words);
    }
    EQUAL(b.socket.ring->received, 0);
    EQUAL(HANDLER(n)->aborted, 0);
    bench_close(&b);
    EQUAL(HANDLER(n)->check, 0);
}

void call_handler_remove(void)
{
    struct bench b;
    bench_open(&b, 1);
    GIVES(aegis_handler_remove(BAD), BAD_SLOT);
    GIVES(aegis_handler_remove(S(9)), EMPTY_SLOT);
    GIVES(aegis_handler_remove(WINDOW), WRONG_TYPE);
    DONE(aegis_handler_remove(FILTER)); /* there is none */
    unsigned n = install_done(IMAGE(&image, COUNT(0), SAY(ASH_DROP)));
    DONE(UNTIL_DONE(aegis_handler_remove(FILTER)));
    EQUAL(HANDLER(n)->check, 0);
    EQUAL(pins(WINDOW), 0);
    EQUAL(EXPOSED->net.filter[b.filter].limit, 1);
    socket_post(&b.socket, 3);
    frame(&b, 0);
    EQUAL(b.socket.ring->received, 1); /* to the ring, as before */
    EQUAL(b.window[0], 0);
    for (unsigned i = 0; i < 100; i++) { /* nothing is used up */
        install_done(&image);
        DONE(UNTIL_DONE(aegis_handler_remove(FILTER)));
    }
    DONE(aegis_rekey(FILTER));
    bench_close(&b);
}

void handler_claims_that_are_dead_or_unsettled(void)
{
    struct bench b;
    bench_open(&b, 2);
    IMAGE(&image, SAY(ASH_DROP));
    struct aegis_result c = aegis_capability_make(FILTER, AEGIS_R | AEGIS_W, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_FILTER, AEGIS_R | AEGIS_W, 0, b.filter), c.value, S(5)));
    DONE(aegis_rekey(FILTER));
    GIVES(aegis_handler_install(S(5), WINDOW, (unsigned long)&image, FUEL, MEMORY), REVOKED);
    GIVES(aegis_handler_remove(S(5)), REVOKED);
    page_put(S(5));
    page_get(S(5), 4);
    GIVES(aegis_page_alloc(PAGES_ROOT, ANY, 4, S(6), S(5)), AGAIN);
    GIVES(aegis_handler_install(FILTER, S(6), (unsigned long)&image, FUEL, MEMORY), BUSY);
    GIVES(aegis_handler_install(FILTER, WINDOW, (unsigned long)&image, FUEL, S(6)), BUSY);
    page_put(S(6));
    page_put(S(5));
    dead_claim(5);
    GIVES(aegis_handler_install(FILTER, S(5), (unsigned long)&image, FUEL, MEMORY), REVOKED);
    GIVES(aegis_handler_install(FILTER, WINDOW, (unsigned long)&image, FUEL, S(5)), REVOKED);
    dead_end(5);
    CHECK(EXPOSED->device[0].kind);
    DONE(aegis_page_alloc(PAGES_ROOT, EXPOSED->device[0].page, 0, S(5), NONE)); /* registers are no window */
    GIVES(aegis_handler_install(FILTER, S(5), (unsigned long)&image, FUEL, MEMORY), LENT_PAGE);
    page_put(S(5));
    install_done(&image);
    unsigned long lent = RECORDS_OF(MEMORY).pins ? MEMORY : MEMORY + 1;
    GIVES(aegis_handler_install(FILTER, WINDOW, (unsigned long)&image, FUEL, lent), LENT_PAGE);
    bench_close(&b);
}

/* ---- verdicts ---- */

/* PASS: the frame as the handler left it. SEND: it goes out; here to ourselves, where no second handler sees it. */
void handler_passes_and_sends(void)
{
    struct bench b;
    bench_open(&b, 2);
    unsigned n = install_done(IMAGE(&image, ADDI(X_T0, X_ZERO, 0x5a), SB(X_T0, 50, X_A0), COUNT(0), SAY(ASH_PASS)));
    socket_post(&b.socket, 3);
    frame(&b, 1);
    EQUAL(b.socket.ring->received, 1);
    EQUAL(b.socket.ring->rx[0].length, LENGTH);
    const unsigned char *got = b.socket.buffers + 3 * AEGIS_NET_BUFFER + 2;
    for (unsigned i = 0; i < LENGTH; i++)
        EQUAL(got[i], i == 50 ? 0x5a : b.socket.buffers[2 + i]);
    EQUAL(b.window[0], 1);
    n = install_done(IMAGE(&image, SB(X_A1, 51, X_A0), COUNT(1), SAY(ASH_SEND)));
    socket_post(&b.socket, 4);
    frame(&b, 1);
    EQUAL(b.socket.ring->received, 2);
    got = b.socket.buffers + 4 * AEGIS_NET_BUFFER + 2;
    for (unsigned i = 0; i < LENGTH; i++)
        EQUAL(got[i], i == 51 ? LENGTH : b.socket.buffers[2 + i]);
    EQUAL(b.window[1], 1);
    EQUAL(HANDLER(n)->sent, 1);
    n = install_done(IMAGE(&image, SH(X_A1, 34, X_A0), COUNT(2), SAY(ASH_SEND))); /* from another port: the template refuses */
    frame(&b, 1);
    EQUAL(b.socket.ring->received, 2);
    EQUAL(HANDLER(n)->sent, 0);
    EQUAL(HANDLER(n)->refused, 1);
    n = install_done(IMAGE(&image, COUNT(3), ADDI(X_A0, X_ZERO, -1), END)); /* no verdict at all */
    frame(&b, 1);
    EQUAL(b.socket.ring->received, 2);
    EQUAL(HANDLER(n)->aborted, 0);
    EQUAL(HANDLER(n)->runs, 1);
    bench_close(&b);
}

/* Every length arrives in its page whole; nothing of another frame but its own stands behind. */
void handler_sees_frames_of_every_length(void)
{
    struct bench b;
    bench_open(&b, 1);
    install_done(IMAGE(&image, ADD(X_T0, X_A0, X_A1), LBU(X_T1, -1, X_T0), SD(X_T1, 0, X_S10), SD(X_A1, 8, X_S10), SAY(ASH_PASS)));
    for (unsigned length = 43; length <= AEGIS_NET_HEADER_MAX; length += length < 70 ? 1 : 31) {
        rotate();
        udp_frame(b.socket.buffers + 2, length, PORT, PORT, length);
        socket_queue(&b.socket, b.filter, 2, length);
        socket_post(&b.socket, 3);
        EQUAL(aegis_net_send(S(2)).value, 1);
        EQUAL(b.window[0], b.socket.buffers[2 + length - 1]);
        EQUAL(b.window[1], length);
        for (unsigned i = 0; i < length; i++)
            EQUAL(b.socket.buffers[3 * AEGIS_NET_BUFFER + 2 + i], b.socket.buffers[2 + i]);
    }
    bench_close(&b);
}

/* The entries of the kernel: arguments that are anything, answers, registers that stay. */
void handler_entries(void)
{
    struct bench b;
    bench_open(&b, 1);
    unsigned n = install_done(IMAGE(&image, ADDI(X_S1, X_ZERO, 77), ADDI(X_A0, X_A0, 8), CALL(1), SD(X_A0, 0, X_S10), /* not its beginning */
        FRAME, ADDI(X_A1, X_ZERO, 13), CALL(1), SD(X_A0, 8, X_S10),
        FRAME, ADDI(X_A1, X_ZERO, 1519), CALL(1), SD(X_A0, 16, X_S10),
        FRAME, ADDI(X_A1, X_ZERO, -1), CALL(1), SD(X_A0, 24, X_S10),
        ADDI(X_A0, X_ZERO, 0), ADDI(X_A1, X_ZERO, 60), CALL(1), SD(X_A0, 32, X_S10),
        FRAME, ADDI(X_A1, X_ZERO, 60), CALL(1), SD(X_A0, 40, X_S10), CALL(2), SD(X_A0, 48, X_S10), CALL(3), SD(X_A0, 56, X_S10),
        ADDI(X_A0, X_ZERO, -1), CALL(4), SD(X_A0, 64, X_S10), SD(X_S1, 72, X_S10), SD(X_S8, 80, X_S10), SD(X_SP, 88, X_S10), SAY(ASH_DROP)));
    socket_post(&b.socket, 3);
    unsigned long before = now();
    frame(&b, 9);
    for (unsigned i = 0; i < 5; i++)
        EQUAL(b.window[i], -1);
    EQUAL(b.window[5], 0);
    EQUAL(b.window[6], 0);
    CHECK(b.window[7] >= before && b.window[7] <= now());
    EQUAL(b.window[8], 0);
    EQUAL(b.window[9], 77);
    EQUAL(b.window[10], FUEL - 6 * 64 - 32 - 8 - 32);
    EQUAL(b.window[11] % 4096, 0);
    EQUAL(b.socket.ring->received, 1);
    EQUAL(b.socket.ring->rx[0].length, 60);
    EQUAL(HANDLER(n)->sent, 1);
    EQUAL(HANDLER(n)->aborted, 0);
    bench_close(&b);
}

/* Calls without a loop: there is no more fuel for them than there is, and then the run is over. */
void handler_calls_are_paid_for(void)
{
    struct bench b;
    uint32_t word[4 * 200];
    bench_open(&b, 1);
    for (unsigned i = 0; i < 200; i++) {
        const uint32_t send[] = {FRAME, ADDI(X_A1, X_ZERO, 60), CALL(1), SD(X_A0, 0, X_S10)};
        for (unsigned k = 0; k < 4; k++)
            word[4 * i + k] = send[k];
    }
    word[4 * 200 - 2] = ADDI(X_A0, X_ZERO, ASH_DROP);
    word[4 * 200 - 1] = END;
    unsigned n = install_done(image_make(&image, word, 4 * 200, 1));
    frame(&b, 0);
    EQUAL(HANDLER(n)->sent, FUEL / 64);
    EQUAL(HANDLER(n)->spent, 1);
    EQUAL(b.socket.ring->dropped, FUEL / 64); /* to ourselves, where no buffer is */
    bench_close(&b);
}

/* ---- what goes wrong ---- */

/* It traps: aborted, told, not run again; frames go to the ring, the kernel goes on, and another may take its place. */
void handler_trap_is_contained(void)
{
    struct bench b;
    bench_open(&b, 2);
    /* A page of the window by a byte of the frame: the verifier knows that it is within the window or its hole. */
    unsigned n = install_done(IMAGE(&image, LBU(X_T0, 42, X_A0), SLLI(X_T0, X_T0, 12), ADD(X_T0, X_T0, X_S10), COUNT(0),
                                    LBU(X_T0, 42, X_A0), SLLI(X_T0, X_T0, 12), ADD(X_T0, X_T0, X_S10), SD(X_A1, 8, X_T0), SAY(ASH_DROP)));
    frame(&b, 0);
    EQUAL(b.window[0], 1);
    EQUAL(b.window[1], LENGTH);
    for (unsigned k = 1; k <= 3; k++) {
        socket_post(&b.socket, k);
        frame(&b, 200);
        EQUAL(HANDLER(n)->aborted, 1);
        EQUAL(HANDLER(n)->cause, 15);
        EQUAL(HANDLER(n)->pc, 9);
        EQUAL(HANDLER(n)->value & 0xfffff, 200 * 4096 + 8);
        EQUAL(b.window[0], 2);
        EQUAL(b.socket.ring->received, k - 1); /* that frame is lost, those after it are not */
    }
    EQUAL(HANDLER(n)->runs, 2);
    n = install_done(IMAGE(&image, ADDI(X_T0, X_S10, 4), AMO(0, 3, X_T1, X_A1, X_T0), SAY(ASH_DROP)));
    frame(&b, 0);
    EQUAL(HANDLER(n)->aborted, 1);
    EQUAL(HANDLER(n)->pc, 1);
    n = install_done(IMAGE(&image, COUNT(3), SAY(ASH_DROP)));
    frame(&b, 0);
    EQUAL(b.window[3], 1);
    EQUAL(HANDLER(n)->aborted, 0);
    bench_close(&b);
}

/* Endless: fuel ends it. In a flood its owner's time ends it: from then on, until the next rotation, frames go to the ring. */
void handler_flood_is_bounded(void)
{
    struct bench b;
    bench_open(&b, 1);
    unsigned n = install_done(image_spin(&image));
    frame(&b, 0);
    EQUAL(HANDLER(n)->spent, 1);
    EQUAL(b.window[0], FUEL / 6 + 1);
    EQUAL(HANDLER(n)->steps, image.head.words + (FUEL / 6 + 1) * 6);
    unsigned long ticks = EXPOSED->env[EXPOSED->net.handler[n].owner].handler_ticks, since = now(), received = 0, sent = 0;
    while (now() - since < 10 * EXPOSED->slice_ticks) {
        socket_post(&b.socket, 3);
        frame_at_once(&b, 0);
        sent++;
        received = b.socket.ring->received;
        if (b.socket.ring->posted - received > 60) /* those that were run were not received */
            b.socket.ring->posted = received;
    }
    EQUAL(received, HANDLER(n)->passed);
    EQUAL(HANDLER(n)->runs + received, sent + 1);
    CHECK(received > 0);
    CHECK(HANDLER(n)->runs > 1);
    ticks = EXPOSED->env[EXPOSED->net.handler[n].owner].handler_ticks - ticks;
    unsigned long slots = EXPOSED->hart[0].slices, rotations = 10 / slots + 2;
    if (EXPOSED->slice_ticks <= 10000) /* by the clock a run lasts as long as the host likes */
        CHECK(ticks <= rotations * (slots * EXPOSED->slice_ticks / 64 + 50 + FUEL / 10));
    bench_close(&b);
}

/* ---- what it stands on goes ---- */

void handler_ends_with_its_filter_and_its_window(void)
{
    struct bench b;
    bench_open(&b, 1);
    unsigned n = install_done(IMAGE(&image, COUNT(0), SAY(ASH_DROP)));
    page_put(WINDOW); /* pinned: it is not free while a handler may write it */
    socket_post(&b.socket, 3);
    frame(&b, 0);
    EQUAL(b.socket.ring->received, 1); /* but it is not run any more */
    EQUAL(HANDLER(n)->runs, 0);
    settle();
    EQUAL(HANDLER(n)->check, 0);
    bench_close(&b);
    bench_open(&b, 1);
    n = install_done(&image);
    page_put(FILTER);
    EQUAL(HANDLER(n)->runs, 0);
    settle();
    EQUAL(HANDLER(n)->check, 0);
    EQUAL(pins(WINDOW), 0);
    bench_close(&b);
}

/* Places are few; who has filters with a limit gets them, and they come back. */
void handler_places_run_out(void)
{
    struct bench b;
    struct packet_filter f = udp_ports(1, 1, 1);
    unsigned count = 0, want = AEGIS_HANDLERS + 1;
    bench_open(&b, 1);
    IMAGE(&image, SAY(ASH_DROP));
    for (; count < want; count++) {
        f.atom[3].low = 2000 + count;
        DONE(filter_make(ROOT, &f, S(10 + 3 * count)));
        page_get(S(11 + 3 * count), 0);
        page_get(S(12 + 3 * count), AEGIS_HANDLER_ORDER);
        struct aegis_result r = UNTIL_DONE(aegis_handler_install(S(10 + 3 * count), S(11 + 3 * count), (unsigned long)&image, FUEL, S(12 + 3 * count)));
        if (r.error == AEGIS_E_FULL)
            break;
        DONE(r);
    }
    EQUAL(count, AEGIS_HANDLERS);
    GIVES(install(&image), FULL);
    for (unsigned i = 0; i <= count; i++) {
        page_put(S(10 + 3 * i));
        page_put(S(11 + 3 * i));
        page_put(S(12 + 3 * i));
    }
    settle();
    install_done(&image);
    bench_close(&b);
}

/* ---- another hart ---- */

static void replacer(long unused)
{
    (void)unused;
    while (!other.stop) {
        struct aegis_result r = UNTIL_DONE(aegis_handler_install(FILTER, WINDOW, (unsigned long)(other.done & 1 ? &second : &image),
                                                                   FUEL, MEMORY + (other.done & 1)));
        if (r.error && r.error != AEGIS_E_FULL && r.error != AEGIS_E_LENT_PAGE && r.error != AEGIS_E_MAPPED) /* the one before it has not gone yet */
            other.errors = (unsigned long)r.error;
        other.done += !r.error;
    }
    other.stop = 2;
    for (;;)
        up_yield();
}

/* Each frame is seen by one of them, whole; when the owner dies the last one goes with it. */
void handler_replaced_while_frames_flow(void)
{
    struct bench b;
    struct child c;
    bench_open(&b, 3);
    IMAGE(&image, COUNT(0), SAY(ASH_DROP));
    IMAGE(&second, COUNT(1), COUNT(2), SAY(ASH_DROP));
    other_start(&c, 1, replacer, 0, 4);
    page_put(MEMORY); /* its alone: what is lent is claimed once */
    page_put(MEMORY + 1);
    CHECK(wait_word(&other.done, 1));
    unsigned long sent = 0;
    while ((other.done < 200 || !b.window[0] || !b.window[1]) && sent < 1000000) {
        frame_at_once(&b, 0);
        sent++;
    }
    EQUAL(other.errors, 0);
    /* What is over its owner's time comes to the ring, which has no buffers. */
    EQUAL(b.window[0] + b.window[1] + b.socket.ring->dropped, sent);
    EQUAL(b.window[1], b.window[2]);
    CHECK(b.window[0] > 0 && b.window[1] > 0);
    child_end(&c);
    settle();
    socket_post(&b.socket, 3);
    frame(&b, 0); /* its owner is gone: it is not run, and goes too */
    EQUAL(b.socket.ring->received, 1);
    CHECK(wait_for(all_gone, &b, 1000));
    EQUAL(pins(WINDOW), 0);
    bench_close(&b);
}

static void rewriter(long unused)
{
    volatile struct image *i = &image;
    (void)unused;
    while (!other.stop) {
        other.done++;
        i->word[1] = other.done & 1 ? 0x30200073 : COUNT_ONE; /* mret */
        i->word[5] = other.done & 2 ? LD(X_T0, 0, X_ZERO) : END;
        i->head.words = other.done & 4 ? 5000 : 6;
    }
    other.stop = 2;
    for (;;)
        up_yield();
}

/* The image changes while it is copied and verified: what is refused is refused, what is taken runs without a trap. */
void handler_image_rewritten_by_another_hart(void)
{
    struct bench b;
    struct child c;
    bench_open(&b, 2);
    IMAGE(&image, LD(X_T0, 0, X_S10), COUNT_ONE, SD(X_T0, 0, X_S10), ADDI(X_A0, X_ZERO, ASH_DROP), NOP, END);
    other_start(&c, 1, rewriter, 0, 1);
    CHECK(wait_word(&other.done, 10));
    unsigned taken = 0, refused = 0;
    unsigned long until = now() + milliseconds(3000);
    while ((taken < 20 || refused < 20) && now() < until) {
        struct aegis_result r = install(&image);
        CHECK(!r.error || r.error == AEGIS_E_BAD_HANDLER || r.error == AEGIS_E_FULL);
        refused += r.error == AEGIS_E_BAD_HANDLER;
        if (r.error)
            continue;
        taken++;
        frame(&b, 0);
        EQUAL(HANDLER(r.value)->aborted, 0);
        EQUAL(b.window[0], taken);
    }
    CHECK(taken && refused);
    child_end(&c);
    bench_close(&b);
}
