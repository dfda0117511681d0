/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: tests/host/host.c exokernel/core/*.c */
/*
 * Random calls, valid and hostile, by several environments on two harts, against a reference that is written from
 * calls.def and DESIGN, not from the code: plain arrays of who claims what. It says which calls must succeed and which
 * must not, and what every ledger, table and page record holds afterwards (I1, I3, I4, I8).
 *
 *     model [CALLS [SEED]]
 */
#include <string.h>

#include "../../exokernel/core/map.h"
#include "../host/world.h"

#define PAGES_ALL 1024
#define ENVS 6
#define SLOTS 256
#define CAPABILITIES 64
#define ARGS (AEGIS_PINNED + 16UL * PAGE_SIZE) /* a guaranteed mapping */
#define TRACE 40

/* ---- the reference ---- */

struct ref_claim {
    uint64_t what; /* 0: none */
    uint64_t birth; /* of the resource; another one now: the claim is dead */
    bool mapped, moving; /* moving: a call answered AGAIN and was given up */
    unsigned long va;
};

struct ref_env {
    bool alive, known; /* known: somebody may still name it */
    uint32_t index;
    int parent;
    uint64_t birth, entry_birth;
    unsigned slots;
    unsigned leaves;
    bool middle[256]; /* a middle table for each GiB */
    struct ref_claim claim[SLOTS];
};

struct ref_block {
    bool used, lent, private;
    unsigned order;
    uint64_t birth;
    int lent_to;
};

struct ref_capability {
    uint64_t what, mac, birth;
};

static struct ref_env env[ENVS];
static struct ref_block block[PAGES_ALL]; /* by first page */
static uint64_t slice_birth[AEGIS_SLICES], root_birth[AEGIS_TYPES];
static struct ref_capability capability[CAPABILITIES];
static uint64_t births;
static uint64_t seed, first_seed, calls;
static int who; /* the environment that calls, and its hart */
static unsigned hart;
static uint64_t made[AEGIS_CALLS], done[AEGIS_CALLS]; /* by call: all, and those that succeeded */

/* ---- failure ---- */

static struct { uint64_t n; int who; unsigned hart, number; unsigned long x[5]; long error; unsigned long value; } trace[TRACE];

static const char *const names[] = {
#define CALL(number, name, count, arguments, errors, sentence) [number] = #name,
#include <aegis/calls.def>
#undef CALL
};

static void fail(const char *why)
{
    for (uint64_t i = calls > TRACE ? calls - TRACE : 0; i < calls; i++)
        printf("  %lu: [%d on %u] %s(%lx, %lx, %lx, %lx, %lx) = %ld, %lx\n", trace[i % TRACE].n, trace[i % TRACE].who,
               trace[i % TRACE].hart, names[trace[i % TRACE].number], trace[i % TRACE].x[0], trace[i % TRACE].x[1],
               trace[i % TRACE].x[2], trace[i % TRACE].x[3], trace[i % TRACE].x[4], trace[i % TRACE].error,
               trace[i % TRACE].value);
    printf("  seed %lu, call %lu: %s\n", first_seed, calls, why);
    printf("not ok model seed %lu\n", first_seed);
    exit(1);
}

#define EXPECT(condition, why)                                                                     \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail(why);                                                                             \
    } while (0)

/* ---- chance ---- */

static uint64_t random64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed * 0x2545f4914f6cdd1d;
}

static unsigned below(unsigned n)
{
    return (unsigned)((random64() >> 32) % n);
}

static bool chance(unsigned one_in)
{
    return below(one_in) == 0;
}

static unsigned long hostile(void)
{
    static const unsigned long odd[] = {~0UL, 1UL << 63, 1UL << 32, 0xffffffff, 0x8000, AEGIS_NONE, 256, 257, 4096, 1UL << 38};
    return chance(3) ? random64() : odd[below(sizeof odd / sizeof odd[0])];
}

static unsigned long some_slot(void)
{
    return chance(40) ? hostile() : chance(3) ? below(SLOTS) : below(48);
}

