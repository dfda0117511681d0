/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Environments on every hart that are born, claim, map, transfer, are revoked and die at random, for SECONDS of counted
 * time or, by the clock, for ROUNDS; at the end as many pages, claims, environments and slices as at the start. The
 * library compares them. Each round is a line, so that who waits for them sees a hang.
 */
#include "lib/lib.h"

#ifndef SECONDS
#define SECONDS 5
#endif
#define PAGE_SLOTS 12
#define FIRST_SLOT 114 /* of a child's pages */
#define BOARD 8
#define ROUND_DEATHS 50
#define ROUND_TRANSFERS 500

/* What children tell each other: capabilities, some of them dead by now. */
static volatile struct { uint64_t what, mac; } board[BOARD], entries[CHILDREN];
static volatile unsigned long steps[CHILDREN], transfers, kept_wrong, faults, refused;

static unsigned long draw(unsigned long *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 8;
}

static long serve(long a)
{
    for (long i = 0; i < (a & 255); i++)
        __asm__ volatile("" ::: "memory");
    return a ^ 0x5a5a;
}

static unsigned long va_of(unsigned long slot)
{
    return AREA + (slot % 3) * 0x200000UL + (300 + slot) * 4096;
}

static void step(unsigned long *r, long k)
{
    unsigned long slot = FIRST_SLOT + draw(r) % PAGE_SLOTS, b = draw(r) % BOARD;
    long reply = 0, error;
    struct aegis_result c;

    switch (draw(r) % 16) {
    case 0:
    case 1:
        UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, ANY, 0, slot, NONE));
        break;
    case 2:
        UNTIL_DONE(aegis_release(0, slot));
        break;
    case 3:
    case 4:
        aegis_map(0, slot, va_of(slot) | AEGIS_R | AEGIS_W);
        break;
    case 5:
        UNTIL_DONE(aegis_unmap(0, slot));
        break;
    case 6:
        faults += (unsigned long)probe_write(va_of(slot));
        break;
    case 7:
        faults += (unsigned long)probe_read(va_of(slot));
        break;
    case 8:
        c = aegis_capability_make(slot, AEGIS_R | AEGIS_W, 0, 0);
        if (!c.error) {
            board[b].what = AEGIS_WHAT(AEGIS_PAGE, AEGIS_R | AEGIS_W, 0, AEGIS_WHAT_RESOURCE(LEDGER[slot].what));
            board[b].mac = c.value;
        }
        break;
    case 9:
        refused += aegis_claim(board[b].what, board[b].mac, slot).error != 0;
        break;
    case 10:
        aegis_rekey(slot); /* perhaps left half way */
        break;
    case 11:
        aegis_map_protect(0, va_of(slot), 1 + draw(r) % 8, draw(r) & 1 ? AEGIS_R : AEGIS_R | AEGIS_W);
        break;
    case 12:
        b = draw(r) % CHILDREN;
        if (entries[b].mac && LEDGER[2].what == 0)
            aegis_claim(entries[b].what, entries[b].mac, 2);
        error = pct_call(SYNC(2), (long)(draw(r) & 0xff), 0, 0, 0, 0, &reply);
        if (error == 0)
            transfers++;
        else if (LEDGER[2].what && draw(r) % 4 == 0)
            UNTIL_DONE(aegis_release(0, 2));
        break;
    case 13: {
        struct aegis_predicate p = {.slot = (uint16_t)slot, .operation = AEGIS_EQ, .width = 8, .offset = 8, .value = 12345};
        up_wait(&p, 1, now() + draw(r) % milliseconds(5));
        break;
    }
    case 14:
        aegis_page_alloc(PAGES_ROOT, EXPOSED->page_first + draw(r) % EXPOSED->page_count, 0, slot, NONE);
        break;
    case 15:
        aegis_map_clean(0, va_of(slot), 1);
        up_yield();
        break;
    }
    steps[k]++;
}

static void worker(long k)
{
    unsigned long r = ((unsigned long)k + 1) * 0x9e3779b97f4a7c15UL ^ now();
    my()->entry_fn = (unsigned long)serve;
    activation()->pct_slices = 4;
    aegis_alloc(AEGIS_SLOT_SELF, 0, 7);
    entries[k].what = 0;
    entries[k].mac = aegis_capability_make(7, AEGIS_CALL, 0, 0).value;
    entries[k].what = AEGIS_WHAT(AEGIS_ENTRY, AEGIS_CALL, 0, AEGIS_WHAT_RESOURCE(LEDGER[7].what));
    for (unsigned long n = 0;; n++) {
        step(&r, k);
        if (n % 4096 == 4095 && draw(&r) % 8 == 0)
            aegis_env_destroy(0);
    }
}

static void born(struct child *c, unsigned k, unsigned hart)
{
    child_make(c, k);
    DONE(aegis_share(c->slot, PAGES_ROOT, 1, AEGIS_ALLOC));
    for (unsigned i = 0; i < 2; i++) {
        page_get(FREE_SLOT, 1);
        DONE(aegis_table_lend(c->slot, FREE_SLOT, AEGIS_TABLE_LEAF, 0));
        page_put(FREE_SLOT);
    }
    child_on(c, hart, worker, k);
    child_slice(c, hart);
}

/* Says when both have come as far as a round asks. */
static unsigned long rounds_done(unsigned long deaths)
{
    static unsigned long rounds;

    if (deaths >= (rounds + 1) * ROUND_DEATHS && transfers >= (rounds + 1) * ROUND_TRANSFERS)
        say("# round %d", ++rounds);
    return rounds;
}

static bool goes_on(unsigned long until, unsigned long deaths)
{
    unsigned long rounds = rounds_done(deaths);

#ifdef ROUNDS
    (void)until;
    return rounds < ROUNDS;
#else
    (void)rounds;
    return now() < until;
#endif
}

static void stress(void)
{
    struct child c[CHILDREN];
    bool alive[CHILDREN] = {false};
    unsigned long r = now() | 1, deaths = 0, revocations = 0, all = 0;
    unsigned long until = now() + SECONDS * EXPOSED->time_hz;

    if (image_end > FIRST_SLOT)
        lib_fail("stress", 0, "the image is too large", (long)image_end, FIRST_SLOT);
    while (goes_on(until, deaths)) {
        unsigned k = (unsigned)(draw(&r) % CHILDREN), hart = (unsigned)(draw(&r) % EXPOSED->harts);
        if (!alive[k]) {
            born(&c[k], k, hart);
            alive[k] = true;
        } else if (draw(&r) % 3 == 0) {
            child_end(&c[k]);
            alive[k] = false;
            deaths++;
        } else if (draw(&r) % 2) {
            aegis_revoke(PAGES_ROOT, c[k].slot, 1 + draw(&r) % 4, now() + draw(&r) % milliseconds(10));
            revocations++;
        } else {
            aegis_revoke_force(PAGES_ROOT, c[k].slot);
        }
        pause_ms(draw(&r) % 20);
        aegis_reap(draw(&r) % 4);
    }
    for (unsigned k = 0; k < CHILDREN; k++) {
        if (alive[k])
            child_end(&c[k]);
        all += steps[k];
    }
    CHECK(rounds_done(deaths) > 0);
    say("# %d steps, %d transfers, %d deaths, %d revocations, %d faults, %d capabilities refused", all, transfers, deaths,
        revocations, faults, refused);
}

const struct test tests[] = {{"stress_" "born_claim_map_transfer_revoke_die", stress, 1}};
const unsigned test_count = 1;
