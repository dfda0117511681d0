/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: tests/host/host.c exokernel/core/*.c */
/* flags: -Itests/host -Wno-comment */
/* how: -runs=12000 -seed=1 -len_control=0 -max_len=3200 */
/*
 * Sequences of calls, transfers, interrupts and faults on two harts, by whoever runs there; after each sequence the
 * kernel's own records have to agree with each other (I1, I3, I8). Sixteen bytes are one event.
 */
#include <string.h>

#include "../host/world.h"

#define PAGES_ALL 256
#define WRONG(why)                                                                                 \
    do {                                                                                           \
        fprintf(stderr, "%s\n", why);                                                              \
        abort();                                                                                   \
    } while (0)

static bool boots_own[PAGES_ALL]; /* claimed by nobody's ledger */
static uint32_t counted[PAGES_ALL];

static void check_entry(const struct env *e, unsigned long va, uint64_t pte)
{
    pfn_t page = PTE_PAGE(pte);
    bool window = va - AEGIS_PINNED < AEGIS_PINNED_SIZE;
    unsigned n = (unsigned)((va - AEGIS_PINNED) >> 12);

    if (!(pte & PTE_V))
        return;
    if (window && n < AEGIS_PINNED_FREE) {
        if (page + 1 != machine_page_of(e->activation[n]))
            WRONG("the window shows another activation");
        return;
    }
    const struct aegis_page *head = page_head(page);
    if (!head || head->flags & AEGIS_PAGE_IS_PRIVATE || (head->flags & AEGIS_PAGE_IS_LENT && pte & PTE_W))
        WRONG("I3: a free, private or lent page is mapped");
    if (window && n >= AEGIS_PINNED_TABLES)
        return;
    for (unsigned s = 1; s < ledger_slots(e); s++) {
        const struct aegis_claim *c = ledger_at(e, s);
        unsigned long at = c->where & ~(unsigned long)AEGIS_FLAGS;
        if (AEGIS_WHAT_TYPE(c->what) == AEGIS_PAGE && c->where & AEGIS_MAPPED && va - at < (unsigned long)PAGE_SIZE << AEGIS_WHAT_ORDER(c->what) &&
            AEGIS_WHAT_RESOURCE(c->what) + (pfn_t)((va - at) >> 12) == page && !((pte & PTE_RWX) & ~(uint64_t)AEGIS_WHAT_RIGHTS(c->what)))
            return;
    }
    WRONG("I1: a translation without a claim");
}

static void check_tables(const struct env *e, const uint64_t *table, unsigned level, unsigned long va)
{
    for (unsigned k = 0; k < 512; k++) {
        unsigned long at = va + ((unsigned long)k << (12 + 9 * level));
        if (table[k] && at < AEGIS_EXPOSED && level && !(table[k] & PTE_RWX))
            check_tables(e, machine_direct(PTE_PAGE(table[k])), level - 1, at);
        else if (table[k] && at < AEGIS_EXPOSED)
            check_entry(e, at, table[k]);
    }
}

static void check_env(const struct env *e)
{
    for (unsigned s = 0; s < ledger_slots(e); s++) {
        const struct aegis_claim *c = ledger_at(e, s);
        if (AEGIS_WHAT_TYPE(c->what) != AEGIS_PAGE)
            continue;
        const struct aegis_page *head = page_head(AEGIS_WHAT_RESOURCE(c->what));
        if (!head)
            WRONG("I8: a claim on a page that is free");
        counted[head - pages - HOST_PAGE_FIRST]++;
    }
    check_tables(e, e->root, 2, 0);
}

static void check_all(void)
{
    uint64_t used = 0;

    memset(counted, 0, sizeof counted);
    for (unsigned i = 0; i < AEGIS_ENVS; i++)
        if (kernel.env[i] && (exposed.env[i].state == AEGIS_ENV_NEW || exposed.env[i].state == AEGIS_ENV_LIVE))
            check_env(kernel.env[i]);
    if (exposed.dying != AEGIS_ENVS)
        return; /* claims are on their way */
    for (unsigned p = 0; p < PAGES_ALL; p++) {
        const struct aegis_page *r = &pages[HOST_PAGE_FIRST + p];
        if (r->state != AEGIS_PAGE_USED)
            continue;
        used += 1UL << r->order;
        if (r->claims != counted[p] && !boots_own[p])
            WRONG("I8: the number of claims on a page");
    }
    if (used + exposed.free_pages != PAGES_ALL)
        WRONG("I8: the number of free pages");
}

static void settle(void)
{
    for (unsigned n = 0; n < 3000 && exposed.dying != AEGIS_ENVS; n++) {
        host_settle();
        for (unsigned h = 0; h < 2; h++)
            if (host_running(h))
                host_call(h, AEGIS_CALL_reap, 1, 0, 0, 0, 0);
            else
                host_start(h);
    }
    if (exposed.dying != AEGIS_ENVS)
        WRONG("I9: a death that never ends");
}

static unsigned long *args;

