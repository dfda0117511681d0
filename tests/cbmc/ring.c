/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The repossession vector: whatever its owner writes into its indices, a loss goes into one of its places, is counted
 * once, and its page's contents go only where the owner may write.
 *
 * unwind 3
 * proof told
 * break told core/revoke.c: &u->loss[n % AEGIS_REPOSSESSED] => &u->loss[n % (AEGIS_REPOSSESSED + 1)]
 * break told core/revoke.c: n - u->loss_read >= AEGIS_REPOSSESSED => n - u->loss_read > AEGIS_REPOSSESSED
 * break told core/revoke.c: ledger_use_page(e, to, AEGIS_W, &c, &head) => ledger_use_page(e, to, 0, &c, &head)
 */
#define COUNT 2u
#include "scene.h"

/* The owner's half lies before the kernel's, as in the machine; here as an object of its own. */
static struct aegis_activation half;
#define activation_user(a) ((void)(a), &half)
#include "core/revoke.c"

static unsigned copies, saved_in;
void *machine_direct(uint32_t page)
{
    MUST(page >= FIRST && page < FIRST + COUNT, "a page of memory");
    return (void *)&records[page];
}

void machine_copy(void *to, const void *from)
{
    (void)from;
    copies++;
    saved_in = (unsigned)((struct aegis_page *)to - records);
}

void page_soil(struct aegis_page *head)
{
    head->flags &= ~AEGIS_PAGE_IS_CLEAN & 15;
}

struct aegis_page *page_head_search(pfn_t page)
{
    (void)page;
    return NULL;
}

void told(void)
{
    struct env *e = &env[0];
    unsigned long slot = 3, to, n, read;

    __CPROVER_havoc_object(records);
    __CPROVER_havoc_object(ledger);
    __CPROVER_havoc_object(&half);
    exposed.page_first = FIRST;
    exposed.page_count = COUNT;
    e->ledger_pages = 1;
    e->ledger[0] = ledger[0];
    e->activation[0] = &activation[0];
    for (unsigned i = 1; i <= 2; i++) {
        ASSUME(AEGIS_WHAT_RESOURCE(ledger[0][i].what) == i);
        ASSUME(AEGIS_WHAT_ORDER(ledger[0][i].what) == 0);
    }
    ledger[0][3].what = nondet_u64() << 40 | FIRST;
    ASSUME(AEGIS_WHAT_RESOURCE(ledger[0][0].what) == FIRST);
    to = half.save_slot, n = half.loss_count, read = half.loss_read;
    unsigned long unfitted = half.loss_unfitted, after = half.loss[(n + 1) % AEGIS_REPOSSESSED].what;
    loss_write(e, &ledger[0][3], slot);
    MUST(half.loss_count == n + 1, "counted once");
    MUST(half.loss[n % AEGIS_REPOSSESSED].what == ledger[0][3].what && half.loss[n % AEGIS_REPOSSESSED].slot == slot, "in its place");
    MUST(half.loss[(n + 1) % AEGIS_REPOSSESSED].what == after, "and in no other");
    MUST(half.loss_unfitted == unfitted + (n - read >= AEGIS_REPOSSESSED), "what did not fit is counted");
    MUST(copies <= 1, "one copy");
    if (!copies)
        return;
    MUST(to < SLOTS && to != slot && AEGIS_WHAT_TYPE(ledger[0][to].what) == AEGIS_PAGE, "into a page of its own");
    MUST(AEGIS_WHAT_RIGHTS(ledger[0][to].what) & AEGIS_W && saved_in == AEGIS_WHAT_RESOURCE(ledger[0][to].what), "that it may write");
    MUST(!(records[saved_in].flags & (AEGIS_PAGE_IS_LENT | AEGIS_PAGE_IS_PRIVATE)), "not one that it lent");
}
