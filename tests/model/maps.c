/* SPDX-License-Identifier: BSD-2-Clause */
/* Translations. */
#include "model.h"

static bool place_valid(unsigned long va, unsigned order)
{
    unsigned long size = (unsigned long)PAGE_SIZE << order;
    if (va & (size - 1) || va < AEGIS_USER_FIRST || va >= AEGIS_EXPOSED || va + size > AEGIS_EXPOSED)
        return false;
    if (va + size > AEGIS_PINNED && va < AEGIS_PINNED + AEGIS_PINNED_SIZE) {
        unsigned long n = (va - AEGIS_PINNED) >> 12;
        return !order && va >= AEGIS_PINNED && n >= AEGIS_PINNED_FREE && n < AEGIS_PINNED_TABLES;
    }
    return true;
}

/* A claim of `target`'s to be mapped, and what must come of it. */
struct mapping {
    struct ref_claim *claim;
    unsigned long slot, va, rights;
    bool valid, table, over;
};

static struct mapping mapping_any(int target)
{
    struct mapping m = {.slot = used_slot(target), .va = some_va()};

    m.rights = chance(3) ? AEGIS_R | AEGIS_W : random64() & (chance(10) ? 0xfff : AEGIS_RWX);
    m.claim = target >= 0 && m.slot < env[target].slots ? &env[target].claim[m.slot] : NULL;
    if (m.claim && m.claim->mapped && chance(2))
        m.va = m.claim->va;
    return m;
}

static bool lies_in(unsigned long va, unsigned long size, const struct ref_claim *d)
{
    return d->mapped && d->va < va + size && va < d->va + ((unsigned long)PAGE_SIZE << AEGIS_WHAT_ORDER(d->what));
}

/* Whether another claim is mapped there; its translation may have been lost. */
static bool taken(int target, const struct mapping *m)
{
    bool over = false;
    for (unsigned s = 1; s < env[target].slots; s++)
        if (&env[target].claim[s] != m->claim)
            over |= lies_in(m->va, (unsigned long)PAGE_SIZE << AEGIS_WHAT_ORDER(m->claim->what), &env[target].claim[s]);
    return over;
}

static void mapping_judge(int target, struct mapping *m)
{
    const struct ref_claim *c = m->claim;

    m->table = true, m->over = false;
    m->valid = c && holds(target, m->slot, AEGIS_PAGE, (unsigned)m->rights) && m->rights & AEGIS_R && !(m->rights & ~(unsigned long)AEGIS_RWX) &&
               place_valid(m->va, AEGIS_WHAT_ORDER(c->what)) && (!c->mapped || c->va == m->va);
    if (!m->valid)
        return;
    const struct ref_block *b = block_of(c->what);
    m->valid = !b->private && !(b->lent && m->rights & AEGIS_W);
    bool window = m->va >= AEGIS_PINNED && m->va < AEGIS_PINNED + AEGIS_PINNED_SIZE;
    m->table = window || (env[target].middle[m->va >> 30 & 255] && env[target].leaves);
    m->over = taken(target, m);
}

static void mapping_enter(const struct mapping *m)
{
    m->claim->mapped = true;
    m->claim->va = m->va;
}

static void mapping_check(int target, const struct mapping *m)
{
    struct env *e = kernel.env[env[target].index];
    uint64_t *at;

    check_ledger(target, (unsigned)m->slot);
    for (unsigned long i = 0; i < 1UL << AEGIS_WHAT_ORDER(m->claim->what); i++)
        check_entry(target, e, m->va + i * PAGE_SIZE, map_walk(e, m->va + i * PAGE_SIZE, &at));
}

void do_map(void)
{
    unsigned long target_slot = chance(4) ? env_slot() : 0;
    int target = controlled(who, target_slot);
    struct mapping m = mapping_any(target);

    mapping_judge(target, &m);
    result_t r = C(map, target_slot, m.slot, m.va | m.rights, 0, 0);
    if (m.valid && !m.table)
        EXPECT(r.error == AEGIS_E_NO_TABLE, "map without a table");
    else if (m.valid && m.over)
        EXPECT(!r.error || r.error == AEGIS_E_MAPPED, "map over another claim's place");
    else
        MUST(m.valid);
    if (!r.error) {
        mapping_enter(&m);
        mapping_check(target, &m);
    }
}

/* One after the other, each as map; those behind the first that fails are not looked at. */
void do_map_vector(void)
{
    unsigned long target_slot = chance(4) ? env_slot() : 0, count = 1 + below(chance(4) ? AEGIS_VECTOR : 6);
    int target = controlled(who, target_slot);
    struct mapping m[AEGIS_VECTOR];

    if (who != 0) /* it has the page */
        return;
    for (unsigned i = 0; i < count; i++) {
        m[i] = mapping_any(target);
        if (chance(3) && i && m[i - 1].claim) /* the same again */
            m[i] = m[i - 1];
        ((struct aegis_mapping *)args)[i] = (struct aegis_mapping){m[i].slot, m[i].va | m[i].rights};
    }
    result_t r = C(map_vector, target_slot, ARGS, count, 0, 0);
    EXPECT(r.value <= count && (r.error != 0) == (r.value < count), "map_vector tells how many were done");
    for (unsigned i = 0; target >= 0 && i < r.value; i++) {
        mapping_judge(target, &m[i]);
        EXPECT(m[i].valid && m[i].table, "map_vector mapped what map refuses");
        mapping_enter(&m[i]);
    }
    for (unsigned i = 0; target >= 0 && i < r.value; i++) /* one may stand where another's translation was lost */
        mapping_check(target, &m[i]);
    if (target < 0 || !r.error) {
        EXPECT(target >= 0 || (r.error && !r.value), "map_vector in an environment that the caller does not control");
        return;
    }
    mapping_judge(target, &m[r.value]);
    EXPECT(!m[r.value].valid || !m[r.value].table || m[r.value].over, "map_vector refused what map does");
}

