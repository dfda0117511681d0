/* SPDX-License-Identifier: BSD-2-Clause */
/* Protected control transfer: message, badge, gate, deadline, deaths on either side, chains. */
#include "lib/lib.h"
#include "parts.h"


static volatile unsigned long g[16], mac[CHILDREN];
static volatile long mode[CHILDREN];

static void clear(void)
{
    for (unsigned i = 0; i < 16; i++)
        g[i] = 0;
    for (unsigned i = 0; i < CHILDREN; i++)
        mac[i] = 0, mode[i] = 0;
}

static long serve(long a, long b, long c, long d, long e)
{
    g[0]++;
    g[1] = my()->badge;
    return a + 2 * b + 3 * c + 4 * d + 5 * e;
}

static _Noreturn long serve_never(long a)
{
    (void)a;
    for (;;) {
        g[2]++;
        g[4] = my()->gone;
        g[5] = my()->gone_badge;
        up_yield();
    }
}

static _Noreturn long serve_sleeping(long a)
{
    (void)a;
    struct aegis_predicate p = {.slot = AEGIS_NONE, .operation = AEGIS_EQ, .width = 8, .offset = 0, .value = 1};
    for (;;)
        up_wait(&p, 1, 0);
}

static long serve_dies(long a)
{
    (void)a;
    aegis_env_destroy(0);
    return 0;
}

/* Passes it on to the entry in its slot 6. */
static long serve_chain(long a)
{
    long reply = 0;
    g[8] = (unsigned long)pct_call(SYNC(6), a + 1, 0, 0, 0, 0, &reply);
    return reply;
}

static long serve_back(long a)
{
    g[3]++;
    g[6] = (unsigned long)a;
    g[1] = my()->badge;
    return 0;
}

static void skip_use(unsigned long *state)
{
    g[7] = activation()->exc_cause;
    state[0] = state[1]; /* as if it had returned */
}

static __attribute__((noinline)) void fp_use(void)
{
    __asm__ volatile("fmv.d.x f0, zero");
}

/* Of message_entry: what came, and whether the FP unit is on. */
static volatile unsigned long came[32];
static long keep_message(void)
{
    struct my *m = my();
    for (unsigned i = 0; i < 32; i++)
        came[i] = m->exc[i];
    m->exc_fn = (unsigned long)skip_use;
    fp_use();
    m->exc_fn = 0;
    return 0;
}

/* Sends to the entry in its slot 8 before it answers. */
static long serve_sends_back(long a)
{
    g[12] = (unsigned long)aegis_claim(AEGIS_WHAT(AEGIS_ENTRY, AEGIS_SEND, 0, 0), g[10], 8).error;
    g[13] = (unsigned long)up_send(ASYNC(8), 0);
    return a + 1;
}

/* What is left of the slot that it came in. */
static long serve_rest(long a)
{
    struct my *m = my();
    unsigned long ends = m->ends;
    while (m->ends == ends)
        g[14] = now();
    return a;
}

/* Until its slot ends, and then back within the grace time. */
static long serve_to_the_end(long a)
{
    struct my *m = my();
    unsigned long ends = m->ends;
    while (m->ends == ends)
        ;
    g[0]++;
    g[3] = m->forced;
    return a;
}

static void server(long k)
{
    struct my *m = my();
    static long (*const functions[])() = {(long (*)())serve, (long (*)())serve_never, (long (*)())serve_dies,
                                          (long (*)())serve_chain, (long (*)())serve_sleeping,
                                          (long (*)())serve_to_the_end, (long (*)())keep_message,
                                          (long (*)())serve_sends_back, (long (*)())serve_rest};
    m->ignore = mode[k] == 5;
    m->entry_fn = (unsigned long)functions[mode[k]];
    m->async_fn = (unsigned long)(mode[k] == 8 ? (void *)serve_rest : (void *)serve_back);
    aegis_alloc(AEGIS_SLOT_SELF, 0, 7);
    mac[k] = aegis_capability_make(7, AEGIS_CALL | AEGIS_SEND, 0, 0).value;
    for (;;) {
        g[10 + k]++;
        g[4] = m->gone;
        g[5] = m->gone_badge;
        up_yield();
    }
}

