/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests: a kernel on the fake machine, its calls, its traps. */
#pragma once

#include "../../exokernel/core/env.h"
#include "../../exokernel/core/slice.h"

#define HOST_LEFT 1 /* as an error: the call did not return (host.outcome says more) */

/* A fresh kernel; nothing of an earlier one stays. */
void host_boot(unsigned harts, uint32_t page_count);
/* The first environment with every root, as boot makes it: one activation and slot, on hart 0. */
struct env *host_first(unsigned ledger_pages, unsigned leaves);
/* Its activation on another hart, in pages that are nobody's. */
struct activation *host_activation(struct env *e, unsigned hart);
/* A cleared block; a claim put into a ledger without asking. */
pfn_t host_page(unsigned order);
void host_give(struct env *e, unsigned slot, unsigned type, unsigned rights, unsigned order, uint32_t resource);

/* A call by whoever runs on the hart. Error HOST_LEFT: it did not return. */
result_t host_call(unsigned hart, unsigned number, unsigned long a, unsigned long b, unsigned long c,
                   unsigned long d, unsigned long e);
/* An interrupt (5 timer, 1 software, 9 external) or page fault (12, 13, 15); the PC where it goes on, 0: elsewhere. */
uint64_t host_interrupt(unsigned hart, unsigned cause, uint64_t pc);
/* The hart's life begins, or goes on after idling. */
void host_start(unsigned hart);
bool host_running(unsigned hart);
/* Takes the software interrupt that waits on a hart, if one does; on all of them until none waits. */
void host_serve(unsigned hart);
void host_settle(void);

/* Transfers, as riscv/entry.S makes them. */
long host_pct(unsigned hart, long number);
long host_pct_slow(unsigned hart, long number);
result_t host_pct_return(unsigned hart);

/* The page behind va as the hardware finds it, 0: fault; access: PTE_R, _W, _X. Sets accessed and dirty. */
pfn_t host_translate(uint64_t satp, unsigned long va, unsigned access);
/* The same by whoever runs on the hart, refilled from the STLB where needed. */
pfn_t host_access(unsigned hart, unsigned long va, unsigned access);

#define CALL0(hart, name) host_call(hart, AEGIS_CALL_##name, 0, 0, 0, 0, 0)
#define CALL1(hart, name, a) host_call(hart, AEGIS_CALL_##name, a, 0, 0, 0, 0)
#define CALL2(hart, name, a, b) host_call(hart, AEGIS_CALL_##name, a, b, 0, 0, 0)
#define CALL3(hart, name, a, b, c) host_call(hart, AEGIS_CALL_##name, a, b, c, 0, 0)
#define CALL4(hart, name, a, b, c, d) host_call(hart, AEGIS_CALL_##name, a, b, c, d, 0)
#define CALL5(hart, name, a, b, c, d, e) host_call(hart, AEGIS_CALL_##name, a, b, c, d, e)
