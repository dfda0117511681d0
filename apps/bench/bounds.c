/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first environment of tests/paths/bounds: drives each call on the worst case that could be prepared, and prints the
 * most instructions that one execution of it took. Every position of the vector owned, blocks of 256 pages, vectors of 64,
 * claims on parts of blocks (whose record is searched for), leaf tables that have to be recycled.
 *
 * One hart: the emulator's counter is one for all harts, and it runs them in turns, so that with several a wait for a
 * lock counts whatever the others do meanwhile. What more harts add is a loop over them (limbo.c) where translations go.
 */
#include <aegis/handler.h>

#include "../../ash/encode.h"
#include "bench.h"

#define PARTS 258       /* slots of 126 claims on parts of a block, in one ledger page */
#define REGION 0x200000UL
#define FAR 0x50000000UL
#define STEPS_MOST 5000
#define LEAVES 92       /* leaf tables that an environment may have */
#define BIG 8           /* order of the largest block of small pages */

static unsigned long worst[AEGIS_CALLS];
static struct aegis_result last;

/* One execution, however it ends. */
static unsigned long once(unsigned call, unsigned long a, unsigned long b, unsigned long c, unsigned long d, unsigned long e)
{
    unsigned long n = count_call(a, b, c, d, e, call, &last) - 2;
    if (n > worst[call])
        worst[call] = n;
    return n;
}

/* All its steps: the longest counts. */
static void steps(unsigned call, unsigned long a, unsigned long b, unsigned long c, unsigned long d, unsigned long e)
{
    unsigned long n = 0;
    for (once(call, a, b, c, d, e); last.error == AEGIS_E_AGAIN && ++n < STEPS_MOST; once(call, a, b, c, d, e))
        ;
    if (last.error == AEGIS_E_AGAIN)
        fail("steps without end, call", (long)call);
}

#define ONCE(call, a, b, c, d, e) once(AEGIS_CALL_##call, a, b, c, d, e)
#define STEPS(call, a, b, c, d, e) steps(AEGIS_CALL_##call, a, b, c, d, e)

/* A page out of the middle of the largest free block. 0: there is none of some size. */
static unsigned long far_page(void)
{
    const volatile struct aegis_exposed *x = AEGIS_EXPOSED_STATE;

    for (unsigned order = AEGIS_ORDER_MAX; order > 9; order--)
        if (x->dirty_head[order] || x->free_head[order])
            return (x->dirty_head[order] ? x->dirty_head[order] : x->free_head[order]) + (1UL << order) / 2 + 1;
    return 0;
}

static void reap_all(void)
{
    do
        ONCE(reap, AEGIS_VECTOR, 0, 0, 0, 0);
    while (last.value);
}

/* Environments at the last indices that there may be: who looks for one passes all. Their pages are nobody else's. */
static void last_create(unsigned slot)
{
    unsigned mark = slot_next, root = slot_take();
    uint64_t what = AEGIS_WHAT(AEGIS_ENV | AEGIS_ROOT, AEGIS_ALLOC, 6, AEGIS_ENVS - AEGIS_VECTOR), lent[AEGIS_ENV_LENT];

    must(aegis_claim(what, must(aegis_capability_make(AEGIS_SLOT_ENVS, AEGIS_ALLOC, AEGIS_ENVS - AEGIS_VECTOR, 6), "root").value, root), "claim");
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++)
        lent[i] = page_new(0);
    ONCE(env_create, root, (unsigned long)lent, slot, 0, 0);
    must(last, "env_create");
    for (slot_next = mark; slot_next < mark + AEGIS_ENV_LENT + 1; slot_next++)
        ALL_STEPS(aegis_release(0, slot_next));
    slot_next = mark;
}

static void orphans_end(void)
{
    unsigned first = slot_next;

    slot_next += AEGIS_VECTOR;
    for (unsigned i = 0; i < AEGIS_VECTOR; i++)
        last_create(first + i);
    for (unsigned i = 0; i < AEGIS_VECTOR; i++)
        ALL_STEPS(aegis_release(0, first + i));
    reap_all();
    slot_next = first;
}

/* A block lent for good: nobody else holds it, so it is freed when it comes back. */
static void lend_whole(unsigned env, unsigned order, unsigned kind)
{
    unsigned slot = page_new(order);

    ONCE(table_lend, env, slot, kind, 0, 0);
    must(last, "table_lend");
    ALL_STEPS(aegis_release(0, slot));
    slot_next = slot;
}