static const unsigned long places[] = {0x200000, 0x201000, 0x202000, 0x204000, 0x208000, 0x210000, 0x3ff000, 0x400000, 0x401000,
                                       0x600000, 0x800000, 0xa00000, 0xc00000, 0x40200000, 0x40201000, AEGIS_PINNED + 0x8000,
                                       AEGIS_PINNED + 0x9000, AEGIS_PINNED + 0x3f000};

static unsigned long some_va(void)
{
    static const unsigned long bad[] = {0, AEGIS_PINNED, AEGIS_PINNED + 0x40000, AEGIS_PINNED + 0x100000, AEGIS_EXPOSED, 0x80200000, ~0xfffUL, 0x1fffff000};
    if (chance(16))
        return chance(2) ? bad[below(sizeof bad / sizeof bad[0])] : hostile() & ~0xfffUL;
    return places[below(sizeof places / sizeof places[0])];
}

/* ---- what the reference knows of names ---- */

static uint64_t *birth_of(uint64_t what)
{
    uint32_t r = AEGIS_WHAT_RESOURCE(what);
    unsigned type = AEGIS_WHAT_TYPE(what);

    if (type & AEGIS_ROOT)
        return &root_birth[type & 15];
    if (type == AEGIS_SLICE)
        return &slice_birth[r & 63];
    for (unsigned i = 0; i < ENVS && (type == AEGIS_ENV || type == AEGIS_ENTRY); i++)
        if (env[i].known && env[i].index == r)
            return type == AEGIS_ENV ? &env[i].birth : &env[i].entry_birth;
    if (type == AEGIS_PAGE)
        for (unsigned o = 0; o <= 10; o++) {
            uint32_t at = (r - HOST_PAGE_FIRST) & ~((1U << o) - 1);
            if (at < PAGES_ALL && block[at].used && block[at].order >= o)
                return &block[at].birth;
        }
    return NULL;
}

static struct ref_block *block_of(uint64_t what)
{
    return (struct ref_block *)((char *)birth_of(what) - offsetof(struct ref_block, birth));
}

static bool live(const struct ref_claim *c)
{
    const uint64_t *birth = c->what ? birth_of(c->what) : NULL;
    return birth && *birth == c->birth;
}

static int env_named(uint64_t what)
{
    for (int i = 0; i < ENVS; i++)
        if (env[i].known && env[i].index == AEGIS_WHAT_RESOURCE(what))
            return i;
    return -1;
}

static unsigned claims_on(uint64_t birth, unsigned type, uint32_t resource)
{
    unsigned n = 0;
    for (unsigned i = 0; i < ENVS; i++)
        for (unsigned s = 0; s < SLOTS && env[i].known; s++) {
            const struct ref_claim *c = &env[i].claim[s];
            if (AEGIS_WHAT_TYPE(c->what) != type)
                continue;
            n += type == AEGIS_PAGE ? birth_of(c->what) == &block[resource].birth : AEGIS_WHAT_RESOURCE(c->what) == resource;
        }
    (void)birth;
    return n;
}

static bool ancestor(int of, uint64_t what)
{
    if (AEGIS_WHAT_TYPE(what) != AEGIS_ENV || !(AEGIS_WHAT_RIGHTS(what) & AEGIS_CONTROL))
        return false;
    int target = env_named(what);
    for (int i = env[of].parent; i >= 0; i = env[i].parent)
        if (i == target)
            return true;
    return false;
}

/* The environment that a call names: -1 where the caller has no control of it. */
static int controlled(int who, unsigned long slot)
{
    if (slot == 0)
        return who;
    if (slot >= env[who].slots)
        return -1;
    const struct ref_claim *c = &env[who].claim[slot];
    if (AEGIS_WHAT_TYPE(c->what) != AEGIS_ENV || !live(c) || !(AEGIS_WHAT_RIGHTS(c->what) & AEGIS_CONTROL))
        return -1;
    int target = env_named(c->what);
    return target >= 0 && env[target].alive ? target : -1;
}

static bool holds(int who, unsigned long slot, unsigned type, unsigned rights)
{
    if (slot >= env[who].slots)
        return false;
    const struct ref_claim *c = &env[who].claim[slot];
    return AEGIS_WHAT_TYPE(c->what) == type && live(c) && !c->moving && !(rights & ~AEGIS_WHAT_RIGHTS(c->what));
}

