/* SPDX-License-Identifier: BSD-2-Clause */
/* Slice vectors, sleeping and waking, idling. */
#include "lib/lib.h"
#include "parts.h"


static volatile unsigned long g[16], order[64], order_count;

static void clear(void)
{
    for (unsigned i = 0; i < 16; i++)
        g[i] = 0;
    order_count = 0;
}

static void log_child(long id)
{
    for (;;) {
        if (order_count < 64)
            order[order_count++] = (unsigned long)id;
        up_yield();
    }
}

static void spin_child(long id)
{
    for (;;)
        g[id]++;
}

/* Position is order, however they were taken. */
void slice_vector_order(void)
{
    static const unsigned char position[] = {30, 10, 20};
    struct child c[3];
    clear();
    for (unsigned i = 0; i < 3; i++) {
        child_make(&c[i], i);
        child_on(&c[i], 0, log_child, position[i]);
        DONE(aegis_alloc(AEGIS_SLOT_SLICES, position[i], S(i)));
    }
    for (unsigned i = 0; i < 3; i++)
        DONE(aegis_slice_lend(S(i), c[i].slot));
    order_count = 0;
    CHECK(wait_word(&order_count, 12));
    for (unsigned i = 1; i < 12; i++)
        EQUAL(order[i], order[i - 1] == 30 ? 10 : order[i - 1] + 10);
    for (unsigned i = 0; i < 3; i++) {
        child_end(&c[i]);
        page_put(S(i));
    }
}

/* Two slots of three give twice as much as one. */
void slice_share_by_positions(void)
{
    struct child c[2];
    clear();
    for (unsigned i = 0; i < 2; i++) {
        child_make(&c[i], i);
        child_on(&c[i], 0, spin_child, i);
    }
    for (unsigned i = 0; i < 3; i++) {
        DONE(aegis_alloc(AEGIS_SLOT_SLICES, 10 + i, S(i)));
        DONE(aegis_slice_lend(S(i), c[i != 0].slot));
    }
    pause_ms(30);
    unsigned long a = g[0], b = g[1];
    pause_ms(600);
    a = g[0] - a;
    b = g[1] - b;
    /* where time is counted it is exact; a host that takes harts away spoils it */
    bool counted = EXPOSED->slice_ticks * 1000 <= EXPOSED->time_hz;
    unsigned long low = counted ? 190 : 140, high = counted ? 210 : 290;
    if (b * 100 <= a * low || b * 100 >= a * high)
        say("# %d and %d", a, b);
    CHECK(b * 100 > a * low && b * 100 < a * high);
    for (unsigned i = 0; i < 2; i++)
        child_end(&c[i]);
    for (unsigned i = 0; i < 3; i++)
        page_put(S(i));
}

/* Sleeps so long; the time in which the hart was awake meanwhile. */
static unsigned long awake_while_sleeping(unsigned long ms)
{
    struct aegis_predicate p = {.slot = AEGIS_NONE, .operation = AEGIS_EQ, .width = 8, .offset = 0, .value = 1};
    unsigned long before = now(), idle = EXPOSED->hart[0].idle_ticks;
    EQUAL(up_wait(&p, 1, before + milliseconds(ms)), 1);
    EQUAL(activation()->wake, AEGIS_WAKE_TIMEOUT);
    unsigned long took = now() - before, rested = EXPOSED->hart[0].idle_ticks - idle;
    CHECK(took >= milliseconds(ms));
    CHECK(rested > milliseconds(ms) * 2 / 3);
    return took - rested;
}

/* Thirty slices' ends pass, and nobody is woken by them: where time is counted, it is not longer awake than in half of one. */
void tickless_idle(void)
{
    awake_while_sleeping(5);
    unsigned long begins = my()->begins, awake = awake_while_sleeping(5), later = awake_while_sleeping(300);
    EQUAL(my()->begins, begins + 2);
    if (EXPOSED->slice_ticks * 1000 <= EXPOSED->time_hz)
        CHECK(later < awake + EXPOSED->time_hz / 500000);
}

static void sleep_child(long unused)
{
    (void)unused;
    struct aegis_predicate p = {.slot = 127, .operation = AEGIS_NE, .width = 8, .offset = 64, .value = 0};
    g[1] = 1;
    g[2] = (unsigned long)up_wait(&p, 1, 0);
    g[3] = (unsigned long)activation()->wake;
    g[4] = 1;
    for (;;)
        up_yield();
}

