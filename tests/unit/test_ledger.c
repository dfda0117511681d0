/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: tests/host/host.c exokernel/core/*.c */
/* flags: -Itests/host -Wno-comment */
#include "../host/scene.h"
#include "tap.h"

static void claims(void)
{
    scene(1);
    unsigned slot = page_new(0, 2), to = next_slot++;
    uint64_t what = AEGIS_WHAT(AEGIS_PAGE, AEGIS_R | AEGIS_LEND, 1, page_in(p, slot) + 2);
    uint64_t mac = mac_of(slot, AEGIS_R | AEGIS_LEND, 2, 1);
    tap(!CALL3(0, claim, what, mac, to).error && ledger_at(p, to)->what == what && record(page_in(p, slot))->claims == 2,
        "claim, capability_make: a part of a block (K6)");
    tap(CALL3(0, claim, what, mac, to).error == AEGIS_E_OCCUPIED, "claim: an occupied slot is OCCUPIED");
    tap(CALL3(0, claim, what, mac, 1024).error == AEGIS_E_BAD_SLOT && CALL3(0, claim, what, mac, ~0UL).error == AEGIS_E_BAD_SLOT,
        "claim: a slot beyond the ledger is BAD_SLOT");
    CALL2(0, release, 0, to);
    bool refused = true;
    for (unsigned bit = 0; bit < 64; bit++) {
        refused &= CALL3(0, claim, what ^ 1UL << bit, mac, to).error == AEGIS_E_BAD_CAPABILITY;
        refused &= CALL3(0, claim, what, mac ^ 1UL << bit, to).error == AEGIS_E_BAD_CAPABILITY;
    }
    tap(refused && !ledger_at(p, to)->what && record(page_in(p, slot))->claims == 1,
        "claim: every single-bit change of a capability is BAD_CAPABILITY");
    unsigned other = page_new(0, 2);
    tap(CALL3(0, claim, AEGIS_WHAT(AEGIS_PAGE, AEGIS_R | AEGIS_LEND, 1, page_in(p, other) + 2), mac, to).error == AEGIS_E_BAD_CAPABILITY &&
            CALL3(0, claim, AEGIS_WHAT(AEGIS_ENV, AEGIS_R | AEGIS_LEND, 1, 0), mac, to).error == AEGIS_E_BAD_CAPABILITY,
        "claim: another page, another type");
    CALL1(0, rekey, slot);
    tap(CALL3(0, claim, what, mac, to).error == AEGIS_E_BAD_CAPABILITY, "claim, rekey: a re-keyed capability is dead");
    mac = mac_of(slot, AEGIS_R | AEGIS_LEND, 2, 1);
    pfn_t page = page_in(p, slot);
    AGAIN(CALL2(0, release, 0, slot));
    tap(CALL3(0, claim, what, mac, to).error == AEGIS_E_BAD_CAPABILITY, "claim: of a page that is free");
    AGAIN(CALL5(0, page_alloc, AEGIS_SLOT_PAGES, page, 2, slot, AEGIS_NONE));
    tap(CALL3(0, claim, what, mac, to).error == AEGIS_E_BAD_CAPABILITY, "claim: of a page that was freed and allocated again");
}

static void names_of_nothing(void)
{
    scene(1);
    bool refused = true;
    for (unsigned type = 0; type < 256; type++)
        for (unsigned i = 0; i < 6; i++) {
            static const uint32_t resource[] = {0, 1, 1023, 1024, 0x7fffffff, 0xffffffff};
            uint64_t what = AEGIS_WHAT(type, AEGIS_RIGHTS, 0, resource[i]);
            /* even with the right key nothing that is not there can be claimed: checks of 0 are nobody's */
            if (resource[i] || type == 0)
                refused &= CALL3(0, claim, what, siphash(kernel.key, what, 0), 100).error == AEGIS_E_BAD_CAPABILITY;
        }
    tap(refused, "claim: nothing, free and absent resources of every type, with the MAC of the check 0");
}

