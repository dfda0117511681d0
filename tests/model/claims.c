/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages and claims: allocated, released, capabilities of them, shared. */
#include "model.h"

/* ---- calls ---- */

unsigned long *args; /* the first environment's page for vectors */

void run_as(int i, unsigned h)
{
    struct env *e = kernel.env[env[i].index];
    host.self[h] = e->activation[h] ? e->activation[h] : kernel.hart[h].null;
    exposed.hart[h].idle = kernel.hart[h].parked = 0;
}

result_t call(unsigned number, unsigned long a, unsigned long b, unsigned long c, unsigned long d, unsigned long e)
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

/* Roots of a part give by name only. */
bool covers(unsigned long root, unsigned long name, unsigned long order)
{
    uint64_t what = env[who].claim[root].what;
    unsigned long has = AEGIS_WHAT_ORDER(what), first = AEGIS_WHAT_RESOURCE(what);
    return has == AEGIS_ROOT_ORDER || (name != AEGIS_ANY && order <= has && name >= first && name - first < 1UL << has);
}

void do_page_alloc(void)
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

void do_release(void)
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

void do_capability(void)
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

void do_claim(void)
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

void do_share(void)
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