static void begin(void)
{
    host_boot(2, PAGES_ALL);
    struct env *e = host_first(2, 2);
    host_start(1);
    host_start(0);
    struct activation *a = host_activation(e, 1);
    uint32_t resource;
    uint64_t check;
    if (slice_take(e, 0x100, &resource, &check))
        abort();
    host_give(e, 9, AEGIS_SLICE, AEGIS_LEND | AEGIS_REKEY, 0, resource);
    host_start(1);
    pfn_t page = host_page(0);
    host_give(e, 10, AEGIS_PAGE, AEGIS_RWX | AEGIS_LEND | AEGIS_REKEY, 0, page);
    host_call(0, AEGIS_CALL_map, 0, 10, (AEGIS_PINNED + 16 * PAGE_SIZE) | AEGIS_R | AEGIS_W, 0, 0);
    args = machine_direct(page);
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++)
        args[i] = 20 + i;
    for (unsigned i = 20; i < 40; i++)
        host_call(0, AEGIS_CALL_page_alloc, AEGIS_SLOT_PAGES, AEGIS_ANY, i < 30 ? 0 : 1, i, AEGIS_NONE);
    (void)a;
    for (unsigned p = 0; p < PAGES_ALL; p++) {
        boots_own[p] = false;
        if (pages[HOST_PAGE_FIRST + p].state == AEGIS_PAGE_USED && !pages[HOST_PAGE_FIRST + p].pins) {
            bool claimed = false;
            for (unsigned s = 0; s < 256; s++)
                claimed |= AEGIS_WHAT_TYPE(ledger_at(e, s)->what) == AEGIS_PAGE && page_head(AEGIS_WHAT_RESOURCE(ledger_at(e, s)->what)) == &pages[HOST_PAGE_FIRST + p];
            if (!claimed)
                boots_own[p] = true;
        }
    }
}

static unsigned long argument(uint8_t kind, uint8_t low, uint8_t high)
{
    static const unsigned long special[] = {AEGIS_ANY, AEGIS_NONE, ~0UL, AEGIS_PINNED + 16 * PAGE_SIZE, AEGIS_PINNED + 16 * PAGE_SIZE + 48, 1UL << 38, 0x40000000, 1UL << 63};
    switch (kind & 7) {
    case 0:
    case 1:
        return low & 63;
    case 2:
        return ((unsigned long)low << 12) | (high & 0xf); /* an address and rights */
    case 3:
        return ((unsigned long)low << 21) | (high & 0xf);
    case 4:
        return HOST_PAGE_FIRST + low;
    case 5:
        return special[low & 7];
    case 6:
        return (unsigned long)high << 8 | low;
    default:
        return host.time + low;
    }
}

static void event(const uint8_t *b)
{
    static uint64_t mac, what;
    unsigned hart = b[0] >> 7, kind = b[0] & 0x7f;
    unsigned long x[5];

    for (unsigned i = 0; i < 5; i++)
        x[i] = argument(b[1 + 3 * i], b[2 + 3 * i], i < 4 ? b[3 + 3 * i] : 0);
    host.time += 10;
    if (!host_running(hart)) {
        host_start(hart);
    } else if (kind >= 100) {
        switch (kind & 7) {
        case 0:
            host_interrupt(hart, 5, 0x4000);
            break;
        case 1:
            host_serve(hart);
            break;
        case 2:
            host.fault_address = x[0];
            host_interrupt(hart, 12 + (b[3] & 1 ? 1 : b[3] & 2 ? 3 : 0), 0x4000);
            break;
        case 3:
            host_pct(hart, -1 - (long)(b[3] & 127));
            break;
        case 4:
            host_pct_return(hart);
            break;
        case 5:
            host.time += 1000 * b[3];
            break;
        case 6:
            args[b[3] & 7] = x[0];
            break;
        default:
            *(uint64_t *)((char *)activation_user(host.self[hart]) + AEGIS_GP + 8 * b[3]) = x[0];
        }
    } else if (kind % AEGIS_CALLS == AEGIS_CALL_claim && b[15] & 1) {
        host_call(hart, AEGIS_CALL_claim, what, mac, x[2], 0, 0);
    } else {
        const struct env *e = host.self[hart]->env;
        uint64_t from = x[0] < ledger_slots(e) ? ledger_at(e, x[0])->what : 0;
        result_t r = host_call(hart, kind % AEGIS_CALLS, x[0], x[1], x[2], x[3], x[4]);
        if (kind % AEGIS_CALLS == AEGIS_CALL_capability_make && !r.error) {
            what = AEGIS_WHAT(AEGIS_WHAT_TYPE(from), x[1], x[3], AEGIS_WHAT_RESOURCE(from) + x[2]);
            mac = r.value;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    begin();
    if (exposed.env[0].state != AEGIS_ENV_LIVE)
        abort();
    host.panic_expected = true;
    for (unsigned n = 0; size >= 16 && n < 200 && exposed.env[0].state == AEGIS_ENV_LIVE; n++, data += 16, size -= 16) {
        event(data);
        if (host.outcome == HOST_PANIC && strcmp(host.panic, "the first environment ended"))
            WRONG(host.panic);
    }
    if (exposed.env[0].state != AEGIS_ENV_LIVE)
        return 0; /* the machine ends with it */
    host.panic_expected = false;
    check_all();
    settle();
    check_all();
    return 0;
}