static bool empty(int who, unsigned long slot)
{
    return slot < env[who].slots && !env[who].claim[slot].what;
}

/* A slot of a kind that the call wants, mostly. */
static unsigned long env_slot(void)
{
    unsigned from = below(64);
    for (unsigned k = 0; k < 64 && !chance(6); k++) {
        unsigned s = 1 + (from + k) % 64;
        if (AEGIS_WHAT_TYPE(env[who].claim[s].what) == AEGIS_ENV && live(&env[who].claim[s]))
            return s;
    }
    return some_slot();
}

static unsigned long free_slot(void)
{
    unsigned from = below(64);
    for (unsigned k = 0; k < 64 && !chance(12); k++)
        if (!env[who].claim[1 + (from + k) % 64].what)
            return 1 + (from + k) % 64;
    return some_slot();
}

static bool lendable(int i, unsigned long slot, unsigned order);

static unsigned long lend_slot(unsigned order)
{
    unsigned from = below(64);
    for (unsigned k = 0; k < 64 && !chance(12); k++)
        if (lendable(who, 1 + (from + k) % 64, order))
            return 1 + (from + k) % 64;
    return some_slot();
}

static unsigned long used_slot(int i)
{
    unsigned from = below(64);
    for (unsigned k = 0; i >= 0 && k < 64 && !chance(12); k++)
        if (AEGIS_WHAT_TYPE(env[i].claim[1 + (from + k) % 64].what) == AEGIS_PAGE)
            return 1 + (from + k) % 64;
    return some_slot();
}

/* ---- what happens to the reference ---- */

static void settle_block(struct ref_block *b)
{
    if (b->used && !b->lent && !claims_on(b->birth, AEGIS_PAGE, (uint32_t)(b - block)))
        b->used = false;
}

static void settle_env(int i)
{
    struct ref_env *e = &env[i];
    if (e->known && !e->alive && !claims_on(0, AEGIS_ENV, e->index) && !claims_on(0, AEGIS_ENTRY, e->index))
        e->known = false;
}

static void ref_drop(int who, unsigned long slot)
{
    struct ref_claim *c = &env[who].claim[slot];
    uint64_t what = c->what;
    struct ref_block *b = AEGIS_WHAT_TYPE(what) == AEGIS_PAGE ? block_of(what) : NULL;

    *c = (struct ref_claim){0};
    if (b)
        settle_block(b);
    if (AEGIS_WHAT_TYPE(what) == AEGIS_SLICE && !claims_on(0, AEGIS_SLICE, AEGIS_WHAT_RESOURCE(what)))
        slice_birth[AEGIS_WHAT_RESOURCE(what) & 63] = 0;
    if (AEGIS_WHAT_TYPE(what) == AEGIS_ENV || AEGIS_WHAT_TYPE(what) == AEGIS_ENTRY) {
        int target = env_named(what);
        if (target >= 0)
            settle_env(target);
    }
}

static void ref_claim(int who, unsigned long slot, uint64_t what)
{
    env[who].claim[slot] = (struct ref_claim){.what = what, .birth = *birth_of(what)};
}

static void ref_die(int i)
{
    env[i].alive = false;
    for (unsigned s = SLOTS; s--;) /* the claim on itself is the last: without it it would not be known, nor its other claims */
        if (env[i].claim[s].what)
            ref_drop(i, s);
    for (unsigned p = 0; p < PAGES_ALL; p++)
        if (block[p].used && block[p].lent && block[p].lent_to == i) {
            block[p].lent = block[p].private = false;
            settle_block(&block[p]);
        }
    settle_env(i);
}

/* ---- checking ---- */

static void check_entry(int i, const struct env *e, unsigned long va, uint64_t pte)
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

static void check_ledger(int i, unsigned slot)
{
    const struct env *e = kernel.env[env[i].index];
    const struct aegis_claim *k = ledger_at(e, slot);
    const struct ref_claim *c = &env[i].claim[slot];

    EXPECT(k->what == c->what, "a ledger differs from the reference");
    if (c->what && AEGIS_WHAT_TYPE(c->what) == AEGIS_PAGE && !c->moving)
        EXPECT(!(k->where & AEGIS_MAPPED) == !c->mapped && (!c->mapped || k->where >> 12 == c->va >> 12), "a claim is mapped elsewhere than in the reference");
}

