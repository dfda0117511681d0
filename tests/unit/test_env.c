/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: tests/host/host.c exokernel/core/*.c */
/* flags: -Itests/host -Wno-comment */
#include "../../exokernel/core/limbo.h"
#include "../host/scene.h"
#include "tap.h"

#define VA 0x200000UL

/* What a death has to give back. */
struct count {
    uint64_t free, claims, pins, positions;
    unsigned envs;
};

static struct count count(void)
{
    struct count c = {.free = exposed.free_pages};
    for (pfn_t i = HOST_PAGE_FIRST; i < HOST_PAGE_FIRST + HOST_PAGES; i++)
        if (pages[i].state == AEGIS_PAGE_USED) {
            c.claims += pages[i].claims;
            c.pins += pages[i].pins;
        }
    for (unsigned i = 0; i < AEGIS_ENVS; i++) {
        c.envs += exposed.env[i].state != AEGIS_ENV_FREE;
        c.positions += exposed.env[i].positions;
    }
    return c;
}

static bool same(struct count a, struct count b)
{
    return a.free == b.free && a.claims == b.claims && a.pins == b.pins && a.envs == b.envs && a.positions == b.positions;
}

static void creating(void)
{
    scene(1);
    for (unsigned i = 0; i < 6; i++)
        args[i] = page_new(0, 0);
    memset(machine_direct(page_in(p, (unsigned)args[0])), 0xff, PAGE_SIZE); /* the record comes as it is */
    struct count before = count();
    args[3] = args[2];
    tap(CALL3(0, env_create, AEGIS_SLOT_ENVS, ARGS, 100).error == AEGIS_E_LENT_PAGE && same(before, count()), "env_create: a slot named twice; nothing has changed");
    args[3] = 999;
    tap(CALL3(0, env_create, AEGIS_SLOT_ENVS, ARGS, 100).error == AEGIS_E_EMPTY_SLOT && same(before, count()), "env_create: an empty slot");
    args[3] = AEGIS_SLOT_PAGES;
    tap(CALL3(0, env_create, AEGIS_SLOT_ENVS, ARGS, 100).error == AEGIS_E_WRONG_TYPE, "env_create: what is no page");
    args[3] = page_new(0, 1);
    tap(CALL3(0, env_create, AEGIS_SLOT_ENVS, ARGS, 100).error == AEGIS_E_BAD_RANGE, "env_create: a block of two pages");
    args[3] = page_new(0, 0);
    CALL3(0, map, 0, args[3], VA | AEGIS_R | AEGIS_W);
    tap(CALL3(0, env_create, AEGIS_SLOT_ENVS, ARGS, 100).error == AEGIS_E_MAPPED, "env_create: a page that is mapped (I3)");
    CALL2(0, unmap, 0, args[3]);
    tap(CALL3(0, env_create, AEGIS_SLOT_PAGES, ARGS, 100).error == AEGIS_E_WRONG_TYPE && CALL3(0, env_create, AEGIS_SLOT_ENVS, ARGS, args[0]).error == AEGIS_E_OCCUPIED &&
            CALL3(0, env_create, AEGIS_SLOT_ENVS, ARGS, 1024).error == AEGIS_E_BAD_SLOT && CALL3(0, env_create, AEGIS_SLOT_ENVS, 8, 100).error == AEGIS_E_BAD_ADDRESS &&
            CALL3(0, env_create, AEGIS_SLOT_ENVS, ARGS + PAGE_SIZE - 40, 100).error == AEGIS_E_BAD_ADDRESS,
        "env_create: root, destination and vector that are wrong");
    result_t r = CALL3(0, env_create, AEGIS_SLOT_ENVS, ARGS, 100);
    struct env *c = kernel.env[r.value];
    tap(!r.error && c && exposed.env[r.value].state == AEGIS_ENV_NEW && c->held[AEGIS_ENV] == 1 && c->revoke_type == 0 && c->reserve_count == 0 && ledger_slots(c) == 128,
        "env_create: its own claim, nothing else, whatever the record held (K10)");
    tap(CALL3(0, map, 0, args[0], VA | AEGIS_R).error == AEGIS_E_LENT_PAGE && CALL3(0, map, 0, args[1], VA | AEGIS_R | AEGIS_W).error == AEGIS_E_LENT_PAGE &&
            CALL3(0, map, 0, args[1], VA | AEGIS_R).error == 0,
        "map: the record not at all, its tables read only (I3)");
    tap(CALL3(0, activation_lend, 100, page_new(0, 0), 0).error == AEGIS_E_BAD_RANGE && CALL3(0, activation_lend, 100, page_new(0, 1), 1).error == AEGIS_E_BAD_RANGE &&
            CALL3(0, activation_lend, 100, page_new(0, 1), ~0UL).error == AEGIS_E_BAD_RANGE,
        "activation_lend: another order; harts that are not there");
    unsigned pair = page_new(0, 1);
    memset(machine_direct(page_in(p, pair)), 0x33, 2 * PAGE_SIZE);
    tap(!CALL3(0, activation_lend, 100, pair, 0).error && exposed.env[r.value].state == AEGIS_ENV_LIVE && ((uint8_t *)machine_direct(page_in(p, pair)))[0] == 0x33 &&
            c->activation[0]->caller == 0 && c->activation[0]->gate == c->satp,
        "activation_lend: the lower page as it was filled, the upper the kernel's (K10)");
    tap(CALL3(0, activation_lend, 100, page_new(0, 1), 0).error == AEGIS_E_OCCUPIED && CALL3(0, map, 0, pair, (VA + 2 * PAGE_SIZE) | AEGIS_R).error == AEGIS_E_LENT_PAGE,
        "activation_lend: once a hart; not to be mapped");
    tap(env_may_hold(c, AEGIS_WHAT(AEGIS_ENV, AEGIS_CONTROL, 0, 0)) == false && env_may_hold(p, AEGIS_WHAT(AEGIS_ENV, AEGIS_CONTROL, 0, c->index)), "env_create: nobody may control its controller");
}

