/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: tests/host/host.c exokernel/core/*.c */
/*
 * Random calls, valid and hostile, by several environments on two harts, against a reference that is written from
 * calls.def and DESIGN, not from the code: plain arrays of who claims what. It says which calls must succeed and which
 * must not, and what every ledger, table and page record holds afterwards (I1, I3, I4, I8).
 *
 *     model [CALLS [SEED]]
 */
#include "model.h"

/* ---- the run ---- */

static void begin(void)
{
    memset(env, 0, sizeof env);
    memset(block, 0, sizeof block);
    memset(slice_birth, 0, sizeof slice_birth);
    memset(capability, 0, sizeof capability);
    births = 0;
    calls = 0;
    host_boot(2, PAGES_ALL);
    struct env *e = host_first(2, 0);
    for (unsigned h = 0; h < 2; h++)
        host_start(h);
    host.hart = 0;
    for (unsigned i = 0; i < 4; i++)
        env_boot_table(e, AEGIS_TABLE_LEAF, host_page(1), 1);
    if (first_seed % 2) /* else nobody else's hart may hold its translations */
        host_activation(e, 1);
    run_as(0, 0);
    run_as(0, 1);
    for (uint32_t p = 0; p < PAGES_ALL; p++)
        if (pages[HOST_PAGE_FIRST + p].state == AEGIS_PAGE_USED) { /* boot's own: claimed by nobody that we track */
            block[p] = (struct ref_block){.used = true, .order = pages[HOST_PAGE_FIRST + p].order, .birth = ++births};
            pages[HOST_PAGE_FIRST + p].claims = 0;
        }
    env[0] = (struct ref_env){.alive = true, .known = true, .index = 0, .parent = -1, .birth = ++births, .entry_birth = ++births, .slots = SLOTS, .leaves = 4, .middle = {true}};
    for (unsigned t = 0; t < AEGIS_TYPES; t++)
        root_birth[t] = ++births;
    slice_birth[0] = ++births;
    claim_empty(e, ledger_at(e, AEGIS_SLOT_CONSOLE));
    claim_empty(e, ledger_at(e, AEGIS_SLOT_MACHINE));
    claim_empty(e, ledger_at(e, AEGIS_SLOT_IRQS));
    for (unsigned s = 0; s < AEGIS_SLOT_BOOT; s++)
        if (ledger_at(e, s)->what)
            ref_claim(0, s, ledger_at(e, s)->what);
    who = 0, hart = 0;
    result_t r = C(page_alloc, AEGIS_SLOT_PAGES, AEGIS_ANY, 0, 250, AEGIS_NONE);
    block[r.value - HOST_PAGE_FIRST] = (struct ref_block){.used = true, .birth = ++births};
    ref_claim(0, 250, ledger_at(e, 250)->what);
    EXPECT(C(map, 0, 250, ARGS | AEGIS_R | AEGIS_W, 0, 0).error == 0, "the page for vectors");
    env[0].claim[250].mapped = true;
    env[0].claim[250].va = ARGS;
    args = machine_direct((pfn_t)r.value);
    check_all();
}

/* Whom nobody can give time to nor end any more is ended, and then perhaps others are so. */
void bury_orphans(void)
{
    bool any = false;

    for (int i = 1; i < ENVS; i++) {
        const struct ref_env *e = &env[i];
        uint32_t index = e->index;
        if (!e->known || !e->alive || claims_on(0, AEGIS_ENV, index) > 1 || claims_on(0, AEGIS_ENTRY, index) || exposed.env[index].positions)
            continue;
        for (unsigned n = 0; n < 10000 && (kernel.orphans || exposed.dying != AEGIS_ENVS); n++) {
            host_settle();
            hart = 0;
            run_as(0, hart);
            host_call(hart, AEGIS_CALL_reap, 1 + below(3), 0, 0, 0, 0);
        }
        EXPECT(exposed.env[index].state == AEGIS_ENV_FREE, "an environment that nobody knows of lives on");
        ref_die(i);
        any = true;
        i = 0;
    }
    if (any) /* not before: several may have ended together */
        check_all();
}

static void step(void)
{
    static void (*const actions[])(void) = {
        do_page_alloc, do_page_alloc, do_page_alloc, do_release, do_release, do_capability, do_claim, do_claim, do_share, do_share, do_map, do_map, do_map_vector,
        do_unmap, do_exchange, do_protect, do_table_lend, do_activation_lend, do_env_create, do_env_create, do_env_create, do_env_destroy, do_rekey, do_alloc, do_others, do_vanish, do_vanish};
    int tries = 20;

    do
        who = chance(2) ? 0 : (int)below(ENVS), hart = below(2);
    while (tries-- && !(env[who].known && env[who].alive && kernel.env[env[who].index]->activation[hart]));
    if (tries < 0)
        who = 0, hart = 0;
    actions[below(sizeof actions / sizeof actions[0])]();
    bury_orphans();
    if (chance(4))
        host_serve(below(2));
}

static void run(uint64_t number, uint64_t count)
{
    seed = first_seed = number;
    seed = seed * 0x9e3779b97f4a7c15 + 1;
    begin();
    for (uint64_t next = 1000; calls < count;) {
        step();
        if (calls >= next) {
            check_all();
            next = calls + 1000;
        }
    }
    check_all();
}

int main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000000, each = 50000;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 2) {
        run(strtoull(argv[2], NULL, 0), count);
        printf("ok model %lu calls, seed %s\n", count, argv[2]);
        return 0;
    }
    for (uint64_t all = 0, n = 1; all < count; n++) {
        uint64_t now = count - all < each ? count - all : each;
        run(n, now);
        all += now;
        if (n % 100 == 0 || all == count)
            printf("ok model %lu calls, seeds 1 to %lu\n", all, n);
    }
    for (unsigned i = 0; i < AEGIS_CALLS; i++)
        if (made[i])
            printf("  %-16s %8lu made, %8lu succeeded\n", names[i], made[i], done[i]);
    return 0;
}
