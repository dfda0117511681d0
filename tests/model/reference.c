/* SPDX-License-Identifier: BSD-2-Clause */
/* Who claims what, as the reference has it. */
#include "model.h"

struct ref_env env[ENVS];
struct ref_block block[PAGES_ALL]; /* by first page */
uint64_t slice_birth[AEGIS_SLICES], root_birth[AEGIS_TYPES];
struct ref_capability capability[CAPABILITIES];
uint64_t births;
uint64_t seed, first_seed, calls;
int who; /* the environment that calls, and its hart */
unsigned hart;
uint64_t made[AEGIS_CALLS], done[AEGIS_CALLS]; /* by call: all, and those that succeeded */

/* ---- what the reference knows of names ---- */

uint64_t *birth_of(uint64_t what)
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

struct ref_block *block_of(uint64_t what)
{
    return (struct ref_block *)((char *)birth_of(what) - offsetof(struct ref_block, birth));
}

bool live(const struct ref_claim *c)
{
    const uint64_t *birth = c->what ? birth_of(c->what) : NULL;
    return birth && *birth == c->birth;
}

int env_named(uint64_t what)
{
    for (int i = 0; i < ENVS; i++)
        if (env[i].known && env[i].index == AEGIS_WHAT_RESOURCE(what))
            return i;
    return -1;
}

unsigned claims_on(uint64_t birth, unsigned type, uint32_t resource)
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

bool ancestor(int of, uint64_t what)
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
int controlled(int who, unsigned long slot)
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

bool holds(int who, unsigned long slot, unsigned type, unsigned rights)
{
    if (slot >= env[who].slots)
        return false;
    const struct ref_claim *c = &env[who].claim[slot];
    return AEGIS_WHAT_TYPE(c->what) == type && live(c) && !c->moving && !(rights & ~AEGIS_WHAT_RIGHTS(c->what));
}

bool empty(int who, unsigned long slot)
{
    return slot < env[who].slots && !env[who].claim[slot].what;
}

/* A slot of a kind that the call wants, mostly. */
unsigned long env_slot(void)
{
    unsigned from = below(64);
    for (unsigned k = 0; k < 64 && !chance(6); k++) {
        unsigned s = 1 + (from + k) % 64;
        if (AEGIS_WHAT_TYPE(env[who].claim[s].what) == AEGIS_ENV && live(&env[who].claim[s]))
            return s;
    }
    return some_slot();
}

unsigned long free_slot(void)
{
    unsigned from = below(64);
    for (unsigned k = 0; k < 64 && !chance(12); k++)
        if (!env[who].claim[1 + (from + k) % 64].what)
            return 1 + (from + k) % 64;
    return some_slot();
}

unsigned long lend_slot(unsigned order)
{
    unsigned from = below(64);
    for (unsigned k = 0; k < 64 && !chance(12); k++)
        if (lendable(who, 1 + (from + k) % 64, order))
            return 1 + (from + k) % 64;
    return some_slot();
}

unsigned long used_slot(int i)
{
    unsigned from = below(64);
    for (unsigned k = 0; i >= 0 && k < 64 && !chance(12); k++)
        if (AEGIS_WHAT_TYPE(env[i].claim[1 + (from + k) % 64].what) == AEGIS_PAGE)
            return 1 + (from + k) % 64;
    return some_slot();
}

/* ---- what happens to the reference ---- */

void settle_block(struct ref_block *b)
{
    if (b->used && !b->lent && !claims_on(b->birth, AEGIS_PAGE, (uint32_t)(b - block)))
        b->used = false;
}

void settle_env(int i)
{
    struct ref_env *e = &env[i];
    if (e->known && !e->alive && !claims_on(0, AEGIS_ENV, e->index) && !claims_on(0, AEGIS_ENTRY, e->index))
        e->known = false;
}

void ref_drop(int who, unsigned long slot)
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

void ref_claim(int who, unsigned long slot, uint64_t what)
{
    env[who].claim[slot] = (struct ref_claim){.what = what, .birth = *birth_of(what)};
}

void ref_die(int i)
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