static bool has_mac(void *k)
{
    return mac[(unsigned long)k] != 0;
}

/* A server in child k, its entry claimed in `slot`. */
static void server_make(struct child *c, unsigned k, long what, unsigned long slot)
{
    mode[k] = what;
    child_start(c, k, 0, server, k);
    CHECK(wait_for(has_mac, (void *)(unsigned long)k, 1000));
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENTRY, AEGIS_CALL | AEGIS_SEND, 0, c->index), mac[k], slot));
}

void pct_sync(void)
{
    struct child c;
    long reply = 0;
    unsigned long low = low_slot(0);
    clear();
    server_make(&c, 0, 0, low);
    for (unsigned i = 1; i <= 100; i++) {
        EQUAL(pct_call(SYNC(low), 1, 2, 3, 4, 5, &reply), 0);
        EQUAL(reply, 55);
        EQUAL(g[0], i);
    }
    EQUAL(g[1], EXPOSED->env[0].check);
    page_put(low);
    EQUAL(pct_call(SYNC(low), 1, 2, 3, 4, 5, &reply), AEGIS_E_EMPTY_SLOT);
    EQUAL(g[0], 100);
    child_end(&c);
}

void pct_refusals(void)
{
    struct child c;
    long reply = 0;
    unsigned long low = low_slot(0);
    clear();
    EQUAL(pct_call(SYNC(low), 0, 0, 0, 0, 0, &reply), AEGIS_E_EMPTY_SLOT);
    EQUAL(pct_call(SYNC(AEGIS_SLOT_CONSOLE), 0, 0, 0, 0, 0, &reply), AEGIS_E_WRONG_TYPE);
    EQUAL(pct_call(-129, 0, 0, 0, 0, 0, &reply), AEGIS_E_NO_CALL);
    EQUAL(pct_call((long)(1UL << 63), 0, 0, 0, 0, 0, &reply), AEGIS_E_NO_CALL);
    EQUAL(up_send(ASYNC(low), 0), AEGIS_E_EMPTY_SLOT);
    server_make(&c, 0, 0, low);
    page_put(low);
    /* the right for the other kind alone */
    mac[0] = 0;
    DONE(aegis_share(c.slot, 100, 0, 0));
    child_end(&c);
    DONE(aegis_alloc(AEGIS_SLOT_SELF, 0, low));
    struct aegis_result r = aegis_capability_make(low, AEGIS_SEND, 0, 0);
    unsigned long other = low_slot(0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENTRY, AEGIS_SEND, 0, 0), r.value, other));
    EQUAL(pct_call(SYNC(other), 0, 0, 0, 0, 0, &reply), AEGIS_E_NO_RIGHT);
    EQUAL(pct_call(SYNC(low), 0, 0, 0, 0, 0, &reply), AEGIS_E_BUSY); /* oneself */
    page_put(other);
    r = aegis_capability_make(low, AEGIS_CALL, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENTRY, AEGIS_CALL, 0, 0), r.value, other));
    EQUAL(up_send(ASYNC(other), 0), AEGIS_E_NO_RIGHT);
    DONE(UNTIL_DONE(aegis_rekey(low)));
    EQUAL(pct_call(SYNC(other), 0, 0, 0, 0, 0, &reply), AEGIS_E_REVOKED);
    page_put(other);
    page_put(low);
}

/* Whose server is on another hart is not reached from here. */
void pct_only_on_its_own_hart(void)
{
    struct child c;
    long reply = 0;
    unsigned long low = low_slot(0);
    clear();
    child_start(&c, 0, 1, server, 0);
    CHECK(wait_for(has_mac, 0, 1000));
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENTRY, AEGIS_CALL | AEGIS_SEND, 0, c.index), mac[0], low));
    EQUAL(pct_call(SYNC(low), 0, 0, 0, 0, 0, &reply), AEGIS_E_NO_RESOURCE);
    EQUAL(up_send(ASYNC(low), 0), AEGIS_E_NO_RESOURCE);
    EQUAL(g[0] + g[3], 0);
    page_put(low);
    child_end(&c);
}

static void prepare_message(volatile struct aegis_activation *u, struct my *m)
{
    (void)m;
    u->up_entry = (uint64_t)message_entry;
}