static void check_env(int i)
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

static void check_block(uint32_t p)
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

static void check_all(void)
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

/* ---- calls ---- */

static unsigned long *args; /* the first environment's page for vectors */

static void run_as(int i, unsigned h)
{
    struct env *e = kernel.env[env[i].index];
    host.self[h] = e->activation[h];
    exposed.hart[h].idle = kernel.hart[h].parked = 0;
}

static result_t call(unsigned number, unsigned long a, unsigned long b, unsigned long c, unsigned long d, unsigned long e)
{
    unsigned long past = 0;
    unsigned n = 0;
    result_t r;

    do {
        run_as(who, hart);
        r = host_call(hart, number, a, b, c, d, e);
        if (number == AEGIS_CALL_map_vector) { /* the rest: its tables may be those of what was done */
            past += r.value;
            b += r.value * sizeof(struct aegis_mapping);
            c -= r.value;
        }
        if (r.error == AEGIS_E_AGAIN) {
            host_settle();
            run_as(who, hart);
        }
    } while (r.error == AEGIS_E_AGAIN && n++ < 10000);
    r.value = number == AEGIS_CALL_map_vector ? past : r.value;
    trace[calls % TRACE].n = calls;
    trace[calls % TRACE].who = who;
    trace[calls % TRACE].hart = hart;
    trace[calls % TRACE].number = number;
    memcpy(trace[calls % TRACE].x, (unsigned long[]){a, b, c, d, e}, sizeof trace[0].x);
    trace[calls % TRACE].error = r.error;
    trace[calls % TRACE].value = r.value;
    calls++;
    made[number]++;
    done[number] += !r.error;
    EXPECT(r.error != AEGIS_E_AGAIN, "AGAIN never ends (I9)");
    return r;
}

#define C(name, a, b, c, d, e) call(AEGIS_CALL_##name, a, b, c, d, e)
#define MUST(condition) EXPECT((r.error == 0) == (condition), r.error ? "a call that must succeed failed" : "a call that must fail succeeded")

/* Roots of a part give by name only. */
static bool covers(unsigned long root, unsigned long name, unsigned long order)
{
    uint64_t what = env[who].claim[root].what;
    unsigned long has = AEGIS_WHAT_ORDER(what), first = AEGIS_WHAT_RESOURCE(what);
    return has == AEGIS_ROOT_ORDER || (name != AEGIS_ANY && order <= has && name >= first && name - first < 1UL << has);
}

