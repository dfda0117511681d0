/* SPDX-License-Identifier: BSD-2-Clause */
#include "offsets.h"

#include "../core/kernel.h"

#define AT(type, field, offset) _Static_assert(offsetof(struct type, field) == (offset), #field)

AT(activation, t1, K_T1);
AT(activation, t5, K_T5);
AT(activation, sp, K_SP);
AT(activation, ra, K_RA);
AT(activation, stack, K_STACK);
AT(activation, calls, K_CALLS);
AT(activation, uva, K_UVA);
AT(activation, badge, K_BADGE);
AT(activation, satp, K_SATP);
AT(activation, gate, K_GATE);
AT(activation, run, K_RUN);
AT(activation, caller, K_CALLER);
AT(activation, resume, K_RESUME);
AT(activation, phase, K_PHASE);
AT(activation, hart, K_HART);
AT(activation, sstatus, K_SSTATUS);
AT(activation, stlb, K_STLB);
AT(activation, stlb_mask, K_STLB_MASK);
AT(activation, ledger, K_LEDGER);
AT(activation, pages, K_PAGES);
AT(activation, leaf_region, K_LEAF_REGION);
AT(activation, leaf_table, K_LEAF_TABLE);
AT(activation, env, K_ENV);
AT(env, lock.serving, E_SERVING);
AT(env, lock.next, E_NEXT);
AT(env, asid, E_ASID);
AT(env, leaf_region, E_LEAF_REGION);
AT(env, leaf_table, E_LEAF_TABLE);
AT(env, mask, E_MASK);
AT(activation, leaf_shadow, K_LEAF_SHADOW);
AT(activation, attention, K_ATTENTION);
AT(activation, entry, K_ENTRY);
AT(hart, slot, H_SLOT);
AT(hart, slice_ticks, H_SLICE);
AT(hart, grace_ticks, H_GRACE);
AT(hart, ack, H_ACK);
AT(hart, epoch, H_EPOCH);
AT(hart, work, H_WORK);
AT(hart, bit, H_BIT);
AT(slot, next, SLOT_NEXT);
AT(slot, runs, SLOT_RUNS);
_Static_assert(offsetof(struct aegis_claim, where) == CLAIM_WHERE, "where");
_Static_assert(sizeof(struct aegis_claim) == 32, "claim");
_Static_assert(sizeof(struct aegis_page) == PAGE_RECORD, "page");
_Static_assert(AEGIS_ENTRY_SLOTS == 64, "entry.S has the bounds as immediates");
_Static_assert(AEGIS_CALL_slice_yield == 1 && AEGIS_CALL_pct_return == 2 && AEGIS_CALL_map_protect == 13, "entry.S has the numbers");
