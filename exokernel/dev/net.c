/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine's network: memory at boot, whose a frame is, when the device is listened to (net.md: overload). */
#include "net.h"

#include "../core/slice.h"
#include "../riscv/boot.h"
#include "drivers.h"
#include "log.h"
#include "plic.h"

#define BUDGET 64      /* frames in one turn */
#define TURNS 4
#define CHARGED_PART 64 /* of a slice's time may go to interrupts in others' */

struct network network;
struct dpf network_trie;
volatile uint32_t dev_waiting, dev_reap_wanted;
int32_t net_line = -1;
static struct dpf_run run __attribute__((aligned(64)));

extern char dpf_dispatch[], dpf_missed[], dpf_done[], dpf_start_more[];

/* ---- frames ---- */

void net_frame(const char *frame, uint32_t length, unsigned flags)
{
    uint64_t result = dpf_run((const uint8_t *)frame, length, &run);
    unsigned long n = DPF_RESULT_NUMBER(result) - 1UL;

    if (!result) {
        exposed.net.unwanted++;
        return;
    }
    struct aegis_filter_record *r = &exposed.net.filter[n];
    const struct filter *f = &network.filter[n];
    struct endpoint *p = __atomic_load_n(&f->endpoint, __ATOMIC_ACQUIRE);
    r->frames++;
    if (p && f->check == r->check)
        endpoint_deliver(p, (unsigned)n, frame, length, flags);
    else
        exposed.net.dropped++;
}

void net_nonsense(void)
{
    exposed.net.nonsense++;
}

/* ---- listening ---- */

/* receive_lock is held. Until everything is taken and the device interrupts again; or dev_waiting is set. One hart alone listens
   only when it idles: while somebody runs nobody else could be served, and who runs has its frames when it waits. */
static __attribute__((noinline)) void drain(bool idle)
{
    unsigned left = BUDGET;

    idle |= kernel.online != 1;
    for (unsigned turn = 0; turn < TURNS && left; turn++) {
        left -= network.nic->receive(left);
        if (!idle)
            break;
        if (left && !network.nic->interrupts(true)) {
            dev_waiting = 0;
            return;
        }
        network.nic->interrupts(false); /* something came before they were on */
    }
    dev_waiting = 1;
    exposed.net.polls++;
}

static void complete(void)
{
    if (lock_try(&network.send_lock)) {
        network.nic->complete();
        lock_give(&network.send_lock);
    }
}

void dev_poll(bool idle)
{
    if (!lock_try(&network.receive_lock))
        return; /* another hart is at it */
    drain(idle);
    lock_give(&network.receive_lock);
    slice_poke();
}

/* Time that is somebody else's: a fixed part of each window. While nobody runs it is nobody's. */
static bool may_charge(uint64_t now)
{
    uint64_t window = kernel.hart[0].slice_ticks;

    if (now - network.window >= window) {
        network.window = now;
        network.charged = 0;
    }
    return !machine_self()->env || network.charged < window / CHARGED_PART;
}

void net_interrupt(void)
{
    uint64_t now = machine_time();
    lock_take(&network.receive_lock);
    network.nic->interrupts(false);
    if (may_charge(now))
        drain(!machine_self()->env);
    else
        dev_waiting = 1;
    lock_give(&network.receive_lock);
    complete();
    if (machine_self()->env)
        network.charged += machine_time() - now;
    plic_complete((uint32_t)net_line);
}

bool dev_reap(void)
{
    if ((!dev_reap_wanted && !network.unsettled) || !lock_try(&network.lock))
        return false;
    filters_settle();
    bool found = filters_reap();
    lock_give(&network.lock);
    return found;
}

/* ---- boot ---- */

COLD pfn_t net_pages(unsigned order)
{
    pfn_t page;
    bool clean;

    if (page_take(AEGIS_ANY, order, AEGIS_ANY, &page, &clean))
        boot_refuse("no memory for the network");
    for (unsigned i = 0; i < 1U << order; i++)
        pages[page + i] = (struct aegis_page){.state = AEGIS_PAGE_KERNEL};
    return page;
}

/* 1/128 of the memory, 256 KiB to 4 MiB; an eighth of it is for code. */
static COLD void trie_start(void)
{
    unsigned order = 6;
    const struct dpf_helpers helpers = {(uint64_t)dpf_dispatch, (uint64_t)dpf_missed, (uint64_t)dpf_done, (uint64_t)dpf_start_more};

    while (order < 10 && 2UL << order <= exposed.page_count / 128)
        order++;
    uint32_t count = 1U << order, code = count / 8, bitmap = 1 + count * (PAGE_SIZE / CELL_SIZE) / 8 / PAGE_SIZE;
    pfn_t page = net_pages(order);
    char *at = machine_direct(page);
    uint64_t run_at = tables_map_code(page, code);
    network.run = &run;
    dpf_init(&network_trie, &run, at + code * PAGE_SIZE, (count - code - bitmap) * (PAGE_SIZE / CELL_SIZE), at,
             code * (PAGE_SIZE / CELL_SIZE), (long)(run_at - (uint64_t)at), (uint64_t *)(at + (count - bitmap) * PAGE_SIZE), &helpers);
    exposed.net.memory = network_trie.data.count + network_trie.code.count;
    exposed.net.memory_free = exposed.net.memory;
    network.root_limit = AEGIS_FILTERS + AEGIS_ENDPOINTS;
}

COLD void net_start(const struct fdt_info *fdt)
{
    static const uint8_t nobody[6] = {2, 0, 0, 0, 0, 1};

    trie_start();
    for (unsigned i = 0; i < 6; i++)
        exposed.net.mac[i] = nobody[i];
    for (unsigned i = 0; i < fdt->nic_count && !network.nic; i++)
        network.nic = fdt->nic[i].kind == FDT_NIC_GEM ? gem_start(&fdt->nic[i]) : virtio_net_start(&fdt->nic[i]);
    if (!network.nic)
        return;
    const uint8_t *m = exposed.net.mac;
    log_print("network: %x:%x:%x:%x:%x:%x, line %u", m[0], m[1], m[2], m[3], m[4], m[5], (uint32_t)net_line);
    exposed.net.irq = (uint32_t)net_line;
    plic_enable((uint32_t)net_line, true);
}
