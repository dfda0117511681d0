/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include "../../exokernel/core/limbo.h"
#include "../../exokernel/core/map.h"
#include "../../exokernel/core/pct.h"

struct host host;
volatile uint32_t dev_waiting, dev_reap_wanted, dev_unsettled;
struct kernel kernel;
struct aegis_exposed exposed;

static char *null_pages;
static struct aegis_page *records;

/* ---- what core/ calls ---- */

static void __attribute__((noreturn)) escape(enum host_outcome outcome)
{
    host.outcome = outcome;
    if (!host.escape) {
        fprintf(stderr, "the kernel left where nobody waits for it (%d)\n", outcome);
        abort();
    }
    longjmp(*host.escape, 1);
}

void machine_relax(void)
{
    fprintf(stderr, "a lock is taken twice\n");
    abort();
}

void machine_fp_save(void *area)
{
    memcpy(area, host.fp, sizeof host.fp);
}

void machine_fp_load(const void *area)
{
    memcpy(host.fp, area, sizeof host.fp);
}

void machine_fp_clear(void)
{
    memset(host.fp, 0, sizeof host.fp);
}

void machine_death(uint32_t index, const struct aegis_env_record *record)
{
    (void)index, (void)record;
    host.deaths++;
}

void machine_interrupt(unsigned hart)
{
    host.interrupts += hart != host.hart;
    host.pending[hart] |= MACHINE_SOFTWARE;
}

/* An idle hart that finds work for ever (a death that waits for another hart) comes back to the test. */
unsigned long machine_pending(void)
{
    if (++host.idle_turns > 5000)
        escape(HOST_IDLE);
    unsigned pending = host.pending[host.hart];
    host.pending[host.hart] &= ~(unsigned)MACHINE_TIMER;
    return pending;
}

unsigned long machine_idle(void)
{
    if (!host.pending[host.hart])
        escape(HOST_IDLE);
    return machine_pending();
}

bool dev_interrupt(void)
{
    host.pending[host.hart] &= ~(unsigned)MACHINE_EXTERNAL;
    return true;
}

void dev_put_off(struct hart *h)
{
    (void)h;
}

void machine_clear(void *page)
{
    machine_direct(machine_page_of(page));
    memset(page, 0, AEGIS_PAGE_SIZE);
}

void machine_copy(void *to, const void *from)
{
    memcpy(to, from, AEGIS_PAGE_SIZE);
}

void machine_root_set(uint64_t *root, bool on)
{
    (void)on;
    root[AEGIS_EXPOSED >> 30] = 0;
}

void machine_activation_fill(struct activation *a, struct hart *h)
{
    (void)h;
    a->pages = (uint64_t)pages;
    a->sstatus = machine_sstatus(false);
}

bool machine_irq_valid(uint32_t line)
{
    return line >= 1 && line < 32;
}

void machine_irq_enable(uint32_t line, bool on)
{
    host.irq_on[line] = on;
}

void machine_run(struct activation *a, uint64_t pc, uint64_t a0, uint64_t t0)
{
    host.self[host.hart] = host.ran = a;
    host.ran_pc = pc;
    host.ran_a0 = a0;
    host.ran_t0 = t0;
    escape(HOST_RAN);
}

void machine_enter_null(struct hart *hart)
{
    host.self[host.hart] = hart->null;
}

void machine_panic(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(host.panic, sizeof host.panic, format, list);
    va_end(list);
    if (!host.panic_expected) {
        fprintf(stderr, "panic: %s\n", host.panic);
        abort();
    }
    escape(HOST_PANIC);
}

void machine_refused(const char *function, int line, const char *error)
{
    (void)function, (void)line, (void)error;
}

/* ---- the calls ---- */

#define P0() void
#define P1(a) unsigned long a
#define P2(a, b) P1(a), unsigned long b
#define P3(a, b, c) P2(a, b), unsigned long c
#define P4(a, b, c, d) P3(a, b, c), unsigned long d
#define P5(a, b, c, d, e) P4(a, b, c, d), unsigned long e
#define CALL(number, name, count, arguments, errors, sentence) result_t call_##name(P##count arguments);
#include <aegis/calls.def>
#undef CALL

/* These are the devices'; core/ has none of them. */
#define NO_DEVICE ((result_t){AEGIS_E_NO_CALL, 0})

result_t call_console_write(unsigned long slot, unsigned long channel, unsigned long va, unsigned long size)
{
    (void)slot, (void)channel, (void)va, (void)size;
    return NO_DEVICE;
}