/* An environment with all that may be lent, block by block, on every hart, and with the claims on parts. */
static void full_start(struct partner *p)
{
    partner_pages(p);
    unsigned long index = partner_create(p);
    for (unsigned i = 1; i < AEGIS_LEDGER_PAGES; i++)
        lend_whole(p->slot, 0, AEGIS_TABLE_LEDGER);
    for (unsigned i = 0; i < LEAVES; i++)
        lend_whole(p->slot, 1, AEGIS_TABLE_LEAF);
    activation_fill(p->activation, index, partner_begin);
    ONCE(activation_lend, p->slot, p->activation, 0, 0, 0);
    must(aegis_share(p->slot, PARTS, 126, AEGIS_RWX), "share");
}

/* Its end, by its controller and by whoever reaps what nobody controls. */
static void full_ends(void)
{
    struct partner p;

    full_start(&p);
    STEPS(env_destroy, p.slot, 0, 0, 0, 0);
    STEPS(release, 0, p.slot, 0, 0, 0);
    full_start(&p);
    STEPS(release, 0, p.slot, 0, 0, 0);
    reap_all();
}

static void pages_and_claims(struct partner *p)
{
    unsigned block = page_new(9), copy = page_new(0), slot = slot_take();
    const volatile struct aegis_claim *c = (const volatile struct aegis_claim *)AEGIS_LEDGER_VA + block;
    uint32_t first = AEGIS_WHAT_RESOURCE(c->what);

    ONCE(capability_make, block, AEGIS_R | AEGIS_W, 511, 0, 0);
    uint64_t what = AEGIS_WHAT(AEGIS_PAGE, AEGIS_R | AEGIS_W, 0, first + 511), mac = last.value;
    for (unsigned i = 0; i < 126; i++)
        ONCE(claim, what, mac, PARTS + i, 0, 0);
    ONCE(share, p->slot, PARTS, 126, AEGIS_RWX, 0);
    if (last.error)
        fail("share", last.error);
    ONCE(slot_tag, 0, PARTS, 1, 0, 0);
    /* of a block's last page, in our image's region, where nothing is mapped, and into the middle of another block */
    STEPS(page_exchange, AEGIS_SLOT_PAGES, far_page(), PARTS, (REGION - 0x1000) | AEGIS_R | AEGIS_W, 0);
    must(last, "page_exchange");
    full_ends();
    STEPS(rekey, block, 0, 0, 0, 0);
    for (unsigned i = 0; i < 126; i++)
        aegis_release(0, PARTS + i);
    /* by name, out of the middle of the largest free block, as a copy */
    STEPS(page_alloc, AEGIS_SLOT_PAGES, far_page(), 0, slot, copy);
    STEPS(page_alloc, AEGIS_SLOT_PAGES, AEGIS_ANY, BIG, slot_take(), AEGIS_NONE);
}

/*
 * More regions than leaf tables. Done while we run on one hart only: on several a recycled table waits for the others, and
 * a refill of our own image, which is not in the pinned window, could not.
 */
static void recycling(void)
{
    static struct aegis_mapping item[AEGIS_VECTOR];
    unsigned a = page_new(BIG);

    must(aegis_table_lend(0, page_new(0), AEGIS_TABLE_MIDDLE, FAR), "table_lend");
    /* Our image's table too is recycled here: no STLB word of it may be lost, so all lie in the upper half. */
    for (unsigned i = 0; i < AEGIS_VECTOR; i++)
        item[i] = (struct aegis_mapping){page_new(0), (FAR + i * REGION + 0x100000) | AEGIS_R | AEGIS_W};
    ONCE(map_vector, 0, (unsigned long)item, AEGIS_VECTOR, 0, 0);
    STEPS(map, 0, a, (FAR + 70 * REGION + 0x100000) | AEGIS_R | AEGIS_W, 0, 0);
    STEPS(release, 0, a, 0, 0, 0);
}

/* Brings the translations of our image back, as long as the STLB has them. */
static void image_touch(void)
{
    const volatile struct aegis_claim *ledger = (const volatile struct aegis_claim *)AEGIS_LEDGER_VA;

    for (unsigned slot = AEGIS_SLOT_BOOT; slot < AEGIS_EXPOSED_STATE->first_claims; slot++)
        if (ledger[slot].where & AEGIS_MAPPED)
            (void)*(const volatile char *)(ledger[slot].where & ~(uint64_t)AEGIS_FLAGS);
}

