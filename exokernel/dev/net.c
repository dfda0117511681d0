/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine's network: memory at boot, whose a frame is, when the device is listened to (net.md: overload). */
#include "net.h"

#include "../core/env.h"
#include "../core/slice.h"
#include "../riscv/boot.h"
#include "drivers.h"
#include "log.h"
#include "plic.h"

#define BUDGET NET_BURST /* frames in all turns: no more turn behind them */
#define TURNS 4
#define KEEP 15 /* fewer than any device has */
#define CHARGED_PART 64 /* of a slice's time may go to interrupts in others' */

struct network network;
struct dpf network_trie;
volatile uint32_t dev_waiting, dev_reap_wanted, dev_unsettled;
int32_t net_line = -1;
struct dpf_run net_run __attribute__((aligned(64)));
/* receive_lock's: what came, and of it what was dealt with, whose pages the device is to get back with those that come next. */
static struct net_in burst[NET_BURST];
static unsigned kept;

extern char dpf_dispatch[], dpf_missed[], dpf_done[], dpf_start_more[];

/* ---- frames ---- */

void net_nonsense(void)
{
    exposed.net.nonsense++;
}

/* ---- listening ---- */

/* receive_lock is held. Until everything is taken and the device interrupts again; or dev_waiting is set. One hart alone listens
   only when it idles: while somebody runs nobody else could be served, and who runs has its frames when it waits. Where there are
   handlers it always listens: they are run whoever runs. */
static __attribute__((noinline)) void drain(bool idle)
{
    unsigned taken = 0;

    if (idle)
        machine_flush_all(); /* who idles counts as having let go; filters' code may be new */
    else
        idle = kernel.online != 1 || network.handlers;
    for (unsigned turn = 0; turn < TURNS && taken < BUDGET; turn++) {
        if (network.held) {
            lock_take(&network.send_lock);
            network.nic->complete();
            lock_give(&network.send_lock);
        }
        struct net_in *in = burst + kept;
        unsigned count = network.nic->take(in, NET_BURST - kept);
        taken += count;
        kept += count;
        net_frames(in, count, false);
        if (kept > network.keep) {
            network.nic->give(burst, kept);
            kept = 0;
        }
        if (!idle)
            break;
        dev_waiting = 0; /* a sender sets it behind its frame: one of the two sees the other */
        if (taken < BUDGET && !network.nic->interrupts(true))
            return;
        network.nic->interrupts(false); /* something came before they were on */
    }
    dev_waiting = 1;
    exposed.net.polls++;
}

void net_kept_give(void)
{
    while (kept)
        frame_give(burst[--kept].frame);
}

void dev_poll(bool idle)
{
    csr_set(sie, MACHINE_EXTERNAL); /* which a slot's grace may have put off */
    handlers_again(machine_self()->hart);
    if (!dev_waiting || !lock_try(&network.receive_lock))
        return; /* nothing is left there, or another hart is at it */
    drain(idle);
    lock_give(&network.receive_lock);
    slice_poke();
}

/* In the time of somebody else: a fixed part of each window. */
static void drain_charged(void)
{
    uint64_t now = machine_time(), window = kernel.hart[0].slice_ticks;

    if (now - network.window >= window) {
        network.window = now;
        network.charged = 0;
    }
    if (network.charged < window / CHARGED_PART)
        drain(false);
    else
        dev_waiting = 1;
    network.charged += machine_time() - now;
}

bool net_interrupt(void)
{
    lock_take(&network.receive_lock);
    network.nic->interrupts(false);
    network.news = false;
    if (!machine_self()->env)
        drain(true);
    else
        drain_charged();
    /* of several harts another one may have seen to what came, and told nobody */
    bool news = network.news | dev_waiting | dev_reap_wanted | (kernel.online ^ 1);
    lock_give(&network.receive_lock);
    plic_complete((uint32_t)net_line);
    if (news)
        slice_poke();
    return news;
}

bool dev_reap(void)
{
    if (!(dev_reap_wanted | dev_unsettled) || !lock_try(&network.lock))
        return false;
    filters_settle();
    bool found = filters_reap();
    lock_give(&network.lock);
    return found;
}

/* ---- the memory of filters ---- */

#define CODE_PART 8 /* of the block is for code */

