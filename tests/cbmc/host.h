/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine under core/ for CBMC. A harness gives memory (machine_direct: few pages, each an object of its own, so that
 * pointers stay cheap) and who runs; nothing else happens on this machine but what the harness lets happen.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <aegis/aegis.h>

struct activation;
struct hart;
struct aegis_env_record;

#define MUST(condition, what) __CPROVER_assert(condition, what)
#define ASSUME(condition) __CPROVER_assume(condition)

uint64_t nondet_u64(void); /* without a body: any value */
uint32_t nondet_u32(void);
_Bool nondet_bool(void);

extern volatile uint32_t dev_waiting, dev_reap_wanted;
extern struct activation *self; /* who runs here */
extern unsigned hart;
void *machine_direct(uint32_t page);
void machine_clear(void *page);

static inline struct activation *machine_self(void) { return self; }
static inline unsigned machine_hart(void) { return hart; }
static inline void machine_flush_page(uint64_t va, uint64_t asid) { (void)va, (void)asid; }
static inline void machine_flush_env(uint64_t asid) { (void)asid; }
static inline void machine_flush_all(void) {}

/* One hart runs at a time here, so a lock that is taken is one that was never given back. */
static inline void machine_relax(void) { MUST(false, "a lock is taken twice"); }
static inline void machine_interrupt(unsigned other) { (void)other; }
static inline void machine_irq_enable(uint32_t line, bool on) { (void)line, (void)on; }
#define machine_panic(...) MUST(false, "the kernel panics")