void do_unmap(void)
{
    unsigned long target_slot = chance(4) ? env_slot() : 0, slot = used_slot(controlled(who, target_slot));
    int target = controlled(who, target_slot);
    bool valid = target >= 0 && slot < env[target].slots && AEGIS_WHAT_TYPE(env[target].claim[slot].what) == AEGIS_PAGE && env[target].claim[slot].mapped && !(target == 0 && slot == 250);
    if (target == 0 && slot == 250)
        return;
    result_t r = C(unmap, target_slot, slot, 0, 0, 0);
    MUST(valid);
    if (!r.error) {
        env[target].claim[slot].mapped = false;
        check_ledger(target, (unsigned)slot);
    }
}

/* Whether the page that is to be copied into is one that may be had. */
static bool target_free(unsigned long name)
{
    return name == AEGIS_ANY || (name - HOST_PAGE_FIRST < PAGES_ALL && !birth_of(AEGIS_WHAT(AEGIS_PAGE, 0, 0, name)));
}

/* What the claim's page becomes: a copy, claimed once, with the rights of a new page. */
static void exchanged(struct mapping *m, unsigned long page, const uint64_t *from, const uint64_t *before)
{
    struct ref_block *old = block_of(m->claim->what);

    EXPECT(!birth_of(AEGIS_WHAT(AEGIS_PAGE, 0, 0, page)), "I1: a page that is in use was given away");
    block[page - HOST_PAGE_FIRST] = (struct ref_block){.used = true, .birth = ++births};
    ref_claim(who, m->slot, AEGIS_WHAT(AEGIS_PAGE, AEGIS_RWX | AEGIS_REKEY | AEGIS_LEND, 0, page));
    settle_block(old);
    mapping_enter(m);
    mapping_check(who, m);
    uint64_t *content = machine_direct((uint32_t)page);
    for (unsigned i = 0; i < 512; i += 1 + below(16))
        EXPECT(content[i] == before[i] && (!old->used || old->lent || from[i] == before[i]), "I8: what was exchanged is not a copy, or the old page changed");
    for (unsigned i = 0; i < 512; i += 61)
        content[i] = random64();
    check_block((uint32_t)page - HOST_PAGE_FIRST);
    check_block((uint32_t)(old - block));
}

/* Copy on write in one call: at once, where no other hart may hold translations and a table is there, or not at all. */
void do_exchange(void)
{
    unsigned long root = chance(20) ? some_slot() : AEGIS_SLOT_PAGES, name = chance(3) ? HOST_PAGE_FIRST + below(PAGES_ALL) : chance(30) ? hostile() : AEGIS_ANY;
    struct mapping m = mapping_any(who);
    static uint64_t before[512];
    const uint64_t *from = before;
    if (!chance(4))
        m.rights = AEGIS_R | (chance(2) ? AEGIS_W : 0);
    bool alone = exposed.env[env[who].index].harts == 1U << hart;
    bool window = m.va >= AEGIS_PINNED && m.va < AEGIS_PINNED + AEGIS_PINNED_SIZE;

    bool valid = m.claim && holds(who, m.slot, AEGIS_PAGE, AEGIS_R) && !AEGIS_WHAT_ORDER(m.claim->what) && !block_of(m.claim->what)->private &&
                 m.rights & AEGIS_R && !(m.rights & ~(unsigned long)AEGIS_RWX) && place_valid(m.va, 0);
    bool here = valid && (!m.claim->mapped || m.claim->va == m.va);
    bool given = holds(who, root, AEGIS_PAGE | AEGIS_ROOT, AEGIS_ALLOC) && covers(root, name, 0) && target_free(name);
    if (valid) {
        from = machine_direct(AEGIS_WHAT_RESOURCE(m.claim->what));
        memcpy(before, from, sizeof before);
    }
    result_t r = C(page_exchange, root, name, m.slot, m.va | m.rights, 0);
    if (r.error && m.claim && m.claim->what)
        check_ledger(who, (unsigned)m.slot);
    if (valid && (!alone || window)) {
        EXPECT(r.error == AEGIS_E_BUSY, "page_exchange while another hart may hold translations, or in the window");
    } else if (!valid || !here || !given) {
        EXPECT(r.error, "page_exchange did what must be refused");
    } else {
        EXPECT(!r.error || r.error == AEGIS_E_BUSY || (name == AEGIS_ANY && r.error == AEGIS_E_NO_MEMORY) || (r.error == AEGIS_E_MAPPED && taken(who, &m)),
               "page_exchange refused what must succeed");
        if (r.error == AEGIS_E_BUSY)
            EXPECT(!map_leaf(kernel.env[env[who].index], m.va), "page_exchange is BUSY for nothing");
    }
    if (!r.error)
        exchanged(&m, r.value, from, before);
}

void do_protect(void)
{
    unsigned long target_slot = chance(4) ? some_slot() : 0, va = some_va(), count = chance(10) ? hostile() : 1 + below(chance(4) ? 512 : 4), rights = random64() & (chance(10) ? 0x3f : AEGIS_RWX);
    int target = controlled(who, target_slot);
    result_t r = chance(5) ? C(map_clean, target_slot, va, count, 0, 0) : C(map_protect, target_slot, va, count, rights, 0);
    if (target < 0)
        EXPECT(r.error, "map_protect of an environment that the caller does not control");
    uint64_t *at;
    for (unsigned long i = 0; !r.error && i < count && i < 8; i++)
        check_entry(target, kernel.env[env[target].index], va + i * PAGE_SIZE, map_walk(kernel.env[env[target].index], va + i * PAGE_SIZE, &at));
}