static void destroying(void)
{
    scene(1);
    child_full(0); /* whatever is set up on first use */
    unsigned lent_slot = next_slot;
    struct count before = count();
    unsigned c = child_full(0);
    struct env *e = child_env(c);
    uint32_t index = e->index;
    unsigned a = page_new(0, 0);
    give(c, a, AEGIS_RWX);
    CALL3(0, map, c, a, VA | AEGIS_R | AEGIS_W);
    CALL3(0, alloc, AEGIS_SLOT_SLICES, 9, next_slot);
    give(c, next_slot, AEGIS_RIGHTS);
    CALL2(0, slice_lend, next_slot, c);
    AGAIN(CALL2(0, release, 0, next_slot));
    AGAIN(CALL2(0, release, 0, a));
    pfn_t page = page_in(e, a);
    uint64_t deaths = exposed.deaths;
    tap(exposed.slice[0][9].owner == index, "release: a position that others hold too is whose turn it runs");
    tap(exposed.env[index].positions == 1 && pages[page].claims == 1, "slice_lend: the child has a position and a page of its own");
    tap(AGAIN(CALL1(0, env_destroy, c)).error == 0 && exposed.env[index].state == AEGIS_ENV_DEAD && exposed.env[index].end == AEGIS_END_CONTROLLER,
        "env_destroy: by its controller, in steps (K10)");
    tap(exposed.deaths == deaths + 1, "env_destroy: one death more, once it is over");
    tap(!page_head(page) && exposed.slice[0][9].owner == AEGIS_ANY && exposed.env[index].positions == 0, "env_destroy: what only it had is free (I8)");
    bool unlent = true;
    for (unsigned i = lent_slot; i < c; i++)
        unlent &= pages[page_in(p, i)].pins == 0 && !(pages[page_in(p, i)].flags & ~AEGIS_PAGE_IS_CLEAN);
    tap(unlent && CALL3(0, map, 0, lent_slot, VA | AEGIS_R | AEGIS_W).error == 0, "env_destroy: lent pages are the lender's again");
    bool scrubbed = true;
    for (unsigned i = 0; i < offsetof(struct env, leaf) / 8; i++)
        scrubbed &= ((uint64_t *)machine_direct(page_in(p, lent_slot)))[i] == 0;
    tap(scrubbed, "env_destroy: the kernel's half is scrubbed (I8)");
    tap(CALL1(0, env_destroy, c).error == 0 && CALL3(0, map, c, 20, VA | AEGIS_R).error == AEGIS_E_NO_ENV && CALL2(0, release, c, 20).error == AEGIS_E_NO_ENV &&
            CALL4(0, share, c, 20, 1, AEGIS_R).error == AEGIS_E_NO_ENV && CALL3(0, slot_tag, c, 20, 1).error == AEGIS_E_NO_ENV &&
            CALL4(0, table_lend, c, page_new(0, 0), AEGIS_TABLE_LEDGER, 0).error == AEGIS_E_NO_ENV && CALL1(0, slice_yield_to, c).error == AEGIS_E_NO_ENV,
        "env_destroy, map, release, share, slot_tag, table_lend, slice_yield_to: of the dead it is NO_ENV");
    for (unsigned i = lent_slot; i < next_slot + 2; i++)
        AGAIN(CALL2(0, release, 0, i));
    tap(exposed.env[index].state == AEGIS_ENV_FREE && same(before, count()), "release: of the last claim frees the index; everything is as before (I8)");
    tap(CALL1(0, env_destroy, 999).error == AEGIS_E_EMPTY_SLOT && CALL1(0, env_destroy, AEGIS_SLOT_PAGES).error == AEGIS_E_WRONG_TYPE && CALL1(0, env_destroy, ~0UL).error == AEGIS_E_BAD_SLOT,
        "env_destroy: empty, no environment, beyond");
}