static void do_page_alloc(void)
{
    unsigned long root = chance(20) ? some_slot() : AEGIS_SLOT_PAGES, order = chance(20) ? hostile() : below(3) ? 0 : below(4), slot = free_slot();
    unsigned long name = chance(3) ? HOST_PAGE_FIRST + below(PAGES_ALL) : chance(30) ? hostile() : AEGIS_ANY;
    unsigned long source = chance(4) ? some_slot() : AEGIS_NONE;
    bool valid = holds(who, root, AEGIS_PAGE | AEGIS_ROOT, AEGIS_ALLOC) && empty(who, slot) && order <= AEGIS_ORDER_MAX;
    bool named = name != AEGIS_ANY;

    if (valid)
        valid &= covers(root, name, order);
    if (source != AEGIS_NONE)
        valid &= holds(who, source, AEGIS_PAGE, AEGIS_R) && AEGIS_WHAT_ORDER(env[who].claim[source].what) == order && !block_of(env[who].claim[source].what)->private;
    if (named && valid) {
        valid &= !(name & ((1UL << order) - 1)) && name >= HOST_PAGE_FIRST && name < HOST_PAGE_FIRST + PAGES_ALL && name + (1UL << order) <= HOST_PAGE_FIRST + PAGES_ALL;
        for (unsigned long i = 0; valid && i < 1UL << order; i++)
            valid &= birth_of(AEGIS_WHAT(AEGIS_PAGE, 0, 0, name + i)) == NULL;
    }
    result_t r = C(page_alloc, root, name, order, slot, source);
    if (valid && !named && r.error == AEGIS_E_NO_MEMORY)
        return;
    MUST(valid);
    if (r.error)
        return;
    uint32_t at = (uint32_t)r.value - HOST_PAGE_FIRST;
    EXPECT(at < PAGES_ALL && (!named || r.value == name), "I6: another page than named");
    for (unsigned i = 0; i < 1U << order; i++)
        EXPECT(!birth_of(AEGIS_WHAT(AEGIS_PAGE, 0, 0, (uint32_t)r.value + i)), "I1: a page that is in use was given away");
    block[at] = (struct ref_block){.used = true, .order = (unsigned)order, .birth = ++births};
    ref_claim(who, slot, AEGIS_WHAT(AEGIS_PAGE, AEGIS_RWX | AEGIS_REKEY | AEGIS_LEND, order, (uint32_t)r.value));
    uint64_t *content = machine_direct((uint32_t)r.value);
    const uint64_t *from = source == AEGIS_NONE ? NULL : machine_direct(AEGIS_WHAT_RESOURCE(env[who].claim[source].what));
    for (unsigned i = 0; i < 512U << order; i += 1 + below(16))
        EXPECT(content[i] == (from ? from[i] : 0), "I8: a fresh page is not zero, or not the source's copy");
    for (unsigned i = 0; i < 1U << order; i++)
        for (unsigned k = 0; k < 512; k += 61)
            content[i * 512 + k] = random64();
    check_block(at);
}

static void do_release(void)
{
    unsigned long target_slot = chance(5) ? env_slot() : 0, slot = some_slot();
    int target = controlled(who, target_slot);
    bool valid = target >= 0 && slot && slot < env[target].slots && env[target].claim[slot].what;
    uint64_t what = valid ? env[target].claim[slot].what : 0;
    if (target == 0 && valid && (slot < AEGIS_SLOT_BOOT || slot == 250))
        return; /* the first environment keeps its roots */
    if (AEGIS_WHAT_TYPE(what) == AEGIS_ENV && !chance(12))
        return; /* mostly they shall live */
    result_t r = C(release, target_slot, slot, 0, 0, 0);
    MUST(valid);
    if (!r.error) {
        ref_drop(target, slot);
        check_ledger(target, (unsigned)slot);
        if (AEGIS_WHAT_TYPE(what) == AEGIS_PAGE)
            check_block(AEGIS_WHAT_RESOURCE(what) - HOST_PAGE_FIRST);
    }
}

static void do_capability(void)
{
    unsigned long slot = some_slot(), rights = chance(10) ? hostile() : (unsigned long)(random64() & AEGIS_RIGHTS), first = chance(3) ? below(8) : 0, order = below(3) ? 0 : below(4);
    if (slot < env[who].slots && !chance(4))
        rights &= AEGIS_WHAT_RIGHTS(env[who].claim[slot].what);
    const struct ref_claim *c = slot < env[who].slots ? &env[who].claim[slot] : NULL;
    bool valid = c && live(c) && !c->moving && !(rights & ~(unsigned long)AEGIS_WHAT_RIGHTS(c->what)) && !(slot == 0 && rights & AEGIS_CONTROL);
    if (c && AEGIS_WHAT_TYPE(c->what) & AEGIS_ROOT && chance(2)) /* the whole, or a part where there are pages */
        first = chance(2) ? 0 : HOST_PAGE_FIRST - AEGIS_WHAT_RESOURCE(c->what), order = first ? 4 : AEGIS_WHAT_ORDER(c->what);
    if (valid && (AEGIS_WHAT_TYPE(c->what) == AEGIS_PAGE || AEGIS_WHAT_TYPE(c->what) & AEGIS_ROOT))
        valid &= order <= AEGIS_WHAT_ORDER(c->what) && !(first & ((1UL << order) - 1)) && first < 1UL << AEGIS_WHAT_ORDER(c->what);
    else
        valid &= !first && !order;
    result_t r = C(capability_make, slot, rights, first, order, 0);
    MUST(valid);
    if (!r.error)
        capability[below(CAPABILITIES)] = (struct ref_capability){
            AEGIS_WHAT(AEGIS_WHAT_TYPE(c->what), rights, order, AEGIS_WHAT_RESOURCE(c->what) + first), r.value, c->birth};
}

