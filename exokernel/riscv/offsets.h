/* SPDX-License-Identifier: BSD-2-Clause */
/* Where entry.S finds what C declares: AT(name, offset, structure, field). One list, an .equ there and an assertion here (offsets.c). */
#pragma once

#ifdef __ASSEMBLER__
#define AT(name, offset, type, field) .equ name, offset;
#else
#define AT(name, offset, type, field) _Static_assert(offsetof(struct type, field) == (offset), #name);
#endif

AT(K_T1, 0, activation, t1)
AT(K_T2, 8, activation, t2)
AT(K_T3, 16, activation, t3)
AT(K_T4, 24, activation, t4)
AT(K_T5, 32, activation, t5)
AT(K_SP, 40, activation, sp)
AT(K_RA, 48, activation, ra)
AT(K_STACK, 56, activation, stack)
AT(K_CALLS, 64, activation, calls)
AT(K_UVA, 72, activation, uva)
AT(K_BADGE, 80, activation, badge)
AT(K_SATP, 88, activation, satp)
AT(K_GATE, 96, activation, gate)
AT(K_RUN, 104, activation, run)
AT(K_CALLER, 112, activation, caller)
AT(K_RESUME, 120, activation, resume)
AT(K_PHASE, 128, activation, phase)
AT(K_HART, 136, activation, hart)
AT(K_SSTATUS, 144, activation, sstatus)
AT(K_STLB, 152, activation, stlb)
AT(K_STLB_MASK, 160, activation, stlb_mask)
AT(K_LEDGER, 168, activation, ledger)
AT(K_PAGES, 176, activation, pages)
AT(K_LEAF_REGION, 184, activation, leaf_region)
AT(K_LEAF_TABLE, 192, activation, leaf_table)
AT(K_LEAF_SHADOW, 200, activation, leaf_shadow)
AT(K_ATTENTION, 208, activation, attention)
AT(K_ENTRY, 224, activation, entry)
AT(K_ENV, 1248, activation, env)
AT(K_LAST, 1256, activation, last)
AT(E_SERVING, 0, env, lock.serving)
AT(E_NEXT, 4, env, lock.next)
AT(E_ASID, 8, env, asid)
AT(E_LEAF_REGION, 16, env, leaf_region)
AT(E_LEAF_TABLE, 24, env, leaf_table)
AT(E_MASK, 32, env, mask)
AT(H_SLOT, 0, hart, slot)
AT(H_SLICE, 8, hart, slice_ticks)
AT(H_GRACE, 16, hart, grace_ticks)
AT(H_ACK, 24, hart, ack)
AT(H_EPOCH, 32, hart, epoch)
AT(H_WORK, 48, hart, work)
AT(H_BIT, 56, hart, bit)
AT(SLOT_NEXT, 0, slot, next)
AT(SLOT_RUNS, 8, slot, runs)
AT(CLAIM_WHAT, 0, aegis_claim, what)
AT(CLAIM_CHECK, 8, aegis_claim, check)
AT(CLAIM_WHERE, 16, aegis_claim, where)
#undef AT

#define PAGE_RECORD 24
#define CALLS 42
/* The environment's page lies below the boundary; its named fields (U_* in aegis/env.h) in the upper half. */
#define U(offset) (offset - 2048)