static void capabilities(void)
{
    scene(1);
    unsigned slot = page_new(0, 3);
    tap(CALL4(0, capability_make, slot, AEGIS_CONTROL, 0, 3).error == AEGIS_E_NO_RIGHT &&
            CALL4(0, capability_make, slot, 0x10000 | AEGIS_R, 0, 3).error == AEGIS_E_NO_RIGHT &&
            CALL4(0, capability_make, slot, ~0UL, 0, 3).error == AEGIS_E_NO_RIGHT,
        "capability_make: more rights than the claim's are NO_RIGHT");
    tap(CALL4(0, capability_make, slot, AEGIS_R, 0, 4).error == AEGIS_E_BAD_RANGE &&
            CALL4(0, capability_make, slot, AEGIS_R, 8, 0).error == AEGIS_E_BAD_RANGE &&
            CALL4(0, capability_make, slot, AEGIS_R, 1, 1).error == AEGIS_E_BAD_RANGE &&
            CALL4(0, capability_make, slot, AEGIS_R, 0, 64).error == AEGIS_E_BAD_RANGE &&
            CALL4(0, capability_make, slot, AEGIS_R, ~0UL, 0).error == AEGIS_E_BAD_RANGE &&
            CALL4(0, capability_make, AEGIS_SLOT_CONSOLE, AEGIS_R, 1, 0).error == AEGIS_E_BAD_RANGE,
        "capability_make: a part that is larger, outside, misaligned; of what has no parts");
    tap(CALL4(0, capability_make, 999, AEGIS_R, 0, 0).error == AEGIS_E_EMPTY_SLOT &&
            CALL4(0, capability_make, 1024, AEGIS_R, 0, 0).error == AEGIS_E_BAD_SLOT,
        "capability_make: an empty slot, one beyond the ledger");
    tap(CALL4(0, capability_make, AEGIS_SLOT_SELF, AEGIS_CONTROL, 0, 0).error == AEGIS_E_NO_RIGHT &&
            !CALL4(0, capability_make, AEGIS_SLOT_SELF, AEGIS_RING, 0, 0).error,
        "capability_make: nobody passes on control of itself");
}

static void sharing(void)
{
    scene(1);
    unsigned child = child_full(0), a = page_new(0, 0), b = page_new(0, 0);
    struct env *c = child_env(child);
    result_t r = CALL4(0, share, child, a, 2, AEGIS_R);
    tap(!r.error && r.value == 2 && ledger_at(c, a)->what == (ledger_at(p, a)->what & ~((uint64_t)0xfffd << 40)) &&
            record(page_in(p, b))->claims == 2,
        "share: two claims, rights masked (K6)");
    tap(CALL4(0, share, child, a, 1, AEGIS_R).error == AEGIS_E_OCCUPIED, "share: over an occupied slot is OCCUPIED");
    tap(CALL4(0, share, child, 128, 1, AEGIS_R).error == AEGIS_E_BAD_SLOT &&
            CALL4(0, share, child, ~0UL, 1, AEGIS_R).error == AEGIS_E_BAD_SLOT &&
            CALL4(0, share, child, 1020, 10, AEGIS_R).error == AEGIS_E_BAD_SLOT,
        "share: slots beyond either ledger");
    tap(CALL4(0, share, child, 20, 129, AEGIS_R).error == AEGIS_E_BAD_RANGE && CALL4(0, share, child, 20, ~0UL, AEGIS_R).error == AEGIS_E_BAD_RANGE,
        "share: more than 128 are BAD_RANGE");
    tap(CALL4(0, share, 0, a, 1, AEGIS_R).error == AEGIS_E_OCCUPIED, "share: with oneself");
    tap(CALL4(0, share, a, a, 1, AEGIS_R).error == AEGIS_E_WRONG_TYPE && CALL4(0, share, 999, a, 1, AEGIS_R).error == AEGIS_E_EMPTY_SLOT,
        "share: with what is no environment");
    tap(CALL4(0, share, child, a, 1, 0x1000).error == AEGIS_E_NO_RIGHT && CALL4(0, share, child, a, 1, ~0UL).error == AEGIS_E_NO_RIGHT,
        "share: rights that do not exist");
    unsigned mixed = page_new(0, 0);
    page_new(0, 0);
    CALL4(0, share, child, mixed + 1, 1, AEGIS_R);
    tap(CALL4(0, share, child, mixed, 2, AEGIS_R).error == AEGIS_E_OCCUPIED && !ledger_at(c, mixed)->what && record(page_in(p, mixed))->claims == 1,
        "share: an error in the middle has changed nothing");

    /* a child with a claim on itself that lacks CONTROL, and one on nothing */
    uint64_t what = AEGIS_WHAT(AEGIS_ENV, AEGIS_RING, 0, page_in(p, child)), mac = mac_of(child, AEGIS_RING, 0, 0);
    unsigned ring = next_slot++;
    CALL3(0, claim, what, mac, ring);
    tap(CALL4(0, share, ring, a, 1, AEGIS_R).error == AEGIS_E_NO_RIGHT, "share: with an environment that one does not control is NO_RIGHT");
    unsigned grandchild = child_new();
    give(grandchild, child, AEGIS_RIGHTS);
    tap(child_env(grandchild)->held[AEGIS_ENV] == 2, "share: control of a sister");
    unsigned own = next_slot++;
    host_give(p, own, AEGIS_ENV, AEGIS_CONTROL | AEGIS_RING, 0, 0);
    tap(CALL4(0, share, child, own, 1, AEGIS_RIGHTS).error == AEGIS_E_NO_RIGHT && !CALL4(0, share, child, own, 1, AEGIS_RING).error,
        "share: nobody controls its controller");
    become(0, c);
    tap(CALL3(0, claim, AEGIS_WHAT(AEGIS_ENV, AEGIS_CONTROL, 0, 0),
              siphash(kernel.key, AEGIS_WHAT(AEGIS_ENV, AEGIS_CONTROL, 0, 0), exposed.env[0].check), 100).error == AEGIS_E_BAD_CAPABILITY,
        "claim: control of one's controller is refused");
    tap(CALL4(0, share, own, a, 1, AEGIS_R).error == AEGIS_E_NO_RIGHT, "share: a child cannot write its controller's ledger");
}