result_t call_console_read(unsigned long slot, unsigned long va, unsigned long size)
{
    (void)slot, (void)va, (void)size;
    return NO_DEVICE;
}

/* dev/'s: the host has no network. */
result_t call_filter_install(unsigned long parent, unsigned long program, unsigned long slot)
{
    (void)parent, (void)program, (void)slot;
    return NO_DEVICE;
}

result_t call_filter_lend(unsigned long root, unsigned long slot)
{
    (void)root, (void)slot;
    return NO_DEVICE;
}

result_t call_endpoint_create(unsigned long parent, unsigned long ring, unsigned long buffers, unsigned long slot)
{
    (void)parent, (void)ring, (void)buffers, (void)slot;
    return NO_DEVICE;
}

result_t call_filter_bind(unsigned long filter, unsigned long endpoint, unsigned long tag)
{
    (void)filter, (void)endpoint, (void)tag;
    return NO_DEVICE;
}

result_t call_net_send(unsigned long endpoint)
{
    (void)endpoint;
    return NO_DEVICE;
}

result_t call_handler_install(unsigned long filter, unsigned long window, unsigned long image, unsigned long fuel, unsigned long memory)
{
    (void)filter, (void)window, (void)image, (void)fuel, (void)memory;
    return NO_DEVICE;
}

result_t call_handler_remove(unsigned long filter)
{
    (void)filter;
    return NO_DEVICE;
}

result_t call_irq_done(unsigned long slot)
{
    (void)slot;
    return NO_DEVICE;
}

result_t call_machine_end(unsigned long slot, unsigned long status)
{
    (void)slot, (void)status;
    return NO_DEVICE;
}

static result_t dispatch(unsigned number, const unsigned long x[5])
{
#define X0() ()
#define X1(a) (x[0])
#define X2(a, b) (x[0], x[1])
#define X3(a, b, c) (x[0], x[1], x[2])
#define X4(a, b, c, d) (x[0], x[1], x[2], x[3])
#define X5(a, b, c, d, e) (x[0], x[1], x[2], x[3], x[4])
    switch (number) {
#define CALL(number, name, count, arguments, errors, sentence)                                     \
    case number:                                                                                   \
        return call_##name X##count arguments;
#include <aegis/calls.def>
#undef CALL
    }
    return (result_t){AEGIS_E_NO_CALL, 0};
}

/* ---- traps ---- */

enum trap { TRAP_CALL, TRAP_PCT, TRAP_INTERRUPT, TRAP_START };

struct trap_frame {
    enum trap kind;
    unsigned number;
    unsigned long x[5];
    long error;
    struct frame frame;
    result_t result;
};

static void trap_enter(struct trap_frame *t)
{
    switch (t->kind) {
    case TRAP_CALL:
        t->result = dispatch(t->number, t->x);
        break;
    case TRAP_PCT:
        t->error = pct_slow(machine_self(), (long)t->x[0]);
        break;
    case TRAP_INTERRUPT:
        slice_interrupt(&t->frame);
        break;
    case TRAP_START:
        kernel.hart[host.hart].parked = 0; /* machine_idle returned */
        slice_leave();
    }
}

static void trap(unsigned hart, struct trap_frame *t)
{
    jmp_buf here;

    host.hart = hart;
    host.outcome = HOST_RETURNED;
    host.idle_turns = 0;
    host.escape = &here;
    if (!setjmp(here))
        trap_enter(t);
    host.escape = NULL;
}

result_t host_call(unsigned hart, unsigned number, unsigned long a, unsigned long b, unsigned long c,
                   unsigned long d, unsigned long e)
{
    static struct trap_frame t;

    t = (struct trap_frame){.kind = TRAP_CALL, .number = number, .x = {a, b, c, d, e}};
    trap(hart, &t);
    return host.outcome == HOST_RETURNED ? t.result : (result_t){HOST_LEFT, 0};
}

long host_pct_slow(unsigned hart, long number)
{
    static struct trap_frame t;

    t = (struct trap_frame){.kind = TRAP_PCT, .x = {(unsigned long)number}};
    trap(hart, &t);
    return t.error;
}

uint64_t host_interrupt(unsigned hart, unsigned cause, uint64_t pc)
{
    static struct trap_frame t;

    t = (struct trap_frame){.kind = TRAP_INTERRUPT};
    t.frame.pc = pc;
    t.frame.x[0] = cause >= 12 ? cause : 1UL << 63 | cause;
    for (unsigned i = 1; i < 32; i++)
        t.frame.x[i] = 0x1000 + i;
    trap(hart, &t);
    return host.outcome == HOST_RETURNED ? t.frame.pc : 0;
}