/* A position that its owner passed on as a claim and lent outlives that owner, and ends with whom it was lent to. */
static void inherited(void)
{
    scene(1);
    unsigned c = child_full(0), d = child_full(0);
    struct env *owner = child_env(c), *heir = child_env(d);
    give(c, AEGIS_SLOT_SLICES, AEGIS_ALLOC);
    give(c, d, AEGIS_RING);
    become(0, owner);
    bool good = !CALL3(0, alloc, AEGIS_SLOT_SLICES, 11, 100).error;
    uint64_t mac = mac_of(100, AEGIS_LEND, 0, 0);
    become(0, heir);
    good &= !CALL3(0, claim, AEGIS_WHAT(AEGIS_SLICE, AEGIS_LEND, 0, 11), mac, 100).error;
    become(0, owner);
    good &= !CALL2(0, slice_lend, 100, d).error && exposed.slice[0][11].owner == owner->index;
    become(0, p);
    struct activation *runs = heir->activation[0];
    good &= !AGAIN(CALL1(0, env_destroy, c)).error;
    tap(good && kernel.hart[0].slots[11].linked && kernel.hart[0].slots[11].runs == runs && exposed.slice[0][11].owner == heir->index,
        "slice_lend: a position of which the borrower has a claim outlives its first owner");
    become(0, heir);
    tap(!CALL1(0, slice_recall, 100).error && kernel.hart[0].slots[11].runs == runs, "slice_recall: by who is left");
    become(0, p);
    tap(!AGAIN(CALL1(0, env_destroy, d)).error && !kernel.hart[0].slots[11].linked && exposed.slice[0][11].owner == AEGIS_ANY && !exposed.slice[0][11].check,
        "env_destroy: and is free when that one ends");
}