static void releasing(void)
{
    scene(2);
    also_on(1);
    unsigned a = page_new(0, 0);
    pfn_t page = page_in(p, a);
    tap(CALL2(0, release, 0, 999).error == AEGIS_E_EMPTY_SLOT && CALL2(0, release, 0, 1024).error == AEGIS_E_BAD_SLOT &&
            CALL2(0, release, 0, AEGIS_SLOT_SELF).error == AEGIS_E_NO_RIGHT && CALL2(0, release, a, 20).error == AEGIS_E_WRONG_TYPE,
        "release: empty, beyond, oneself, of what is no environment");
    CALL3(0, map, 0, a, 0x200000 | AEGIS_R | AEGIS_W);
    host_settle();
    result_t r = CALL2(0, release, 0, a);
    tap(r.error == AEGIS_E_AGAIN && page_head(page) && !host_translate(p->satp, 0x200000, PTE_R), "release: mapped, on two harts: AGAIN, unmapped at once (I11)");
    tap(CALL2(0, release, 0, a).error == AEGIS_E_AGAIN && CALL3(0, map, 0, a, 0x200000 | AEGIS_R).error == AEGIS_E_BUSY &&
            CALL2(0, unmap, 0, a).error == AEGIS_E_BUSY && CALL4(0, capability_make, a, AEGIS_R, 0, 0).error == AEGIS_E_BUSY,
        "map, unmap, capability_make: a claim that is leaving is BUSY");
    host_serve(1);
    tap(!CALL2(0, release, 0, a).error && !page_head(page), "release: the other hart has let go: free");

    /* abandoned by one hart and finished by another: the first, which drew the stamp, is told too */
    a = page_new(0, 0);
    page = page_in(p, a);
    CALL3(0, map, 0, a, 0x200000 | AEGIS_R | AEGIS_W);
    host_settle();
    r = CALL2(0, release, 0, a);
    host_serve(1);
    result_t s = CALL2(1, release, 0, a);
    bool told = host.pending[0];
    host_serve(0);
    tap(r.error == AEGIS_E_AGAIN && s.error == AEGIS_E_AGAIN && told && !CALL2(1, release, 0, a).error && !page_head(page),
        "release: begun on one hart, ended on another (I9, I11)");

    CALL1(0, slice_yield_to, 0);
    unsigned tag = page_new(0, 0);
    tap(!CALL3(0, slot_tag, 0, tag, 0x123456789abcdef0).error && ledger_at(p, tag)->tag == 0x9abcdef0 &&
            CALL3(0, slot_tag, 0, 999, 1).error == AEGIS_E_EMPTY_SLOT && CALL3(0, slot_tag, 0, 1 << 20, 1).error == AEGIS_E_BAD_SLOT &&
            CALL3(0, slot_tag, tag, 1, 1).error == AEGIS_E_WRONG_TYPE,
        "slot_tag: 32 bits; empty, beyond, of what is no environment");
}