static void sleeper_make(struct child *c, unsigned hart)
{
    clear();
    page_get(127, 0);
    DONE(UNTIL_DONE(aegis_map(0, 127, AREA | AEGIS_R | AEGIS_W)));
    child_make(c, 0);
    DONE(aegis_share(c->slot, 127, 1, AEGIS_R));
    child_on(c, hart, sleep_child, 0);
    child_slice(c, hart);
    CHECK(wait_word(&g[1], 1));
    pause_ms(20);
    EQUAL(EXPOSED->env[c->index].sleeping[hart], 1);
    EQUAL(g[4], 0);
}

void wait_on_a_claimed_page(void)
{
    struct child c;
    sleeper_make(&c, 0);
    *(volatile unsigned long *)(AREA + 64) = 5;
    CHECK(wait_word(&g[4], 1));
    EQUAL(g[3], 0);
    EQUAL(EXPOSED->env[c.index].sleeping[0], 0);
    child_end(&c);
    page_put(127);
}

void wait_wakes_with_revoked(void)
{
    struct child c;
    sleeper_make(&c, 0);
    DONE(UNTIL_DONE(aegis_rekey(127)));
    CHECK(wait_word(&g[4], 1));
    EQUAL((long)g[3], AEGIS_WAKE_REVOKED);
    child_end(&c);
    page_put(127);
}

void wait_wakes_when_released(void)
{
    struct child c;
    sleeper_make(&c, 0);
    DONE(UNTIL_DONE(aegis_release(c.slot, 127)));
    CHECK(wait_word(&g[4], 1));
    EQUAL((long)g[3], AEGIS_WAKE_REVOKED);
    child_end(&c);
    page_put(127);
}

void wait_wakes_for_an_upcall(void)
{
    struct child c;
    sleeper_make(&c, 0);
    DONE(aegis_revoke(PAGES_ROOT, c.slot, 1, now() + milliseconds(1000)));
    CHECK(wait_word(&g[4], 1));
    EQUAL((long)g[3], AEGIS_WAKE_INTERRUPTED);
    child_end(&c);
    page_put(127);
}

/* ---- across harts ---- */

void ring_wakes_another_hart(void)
{
    struct child c;
    sleeper_make(&c, 1);
    pause_ms(20);
    EQUAL(EXPOSED->hart[1].idle, 1);
    *(volatile unsigned long *)(AREA + 64) = 5;
    __asm__ volatile("fence rw, rw" ::: "memory");
    DONE(aegis_slice_ring(c.slot, 1));
    CHECK(wait_word(&g[4], 1));
    EQUAL(g[3], 0);
    child_end(&c);
    page_put(127);
}

/* Sleeps until somebody has ended: `deaths` is counted behind the record, and idle harts look then. */
static void mourner_child(long unused)
{
    (void)unused;
    unsigned long seen = EXPOSED->deaths;
    struct aegis_predicate p = {.slot = AEGIS_NONE, .operation = AEGIS_NE, .width = 8,
                                .offset = AEGIS_EXPOSED_OFFSET(deaths), .value = seen};
    g[1] = 1;
    while (EXPOSED->deaths == seen)
        up_wait(&p, 1, 0);
    g[2] = EXPOSED->env[g[0]].state == AEGIS_ENV_DEAD;
    g[3] = EXPOSED->deaths - seen;
    g[4] = 1;
    for (;;)
        up_yield();
}

static void death_heard(unsigned hart)
{
    struct child dies, mourns;
    clear();
    child_start(&dies, 1, 0, spin_child, 15);
    g[0] = dies.index;
    child_start(&mourns, 0, hart, mourner_child, 0);
    CHECK(wait_word(&g[1], 1));
    pause_ms(20);
    EQUAL(EXPOSED->env[mourns.index].sleeping[hart], 1);
    EQUAL(g[4], 0);
    DONE(UNTIL_DONE(aegis_env_destroy(dies.slot)));
    CHECK(wait_word(&g[4], 1)); /* its claim is not released yet: the record still says how it ended */
    EQUAL(g[2], 1);
    EQUAL(g[3], 1);
    child_end(&dies);
    child_end(&mourns);
}