/* Between any two steps the controller stops; then somebody else goes on with reap. */
static void abandoned(void)
{
    bool good = true;
    unsigned most = 0;
    for (unsigned stop = 0; stop < 12 && good; stop++) {
        scene(2);
        unsigned first = next_slot;
        struct count before = count();
        unsigned c = child_new();
        child_on(c, 0);
        child_on(c, 1);
        child_leaf(c);
        for (unsigned i = 0; i < 3; i++)
            if (CALL4(0, table_lend, c, page_new(0, 0), AEGIS_TABLE_LEDGER, 0).error)
                abort();
        for (unsigned i = 0; i < 100; i++) {
            unsigned a = page_new(0, 0);
            give(c, a, AEGIS_RWX);
        }
        become(1, child_env(c));
        exposed.hart[1].idle = kernel.hart[1].parked = 0;
        unsigned calls = 0;
        result_t r = {AEGIS_E_AGAIN, 0};
        while (calls < stop && r.error == AEGIS_E_AGAIN) {
            r = CALL1(0, env_destroy, c);
            calls++;
            if (calls % 2)
                host_settle();
        }
        most = calls > most ? calls : most;
        if (!stop)
            CALL1(0, env_destroy, c);
        for (unsigned n = 0; n < 20000 && exposed.dying != AEGIS_ENVS; n++) {
            CALL1(1, reap, 1);
            host_settle();
        }
        uint32_t index = page_in(p, c);
        good &= exposed.env[index].state == AEGIS_ENV_DEAD;
        for (unsigned i = first; i < next_slot; i++)
            AGAIN(CALL2(0, release, 0, i));
        good &= same(before, count());
        if (!good)
            printf("  stop %u, state %u\n", stop, exposed.env[index].state);
    }
    printf("# %u calls at most\n", most);
    tap(good && most >= 3, "env_destroy, reap: given up between any two steps and ended by another hart, everything comes back (I8, I9)");
}

/* All memory is in use, most of it by one that died, whose controller stopped there: whoever wants a page goes on with its end. */
static void wanted(void)
{
    scene(1);
    unsigned c = child_full(0), held = next_slot, n = 0;
    struct env *e = child_env(c);
    for (unsigned i = 0; i < 3; i++) {
        give(c, page_new(0, 0), AEGIS_RWX);
        AGAIN(CALL2(0, release, 0, held + i));
    }
    for (unsigned order = 10; order-- > 0;)
        while (!AGAIN(CALL5(0, page_alloc, AEGIS_SLOT_PAGES, AEGIS_ANY, order, next_slot, AEGIS_NONE)).error)
            next_slot++;
    bool good = CALL5(0, page_alloc, AEGIS_SLOT_PAGES, AEGIS_ANY, 0, next_slot, AEGIS_NONE).error == AEGIS_E_NO_MEMORY && !exposed.free_pages;
    lock_take(&e->lock);
    host.hart = 0;
    env_kill(e, AEGIS_END_CONTROLLER);
    lock_give(&e->lock);
    while (n < 4 && !AGAIN(CALL5(0, page_alloc, AEGIS_SLOT_PAGES, AEGIS_ANY, 0, next_slot, AEGIS_NONE)).error)
        next_slot++, n++;
    tap(good && n == 3, "page_alloc: with nothing free it goes on with the end of the dead, and has their pages");
}

static void self(void)
{
    scene(2);
    unsigned first = next_slot;
    struct count before = count();
    unsigned c = child_full(1);
    struct env *e = child_env(c);
    become(1, e);
    exposed.hart[1].idle = kernel.hart[1].parked = 0;
    result_t r = CALL1(1, env_destroy, 0);
    tap(r.error == HOST_LEFT && exposed.env[page_in(p, c)].end == AEGIS_END_SELF && host.self[1] != e->activation[1], "env_destroy: of oneself does not return");
    AGAIN(CALL1(0, env_destroy, c));
    for (unsigned i = first; i < next_slot; i++)
        AGAIN(CALL2(0, release, 0, i));
    tap(same(before, count()), "env_destroy: of oneself gives everything back (I8)");

    /* killed from another hart while it runs: it works on the dead itself, but not on itself */
    scene(2);
    c = child_full(1);
    e = child_env(c);
    become(1, e);
    exposed.hart[1].idle = kernel.hart[1].parked = 0;
    lock_take(&e->lock);
    host.hart = 0;
    env_kill(e, AEGIS_END_CONTROLLER); /* another hart's env_destroy, before its first step */
    lock_give(&e->lock);
    CALL1(1, reap, 64);
    tap(host.self[1] == e->activation[1] && kernel.env[page_in(p, c)] == e && e->root && pages[page_in(p, c - 5)].pins == 1,
        "reap: the dying that still run take nothing from under themselves (I11)");
    tap(host.pending[1] && (host_serve(1), host.self[1] != e->activation[1]), "reap: they leave at the next interrupt");
    for (unsigned n = 0; n < 2000 && exposed.dying != AEGIS_ENVS; n++) {
        CALL1(0, reap, 1);
        host_settle();
    }
    tap(exposed.env[page_in(p, c)].state == AEGIS_ENV_DEAD, "reap: then they end");
}