static void do_claim(void)
{
    const struct ref_capability *k = &capability[below(CAPABILITIES)];
    uint64_t what = k->what, mac = k->mac;
    unsigned long slot = free_slot();
    bool changed = chance(4);
    if (changed && chance(2))
        what ^= 1UL << below(64);
    else if (changed)
        mac ^= 1UL << below(64);
    const uint64_t *birth = k->what ? birth_of(k->what) : NULL;
    bool valid = !changed && birth && *birth == k->birth && empty(who, slot) && !ancestor(who, what);
    if (!changed && birth && *birth == k->birth && AEGIS_WHAT_TYPE(what) == AEGIS_SLICE && !*birth)
        valid = false;
    result_t r = C(claim, what, mac, slot, 0, 0);
    MUST(valid);
    if (!r.error) {
        ref_claim(who, slot, what);
        check_ledger(who, (unsigned)slot);
    }
}

static void do_share(void)
{
    unsigned long target_slot = env_slot(), first = used_slot(who), count = chance(20) ? hostile() : 1 + below(4), rights = chance(2) ? AEGIS_RIGHTS : random64() & AEGIS_RIGHTS;
    if (chance(40))
        rights = hostile();
    int target = controlled(who, target_slot);
    bool valid = target >= 0 && target != who && count <= 128 && first < env[who].slots && first + count <= env[who].slots && first + count <= env[target].slots && !(rights & ~(unsigned long)AEGIS_RIGHTS);
    for (unsigned long s = first; valid && s < first + count; s++) {
        const struct ref_claim *c = &env[who].claim[s];
        if (c->what)
            valid &= live(c) && !c->moving && !env[target].claim[s].what && !ancestor(target, c->what & ~((uint64_t)(~rights & 0xffff) << 40));
    }
    result_t r = C(share, target_slot, first, count, rights, 0);
    MUST(valid);
    for (unsigned long s = first; !r.error && s < first + count; s++)
        if (env[who].claim[s].what) {
            ref_claim(target, s, env[who].claim[s].what & ~((uint64_t)(~rights & 0xffff) << 40));
            check_ledger(target, (unsigned)s);
        }
}

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
    for (unsigned s = 1; s < env[target].slots; s++)
        if (&env[target].claim[s] != c)
            m->over |= lies_in(m->va, (unsigned long)PAGE_SIZE << AEGIS_WHAT_ORDER(c->what), &env[target].claim[s]);
}

static void mapping_done(int target, const struct mapping *m)
{
    struct env *e = kernel.env[env[target].index];
    uint64_t *at;

    m->claim->mapped = true;
    m->claim->va = m->va;
    check_ledger(target, (unsigned)m->slot);
    for (unsigned long i = 0; i < 1UL << AEGIS_WHAT_ORDER(m->claim->what); i++)
        check_entry(target, e, m->va + i * PAGE_SIZE, map_walk(e, m->va + i * PAGE_SIZE, &at));
}

static void do_map(void)
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
    if (!r.error)
        mapping_done(target, &m);
}

/* One after the other, each as map; those behind the first that fails are not looked at. */
static void do_map_vector(void)
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
        mapping_done(target, &m[i]);
    }
    if (target < 0 || !r.error) {
        EXPECT(target >= 0 || (r.error && !r.value), "map_vector in an environment that the caller does not control");
        return;
    }
    mapping_judge(target, &m[r.value]);
    EXPECT(!m[r.value].valid || !m[r.value].table || m[r.value].over, "map_vector refused what map does");
}

static void do_unmap(void)
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

static void do_protect(void)
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

static bool lendable(int i, unsigned long slot, unsigned order)
{
    if (!holds(i, slot, AEGIS_PAGE, AEGIS_LEND))
        return false;
    const struct ref_claim *c = &env[i].claim[slot];
    const struct ref_block *b = block_of(c->what);
    return AEGIS_WHAT_ORDER(c->what) == order && b->order == order && !b->lent && !c->mapped && claims_on(0, AEGIS_PAGE, (uint32_t)(b - block)) == 1;
}

