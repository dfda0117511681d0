/* SPDX-License-Identifier: BSD-2-Clause */
/* The other calls; translations that vanish. */
#include "model.h"

void do_rekey(void)
{
    unsigned long slot = some_slot();
    bool valid = slot < env[who].slots && env[who].claim[slot].what && live(&env[who].claim[slot]) && !env[who].claim[slot].moving && AEGIS_WHAT_RIGHTS(env[who].claim[slot].what) & AEGIS_REKEY;
    if (!chance(4))
        return;
    uint64_t what = valid ? env[who].claim[slot].what : 0;
    if (valid && AEGIS_WHAT_TYPE(what) == AEGIS_PAGE) {
        const struct ref_block *b = block_of(what);
        valid &= !b->lent && b->order == AEGIS_WHAT_ORDER(what);
        if (env[who].claim[slot].what && block_of(env[0].claim[250].what) == b)
            return; /* another claim on the page for vectors: re-keyed, it would be gone */
    }
    if (AEGIS_WHAT_TYPE(what) & AEGIS_ROOT)
        return; /* nobody could allocate any more */
    result_t r = C(rekey, slot, 0, 0, 0, 0);
    MUST(valid);
    if (r.error)
        return;
    uint64_t *birth = birth_of(what);
    *birth = ++births;
    env[who].claim[slot].birth = *birth;
    for (unsigned i = 0; i < ENVS && AEGIS_WHAT_TYPE(what) == AEGIS_PAGE; i++)
        for (unsigned s = 0; s < SLOTS && env[i].known; s++) {
            struct ref_claim *c = &env[i].claim[s];
            if (AEGIS_WHAT_TYPE(c->what) == AEGIS_PAGE && birth_of(c->what) == birth && c->birth != *birth)
                *c = (struct ref_claim){0};
        }
    if (AEGIS_WHAT_TYPE(what) == AEGIS_PAGE)
        check_block(AEGIS_WHAT_RESOURCE(what) - HOST_PAGE_FIRST);
}

void do_alloc(void)
{
    unsigned long slot = free_slot(), name = chance(10) ? hostile() : chance(2) ? AEGIS_ANY : below(64);
    if (chance(2)) { /* one's own entry */
        bool valid = empty(who, slot);
        result_t r = C(alloc, 0, name, slot, 0, 0);
        MUST(valid);
        if (!r.error)
            ref_claim(who, slot, AEGIS_WHAT(AEGIS_ENTRY, AEGIS_CALL | AEGIS_SEND | AEGIS_REKEY, 0, env[who].index));
        return;
    }
    unsigned root = AEGIS_WHAT_TYPE(env[who].claim[AEGIS_SLOT_SLICES].what);
    if (root & AEGIS_ROOT && root != (AEGIS_SLICE | AEGIS_ROOT))
        return; /* another root has come to stand there, which gives something else */
    bool valid = holds(who, AEGIS_SLOT_SLICES, AEGIS_SLICE | AEGIS_ROOT, AEGIS_ALLOC) && covers(AEGIS_SLOT_SLICES, name, 0) && empty(who, slot);
    if (name != AEGIS_ANY)
        valid &= name < 64 && !slice_birth[name];
    if ((name >> 8) == 1 || (name & 0xff) == 0xff)
        return; /* the other hart's, and any of one hart */
    result_t r = C(alloc, AEGIS_SLOT_SLICES, name, slot, 0, 0);
    if (valid && name == AEGIS_ANY && (r.error == AEGIS_E_FULL || r.value >= 0x100)) {
        if (!r.error)
            C(release, 0, slot, 0, 0, 0);
        return;
    }
    MUST(valid);
    if (!r.error) {
        EXPECT(r.value < 64 && !slice_birth[r.value], "I1: a slice that is in use was given away");
        slice_birth[r.value] = ++births;
        ref_claim(who, slot, AEGIS_WHAT(AEGIS_SLICE, AEGIS_LEND | AEGIS_REKEY, 0, (uint32_t)r.value));
    }
}

