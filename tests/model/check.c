/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's state against the reference (I1, I3, I4, I8). */
#include "model.h"

/* ---- checking ---- */

void check_entry(int i, const struct env *e, unsigned long va, uint64_t pte)
{
    uint32_t page = PTE_PAGE(pte);

    if (!(pte & PTE_V))
        return;
    if (va >= AEGIS_PINNED && va < AEGIS_PINNED + AEGIS_PINNED_SIZE) {
        unsigned n = (unsigned)((va - AEGIS_PINNED) >> 12);
        if (n < AEGIS_PINNED_FREE) {
            EXPECT(e->activation[n] && page + 1 == machine_page_of(e->activation[n]), "I1: the window shows another page for an activation");
            return;
        }
        if (n >= AEGIS_PINNED_TABLES) {
            EXPECT(!(pte & PTE_W) && page_head(page) && (page_head(page)->flags == AEGIS_PAGE_IS_LENT || (i == 0 && !page_head(page)->claims)), "I3: the window shows a table writable, or what is not lent");
            return;
        }
    }
    for (unsigned s = 1; s < env[i].slots; s++) {
        const struct ref_claim *c = &env[i].claim[s];
        if (AEGIS_WHAT_TYPE(c->what) != AEGIS_PAGE || !c->mapped || va - c->va >= (unsigned long)PAGE_SIZE << AEGIS_WHAT_ORDER(c->what))
            continue;
        if (AEGIS_WHAT_RESOURCE(c->what) + (uint32_t)((va - c->va) >> 12) != page || (pte & PTE_RWX) & ~(uint64_t)AEGIS_WHAT_RIGHTS(c->what))
            continue;
        EXPECT(live(c), "I1: a translation under a dead claim");
        const struct ref_block *b = block_of(c->what);
        EXPECT(!b->private && !(b->lent && pte & PTE_W), "I3: a lent page is mapped");
        return;
    }
    fail("I1: a translation without a claim");
}

static void check_tables(int i, const struct env *e, const uint64_t *table, unsigned level, unsigned long va)
{
    for (unsigned k = 0; k < 512; k++) {
        unsigned long at = va + ((unsigned long)k << (12 + 9 * level));
        if (!table[k] || at >= AEGIS_EXPOSED)
            continue;
        if (level && !(table[k] & PTE_RWX)) {
            const struct aegis_page *head = page_head(PTE_PAGE(table[k]));
            EXPECT(head && (head->flags & AEGIS_PAGE_IS_LENT || (i == 0 && !head->claims)), "I3: a table that nobody lent");
            check_tables(i, e, machine_direct(PTE_PAGE(table[k])), level - 1, at);
        } else {
            check_entry(i, e, at, table[k]);
        }
    }
}

void check_ledger(int i, unsigned slot)
{
    const struct env *e = kernel.env[env[i].index];
    const struct aegis_claim *k = ledger_at(e, slot);
    const struct ref_claim *c = &env[i].claim[slot];

    EXPECT(k->what == c->what, "a ledger differs from the reference");
    if (c->what && AEGIS_WHAT_TYPE(c->what) == AEGIS_PAGE && !c->moving)
        EXPECT(!(k->where & AEGIS_MAPPED) == !c->mapped && (!c->mapped || k->where >> 12 == c->va >> 12), "a claim is mapped elsewhere than in the reference");
}

void check_env(int i)
{
    const struct env *e = kernel.env[env[i].index];

    EXPECT(e && exposed.env[env[i].index].state != AEGIS_ENV_DEAD, "an environment is gone");
    EXPECT(ledger_slots(e) == env[i].slots, "a ledger's size");
    for (unsigned s = 0; s < env[i].slots; s++)
        check_ledger(i, s);
    check_tables(i, e, e->root, 2, 0);
    for (unsigned k = 0; k <= e->stlb_mask; k++) {
        uint64_t word = e->stlb[k];
        if (!word)
            continue;
        const struct ref_claim *c = &env[i].claim[word & 0xffff];
        unsigned long va = word >> 38 << 12;
        EXPECT((word & 0xffff) < env[i].slots && c->mapped && va - c->va < (unsigned long)PAGE_SIZE << AEGIS_WHAT_ORDER(c->what), "I1: an STLB word without a mapped claim");
        EXPECT(!((word >> 16 & PTE_RWX) & ~(uint64_t)AEGIS_WHAT_RIGHTS(c->what)), "I1: an STLB word with more rights than its claim");
    }
}

void check_block(uint32_t p)
{
    const struct ref_block *b = &block[p];
    const struct aegis_page *k = &pages[HOST_PAGE_FIRST + p];

    if (!b->used) {
        EXPECT(k->state != AEGIS_PAGE_USED, "a page is in use, nobody knows why");
        return;
    }
    EXPECT(k->state == AEGIS_PAGE_USED && k->order == b->order, "a page that is claimed is free");
    EXPECT(k->claims == claims_on(b->birth, AEGIS_PAGE, p), "I8: the number of claims on a page");
    EXPECT(k->pins == b->lent, "I8: the number of pins on a page");
    EXPECT(!(k->flags & AEGIS_PAGE_IS_PRIVATE) == !b->private, "I3: a private page");
}

void check_all(void)
{
    uint64_t used = 0;

    for (int i = 0; i < ENVS; i++)
        if (env[i].known && env[i].alive)
            check_env(i);
    for (uint32_t p = 0; p < PAGES_ALL; p++) {
        check_block(p);
        used += block[p].used ? 1UL << block[p].order : 0;
    }
    EXPECT(exposed.free_pages + used == PAGES_ALL, "I8: the number of free pages");
    uint64_t listed = 0;
    for (unsigned o = 0; o <= AEGIS_ORDER_MAX; o++)
        for (unsigned dirty = 0; dirty < 2; dirty++)
            for (uint32_t at = dirty ? exposed.dirty_head[o] : exposed.free_head[o]; at; at = pages[at].next) {
                listed += 1UL << o;
                EXPECT(pages[at].order == o && listed <= PAGES_ALL, "I8: the free lists");
                for (unsigned w = 0; !dirty && w < 512U << o; w += 61)
                    EXPECT(((uint64_t *)machine_direct(at))[w] == 0, "I8: a cleared page is not zero");
            }
    EXPECT(listed == exposed.free_pages, "I8: the free lists and the number of free pages");
    for (unsigned i = 0; i < AEGIS_ENVS; i++) {
        bool known = false;
        for (int k = 0; k < ENVS; k++)
            known |= env[k].known && env[k].index == i;
        EXPECT(known == (exposed.env[i].state != AEGIS_ENV_FREE), "I8: the number of environments");
    }
    for (unsigned s = 0; s < AEGIS_SLICES; s++)
        EXPECT((slice_birth[s] != 0) == (kernel.slice_claims[0][s] != 0) && kernel.slice_claims[0][s] == claims_on(0, AEGIS_SLICE, s), "I8: the number of claims on a slice");
}