/* a0 to a6, s0 to s11, t3 to t6: the message, both ways. The callee has no FP unit, though the caller does. */
void pct_message(void)
{
    struct child c;
    unsigned long low = low_slot(0);
    clear();
    child_prepare = prepare_message;
    server_make(&c, 0, 6, low);
    child_prepare = 0;
    DONE(aegis_fp_take());
    EQUAL(message_call(SYNC(low)), 0);
    for (unsigned n = 8; n < 32; n++)
        if (n != 17) {
            EQUAL(came[n], 0x100 + n);
            EQUAL(my()->exc[n], 0x200 + n);
        }
    EQUAL(came[5], EXPOSED->env[0].check);
    EQUAL(came[6], 0);
    EQUAL(came[7], 0);
    EQUAL(g[7], 2 - 8);
    fp_use(); /* still ours */
    page_put(low);
    child_end(&c);
}

/* Of main, while its call is outstanding: a second one, of a server whose gate is open. */
static long call_again(void)
{
    register long number __asm__("a7") = (long)g[11];
    register long error __asm__("t0");
    __asm__ volatile("ecall" : "=r"(error) : "r"(number) : "t1", "t2", "memory");
    g[15] = (unsigned long)error;
    return 0;
}

void pct_second_is_busy_while_one_is_outstanding(void)
{
    struct child c, d;
    long reply = 0;
    unsigned long low = low_slot(0), other, own;
    clear();
    server_make(&c, 0, 7, low);
    other = low_slot(0);
    server_make(&d, 1, 0, other);
    own = low_slot(0);
    DONE(aegis_alloc(AEGIS_SLOT_SELF, 0, own));
    g[10] = aegis_capability_make(own, AEGIS_SEND, 0, 0).value;
    EQUAL(pct_call(SYNC(other), 1, 0, 0, 0, 0, &reply), 0); /* its gate is open, and it is resolved */
    g[11] = (unsigned long)SYNC(other);
    my()->async_fn = (unsigned long)call_again;
    EQUAL(pct_call(SYNC(low), 41, 0, 0, 0, 0, &reply), 0);
    EQUAL(reply, 42);
    EQUAL(g[12], 0);
    EQUAL(g[13], 1);
    EQUAL((long)g[15], AEGIS_E_BUSY);
    EQUAL(g[0], 1); /* it was not entered again */
    my()->async_fn = 0;
    page_put(own);
    page_put(other);
    page_put(low);
    child_end(&d);
    child_end(&c);
}

/* A server with no slot of its own works on something long: who finds it busy gives it time until it is through. */
void pct_busy_server_is_pushed_through(void)
{
    struct child c;
    long reply = 0, error;
    unsigned long low = low_slot(0), pushed = 0;
    clear();
    server_make(&c, 0, 8, low);
    DONE(aegis_slice_recall(c.slices[0]));
    EQUAL(up_send(ASYNC(low), 0), 1);
    unsigned long stood = g[14];
    CHECK(stood > 0);
    EQUAL(pct_call(SYNC(low), 1, 0, 0, 0, 0, &reply), AEGIS_E_BUSY);
    pause_ms(30);
    EQUAL(g[14], stood); /* nobody gave it any */
    while ((error = pct_call(SYNC(low), 1, 0, 0, 0, 0, &reply)) == AEGIS_E_BUSY && pushed++ < 100)
        EQUAL(up_yield_to(c.slot), 1);
    EQUAL(error, 0);
    EQUAL(reply, 1);
    CHECK(pushed > 0);
    page_put(low);
    child_end(&c);
}

/* Half of a slot is used before the rest is given away: that ends when the slot does. */
static void half_a_slot(unsigned long *begun)
{
    up_yield();
    *begun = now();
    while (now() - *begun < EXPOSED->slice_ticks / 2)
        ;
}

static void ends_with_the_slot(unsigned long begun)
{
    if (EXPOSED->slice_ticks * 1000 > EXPOSED->time_hz)
        return; /* by a host's clock */
    CHECK(g[14] - begun > EXPOSED->slice_ticks * 9 / 10);
    CHECK(g[14] - begun < EXPOSED->slice_ticks * 11 / 10);
}