void host_start(unsigned hart)
{
    static struct trap_frame t;

    t = (struct trap_frame){.kind = TRAP_START};
    trap(hart, &t);
}

bool host_running(unsigned hart)
{
    return host.self[hart] != kernel.hart[hart].null;
}

void host_serve(unsigned hart)
{
    if (!(host.pending[hart] & MACHINE_SOFTWARE))
        return;
    if (host_running(hart))
        host_interrupt(hart, 1, 0x5000);
    else
        host_start(hart);
}

void host_settle(void)
{
    for (unsigned n = 0; n < 64; n++) {
        bool any = false;
        for (unsigned h = 0; h < host.harts; h++) {
            any |= host.pending[h] & MACHINE_SOFTWARE;
            host_serve(h);
        }
        if (!any)
            return;
    }
}

/* ---- the fast paths of riscv/entry.S ---- */

/* Transfers as the assembly makes them: 0, or the error for t0. */
long host_pct(unsigned hart, long number)
{
    for (;;) {
        struct activation *a = host.self[hart];
        bool sync = number >= -AEGIS_ENTRY_SLOTS;
        if (number >= -2 * AEGIS_ENTRY_SLOTS) {
            struct activation *b = (struct activation *)a->entry[2 * AEGIS_ENTRY_SLOTS + number];
            if (b->gate && (!sync || !a->resume)) {
                b->gate = 0;
                if (sync) {
                    a->run = 0;
                    a->resume = 0x7000;
                    b->caller = (uint64_t)a;
                }
                host.self[hart] = b;
                return 0;
            }
        }
        long error = host_pct_slow(hart, number);
        if (error)
            return error;
    }
}

result_t host_pct_return(unsigned hart)
{
    struct activation *b = host.self[hart], *a = (struct activation *)b->caller;

    if (!a)
        return host_call(hart, AEGIS_CALL_pct_return, 0, 0, 0, 0, 0);
    b->caller = 0;
    b->gate = b->satp;
    if (!a->attention)
        a->run = a->satp;
    host.self[hart] = a;
    host.ran_pc = (a->resume & ~1UL) + 4;
    a->resume = 0;
    return (result_t){0, 0};
}

/* ---- the hardware's walk ---- */

static uint64_t *hardware_entry(uint64_t satp, unsigned long va, unsigned *level)
{
    uint64_t *table = machine_direct((uint32_t)satp);

    if (va >> 38)
        return NULL;
    for (*level = 2;; --*level) {
        uint64_t *entry = &table[va >> (12 + 9 * *level) & 511];
        if (!(*entry & PTE_V))
            return NULL;
        if (*entry & PTE_RWX || *level == 0)
            return entry;
        table = machine_direct(PTE_PAGE(*entry));
    }
}

pfn_t host_translate(uint64_t satp, unsigned long va, unsigned access)
{
    unsigned level;
    uint64_t *entry = hardware_entry(satp, va, &level);

    if (!entry || !(*entry & PTE_U) || (*entry & access) != access)
        return 0;
    *entry |= PTE_A | (access & PTE_W ? PTE_D : 0);
    return PTE_PAGE(*entry) + (pfn_t)(va >> 12 & ((1UL << 9 * level) - 1));
}

pfn_t host_access(unsigned hart, unsigned long va, unsigned access)
{
    unsigned cause = access & PTE_W ? 15 : access & PTE_X ? 12 : 13;
    uint64_t satp = host.self[hart]->satp;
    pfn_t page = host_translate(satp, va, access);

    if (page)
        return page;
    host.hart = hart;
    return map_refill(host.self[hart]->env, va, cause) ? host_translate(satp, va, access) : 0;
}

/* ---- boot ---- */

static void hart_boot(unsigned index)
{
    struct hart *h = &kernel.hart[index];
    struct activation *a = (struct activation *)(null_pages + (2 * index + 1) * AEGIS_PAGE_SIZE);

    memset((char *)a - AEGIS_PAGE_SIZE, 0, 2 * AEGIS_PAGE_SIZE);
    h->null = a;
    h->index = index;
    h->bit = 1U << index;
    h->slice_ticks = 1000;
    h->grace_ticks = 10;
    h->epoch = (uint64_t)&kernel.epoch;
    a->hart = h;
    a->index = AEGIS_ANY;
    a->deadline = ~0UL;
    a->satp = 0;
    host.self[index] = a;
    slice_boot(h);
    exposed.hart[index].hartid = index;
    exposed.hart[index].online = 1;
    kernel.online |= 1U << index;
}