/* A block of two pages lent as a leaf table, its second page another's table before the first environment is gone. */
static void pairs(void)
{
    bool good = true;
    for (unsigned tables = 50; tables < 70; tables++) {
        scene(1);
        unsigned c = child_new(), d = child_new();
        unsigned n = 0, last = 0;
        while (CALL4(0, table_lend, c, last = page_new(0, 1), AEGIS_TABLE_LEAF, 0).error == 0 && ++n < tables / 2)
            CALL2(0, release, 0, last);
        CALL2(0, release, 0, last);
        unsigned steps = 0;
        do {
            if (!steps++) {
                struct env *e = child_env(c);
                lock_take(&e->lock);
                host.hart = 0;
                env_kill(e, AEGIS_END_CONTROLLER);
                lock_give(&e->lock);
            }
            CALL1(0, reap, 1);
            /* whatever is free now, somebody lends at once */
            for (unsigned i = 0; i < 4; i++) {
                unsigned s = page_new(0, 0);
                if (pages[page_in(p, s)].order == 0 && CALL4(0, table_lend, d, s, AEGIS_TABLE_LEDGER, 0).error)
                    break;
            }
        } while (exposed.dying != AEGIS_ENVS && steps < 3000);
        const struct env *e = child_env(d);
        for (unsigned i = 0; i < e->ledger_pages; i++) {
            const struct aegis_page *head = page_head(machine_page_of(e->ledger[i]));
            good &= head && head->pins == 1 && head->flags & AEGIS_PAGE_IS_LENT;
        }
    }
    tap(good, "reap: a pair's second page, lent to another meanwhile, keeps its pin (I3, I8)");
}

static void entries(void)
{
    /* p keeps a claim on the entry of a dead environment whose index would be another's */
    scene(1);
    unsigned c = child_full(0);
    uint32_t index = page_in(p, c);
    become(0, child_env(c));
    CALL3(0, alloc, 0, 0, 100);
    result_t mac = CALL4(0, capability_make, 100, AEGIS_CALL, 0, 0);
    become(0, p);
    unsigned entry = next_slot++;
    tap(!CALL3(0, claim, AEGIS_WHAT(AEGIS_ENTRY, AEGIS_CALL, 0, index), mac.value, entry).error && exposed.env[index].entries == 2, "claim: another's entry");
    AGAIN(CALL1(0, env_destroy, c));
    CALL2(0, release, 0, c);
    unsigned d = child_full(0);
    tap(exposed.env[index].state == AEGIS_ENV_DEAD && page_in(p, d) != index, "env_create: an index is not used again while an entry of it is claimed (I11)");
    CALL2(0, release, 0, entry);
    tap(exposed.env[index].state == AEGIS_ENV_FREE && exposed.env[index].entries == 0, "release: of that entry frees it");
}

static void limits(void)
{
    scene(1);
    for (unsigned i = 0; i < 6; i++)
        args[i] = page_new(0, 0);
    for (unsigned i = 0; i < AEGIS_ENVS; i++)
        exposed.env[i].state += exposed.env[i].state == AEGIS_ENV_FREE;
    struct count before = count();
    tap(CALL3(0, env_create, AEGIS_SLOT_ENVS, ARGS, 100).error == AEGIS_E_FULL && same(before, count()), "env_create: FULL when no index is left; nothing is lent");
    exposed.env[77].state = AEGIS_ENV_FREE;
    tap(!CALL3(0, env_create, AEGIS_SLOT_ENVS, ARGS, 100).error, "env_create: with one left");
}

/* Forty generations: the nearest controllers and the first are known, those between are forgotten. */
static void generations(void)
{
    scene(1);
    struct env *e = child_env(child_full(0));
    uint64_t above[ENV_DEPTH];
    bool good = e->depth == 1 && e->above[0] == p->check;
    for (unsigned i = 1; i < 40 && good; i++) {
        memcpy(above, e->above, sizeof above);
        unsigned depth = e->depth, c;
        struct env *before = e;
        p->depth = depth; /* as if p were e, which has no memory to make one from */
        p->check = e->check;
        memcpy(p->above, above, sizeof above);
        c = child_new();
        e = child_env(c);
        good &= e->depth == (i < ENV_DEPTH ? i + 1 : ENV_DEPTH) && e->above[0] == before->check && e->above[1] == above[0] &&
                e->above[e->depth - 1] == exposed.env[0].check;
        p->depth = 0;
        p->check = exposed.env[0].check;
    }
    tap(good, "env_create: below any number of controllers; the nearest and the first stay out of reach");
}