/* An eighth for code, which runs by an alias of its own, R-X; then the rest; then the bitmap of both. */
static void trie_memory(pfn_t page, uint32_t count)
{
    uint32_t code = count / CODE_PART, bitmap = 1 + count * (PAGE_SIZE / CELL_SIZE) / 8 / PAGE_SIZE;
    char *at = machine_direct(page);

    dpf_memory(&network_trie, at + code * PAGE_SIZE, (count - code - bitmap) * (PAGE_SIZE / CELL_SIZE), at,
               code * (PAGE_SIZE / CELL_SIZE), (long)(tables_map_code(page, code) - (uint64_t)at),
               (uint64_t *)(at + (count - bitmap) * PAGE_SIZE));
    exposed.net.memory = exposed.net.memory_free = network_trie.data.count + network_trie.code.count;
}

/* The block is nobody's to see from the first step on. What is to be code is cleared, a page a step. */
static long memory_step(struct env *e, unsigned long root, unsigned long slot)
{
    struct aegis_claim *r, *c;
    struct aegis_page *head;
    bool clean;

    TRY(ledger_use(e, root, AEGIS_FILTER | AEGIS_ROOT, AEGIS_ALLOC, &r));
    TRY(ledger_use_page(e, slot, AEGIS_LEND, &c, &head));
    if (AEGIS_WHAT_ORDER(r->what) != AEGIS_ROOT_ORDER)
        return REFUSED(NO_RIGHT);
    if (exposed.net.memory || (network.memory && network.memory != head))
        return REFUSED(OCCUPIED);
    pfn_t page = (pfn_t)(head - pages);
    uint32_t count = 1U << head->order;
    if (!network.memory) {
        if (count < AEGIS_FILTER_MEMORY_LEAST || count > AEGIS_FILTER_MEMORY_MOST)
            return REFUSED(BAD_RANGE);
        TRY(lend_take(c, head, head->order, AEGIS_PAGE_IS_PRIVATE, &clean));
        network.memory = head;
    }
    machine_clear(machine_direct(page + network.memory_cleared));
    if (++network.memory_cleared < count / CODE_PART)
        return AEGIS_E_AGAIN;
    trie_memory(page, count);
    return 0;
}

result_t call_filter_lend(unsigned long root, unsigned long slot)
{
    struct env *e = env_lock_self();

    lock_take(&network.lock);
    long error = memory_step(e, root, slot);
    lock_give(&network.lock);
    env_unlock(e);
    return (result_t){error, 0};
}

/* ---- boot ---- */

COLD void *net_pages(unsigned order)
{
    pfn_t page;
    bool clean;

    if (page_take(AEGIS_ANY, order, AEGIS_ANY, &page, &clean))
        boot_refuse("no memory for the network");
    for (unsigned i = 0; i < 1U << order; i++) {
        pages[page + i] = (struct aegis_page){.state = AEGIS_PAGE_KERNEL};
        machine_clear(machine_direct(page + i));
    }
    return machine_direct(page);
}

/* Without memory until somebody lends some. */
static COLD void trie_start(void)
{
    static const struct dpf_helpers helpers = {(uint64_t)dpf_dispatch, (uint64_t)dpf_missed, (uint64_t)dpf_done,
                                               (uint64_t)dpf_start_more};
    static uint64_t bits[2];

    dpf_init(&network_trie, &net_run, NULL, 0, NULL, 0, 0, bits, &helpers);
    network.root_limit = AEGIS_FILTERS + AEGIS_ENDPOINTS;
    handlers_start();
}

COLD void net_start(const struct fdt_info *fdt)
{
    static const uint8_t nobody[6] = {2, 0, 0, 0, 0, 1};

    trie_start();
    for (unsigned i = 0; i < 6; i++)
        exposed.net.mac[i] = nobody[i];
    network.keep = KEEP;
    for (unsigned i = 0; i < fdt->nic_count && !network.nic; i++)
        network.nic = fdt->nic[i].kind == FDT_NIC_GEM ? gem_start(&fdt->nic[i]) : virtio_net_start(&fdt->nic[i]);
    network.mac = *(const uint64_t *)exposed.net.mac << 16 >> 16;
    if (!network.nic)
        return;
    const uint8_t *m = exposed.net.mac;
    log_print("network: %x:%x:%x:%x:%x:%x, line %u", m[0], m[1], m[2], m[3], m[4], m[5], (uint32_t)net_line);
    exposed.net.irq = (uint32_t)net_line;
    plic_enable((uint32_t)net_line, true);
}
