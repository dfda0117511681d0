/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An activation: what an environment is on one hart. An aligned pair of pages; `sscratch` points at the boundary.
 *
 *     boundary - 4096  the environment's page, at AEGIS_PINNED + hart * 4096, RW: struct aegis_activation
 *     boundary         the kernel's page: struct activation (core/kernel.h), offsets K_* in riscv/offsets.h
 *
 * Upcalls (SOSP'95 5.1.2, 5.3). The register gp is the platform's: nothing but libOS assembly uses it. No trap keeps
 * it; every upcall, call, refill and interrupt leaves it pointing into the environment's page of the hart's activation.
 *
 *   upcall        when                                   registers at entry                 saved, where
 *   exception     a trap by the application              all as they were, but gp           exc_*
 *   nested        the same while `masked`; then death    all as they were, but gp           exc_*
 *   slice_end     the slot's time is over                all as they were, but gp           slice_pc
 *   revoke        a request was posted                   all as they were, but gp           slice_pc; masked is set
 *   slice_begin   a slot starts, a wait is over          zero, but gp                       -
 *   entry         a transfer came in (pct.h)             the caller's, but t0 = badge,      -
 *                                                        t1 = t2 = 0, gp
 *   caller_gone   the caller of the open transfer died   zero, but gp; a0 = its badge       -
 *   emergency     the reserve is about to fall           zero, but gp                       -
 *
 * The PC's address in the lower page is loaded when it is used; a bad one faults in user mode, as the owner's.
 * The first environment begins with `masked` set, until it has said where its upcalls go.
 * Returning from an exception needs no call (libos/upcall.S). Exceptions while `masked` is not 0 go to `nested`,
 * which sets it to AEGIS_MASKED_NESTED; one more ends the environment.
 */
#pragma once

#include <aegis/layout.h>

/*
 * Byte offsets from gp, which points at the middle of the environment's page (AEGIS_GP within it), so that all of it
 * is in reach of a load: U_USER to -1 is the libOS's, from 0 on struct aegis_activation's named fields.
 */
#define AEGIS_GP 0x800
#define U_EXC_CAUSE 0x000
#define U_EXC_PC 0x008
#define U_EXC_VALUE 0x010
#define U_SLICE_PC 0x018
#define U_RETURN_BEGIN 0x030
#define U_RETURN_END 0x038
#define U_MASKED 0x028
#define U_UP_EXCEPTION 0x040
#define U_UP_NESTED 0x048
#define U_UP_SLICE_END 0x050
#define U_UP_SLICE_BEGIN 0x058
#define U_UP_ENTRY 0x060
#define U_UP_ENTRY_ASYNC 0x068
#define U_UP_REVOKE 0x070
#define U_UP_CALLER_GONE 0x078
#define U_UP_EMERGENCY 0x080
#define U_HELD 0x088
#define U_WAKE 0x090
#define U_FORCED 0x098
#define U_FP_LIVE 0x0a0
#define U_PCT_SLICES 0x0a8
#define U_FP 0x100
#define U_FORCED_SAVE 0x210
#define U_USER (-0x800)

#define AEGIS_MASKED_NESTED 2
#define AEGIS_REPOSSESSED 32

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

#define AEGIS_HELD_SLICE_END 1
#define AEGIS_HELD_REVOKE 2

#define AEGIS_WAKE_TIMEOUT (-1L)
#define AEGIS_WAKE_REVOKED (-2L)
#define AEGIS_WAKE_INTERRUPTED (-4L) /* another upcall is due: look again */

/* What was taken by force; `save` below may name beforehand where a page's contents shall go. */
struct aegis_loss {
    uint64_t what; /* as in the claim */
    uint32_t slot;
    uint32_t saved; /* 1: the contents were copied to `save_slot` */
};

struct aegis_activation {
    uint8_t user[AEGIS_GP]; /* the libOS's own; the kernel never looks */
    uint64_t exc_cause; /* scause - 8: what the fast path has at hand; -5 is a breakpoint, 5 a load page fault */
    uint64_t exc_pc;    /* sepc */
    uint64_t exc_value; /* stval */
    uint64_t slice_pc;
    uint64_t spare0;
    uint64_t masked; /* the environment's: not 0 holds slice end, revocation and ring, to the end of grace */
    uint64_t return_begin; /* the sequence that returns from upcalls: interrupted in it, it starts anew from its */
    uint64_t return_end;   /* first instruction, with gp at the activation; so an interrupt need not keep gp */
    uint64_t up_exception;
    uint64_t up_nested;
    uint64_t up_slice_end;
    uint64_t up_slice_begin;
    uint64_t up_entry;       /* synchronous */
    uint64_t up_entry_async; /* asynchronous */
    uint64_t up_revoke;
    uint64_t up_caller_gone;
    uint64_t up_emergency;
    uint64_t held;       /* AEGIS_HELD_*: what came while masked; look when unmasking, clear, then yield */
    int64_t wake;        /* at slice begin after slice_wait: number of the comparison, or AEGIS_WAKE_* */
    uint64_t forced;     /* 1 at slice begin: the state was saved by force, in forced_save; masked is set */
    uint64_t fp_live;    /* the FP unit holds, or `fp` keeps, state of this activation */
    uint64_t pct_slices; /* deadline of a synchronous transfer begun here, in slots; 0: the default (16) */
    uint64_t spare1[10];
    uint64_t fp[33];          /* f0 .. f31, fcsr: saved when another activation takes the unit */
    uint64_t spare2;
    uint64_t forced_save[32]; /* pc, x1 .. x31; in gp's place what `masked` was */
    uint64_t revoke_type;     /* the request: a type, how many, and until when (time) */
    uint64_t revoke_count;
    uint64_t revoke_deadline;
    uint64_t save_slot;     /* AEGIS_NONE, or a claimed page into which a taken page is copied */
    uint64_t loss_count;    /* losses ever; the newest stands at (loss_count - 1) % AEGIS_REPOSSESSED */
    uint64_t loss_unfitted; /* losses overwritten before `loss_read` reached them */
    uint64_t loss_read;     /* the environment's: how many it has seen */
    uint64_t spare3;
    struct aegis_loss loss[AEGIS_REPOSSESSED];
    uint64_t seed[4]; /* the first environment's, once: 256 bits of the kernel's key stream, for the libOS's generator */
    uint8_t spare4[AEGIS_PAGE_SIZE - AEGIS_GP - 0x570];
};

#define AEGIS_AT(field, offset)                                                                    \
    _Static_assert(offsetof(struct aegis_activation, field) == AEGIS_GP + (offset), #field)
AEGIS_AT(exc_cause, U_EXC_CAUSE);
AEGIS_AT(exc_pc, U_EXC_PC);
AEGIS_AT(exc_value, U_EXC_VALUE);
AEGIS_AT(slice_pc, U_SLICE_PC);
AEGIS_AT(return_begin, U_RETURN_BEGIN);
AEGIS_AT(return_end, U_RETURN_END);
AEGIS_AT(masked, U_MASKED);
AEGIS_AT(up_exception, U_UP_EXCEPTION);
AEGIS_AT(up_nested, U_UP_NESTED);
AEGIS_AT(up_slice_end, U_UP_SLICE_END);
AEGIS_AT(up_slice_begin, U_UP_SLICE_BEGIN);
AEGIS_AT(up_entry, U_UP_ENTRY);
AEGIS_AT(up_entry_async, U_UP_ENTRY_ASYNC);
AEGIS_AT(up_revoke, U_UP_REVOKE);
AEGIS_AT(up_caller_gone, U_UP_CALLER_GONE);
AEGIS_AT(up_emergency, U_UP_EMERGENCY);
AEGIS_AT(held, U_HELD);
AEGIS_AT(wake, U_WAKE);
AEGIS_AT(forced, U_FORCED);
AEGIS_AT(fp_live, U_FP_LIVE);
AEGIS_AT(pct_slices, U_PCT_SLICES);
AEGIS_AT(fp, U_FP);
AEGIS_AT(forced_save, U_FORCED_SAVE);
AEGIS_AT(user, U_USER);
_Static_assert(sizeof(struct aegis_activation) == AEGIS_PAGE_SIZE, "activation");

#define AEGIS_ACTIVATION(hart)                                                                     \
    ((volatile struct aegis_activation *)(AEGIS_PINNED + (unsigned long)(hart) * AEGIS_PAGE_SIZE))
#endif