static void rest_child(long unused)
{
    for (;;) {
        serve_rest(unused);
        up_yield();
    }
}

void what_is_given_away_is_the_rest_of_the_slot(void)
{
    struct child c, d;
    long reply = 0;
    unsigned long low = low_slot(0), begun;
    clear();
    server_make(&c, 0, 8, low);
    DONE(aegis_slice_recall(c.slices[0]));
    half_a_slot(&begun);
    EQUAL(up_send(ASYNC(low), 0), 1);
    ends_with_the_slot(begun);
    EQUAL(up_yield_to(c.slot), 1); /* it is through */
    half_a_slot(&begun);
    EQUAL(pct_call(SYNC(low), 0, 0, 0, 0, 0, &reply), 0);
    ends_with_the_slot(begun);
    child_make(&d, 1);
    child_on(&d, 0, rest_child, 0);
    half_a_slot(&begun);
    EQUAL(up_yield_to(d.slot), 1);
    ends_with_the_slot(begun);
    page_put(low);
    child_end(&d);
    child_end(&c);
}

void pct_async(void)
{
    struct child c;
    unsigned long low = low_slot(0);
    clear();
    server_make(&c, 0, 0, low);
    for (unsigned long i = 1; i <= 20; i++) {
        EQUAL(up_send(ASYNC(low), 1000 + i), 1);
        CHECK(wait_word(&g[3], i));
        EQUAL(g[6], 1000 + i);
    }
    EQUAL(g[1], EXPOSED->env[0].check);
    page_put(low);
    child_end(&c);
}

/* The callee does not come back: after pct_slices slots the caller goes on with TIMEOUT, the callee hears of it. */
void pct_deadline(void)
{
    struct child c;
    long reply = 0;
    unsigned long low = low_slot(0);
    clear();
    server_make(&c, 0, 1, low);
    activation()->pct_slices = 3;
    EQUAL(pct_call(SYNC(low), 1, 0, 0, 0, 0, &reply), AEGIS_E_TIMEOUT);
    CHECK(g[2] > 0);
    CHECK(wait_word(&g[4], 1));
    EQUAL(g[5], EXPOSED->env[0].check);
    EQUAL(pct_call(SYNC(low), 1, 0, 0, 0, 0, &reply), AEGIS_E_BUSY); /* its gate stays closed */
    activation()->pct_slices = 0;
    page_put(low);
    child_end(&c);
}

/* The same on a machine where nothing else happens: the callee sleeps, and nobody has a slot to use. */
void pct_deadline_while_idle(void)
{
    struct child c;
    long reply = 0;
    unsigned long low = low_slot(0);
    clear();
    server_make(&c, 0, 4, low);
    DONE(aegis_slice_recall(c.slices[0]));
    activation()->pct_slices = 3;
    EQUAL(pct_call(SYNC(low), 1, 0, 0, 0, 0, &reply), AEGIS_E_TIMEOUT);
    activation()->pct_slices = 0;
    page_put(low);
    child_end(&c);
}

void pct_callee_dies(void)
{
    struct child c;
    long reply = 0;
    unsigned long low = low_slot(0);
    clear();
    server_make(&c, 0, 2, low);
    EQUAL(pct_call(SYNC(low), 1, 0, 0, 0, 0, &reply), AEGIS_E_DEAD);
    EQUAL(pct_call(SYNC(low), 1, 0, 0, 0, 0, &reply), AEGIS_E_NO_ENV);
    settle();
    EQUAL(pct_call(SYNC(low), 1, 0, 0, 0, 0, &reply), AEGIS_E_NO_ENV);
    page_put(low);
    child_end(&c);
}

/* The client in child k calls entry slot 6 once, for ever. */
static void client(long k)
{
    long reply = 0;
    activation()->pct_slices = 100000;
    g[9] = 1;
    g[8] = (unsigned long)pct_call(SYNC(6), k, 0, 0, 0, 0, &reply);
    g[9] = 2;
    for (;;)
        up_yield();
}

