/* SPDX-License-Identifier: BSD-2-Clause */
/* Environments: what is lent to them, their beginning and their end. */
#include "model.h"

bool lendable(int i, unsigned long slot, unsigned order)
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

void do_table_lend(void)
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
        valid &= (512UL << order) - 1 >= kernel.env[env[target].index]->stlb_mask && !(kernel.env[env[target].index]->mask & ~(1U << hart));
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

void do_activation_lend(void)
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
void adopt(unsigned i)
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

void do_env_create(void)
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

void do_env_destroy(void)
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