static void ref_lend(int from, unsigned long slot, int to, bool private)
{
    struct ref_block *b = block_of(env[from].claim[slot].what);
    b->lent = true;
    b->private = private;
    b->lent_to = to;
    check_block((uint32_t)(b - block));
}

static void do_table_lend(void)
{
    unsigned long target_slot = chance(3) ? 0 : env_slot(), kind = chance(20) ? hostile() : below(4), slot = lend_slot(kind == AEGIS_TABLE_LEAF), va = chance(4) ? some_va() : 1UL << 30;
    int target = controlled(who, target_slot);
    unsigned order = kind == AEGIS_TABLE_LEAF ? 1 : 0;
    if (target >= 0 && kind == AEGIS_TABLE_STLB && slot < env[who].slots && (order = AEGIS_WHAT_ORDER(env[who].claim[slot].what)) > 3)
        order = 99;
    bool valid = target >= 0 && kind <= AEGIS_TABLE_STLB && lendable(who, slot, order);
    if (valid && kind == AEGIS_TABLE_MIDDLE)
        valid &= va < AEGIS_EXPOSED && !env[target].middle[va >> 30];
    if (valid && kind == AEGIS_TABLE_LEDGER)
        valid &= env[target].slots < SLOTS;
    if (target >= 0 && kind == AEGIS_TABLE_LEDGER && env[target].slots == SLOTS)
        return; /* the reference has no more */
    if (valid && kind == AEGIS_TABLE_STLB)
        valid &= (512UL << order) - 1 >= kernel.env[env[target].index]->stlb_mask;
    if (valid && kernel.env[env[target].index]->tables + (1U << order) > 192)
        return;
    if (valid && kind == AEGIS_TABLE_LEAF && env[target].leaves == 4 && chance(2))
        return;
    result_t r = C(table_lend, target_slot, slot, kind, va, 0);
    if (valid && r.error == AEGIS_E_FULL)
        return;
    MUST(valid);
    if (r.error)
        return;
    ref_lend(who, slot, target, false);
    env[target].leaves += kind == AEGIS_TABLE_LEAF;
    if (kind == AEGIS_TABLE_MIDDLE)
        env[target].middle[va >> 30] = true;
    env[target].slots += kind == AEGIS_TABLE_LEDGER ? 128 : 0;
}

static void do_activation_lend(void)
{
    unsigned long target_slot = env_slot(), slot = lend_slot(1), on = chance(10) ? hostile() : below(2);
    int target = controlled(who, target_slot);
    bool valid = target >= 0 && lendable(who, slot, 1) && on < 2 && !kernel.env[env[target].index]->activation[on & 7];
    result_t r = C(activation_lend, target_slot, slot, on, 0, 0);
    MUST(valid);
    if (!r.error)
        ref_lend(who, slot, target, true);
}

/* One that nobody controls any more: by the first environment, past the kernel, so that it can end. */
static void adopt(unsigned i)
{
    for (unsigned k = 0; k < ENVS; k++)
        for (unsigned s = 1; s < SLOTS && env[k].known; s++)
            if (holds((int)k, s, AEGIS_ENV, AEGIS_CONTROL) && env_named(env[k].claim[s].what) == (int)i && k != i)
                return;
    for (unsigned s = AEGIS_SLOT_BOOT; s < 48; s++)
        if (env[i].alive && empty(0, s)) {
            host_give(kernel.env[0], s, AEGIS_ENV, AEGIS_CONTROL, 0, env[i].index);
            exposed.env[env[i].index].claims++;
            ref_claim(0, s, AEGIS_WHAT(AEGIS_ENV, AEGIS_CONTROL, 0, env[i].index));
            return;
        }
}