static void rekeying(void)
{
    scene(2);
    unsigned child = child_full(1), a = page_new(0, 0);
    struct env *c = child_env(child);
    host_start(1); /* nothing of the child's own: the hart idles */
    give(child, a, AEGIS_R | AEGIS_W);
    become(1, c);
    exposed.hart[1].idle = kernel.hart[1].parked = 0;
    CALL3(1, map, 0, a, 0x200000 | AEGIS_R | AEGIS_W);
    host_settle();
    pfn_t page = page_in(p, a);
    tap(host_access(1, 0x200000, PTE_W) == page, "map: the child writes the shared page");
    uint64_t mac = mac_of(a, AEGIS_R, 0, 0);
    result_t r = CALL1(0, rekey, a);
    tap(r.error == AEGIS_E_AGAIN && CALL3(0, claim, AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, 0, page), mac, next_slot).error == AEGIS_E_BAD_CAPABILITY,
        "rekey: every capability is dead at once (K6)");
    become(1, c);
    tap(CALL3(1, map, 0, a, 0x200000 | AEGIS_R).error == AEGIS_E_REVOKED && CALL4(1, capability_make, a, AEGIS_R, 0, 0).error == AEGIS_E_REVOKED &&
            CALL1(1, rekey, a).error == AEGIS_E_NO_RIGHT,
        "map, capability_make, rekey: a dead claim is REVOKED");
    tap(CALL2(0, unmap, 0, a).error == AEGIS_E_BUSY && CALL3(0, map, 0, a, 0x300000 | AEGIS_R).error == AEGIS_E_BUSY,
        "unmap, map: a claim that re-keys is BUSY");
    unsigned n = 0;
    while (r.error == AEGIS_E_AGAIN && record(page)->claims > 1 && n++ < 5000)
        r = CALL1(0, rekey, a);
    tap(record(page)->claims == 1 && !ledger_at(c, a)->what && !host_translate(c->satp, 0x200000, PTE_R), "rekey: the walk took the child's claim and translation");
    r = CALL1(0, rekey, a);
    tap(r.error == AEGIS_E_AGAIN, "rekey: not done before the child's hart has let go (I11)");
    args[0] = a;
    tap(CALL4(0, table_lend, 0, a, AEGIS_TABLE_LEDGER, 0).error == AEGIS_E_MAPPED, "table_lend: not while others may still write it (I3)");
    result_t early = CALL2(0, release, 0, a);
    tap(early.error == AEGIS_E_AGAIN && page_head(page), "release: in the middle of a re-key it waits for every hart (I11)");
    host_settle();
    tap(!AGAIN(CALL2(0, release, 0, a)).error && !page_head(page), "release: then the page is free");

    a = page_new(0, 0);
    tap(!CALL1(0, rekey, a).error, "rekey: of a page that nobody else has claimed is done at once");
    tap(CALL1(0, rekey, AEGIS_SLOT_SELF).error == AEGIS_E_NO_RIGHT && CALL1(0, rekey, 999).error == AEGIS_E_EMPTY_SLOT && CALL1(0, rekey, 1 << 20).error == AEGIS_E_BAD_SLOT,
        "rekey: without the right; empty; beyond");
    unsigned big = page_new(0, 2), part = next_slot++;
    CALL3(0, claim, AEGIS_WHAT(AEGIS_PAGE, AEGIS_R | AEGIS_REKEY, 1, page_in(p, big)), mac_of(big, AEGIS_R | AEGIS_REKEY, 0, 1), part);
    tap(CALL1(0, rekey, part).error == AEGIS_E_BUSY, "rekey: of a part of a block is BUSY");
    tap(CALL1(0, rekey, child - 1).error == AEGIS_E_BUSY, "rekey: of a lent page is BUSY");
    uint64_t root = kernel.root_check[AEGIS_SLICE];
    tap(!CALL1(0, rekey, AEGIS_SLOT_SLICES).error && kernel.root_check[AEGIS_SLICE] != root && !CALL3(0, alloc, AEGIS_SLOT_SLICES, AEGIS_ANY, next_slot).error,
        "rekey: a root; its claim still allocates");
    tap(!CALL1(0, rekey, next_slot).error && !CALL1(0, slice_recall, next_slot).error, "rekey: a slice");
}