void deaths_wake_a_sleeper(void)
{
    death_heard(0);
}

void deaths_wake_a_sleeper_on_another_hart(void)
{
    death_heard(1);
}

/* A ring for one sleeper of an idle hart: the hart looks at the others' words too. */
static void many_child(long id)
{
    struct aegis_predicate p = {.slot = 127, .operation = AEGIS_NE, .width = 8, .offset = (uint32_t)id, .value = 0};
    g[id / 8] = 1;
    up_wait(&p, 1, 0);
    g[id / 8] = 2;
    for (;;)
        up_wait(&p, 0, 0);
}

void ring_looks_at_the_whole_vector(void)
{
    struct child c[2];
    clear();
    page_get(127, 0);
    DONE(UNTIL_DONE(aegis_map(0, 127, AREA | AEGIS_R | AEGIS_W)));
    for (unsigned i = 0; i < 2; i++) {
        child_make(&c[i], i);
        DONE(aegis_share(c[i].slot, 127, 1, AEGIS_R));
        child_on(&c[i], 1, many_child, 8 * (i + 1));
        child_slice(&c[i], 1);
        CHECK(wait_word(&g[i + 1], 1));
    }
    pause_ms(20);
    EQUAL(EXPOSED->hart[1].idle, 1);
    *(volatile unsigned long *)(AREA + 16) = 1; /* the second one's word */
    __asm__ volatile("fence rw, rw" ::: "memory");
    DONE(aegis_slice_ring(c[0].slot, 1)); /* the first is rung */
    CHECK(wait_word(&g[2], 2));
    EQUAL(g[1], 1);
    for (unsigned i = 0; i < 2; i++)
        child_end(&c[i]);
    page_put(127);
}

/* Each waits for the other's word, a thousand times: a wake-up lost would stop both. */
#define ROUNDS 1000
static volatile unsigned long turn[2]; /* in the page: at AREA, AREA + 8 */

static void pong_child(long unused)
{
    (void)unused;
    volatile unsigned long *word = (volatile unsigned long *)AREA;
    UNTIL_DONE(aegis_map(0, 127, AREA | AEGIS_R | AEGIS_W));
    for (unsigned long i = 1; i <= ROUNDS; i++) {
        struct aegis_predicate p = {.slot = 127, .operation = AEGIS_GE, .width = 8, .offset = 0, .value = i};
        while (word[0] < i)
            up_wait(&p, 1, 0);
        word[1] = i;
        __asm__ volatile("fence rw, rw" ::: "memory");
        aegis_slice_ring(126, 0);
        g[0] = i;
    }
    for (;;)
        up_yield();
}

void no_lost_wakeup_across_harts(void)
{
    struct child c;
    clear();
    (void)turn;
    page_get(127, 0);
    DONE(UNTIL_DONE(aegis_map(0, 127, AREA | AEGIS_R | AEGIS_W)));
    child_make(&c, 0);
    page_get(S(0), 1);
    DONE(aegis_table_lend(c.slot, S(0), AEGIS_TABLE_LEAF, 0));
    page_put(S(0));
    DONE(aegis_share(c.slot, 127, 1, AEGIS_R | AEGIS_W));
    struct aegis_result r = aegis_capability_make(AEGIS_SLOT_SELF, AEGIS_RING, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENV, AEGIS_RING, 0, 0), r.value, 126));
    DONE(aegis_share(c.slot, 126, 1, AEGIS_RING));
    child_on(&c, 1, pong_child, 0);
    child_slice(&c, 1);
    volatile unsigned long *word = (volatile unsigned long *)AREA;
    unsigned long until = now() + milliseconds(20000), i;
    for (i = 1; i <= ROUNDS && now() < until; i++) {
        struct aegis_predicate p = {.slot = 127, .operation = AEGIS_GE, .width = 8, .offset = 8, .value = i};
        word[0] = i;
        __asm__ volatile("fence rw, rw" ::: "memory");
        aegis_slice_ring(c.slot, 1);
        while (word[1] < i && now() < until)
            up_wait(&p, 1, now() + milliseconds(5000));
    }
    EQUAL(i, ROUNDS + 1);
    EQUAL(word[1], ROUNDS);
    child_end(&c);
    page_put(126);
    page_put(127);
}
