/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine under core/ on the host: memory is an array, a hart is a number, time is a counter, an interrupt is a
 * bit. core/ is compiled unchanged. What does not return to its caller (machine_run, going idle) ends in the test
 * that made the call, with `host.outcome` saying how.
 */
#pragma once

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <aegis/aegis.h>

struct activation;
struct hart;
struct aegis_env_record;

#define HOST_PAGE_FIRST 0x80000u /* where memory begins: page number */
#define HOST_PAGES 4096u         /* by default: 16 MiB */

enum host_outcome { HOST_RETURNED, HOST_RAN, HOST_IDLE, HOST_PANIC };

struct host {
    unsigned hart; /* whose turn it is */
    unsigned harts;
    struct activation *self[AEGIS_HARTS]; /* what runs there: its sscratch */
    uint64_t time;
    uint64_t timer[AEGIS_HARTS];
    unsigned pending[AEGIS_HARTS]; /* MACHINE_* */
    unsigned interrupts;           /* sent to other harts, ever */
    unsigned flushes;
    uint64_t fault_address;
    bool irq_on[AEGIS_IRQS];
    unsigned deaths;
    bool fp_on;
    uint64_t fp[33];
    enum host_outcome outcome;
    struct activation *ran; /* HOST_RAN: what was entered, and with what */
    uint64_t ran_pc, ran_a0, ran_t0;
    char panic[200];
    bool panic_expected; /* else it aborts */
    jmp_buf *escape;
    unsigned idle_turns;
    char *memory;
    uint32_t page_count;
    char *spare; /* writes to pages that nobody may touch are caught here */
};
extern struct host host;

static inline void *machine_direct(uint32_t page)
{
    if (page - HOST_PAGE_FIRST >= host.page_count) {
        fprintf(stderr, "machine_direct: no page %#x\n", page);
        abort();
    }
    return host.memory + (size_t)(page - HOST_PAGE_FIRST) * AEGIS_PAGE_SIZE;
}

static inline uint32_t machine_page_of(const void *pointer)
{
    return HOST_PAGE_FIRST + (uint32_t)(((const char *)pointer - host.memory) / AEGIS_PAGE_SIZE);
}

static inline struct activation *machine_self(void)
{
    return host.self[host.hart];
}

static inline unsigned machine_hart(void)
{
    return host.hart;
}

static inline uint64_t machine_time(void)
{
    return host.time;
}

static inline void machine_timer(uint64_t when)
{
    host.timer[host.hart] = when;
}

static inline uint64_t machine_satp(uint32_t root_page, uint32_t asid)
{
    return 8UL << 60 | (uint64_t)asid << 44 | root_page;
}

static inline uint64_t machine_asid(uint32_t index)
{
    return index;
}

static inline void machine_flush_page(uint64_t va, uint64_t asid)
{
    (void)va, (void)asid;
    host.flushes++;
}

static inline void machine_flush_env(uint64_t asid)
{
    (void)asid;
    host.flushes++;
}

static inline void machine_flush_all(void)
{
    host.flushes++;
}

void machine_relax(void);

static inline void machine_fp_on(void)
{
    host.fp_on = true;
}

static inline void machine_fp_off(void)
{
    host.fp_on = false;
}

static inline uint64_t machine_sstatus(bool fp)
{
    return fp ? 0x2020 : 0x20;
}

void machine_fp_save(void *area);
void machine_fp_load(const void *area);
void machine_fp_clear(void);

static inline void machine_trap_read(uint32_t *cause, uint64_t *pc, uint64_t *value)
{
    *cause = 15;
    *pc = 0x1234;
    *value = host.fault_address;
}

void machine_death(uint32_t index, const struct aegis_env_record *record);
void machine_interrupt(unsigned hart);

#define MACHINE_SOFTWARE 2
#define MACHINE_TIMER 0x20
#define MACHINE_EXTERNAL 0x200

unsigned long machine_pending(void);

static inline void machine_interrupt_clear(void)
{
    host.pending[host.hart] &= ~MACHINE_SOFTWARE;
}

bool dev_interrupt(void);
void dev_put_off(struct hart *h);
extern volatile uint32_t dev_waiting, dev_reap_wanted, dev_unsettled; /* the host has no network */

static inline void dev_poll(bool idle)
{
    (void)idle;
}

static inline bool dev_reap(void)
{
    return false;
}
unsigned long machine_idle(void);
void machine_clear(void *page);
void machine_copy(void *to, const void *from);
void machine_root_set(uint64_t *root, bool on);
void machine_activation_fill(struct activation *activation, struct hart *hart);
bool machine_irq_valid(uint32_t line);
void machine_irq_enable(uint32_t line, bool on);
void machine_run(struct activation *activation, uint64_t pc, uint64_t a0, uint64_t t0) __attribute__((noreturn));
void machine_enter_null(struct hart *hart);
void machine_panic(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void machine_refused(const char *function, int line, const char *error);