static void translations(void)
{
    unsigned long va = FAR + 80 * REGION - (256UL << 12);
    unsigned a = page_new(BIG), b = page_new(BIG);

    image_touch();
    for (unsigned i = 0; i < 8; i++) /* nothing is recycled any more */
        must(aegis_table_lend(0, page_new(1), AEGIS_TABLE_LEAF, 0), "table_lend");
    STEPS(map, 0, a, va | AEGIS_R | AEGIS_W, 0, 0);
    STEPS(map, 0, b, (va + (256UL << 12)) | AEGIS_R | AEGIS_W, 0, 0);
    STEPS(map_protect, 0, va, 512, AEGIS_R, 0);
    STEPS(map_protect, 0, va, 512, AEGIS_R | AEGIS_W, 0);
    STEPS(map_clean, 0, va, 512, 0, 0);
    STEPS(unmap, 0, a, 0, 0, 0);
    STEPS(release, 0, b, 0, 0, 0);
    STEPS(reap, AEGIS_VECTOR, 0, 0, 0, 0);
}

static void environments(void)
{
    struct partner p;
    uint64_t lent[AEGIS_ENV_LENT];

    partner_pages(&p);
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++)
        lent[i] = p.lent[i];
    ONCE(env_create, AEGIS_SLOT_ENVS, (unsigned long)lent, p.slot, 0, 0);
    ONCE(table_lend, p.slot, page_new(3), AEGIS_TABLE_STLB, 0, 0);
    ONCE(activation_lend, p.slot, p.activation, 0, 0, 0);
    for (unsigned h = 1; h < AEGIS_EXPOSED_STATE->harts; h++)
        ONCE(activation_lend, p.slot, page_new(1), h, 0, 0);
    STEPS(env_destroy, p.slot, 0, 0, 0, 0);
    STEPS(release, 0, p.slot, 0, 0, 0);
}

/* As many comparisons as there may be, each of a word in a part of a block, of which but the last may hold. */
static void conditions_fill(struct aegis_predicate *p, unsigned slot)
{
    for (unsigned i = 0; i < AEGIS_PREDICATES; i++)
        p[i] = (struct aegis_predicate){(uint16_t)slot, AEGIS_EQ, 8, 8 * i, 1};
}

/* A claim on the last page of a block. */
static unsigned part_new(void)
{
    unsigned block = page_new(9), part = slot_take();
    const volatile struct aegis_claim *c = (const volatile struct aegis_claim *)AEGIS_LEDGER_VA + block;
    uint64_t what = AEGIS_WHAT(AEGIS_PAGE, AEGIS_R | AEGIS_W, 0, AEGIS_WHAT_RESOURCE(c->what) + 511);
    unsigned long mac = must(aegis_capability_make(block, AEGIS_R | AEGIS_W, 511, 0), "capability_make").value;

    must(aegis_claim(what, mac, part), "claim");
    return part;
}

static void at_most(unsigned call, unsigned long n)
{
    worst[call] = n > worst[call] ? n : worst[call];
}

/* All positions but ours are a sleeper's, and each is looked at: who leaves the processor passes them. */
static void sleepers(unsigned first, unsigned end, unsigned part)
{
    struct partner sleeper, given;

    partner_start(&given, given_begin);
    count_yield_to(given.slot);
    at_most(AEGIS_CALL_slice_yield_to, counted - 3);
    partner_start(&sleeper, waiter_begin);
    for (unsigned i = 2; i <= part / AEGIS_CLAIMS_PER_PAGE; i++)
        lend_whole(sleeper.slot, 0, AEGIS_TABLE_LEDGER);
    must(aegis_share(sleeper.slot, part, 1, AEGIS_RWX), "share");
    conditions_fill(conditions, part);
    for (unsigned slot = first; slot < end; slot++)
        must(aegis_slice_lend(slot, sleeper.slot), "slice_lend");
    at_most(AEGIS_CALL_slice_wait, count_yield() - 3);
    at_most(AEGIS_CALL_slice_yield, count_yield() - 3);
    for (unsigned slot = first; slot < end; slot++)
        must(aegis_slice_recall(slot), "slice_recall");
    partner_destroy(&sleeper);
    partner_destroy(&given);
}