static void allocating(void)
{
    scene(1);
    unsigned slot = 100;
    result_t r = CALL3(0, alloc, AEGIS_SLOT_SLICES, 5, slot);
    tap(!r.error && r.value == 5 && exposed.slice[0][5].owner == 0 && exposed.hart[0].slices == 2, "alloc: a slice by name (K13)");
    tap(CALL3(0, alloc, AEGIS_SLOT_SLICES, 5, slot + 1).error == AEGIS_E_NO_RESOURCE && CALL3(0, alloc, AEGIS_SLOT_SLICES, 64, slot + 1).error == AEGIS_E_NO_RESOURCE &&
            CALL3(0, alloc, AEGIS_SLOT_SLICES, 0x100, slot + 1).error == AEGIS_E_NO_RESOURCE && CALL3(0, alloc, AEGIS_SLOT_SLICES, 0x800, slot + 1).error == AEGIS_E_NO_RESOURCE &&
            CALL3(0, alloc, AEGIS_SLOT_SLICES, ~0UL, slot + 1).error == AEGIS_E_NO_RESOURCE,
        "alloc: a slice in use, absent, of a hart that is not there");
    unsigned n = 0;
    while (!(r = CALL3(0, alloc, AEGIS_SLOT_SLICES, AEGIS_ANY, slot + 1 + n)).error)
        n++;
    tap(n == 62 && r.error == AEGIS_E_FULL, "alloc: 64 positions, then FULL");
    for (unsigned i = 0; i <= n; i++)
        CALL2(0, release, 0, slot + i);
    tap(exposed.hart[0].slices == 1 && exposed.env[0].positions == 1, "release: positions are free again");
    tap(!CALL3(0, alloc, AEGIS_SLOT_IRQS, 3, slot).error && host.irq_on[3] && CALL3(0, alloc, AEGIS_SLOT_IRQS, 3, slot + 1).error == AEGIS_E_NO_RESOURCE &&
            CALL3(0, alloc, AEGIS_SLOT_IRQS, 128, slot + 1).error == AEGIS_E_NO_RESOURCE && CALL3(0, alloc, AEGIS_SLOT_IRQS, ~0UL, slot + 1).error == AEGIS_E_NO_RESOURCE,
        "alloc: an interrupt line, once");
    CALL2(0, release, 0, slot);
    tap(!host.irq_on[3] && !kernel.irq_check[3], "release: the line is off");
    tap(!CALL3(0, alloc, AEGIS_SLOT_SELF, 0, slot).error && exposed.env[0].entries == 1, "alloc: one's own entry");
    tap(CALL3(0, alloc, AEGIS_SLOT_PAGES, 0, 101).error == AEGIS_E_WRONG_TYPE && CALL3(0, alloc, AEGIS_SLOT_CONSOLE, 0, 101).error == AEGIS_E_WRONG_TYPE &&
            CALL3(0, alloc, slot, 0, 101).error == AEGIS_E_WRONG_TYPE && CALL3(0, alloc, 999, 0, 101).error == AEGIS_E_EMPTY_SLOT &&
            CALL3(0, alloc, AEGIS_SLOT_IRQS, 4, slot).error == AEGIS_E_OCCUPIED && CALL3(0, alloc, AEGIS_SLOT_IRQS, 4, 1 << 30).error == AEGIS_E_BAD_SLOT,
        "alloc: by what is no root; into slots that cannot be had");
}

/* Claims that were given up while another hart had not let go: neither used nor forgotten. */
static void what_leaves_is_busy(void)
{
    scene(2);
    also_on(1);
    unsigned c = child_full(0), a = page_new(0, 0);
    if (CALL3(0, map, 0, a, 0x400000 | AEGIS_R).error)
        abort();
    host_settle();
    CALL2(0, unmap, 0, a);
    bool good = CALL2(0, release, 0, c).error == AEGIS_E_AGAIN && CALL2(0, release, 0, AEGIS_SLOT_SLICES).error == AEGIS_E_AGAIN;
    tap(good && CALL2(0, release, c, 20).error == AEGIS_E_BUSY && CALL3(0, alloc, AEGIS_SLOT_SLICES, 5, 100).error == AEGIS_E_BUSY,
        "release, alloc: by a claim that is being released");
    host_serve(1);
    tap(CALL2(0, release, 0, c).error == 0 && CALL2(0, release, 0, AEGIS_SLOT_SLICES).error == 0, "release: and then it is");
}

int main(void)
{
    claims();
    names_of_nothing();
    capabilities();
    sharing();
    releasing();
    rekeying();
    allocating();
    what_leaves_is_busy();
    return tap_failed;
}