void do_others(void)
{
    unsigned long slot = some_slot();
    result_t r;

    switch (below(8)) {
    case 0:
        r = C(slot_tag, 0, slot, random64(), 0, 0);
        MUST(slot < env[who].slots && env[who].claim[slot].what);
        break;
    case 1:
        C(reap, below(4), 0, 0, 0, 0);
        break;
    case 2:
        r = C(reserve_set, slot, below(9), 0, 0, 0);
        break;
    case 3:
        r = C(slice_lend, slot, env_slot(), 0, 0, 0);
        EXPECT(r.error || holds(who, slot, AEGIS_SLICE, AEGIS_LEND), "slice_lend without the slice");
        break;
    case 4:
        r = C(slice_recall, slot, 0, 0, 0, 0);
        EXPECT(r.error || holds(who, slot, AEGIS_SLICE, AEGIS_LEND), "slice_recall without the slice");
        break;
    case 5:
        r = C(slice_ring, slot, below(9), 0, 0, 0);
        EXPECT(r.error || holds(who, slot, AEGIS_ENV, AEGIS_RING), "slice_ring without the right");
        break;
    case 6:
        r = C(map_vector, 0, chance(2) ? hostile() : ARGS, 65 + below(9), 0, 0);
        EXPECT(r.error, "map_vector of too many");
        break;
    case 7:
        host_settle();
        break;
    }
}

/* I4: the kernel drops a translation; whoever needs it gets the same page back, or is asked to map it again. */
void do_vanish(void)
{
    struct env *e = kernel.env[env[who].index];
    unsigned s = 1 + below(env[who].slots - 1);
    struct ref_claim *c = &env[who].claim[s];

    if (!c->mapped || c->moving || AEGIS_WHAT_ORDER(c->what) > 8 || !live(c) || (who == 0 && s == 250))
        return;
    bool window = c->va >= AEGIS_PINNED && c->va < AEGIS_PINNED + AEGIS_PINNED_SIZE;
    unsigned long k = below(1U << AEGIS_WHAT_ORDER(c->what)), va = c->va + k * PAGE_SIZE;
    uint64_t *at, pte = map_walk(e, va, &at);
    bool ours = pte & PTE_V && PTE_PAGE(pte) == AEGIS_WHAT_RESOURCE(c->what) + k;
    if (ours && !window && chance(2)) {
        struct aegis_claim *l = ledger_at(e, s);
        l->where |= (pte & PTE_A ? AEGIS_ACCESSED : 0) | (pte & PTE_D ? AEGIS_DIRTY : 0);
        *at = 0;
        if (chance(2))
            e->stlb[va >> 12 & e->stlb_mask] = 0;
    }
    run_as(who, hart);
    pfn_t page = host_access(hart, va, PTE_R);
    if (page) {
        bool known = false;
        for (unsigned i = 1; i < env[who].slots; i++) {
            const struct ref_claim *d = &env[who].claim[i];
            known |= d->mapped && live(d) && va - d->va < (unsigned long)PAGE_SIZE << AEGIS_WHAT_ORDER(d->what) && AEGIS_WHAT_RESOURCE(d->what) + (uint32_t)((va - d->va) >> 12) == page;
        }
        EXPECT(known, "I4: another page came back");
    } else if (ours && AEGIS_WHAT_RIGHTS(c->what) & AEGIS_R && !block_of(c->what)->private && env[who].leaves) {
        result_t r = C(map, 0, s, c->va | AEGIS_R, 0, 0);
        EXPECT(!r.error || r.error == AEGIS_E_MAPPED, "I4: a dropped translation cannot be mapped again");
        if (!r.error) {
            pte = map_walk(e, va, &at);
            EXPECT(PTE_PAGE(pte) == AEGIS_WHAT_RESOURCE(c->what) + k, "I4: mapped again it is another page");
        }
    }
}