static void time_and_waits(struct partner *p)
{
    static struct aegis_predicate never[AEGIS_PREDICATES];
    unsigned first, mine = 0, part = part_new();

    conditions_fill(never, part);
    never[AEGIS_PREDICATES - 1].value = 0; /* it holds: we go on */
    ONCE(slice_wait, (unsigned long)never, AEGIS_PREDICATES, 0, 0, 0);
    first = slot_next;
    do { /* every position, of every hart */
        mine = slot_take();
        ONCE(alloc, AEGIS_SLOT_SLICES, AEGIS_ANY, mine, 0, 0);
    } while (!last.error);
    ONCE(slice_lend, mine - 1, p->slot, 0, 0, 0);
    ONCE(slice_recall, mine - 1, 0, 0, 0, 0);
    ONCE(slice_ring, p->slot, 0, 0, 0, 0);
    sleepers(first, mine, part);
    ONCE(null, 0, 0, 0, 0, 0);
    ONCE(fp_take, 0, 0, 0, 0, 0);
}

static void revocation(struct partner *p)
{
    ONCE(reserve_set, 0, 8, 0, 0, 0);
    ONCE(revoke, AEGIS_SLOT_PAGES, p->slot, 1, 1, 0);
    STEPS(revoke_force, AEGIS_SLOT_PAGES, p->slot, 0, 0, 0);
}

static void console(void)
{
    static char text[64];

    for (unsigned i = 0; i < sizeof text; i++)
        text[i] = 0x10; /* each goes out as two */
    ONCE(console_write, AEGIS_SLOT_CONSOLE, 2, (unsigned long)text, sizeof text, 0);
    ONCE(console_read, AEGIS_SLOT_CONSOLE, (unsigned long)text, sizeof text, 0, 0);
    unsigned line = slot_take();
    must(aegis_alloc(AEGIS_SLOT_IRQS, 20, line), "alloc of a line");
    ONCE(irq_done, line, 0, 0, 0, 0);
    ONCE(pct_return, 0, 0, 0, 0, 0);
}

/* The last step of the largest block: it also clears the bitmap. */
static void filters(void)
{
    STEPS(filter_lend, AEGIS_SLOT_NETWORK, page_new(10), 0, 0, 0);
}

#define RING ((struct aegis_ring *)(FAR + 100 * REGION))
#define BUFFERS (FAR + 101 * REGION)
#define NAMED 48 /* filters of as many atoms as there may be, each of which looks at other bytes of the same */

/* A full ring, each frame of as many parts as it may have, all of the last claim's last page; its filter has the longest template. */
static void frames_send(unsigned endpoint, unsigned number, unsigned part)
{
    for (unsigned i = 0; i < AEGIS_TX_ENTRIES; i++) {
        struct aegis_tx *t = &RING->tx[i];
        t->filter = (uint16_t)number;
        t->header_length = 64;
        t->header = i * AEGIS_NET_BUFFER;
        ((unsigned char *)BUFFERS)[t->header + 12] = 0x90;
        for (unsigned k = 0; k < AEGIS_TX_PARTS; k++)
            t->part[k] = (struct aegis_tx_part){(uint16_t)(k % 2 ? part : AEGIS_NONE), 200, k * 256};
    }
    __atomic_store_n(&RING->queued, AEGIS_TX_ENTRIES, __ATOMIC_RELEASE);
    ONCE(net_send, endpoint, 0, 0, 0, 0);
    if (last.error || !last.value)
        fail("net_send", last.error);
}

