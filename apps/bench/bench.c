/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first environment of scripts/bench: takes the kernel's paths one by one and prints how many instructions each
 * took, `NAME<TAB>count` a line on the console's output.
 *
 * Every figure is a warm one: the same path was taken just before, with arguments of the same kind (so entries are
 * resolved, the leaf table found last is the one wanted, a free page is at the head of its list). The kernel's share is
 * the difference of two readings of `instret` less the instructions of ours between them, which the empty pair and
 * the null call calibrate; tests/paths counts the same in QEMU's log of executed instructions.
 */
#include "bench.h"

#define KERNEL_PAGE 0x80200UL /* where the firmware loads the kernel */
#define PAGES_VA 0x20100000UL /* 100 pages; their STLB words lie apart from the image's */
#define PAGES 100
#define TABLES 24             /* leaf tables are recycled when this many regions are mapped */

/* What the kernel has for itself, from its image on; what lies below is the firmware's. */
static unsigned long kernel_pages(void)
{
    const struct aegis_page *record = (const struct aegis_page *)AEGIS_EXPOSED_PAGES;
    unsigned long n = 0;

    for (uint64_t i = 0; i < AEGIS_EXPOSED_STATE->page_count; i++)
        n += record[i].state == AEGIS_PAGE_KERNEL && AEGIS_EXPOSED_STATE->page_first + i >= KERNEL_PAGE;
    return n;
}

/* ---- the figures ---- */

static void exceptions(void)
{
    unsigned long n = 0;
    report("empty_pair", count_nothing());
    for (int i = 0; i < 3; i++)
        n = count_null() - 2;
    report("null_call", n);
    for (int i = 0; i < 3; i++)
        n = count_exception();
    report("exception_dispatch", n - 1 - TRAPPED);
    for (int i = 0; i < 3; i++)
        n = count_fault(SPARE_VA);
    report("fault_dispatch", n - 1 - FAULTED);
}

static void transfers(struct partner *p)
{
    unsigned long count[2] = {0};
    unsigned entry = 62;

    /* It runs for the first time in what is left of our slot, makes its capability and yields to us. */
    long error = leave(p->slot, 0, 0, AEGIS_CALL_slice_yield_to);
    if (error < 0 || !partner_capability.mac)
        fail("partner", error);
    unsigned long n = 0;
    for (int i = 0; i < 3; i++) {
        if (i)
            ALL_STEPS(aegis_release(0, entry));
        n = COUNT(claim, partner_capability.what, partner_capability.mac, entry, 0, 0);
    }
    report("claim.entry", n);
    for (int i = 0; i < 3; i++)
        if ((error = count_pct(-1 - (long)entry, count)))
            fail("pct", error);
    report("pct_oneway", count[0] - 2);
    report("pct_return", count[1] - 2);
}

static void slices(void)
{
    unsigned long n = 0;
    for (int i = 0; i < 3; i++)
        n = count_yield();
    report("slice_begin", n - 3);
    for (int i = 0; i < 2; i++) {
        count_yield(); /* a slot begins */
        n = count_slice_end(time_now() + AEGIS_EXPOSED_STATE->slice_ticks - 20);
    }
    report("slice_end", n - 2);
    count_yield();
    must(aegis_page_alloc(AEGIS_SLOT_PAGES, AEGIS_ANY, 0, slot_next, AEGIS_NONE), "page_alloc");
    for (int i = 0; i < 3; i++) {
        count_yield();
        n = count_revoke(AEGIS_SLOT_PAGES, AEGIS_SLOT_SELF, 1, 1);
        /* the request is met, and so taken back */
        if (i == 0)
            ALL_STEPS(aegis_release(0, slot_next));
        else
            ALL_STEPS(aegis_release(0, slot_take()));
        must(aegis_revoke_force(AEGIS_SLOT_PAGES, AEGIS_SLOT_SELF), "revoke_force");
        ALL_STEPS(aegis_page_alloc(AEGIS_SLOT_PAGES, AEGIS_ANY, 0, slot_next, AEGIS_NONE));
    }
    slot_next++;
    report("revoke_upcall.and_call", n - 2);
}

/* A MAC of which a bit is wrong, and one of another right: the fewest and the most instructions. */
static void wrong_macs(uint64_t what, unsigned long mac, unsigned slot)
{
    unsigned long least = ~0UL, most = 0;
    for (unsigned bit = 40; bit < 40 + 64 + 3; bit++) {
        struct aegis_result r;
        unsigned long n = count_call(bit < 43 ? what ^ 1UL << bit : what, bit < 43 ? mac : mac ^ 1UL << (bit - 43), slot, 0, 0, AEGIS_CALL_claim, &r);
        if (r.error != AEGIS_E_BAD_CAPABILITY)
            fail("a wrong MAC", r.error);
        least = n < least ? n : least;
        most = n > most ? n : most;
    }
    report("claim.wrong_least", least - 2);
    report("claim.wrong_most", most - 2);
}

static void claims(void)
{
    unsigned slot = page_new(0), second = slot_take();
    unsigned long n = 0;
    const volatile struct aegis_claim *c = (const volatile struct aegis_claim *)AEGIS_LEDGER_VA + slot;
    uint64_t what = AEGIS_WHAT(AEGIS_PAGE, AEGIS_R | AEGIS_W, 0, AEGIS_WHAT_RESOURCE(c->what));
    unsigned long mac = must(aegis_capability_make(slot, AEGIS_R | AEGIS_W, 0, 0), "capability_make").value;
    for (int i = 0; i < 3; i++) {
        if (i)
            ALL_STEPS(aegis_release(0, second));
        n = COUNT(claim, what, mac, second, 0, 0);
    }
    report("claim", n);
    wrong_macs(what, mac, slot_take());
}

