/* SPDX-License-Identifier: BSD-2-Clause */
#include "pct.h"

#include "env.h"
#include "slice.h"

#define ENTRIES (2 * AEGIS_ENTRY_SLOTS)

/* The partner behind an entry claim on this hart. e->lock is held. */
static long resolve(struct env *e, unsigned long slot, unsigned right, struct activation **partner)
{
    struct aegis_claim *c;

    TRY(ledger_use(e, slot, AEGIS_ENTRY, right, &c));
    struct env *to = kernel.env[AEGIS_WHAT_RESOURCE(c->what)];
    REFUSE_IF(!to || !env_is_live(to), NO_ENV);
    *partner = to->activation[machine_hart()];
    return *partner ? 0 : REFUSED(NO_RESOURCE);
}

long pct_slow(struct activation *a, long number)
{
    bool sync = number >= -AEGIS_ENTRY_SLOTS;
    unsigned long slot = sync ? -1 - number : -1 - AEGIS_ENTRY_SLOTS - number;
    struct activation *partner;

    REFUSE_IF(number < -ENTRIES, NO_CALL);
    struct env *e = env_lock_self();
    long error = resolve(e, slot, sync ? AEGIS_CALL : AEGIS_SEND, &partner);
    bool known = !error && a->entry[ENTRIES + number] == (uint64_t)partner;
    if (!error && partner != a) /* nobody waits for itself */
        a->entry[ENTRIES + number] = (uint64_t)partner;
    env_unlock(e);
    TRY(error);
    /* resolved before: it was the gate, or a transfer of ours that is outstanding */
    return known || partner == a ? REFUSED(BUSY) : 0;
}

result_t call_pct_return(void)
{
    struct activation *a = machine_self();

    REFUSE_CALL_IF(a->gate, NO_TRANSFER);
    a->gate = a->satp; /* entered asynchronously, or the caller is gone: there is nobody to go to */
    slice_leave();
}

struct activation *pct_callee(const struct activation *a)
{
    for (unsigned i = 0; i < AEGIS_ENTRY_SLOTS; i++) {
        struct activation *b = (struct activation *)a->entry[AEGIS_ENTRY_SLOTS + i];
        if (b->caller == (uint64_t)a)
            return b;
    }
    /* its entry claim was released meanwhile */
    for (unsigned i = 0; i < AEGIS_ENVS; i++) {
        struct env *e = kernel.env[i];
        struct activation *b = e ? e->activation[machine_hart()] : NULL;
        if (b && b->caller == (uint64_t)a)
            return b;
    }
    return NULL;
}

void pct_cut(struct activation *a)
{
    struct activation *b = pct_callee(a);

    if (!b)
        return;
    b->caller = 0;
    b->gone = a->badge;
    b->run = 0;
    __atomic_fetch_or(&b->attention, ATTENTION_GONE, __ATOMIC_RELAXED);
}

void pct_unlink(struct activation *a)
{
    struct activation *caller = (struct activation *)a->caller;

    if (a->resume)
        pct_cut(a);
    if (caller)
        __atomic_fetch_or(&caller->attention, ATTENTION_DEAD, __ATOMIC_RELAXED);
    a->caller = 0;
    a->resume = 0;
}

void pct_forget(struct env *e, const struct env *gone)
{
    FOR_ACTIVATIONS(e, h, a)
        for (unsigned i = 0; gone->activation[h] && i < ENTRIES; i++)
            if (a->entry[i] == (uint64_t)gone->activation[h])
                __atomic_store_n(&a->entry[i], (uint64_t)a->hart->null, __ATOMIC_RELAXED);
}