static void network(void)
{
    static struct {
        struct aegis_filter head;
        struct aegis_atom atom[2 * AEGIS_ATOMS];
    } filter = {.head = {.receive = AEGIS_ATOMS, .send = AEGIS_ATOMS, .limit = 1, .over = {AEGIS_NONE, AEGIS_NONE, AEGIS_NONE, AEGIS_NONE}}};
    unsigned ring = page_new(0), buffers = page_new(5), part = page_new(4), endpoint = slot_take(), first = slot_next, number = 0;

    for (unsigned i = 0; i < 2 * AEGIS_ATOMS; i++)
        filter.atom[i] = (struct aegis_atom){.kind = AEGIS_ATOM_EQ, .width = 1, .offset = 13 + i % AEGIS_ATOMS, .mask = 0xff};
    filter.atom[0] = filter.atom[AEGIS_ATOMS] = (struct aegis_atom){.kind = AEGIS_ATOM_EQ, .width = 1, .offset = 12, .mask = 0xff, .low = 0x90};
    for (unsigned i = 0; i < NAMED; i++) {
        filter.atom[AEGIS_ATOMS - 1].low = i;
        STEPS(filter_install, AEGIS_SLOT_NETWORK, (unsigned long)&filter, slot_take(), 0, 0);
        number = i ? number : (unsigned)must(last, "filter_install").value;
    }
    ALL_STEPS(aegis_map(0, ring, (unsigned long)RING | AEGIS_R | AEGIS_W));
    ALL_STEPS(aegis_map(0, buffers, BUFFERS | AEGIS_R | AEGIS_W));
    ONCE(endpoint_create, AEGIS_SLOT_NETWORK, ring, buffers, endpoint, 0);
    ONCE(filter_bind, first + NAMED - 1, endpoint, 0, 0, 0);
    ONCE(filter_bind, first, endpoint, 0, 0, 0);
    frames_send(endpoint, number, part);
    for (unsigned i = 0; i < NAMED; i++)
        ALL_STEPS(aegis_release(0, first + i));
    STEPS(reap, AEGIS_VECTOR, 0, 0, 0, 0);
}

/* Each instruction jumps to the next, each is a label that claims something: what an instruction looked at costs most. */
#define JUMPS 1000
static void handlers(void)
{
    static struct {
        struct aegis_filter head;
        struct aegis_atom atom;
    } filter = {.head = {.receive = 1, .limit = 1, .over = {AEGIS_NONE, AEGIS_NONE, AEGIS_NONE, AEGIS_NONE}},
                .atom = {.kind = AEGIS_ATOM_EQ, .width = 2, .offset = 12, .mask = 0xffff, .low = 0x88b5}};
    static struct {
        struct ash_image head;
        uint32_t word[JUMPS + 2];
        struct ash_label label[JUMPS];
        struct ash_known known;
    } image __attribute__((aligned(8)));
    unsigned slot = slot_take(), window = page_new(BIG);

    image.head = (struct ash_image){.magic = ASH_MAGIC, .words = JUMPS + 2, .labels = JUMPS, .knowns = 1, .window = ASH_WINDOW_MAX};
    for (unsigned i = 0; i < JUMPS; i++) {
        image.word[i] = BLTU(X_SP, X_SP, 4);
        image.label[i] = (struct ash_label){.at = i + 1, .set = 1U << X_SP, .tracked = 1U << X_SP, .count = 1};
    }
    image.word[JUMPS] = ADDI(X_A0, X_ZERO, ASH_DROP);
    image.word[JUMPS + 1] = JALR(0, 0, X_S11);
    image.known = (struct ash_known){.reg = X_SP, .kind = ASH_IN_WINDOW, .low = ASH_WINDOW_MAX, .high = ASH_WINDOW_MAX};
    ALL_STEPS(aegis_filter_install(AEGIS_SLOT_NETWORK, (unsigned long)&filter, slot));
    STEPS(handler_install, slot, window, (unsigned long)&image, ASH_FUEL_MAX, page_new(AEGIS_HANDLER_ORDER));
    must(last, "handler_install");
    STEPS(handler_remove, slot, 0, 0, 0, 0);
}

int main(void)
{
    static const char *const names[AEGIS_CALLS] = {
#define CALL(number, name, count, arguments, errors, sentence) [number] = #name,
#include <aegis/calls.def>
#undef CALL
    };
    struct partner p;

    slot_next = 390;
    console();
    partner_start(&p, partner_begin);
    must(aegis_table_lend(p.slot, page_new(0), AEGIS_TABLE_LEDGER, 0), "table_lend");
    recycling();
    for (unsigned h = 1; h < AEGIS_EXPOSED_STATE->harts; h++) {
        unsigned slot = page_new(1);
        activation_fill(slot, 0, sleeper_begin);
        must(aegis_activation_lend(0, slot, h), "activation_lend");
    }
    pages_and_claims(&p);
    environments();
    orphans_end();
    translations();
    revocation(&p);
    time_and_waits(&p);
    filters();
    network();
    handlers();
    for (unsigned i = 0; i < AEGIS_CALLS; i++)
        if (worst[i])
            report(names[i], worst[i]);
    end(0);
}
