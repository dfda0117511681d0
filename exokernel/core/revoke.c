/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Visible revocation and the abort protocol (SOSP'95 3.4 and 3.5). A request says how many claims of a type an
 * environment may keep; until the deadline it chooses which to give back. Then the revoker takes, highest slot
 * first, never the ledger's first page nor the reserve; each loss is written down for the loser.
 */
#include "env.h"
#include "limbo.h"
#include "map.h"
#include "slice.h"

#define SCAN 128         /* slots looked at in a step */
#define EMERGENCY_SLICES 16 /* between the emergency upcall and destruction */

static void upcall_post(struct env *e, uint64_t attention)
{
    FOR_ACTIVATIONS(e, h, a) {
        __atomic_fetch_or(&a->attention, attention, __ATOMIC_SEQ_CST);
        __atomic_store_n(&a->run, 0, __ATOMIC_SEQ_CST);
        machine_interrupt(h);
    }
}

/* The type of the caller's root. */
static long root_type(struct env *self, unsigned long root, unsigned *type)
{
    struct aegis_claim *c;

    TRY(ledger_any(self, root, &c));
    *type = AEGIS_WHAT_TYPE(c->what) & ~AEGIS_ROOT;
    return ledger_use(self, root, *type | AEGIS_ROOT, AEGIS_REVOKE, &c);
}

static void request_write(struct env *e)
{
    FOR_ACTIVATIONS(e, h, a) {
        volatile struct aegis_activation *u = activation_user(a);
        u->revoke_type = e->revoke_type;
        u->revoke_count = e->held[e->revoke_type] - e->revoke_target;
        u->revoke_deadline = e->revoke_deadline;
    }
}

CALL_PAIR(revoke, 0, 4, (root, env, count, deadline))
{
    unsigned type;

    TRY_CALL(root_type(self, root, &type));
    REFUSE_CALL_IF(count == 0 || count > to->held[type], BAD_RANGE);
    REFUSE_CALL_IF(to->revoke_type, PENDING);
    to->revoke_type = type;
    to->revoke_target = to->held[type] - (uint32_t)count;
    to->revoke_deadline = deadline;
    to->revoke_cursor = (uint32_t)ledger_slots(to);
    to->revoke_last = 0;
    request_write(to);
    upcall_post(to, ATTENTION_REVOKE);
    return OK_VALUE(0);
}

/* ---- by force ---- */

static bool spared(const struct env *e, unsigned long slot)
{
    return slot < AEGIS_CLAIMS_PER_PAGE || slot - e->reserve_first < e->reserve_count;
}

/* The contents go into the page that the loser named beforehand, if it is one of its own that it may write. */
static bool loss_save(struct env *e, const struct aegis_claim *lost, unsigned long to)
{
    struct aegis_claim *c;
    struct aegis_page *head;

    if (AEGIS_WHAT_TYPE(lost->what) != AEGIS_PAGE || AEGIS_WHAT_ORDER(lost->what) != 0 ||
        ledger_use_page(e, to, AEGIS_W, &c, &head) || c == lost || head->flags & ~AEGIS_PAGE_IS_CLEAN ||
        !page_valid(AEGIS_WHAT_RESOURCE(lost->what)))
        return false;
    page_soil(head);
    machine_copy(machine_direct(AEGIS_WHAT_RESOURCE(c->what)),
                 machine_direct(AEGIS_WHAT_RESOURCE(lost->what)));
    return true;
}

/* In its first activation. */
static void loss_write(struct env *e, const struct aegis_claim *lost, unsigned long slot)
{
    FOR_ACTIVATIONS(e, h, a) {
        volatile struct aegis_activation *u = activation_user(a);
        unsigned long to = u->save_slot, n = u->loss_count;
        volatile struct aegis_loss *l = &u->loss[n % AEGIS_REPOSSESSED];
        bool saved = to >= AEGIS_SLOT_PAGES && to < ledger_slots(e) && loss_save(e, lost, to);
        if (saved)
            u->save_slot = AEGIS_NONE;
        l->what = lost->what;
        l->slot = (uint32_t)slot;
        l->saved = saved;
        if (n - u->loss_read >= AEGIS_REPOSSESSED)
            u->loss_unfitted++;
        u->loss_count = n + 1;
        return;
    }
}

/* Nothing is left but what is spared: it is told so once, and then ended. */
static long take_rest(struct env *e, uint64_t now)
{
    e->revoke_cursor = (uint32_t)ledger_slots(e);
    if (!e->revoke_last) {
        e->revoke_last = 1;
        e->revoke_deadline = now + EMERGENCY_SLICES * exposed.slice_ticks;
        upcall_post(e, ATTENTION_EMERGENCY);
        return REFUSED(BUSY);
    }
    env_kill(e, AEGIS_END_REVOKED);
    e->revoke_type = 0;
    return 0;
}

/* Goes on until a claim was taken, or AGAIN while other harts hold its translations. */
static long force_step(struct env *e, unsigned long *taken)
{
    for (unsigned n = 0; n < SCAN && e->revoke_cursor; n++, e->revoke_cursor--) {
        unsigned long slot = e->revoke_cursor - 1;
        struct aegis_claim *c = ledger_at(e, slot);
        if (AEGIS_WHAT_TYPE(c->what) != e->revoke_type || spared(e, slot))
            continue;
        if (!(c->where & AEGIS_LEAVING))
            loss_write(e, c, slot);
        TRY(ledger_release(e, slot));
        e->revoke_cursor--;
        ++*taken;
        return AEGIS_E_AGAIN;
    }
    return e->revoke_cursor ? AEGIS_E_AGAIN : take_rest(e, machine_time());
}

CALL_PAIR(revoke_force, 0, 2, (root, env))
{
    unsigned type;
    unsigned long taken = 0;

    TRY_CALL(root_type(self, root, &type));
    REFUSE_CALL_IF(!to->revoke_type || to->revoke_type != type, NO_TRANSFER);
    if (to->held[type] <= to->revoke_target) {
        to->revoke_type = 0; /* it gave back what was asked for */
        return OK_VALUE(0);
    }
    REFUSE_CALL_IF(machine_time() < to->revoke_deadline, BUSY);
    long error = force_step(to, &taken);
    return (result_t){error, taken};
}

CALL_SELF(reserve_set, 2, (first, count))
{
    REFUSE_CALL_IF(count > 8, BAD_RANGE);
    REFUSE_CALL_IF(first >= ledger_slots(e) || first + count > ledger_slots(e), BAD_SLOT);
    e->reserve_first = (uint32_t)first;
    e->reserve_count = (uint32_t)count;
    return OK_VALUE(0);
}