static void share_entry(struct child *c, unsigned long from)
{
    /* the claim stands in slot 6 on both sides */
    struct aegis_result r = aegis_capability_make(from, AEGIS_CALL | AEGIS_SEND, 0, 0);
    uint64_t what = AEGIS_WHAT(AEGIS_ENTRY, AEGIS_CALL | AEGIS_SEND, 0, AEGIS_WHAT_RESOURCE(LEDGER[from].what));
    DONE(r);
    if (LEDGER[6].what) /* the machine's claim stands there: out of the way for a moment */
        return;
    DONE(aegis_claim(what, r.value, 6));
    DONE(aegis_share(c->slot, 6, 1, AEGIS_CALL | AEGIS_SEND));
    page_put(6);
}

static struct aegis_capability machine_kept;

static void slot_six_free(bool free)
{
    if (free) {
        machine_kept.what = LEDGER[AEGIS_SLOT_MACHINE].what;
        machine_kept.mac = aegis_capability_make(AEGIS_SLOT_MACHINE, AEGIS_WHAT_RIGHTS(machine_kept.what), 0, 0).value;
        DONE(aegis_claim(machine_kept.what, machine_kept.mac, S(400)));
        page_put(AEGIS_SLOT_MACHINE);
    } else {
        DONE(aegis_claim(machine_kept.what, machine_kept.mac, AEGIS_SLOT_MACHINE));
        page_put(S(400));
    }
}

static void caller_gone(bool release_first)
{
    struct child c, d;
    unsigned long low = low_slot(0);
    clear();
    server_make(&c, 0, 1, low);
    child_make(&d, 1);
    child_on(&d, 0, client, 1);
    slot_six_free(true);
    share_entry(&d, low);
    slot_six_free(false);
    child_slice(&d, 0);
    CHECK(wait_word(&g[2], 2)); /* the server serves it */
    EQUAL(g[9], 1);
    uint64_t badge = EXPOSED->env[d.index].check;
    if (release_first) /* the way from caller to callee is gone: the callee must not point at freed pages */
        DONE(UNTIL_DONE(aegis_release(d.slot, 6)));
    DONE(UNTIL_DONE(aegis_env_destroy(d.slot)));
    CHECK(wait_word(&g[4], 1));
    EQUAL(g[5], badge);
    page_put(d.slices[0]);
    page_put(d.slot);
    page_put(low);
    child_end(&c);
}

void upcall_caller_gone(void)
{
    caller_gone(false);
}

void caller_gone_after_its_entry_was_released(void)
{
    caller_gone(true);
}

void pct_chain(void)
{
    struct child c, d;
    long reply = 0;
    unsigned long low = low_slot(0), lower;
    clear();
    server_make(&c, 0, 0, low);
    lower = low_slot(0);
    mode[1] = 3;
    child_make(&d, 1);
    child_on(&d, 0, server, 1);
    slot_six_free(true);
    share_entry(&d, low);
    slot_six_free(false);
    child_slice(&d, 0);
    CHECK(wait_for(has_mac, (void *)1, 1000));
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_ENTRY, AEGIS_CALL, 0, d.index), mac[1], lower).error
             ? aegis_claim(AEGIS_WHAT(AEGIS_ENTRY, AEGIS_CALL | AEGIS_SEND, 0, d.index), mac[1], lower)
             : aegis_null());
    for (unsigned i = 0; i < 10; i++) {
        EQUAL(pct_call(SYNC(lower), 7, 0, 0, 0, 0, &reply), 0);
        EQUAL(reply, 8);
    }
    EQUAL(g[1], EXPOSED->env[d.index].check);
    page_put(low);
    page_put(lower);
    child_end(&d);
    child_end(&c);
}

/* What a server did in an earlier slot is not held against it in the next. */
void server_that_returns_in_grace_is_not_charged(void)
{
    struct child c;
    long reply = 0;
    unsigned long low = low_slot(0);
    clear();
    server_make(&c, 0, 5, low);
    DONE(aegis_slice_recall(c.slices[0])); /* it runs in its callers' slots alone */
    for (unsigned i = 1; i <= 12; i++) {
        EQUAL(pct_call(SYNC(low), 9, 0, 0, 0, 0, &reply), 0);
        EQUAL(reply, 9);
        EQUAL(g[0], i);
        EQUAL(g[3], 0);
        up_yield();
    }
    EQUAL(EXPOSED->env[c.index].state, AEGIS_ENV_LIVE);
    page_put(low);
    child_end(&c);
}