static void do_env_create(void)
{
    unsigned long root = chance(20) ? some_slot() : AEGIS_SLOT_ENVS, slot = free_slot();
    int fresh = -1;

    if (who != 0)
        return; /* the vector lies in the first environment's page */
    for (int i = 1; i < ENVS; i++)
        if (!env[i].known)
            fresh = i;
    if (fresh < 0) {
        adopt(1 + below(ENVS - 1));
        return;
    }
    bool valid = holds(0, root, AEGIS_ENV | AEGIS_ROOT, AEGIS_ALLOC) && empty(0, slot);
    unsigned at = AEGIS_SLOT_BOOT;
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++) {
        while (at < 200 && !lendable(0, at, 0))
            at++;
        args[i] = chance(20) ? some_slot() : at++;
        valid &= lendable(0, args[i], 0);
        for (unsigned k = 0; k < i; k++)
            valid &= args[i] != args[k];
    }
    unsigned long lent[AEGIS_ENV_LENT];
    memcpy(lent, args, sizeof lent);
    result_t r = C(env_create, root, ARGS, slot, 0, 0);
    if (valid && r.error == AEGIS_E_FULL && AEGIS_WHAT_ORDER(env[0].claim[root].what) < AEGIS_ROOT_ORDER)
        return;
    MUST(valid);
    if (r.error)
        return;
    env[fresh] = (struct ref_env){.alive = true, .known = true, .index = (uint32_t)r.value, .parent = 0, .birth = ++births, .entry_birth = ++births, .slots = 128, .middle = {true}};
    uint64_t what = AEGIS_WHAT(AEGIS_ENV, AEGIS_CONTROL | AEGIS_RING, 0, (uint32_t)r.value);
    ref_claim(fresh, 0, what);
    ref_claim(0, slot, what);
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++)
        ref_lend(0, lent[i], fresh, i == AEGIS_ENV_RECORD);
    check_env(fresh);
}

static void bury_orphans(void);

static void do_env_destroy(void)
{
    unsigned long slot = env_slot();
    if (slot == 0 || (who == 0 && slot < AEGIS_SLOT_BOOT) || !chance(12))
        return;
    bool valid = holds(who, slot, AEGIS_ENV, AEGIS_CONTROL);
    int target = valid ? env_named(env[who].claim[slot].what) : -1;
    if (target == 0 || target == who)
        return;
    bool dies = valid && env[target].alive;
    if (dies && chance(2)) { /* one step, and then whoever likes goes on */
        unsigned ours = hart;
        run_as(who, hart);
        host_call(hart, AEGIS_CALL_env_destroy, slot, 0, 0, 0, 0);
        for (unsigned n = 0; n < 10000 && exposed.dying != AEGIS_ENVS; n++) {
            host_settle();
            hart = below(2);
            run_as(0, hart);
            host_call(hart, AEGIS_CALL_reap, 1 + below(3), 0, 0, 0, 0);
        }
        hart = ours;
    }
    uint32_t index = valid ? env[target].index : 0;
    result_t r = C(env_destroy, slot, 0, 0, 0, 0);
    MUST(valid);
    if (dies) {
        EXPECT(exposed.env[index].state == AEGIS_ENV_DEAD, "env_destroy is done, the environment is not dead");
        ref_die(target);
        bury_orphans(); /* of which it was the last that knew */
        check_all();
    }
}

static void do_rekey(void)
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

static void do_alloc(void)
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

static void do_others(void)
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
static void do_vanish(void)
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
static void bury_orphans(void)
{
    bool any = false;

    for (int i = 1; i < ENVS; i++) {
        const struct ref_env *e = &env[i];
        uint32_t index = e->index;
        if (!e->known || !e->alive || claims_on(0, AEGIS_ENV, index) > 1 || claims_on(0, AEGIS_ENTRY, index) || exposed.env[index].positions)
            continue;
        for (unsigned n = 0; n < 10000 && (kernel.orphans || exposed.dying != AEGIS_ENVS); n++) {
            host_settle();
            hart = below(2);
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
        do_unmap, do_protect, do_table_lend, do_activation_lend, do_env_create, do_env_create, do_env_create, do_env_destroy, do_rekey, do_alloc, do_others, do_vanish, do_vanish};
    int tries = 20;

    do
        who = chance(2) ? 0 : (int)below(ENVS), hart = below(2);
    while (tries-- && !(env[who].known && env[who].alive && kernel.env[env[who].index]->activation[hart]));
    if (tries < 0)
        who = 0;
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
