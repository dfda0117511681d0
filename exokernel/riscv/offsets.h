/* SPDX-License-Identifier: BSD-2-Clause */
/* Where entry.S finds what C declares: struct activation, hart, slot and claim. Held by assertions in offsets.c. */
#pragma once

#define K_T1 0
#define K_T2 8
#define K_T3 16
#define K_T4 24
#define K_T5 32
#define K_SP 40
#define K_RA 48
#define K_STACK 56
#define K_CALLS 64
#define K_UVA 72
#define K_BADGE 80
#define K_SATP 88
#define K_GATE 96
#define K_RUN 104
#define K_CALLER 112
#define K_RESUME 120
#define K_PHASE 128
#define K_HART 136
#define K_SSTATUS 144
#define K_STLB 152
#define K_STLB_MASK 160
#define K_LEDGER 168
#define K_PAGES 176
#define K_LEAF_REGION 184
#define K_LEAF_TABLE 192
#define K_LEAF_SHADOW 200
#define K_ATTENTION 208
#define K_ENTRY 224
#define K_ENV (K_ENTRY + 128 * 8)

#define E_SERVING 0
#define E_NEXT 4
#define E_ASID 8
#define E_LEAF_REGION 16
#define E_LEAF_TABLE 24
#define E_MASK 32

#define PAGE_RECORD 24

#define H_SLOT 0
#define H_SLICE 8
#define H_GRACE 16
#define H_ACK 24
#define H_EPOCH 32
#define H_WORK 48
#define H_BIT 56

#define SLOT_NEXT 0
#define SLOT_RUNS 8

#define CLAIM_WHAT 0
#define CLAIM_CHECK 8
#define CLAIM_WHERE 16

/* The environment's page lies below the boundary; its named fields (U_* in aegis/env.h) in the upper half. */
#define U(offset) (offset - 2048)