/* Whom nobody can give time to nor end any more is ended by reap. */
static void forsaken(void)
{
    scene(1);
    struct count before = count();
    unsigned first = next_slot, c = child_new();
    uint32_t index = child_env(c)->index;
    CALL2(0, release, 0, c);
    CALL1(0, reap, 64);
    for (unsigned i = first; i < next_slot; i++)
        AGAIN(CALL2(0, release, 0, i));
    tap(exposed.env[index].state == AEGIS_ENV_FREE && same(before, count()), "release: an environment that was never begun ends with the last claim on it (I8)");

    c = child_full(0);
    index = child_env(c)->index;
    unsigned slice = next_slot++;
    CALL3(0, alloc, AEGIS_SLOT_SLICES, 9, slice);
    CALL2(0, slice_lend, slice, c);
    CALL2(0, release, 0, c);
    CALL1(0, reap, 64);
    bool lives = exposed.env[index].state == AEGIS_ENV_LIVE;
    CALL2(0, release, 0, slice); /* its only position */
    CALL1(0, reap, 64);
    tap(lives && exposed.env[index].state == AEGIS_ENV_FREE, "release: one that has a position lives on until it has none");

    unsigned entry, d = child_full(0);
    index = child_env(d)->index;
    become(0, child_env(d));
    CALL3(0, alloc, 0, 0, 100);
    uint64_t mac = mac_of(100, AEGIS_CALL, 0, 0);
    become(0, p);
    entry = next_slot++;
    CALL3(0, claim, AEGIS_WHAT(AEGIS_ENTRY, AEGIS_CALL, 0, index), mac, entry);
    CALL2(0, release, 0, d);
    CALL1(0, reap, 64);
    lives = exposed.env[index].state == AEGIS_ENV_LIVE;
    become(0, kernel.env[index]);
    CALL2(0, release, 0, 100);
    become(0, p);
    CALL1(0, reap, 64);
    lives &= exposed.env[index].state == AEGIS_ENV_LIVE;
    CALL2(0, release, 0, entry);
    CALL1(0, reap, 64);
    tap(lives && exposed.env[index].state == AEGIS_ENV_FREE, "release: a server lives as long as somebody may call it");
}

static void stamps(void)
{
    scene(2);
    kernel.epoch = 0x90000000;
    kernel.hart[1].ack = 0x90000000;
    unsigned c = child_full(1), a = page_new(0, 0);
    become(1, child_env(c));
    exposed.hart[1].idle = kernel.hart[1].parked = 0;
    give(c, a, AEGIS_R);
    tap(CALL2(1, release, 0, a).error == 0 && CALL2(0, release, c, 20).error == AEGIS_E_EMPTY_SLOT, "release: in an environment born after two thousand million epochs");
    give(c, a, AEGIS_R);
    tap(CALL2(0, release, c, a).error == 0, "release: of what was never mapped waits for nobody, whatever the epoch");
    uint32_t old = (uint32_t)kernel.epoch;
    kernel.epoch += 0xf0000000; /* a stamp nearly as old as 32 bits can tell */
    kernel.hart[1].ack = kernel.epoch - 5;
    tap(limbo_over(2, old) && !limbo_over(2, (uint32_t)kernel.epoch), "limbo: a stamp that is old stays over");
    kernel.epoch += 0x20000000; /* and older: it is asked once more, no longer */
    bool waits = !limbo_over(2, old);
    host_serve(1);
    tap(limbo_over(2, old) || !waits, "limbo: one older than 32 bits can tell is over at the next acknowledgement");
}

int main(void)
{
    creating();
    destroying();
    inherited();
    abandoned();
    wanted();
    self();
    pairs();
    entries();
    limits();
    generations();
    forsaken();
    stamps();
    return tap_failed;
}