static void memory_boot(uint32_t count)
{
    if (count != host.page_count) {
        if (host.memory)
            munmap(host.memory, (size_t)host.page_count * AEGIS_PAGE_SIZE);
        free(records);
        host.memory = mmap(NULL, (size_t)count * AEGIS_PAGE_SIZE, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (host.memory == MAP_FAILED)
            abort();
        records = calloc(count, sizeof *records);
        host.page_count = count;
    }
    page_boot(HOST_PAGE_FIRST, count, records);
    page_boot_free(HOST_PAGE_FIRST, count);
}

void host_boot(unsigned harts, uint32_t page_count)
{
    struct host kept = {.memory = host.memory, .page_count = host.page_count};

    host = kept;
    host.harts = harts;
    host.time = 1000;
    memset(&kernel, 0, sizeof kernel);
    memset(&exposed, 0, sizeof exposed);
    if (!null_pages)
        null_pages = aligned_alloc(2 * AEGIS_PAGE_SIZE, 2 * AEGIS_HARTS * AEGIS_PAGE_SIZE);
    memory_boot(page_count);
    kernel.key[0] = 0x0706050403020100;
    kernel.key[1] = 0x0f0e0d0c0b0a0908;
    kernel.check = 42;
    exposed.magic = AEGIS_MAGIC;
    exposed.slice_ticks = 1000;
    exposed.grace_ticks = 10;
    exposed.harts = harts;
    for (unsigned t = 0; t < AEGIS_TYPES; t++) {
        kernel.root_check[t] = check_new();
        kernel.single_check[t] = check_new();
    }
    exposed.dying = AEGIS_ENVS;
    for (unsigned h = 0; h < harts; h++)
        hart_boot(h);
}

pfn_t host_page(unsigned order)
{
    pfn_t page;
    bool clean;

    if (page_take(AEGIS_ANY, order, 0, &page, &clean))
        abort();
    for (unsigned i = 0; i < 1U << order; i++)
        machine_clear(machine_direct(page + i));
    return page;
}

void host_give(struct env *e, unsigned slot, unsigned type, unsigned rights, unsigned order, uint32_t resource)
{
    uint64_t what = AEGIS_WHAT(type, rights, order, resource), check;

    if (!resource_check(what, &check))
        abort();
    claim_fill(e, ledger_at(e, slot), what, check);
}

struct env *host_first(unsigned ledger_pages, unsigned leaves)
{
    static const unsigned roots[][2] = {{AEGIS_SLOT_PAGES, AEGIS_PAGE}, {AEGIS_SLOT_SLICES, AEGIS_SLICE},
                                        {AEGIS_SLOT_ENVS, AEGIS_ENV}, {AEGIS_SLOT_IRQS, AEGIS_IRQ}};
    pfn_t page[AEGIS_ENV_LENT];
    uint32_t resource;
    uint64_t check;

    host.hart = 0;
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++)
        page[i] = host_page(0);
    struct env *e = env_boot_first(page);
    for (unsigned i = 1; i < ledger_pages; i++)
        env_boot_table(e, AEGIS_TABLE_LEDGER, host_page(0), 0);
    for (unsigned i = 0; i < leaves; i++)
        env_boot_table(e, AEGIS_TABLE_LEAF, host_page(1), 1);
    for (unsigned i = 0; i < sizeof roots / sizeof roots[0]; i++)
        host_give(e, roots[i][0], roots[i][1] | AEGIS_ROOT, AEGIS_ALLOC | AEGIS_REVOKE | AEGIS_REKEY,
                  AEGIS_ROOT_ORDER, 0);
    host_give(e, AEGIS_SLOT_CONSOLE, AEGIS_CONSOLE, AEGIS_R | AEGIS_W | AEGIS_REKEY, 0, 0);
    host_give(e, AEGIS_SLOT_MACHINE, AEGIS_MACHINE, AEGIS_W | AEGIS_REKEY, 0, 0);
    struct activation *a = env_activate(e, host_page(1), &kernel.hart[0]);
    activation_user(a)->up_slice_begin = 0x1000;
    if (slice_take(e, 0, &resource, &check))
        abort();
    host_give(e, AEGIS_SLOT_SLICE0, AEGIS_SLICE, AEGIS_LEND | AEGIS_REKEY, 0, resource);
    return e;
}

struct activation *host_activation(struct env *e, unsigned hart)
{
    struct activation *a = env_activate(e, host_page(1), &kernel.hart[hart]);
    activation_user(a)->up_slice_begin = 0x1000;
    return a;
}