static unsigned pages_take(void)
{
    unsigned first = slot_next;
    for (unsigned i = 0; i < PAGES; i++)
        page_new(0);
    return first;
}

static void translations(unsigned first)
{
    unsigned long n = 0;
    for (unsigned i = 0; i < PAGES; i++)
        n = COUNT(map, 0, first + i, (PAGES_VA + i * AEGIS_PAGE_SIZE) | AEGIS_R | AEGIS_W, 0, 0);
    report("map_page", n);
    for (int i = 0; i < 3; i++) {
        n = COUNT(map_protect, 0, PAGES_VA, 1, AEGIS_R, 0);
        must(aegis_map_protect(0, PAGES_VA, 1, AEGIS_R | AEGIS_W), "map_protect");
    }
    report("protect_1", n);
    unsigned long back = 0;
    for (int i = 0; i < 3; i++) {
        n = COUNT(map_protect, 0, PAGES_VA, PAGES, AEGIS_R, 0);
        back = COUNT(map_protect, 0, PAGES_VA, PAGES, AEGIS_R | AEGIS_W, 0);
    }
    report("protect_100", n);
    report("unprotect_100", back);
}

static void sharing(struct partner *p, unsigned first)
{
    unsigned long n = 0;
    for (int i = 0; i < 3; i++) {
        for (unsigned k = 0; i && k < PAGES; k++)
            ALL_STEPS(aegis_release(p->slot, first + k));
        n = COUNT(share, p->slot, first, PAGES, AEGIS_RWX, 0);
    }
    report("share_100", n);
}

static void page_cycle(void)
{
    unsigned slot = slot_take();
    unsigned long alloc = 0, map = 0, unmap = 0, release = 0;
    for (int i = 0; i < 3; i++) {
        alloc = COUNT(page_alloc, AEGIS_SLOT_PAGES, AEGIS_ANY, 0, slot, AEGIS_NONE);
        map = COUNT(map, 0, slot, SPARE_VA | AEGIS_R | AEGIS_W, 0, 0);
        unmap = COUNT(unmap, 0, slot, 0, 0, 0);
        release = COUNT(release, 0, slot, 0, 0, 0);
    }
    report("page_cycle", alloc + map + unmap + release);
    report("page_cycle.alloc", alloc);
    report("page_cycle.map", map);
    report("page_cycle.unmap", unmap);
    report("page_cycle.release", release);
}

static void env_cycle(void)
{
    struct partner p;
    unsigned long n = 0;

    partner_pages(&p);
    for (int i = 0; i < 3; i++) {
        unsigned long t = instret();
        partner_create(&p);
        struct aegis_result r = aegis_activation_lend(p.slot, p.activation, 0);
        partner_destroy(&p);
        n = instret() - t - 1;
        must(r, "activation_lend");
    }
    report("env_cycle", n);
    uint64_t lent[AEGIS_ENV_LENT];
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++)
        lent[i] = p.lent[i];
    report("env_cycle.env_create", COUNT(env_create, AEGIS_SLOT_ENVS, (unsigned long)lent, p.slot, 0, 0));
    report("env_cycle.activation_lend", COUNT(activation_lend, p.slot, p.activation, 0, 0, 0));
    struct aegis_result r;
    n = 0;
    do
        n += count_call(p.slot, 0, 0, 0, 0, AEGIS_CALL_env_destroy, &r) - 2;
    while (r.error == AEGIS_E_AGAIN);
    report("env_cycle.env_destroy", n);
    report("env_cycle.release", COUNT(release, 0, p.slot, 0, 0, 0));
}

/* More regions than leaf tables: those of the first are recycled. Then a touch there finds the STLB's words. */
static void refills(void)
{
    unsigned long va = 0x50180000UL, n = 0;
    unsigned slot[4], other[TABLES];

    must(aegis_table_lend(0, page_new(0), AEGIS_TABLE_MIDDLE, va), "table_lend");
    for (unsigned i = 0; i < 4; i++) {
        slot[i] = page_new(0);
        must(aegis_map(0, slot[i], (va + i * AEGIS_PAGE_SIZE) | AEGIS_R | AEGIS_W), "map");
    }
    for (unsigned i = 0; i < TABLES; i++) {
        other[i] = page_new(0);
        ALL_STEPS(aegis_map(0, other[i], (va + 0x10000 + ((i + 1UL) << 21)) | AEGIS_R | AEGIS_W));
    }
    for (unsigned i = 0; i < 3; i++)
        n = count_load(va + i * AEGIS_PAGE_SIZE, va + (i + 1) * AEGIS_PAGE_SIZE);
    report("stlb_refill", n - 1 - LOADED);
    if (count_load(va, va + 3 * AEGIS_PAGE_SIZE) != 1 + LOADED)
        fail("the translation did not stay", 0);
}

int main(void)
{
    struct partner p;
    report("boot_and_firmware", boot_count);
    report("kernel_memory", kernel_pages() * (AEGIS_PAGE_SIZE / 1024));
    slot_next = (unsigned)AEGIS_EXPOSED_STATE->first_claims; /* the 100 pages stand in one page of the ledger */
    unsigned pages = pages_take();
    exceptions();
    partner_start(&p, partner_begin);
    count_yield();
    transfers(&p);
    slices();
    claims();
    count_yield();
    translations(pages);
    sharing(&p, pages);
    count_yield();
    page_cycle();
    env_cycle();
    count_yield();
    refills();
    partner_destroy(&p);
    end(0);
}
