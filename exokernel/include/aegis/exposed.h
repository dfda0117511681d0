/* SPDX-License-Identifier: BSD-2-Clause */
/* What every environment reads without a call (SOSP'95 3.2: expose allocation, names and information). */
#pragma once

#include <stdint.h>

#include <aegis/layout.h>
#include <aegis/net.h>
#include <aegis/types.h>

#define AEGIS_MAGIC 0x562d7369676541ULL /* "Aegis-V" */
#define AEGIS_ABI 1

/* State of a page record. The record of a block's first page speaks for the block. */
enum aegis_page_state {
    AEGIS_PAGE_NONE,      /* no memory of ours: firmware, holes */
    AEGIS_PAGE_KERNEL,    /* the kernel's for ever */
    AEGIS_PAGE_FREE,      /* first page of a free block, cleared */
    AEGIS_PAGE_FREE_DIRTY,/* first page of a free block to clear */
    AEGIS_PAGE_TAIL,      /* a later page of some block */
    AEGIS_PAGE_USED,      /* first page of an allocated block */
};

#define AEGIS_PAGE_IS_LENT 1    /* to the kernel: no writable mapping */
#define AEGIS_PAGE_IS_PRIVATE 2 /* a kernel half: no mapping at all */
#define AEGIS_PAGE_IS_DEVICE 4  /* registers: the kernel neither copies, clears, reads nor borrows them */
#define AEGIS_PAGE_IS_CLEAN 8   /* was lent, came back all zero, and nobody has mapped it since */

struct aegis_page {
    uint64_t check;
    uint32_t claims; /* claims that name the block */
    uint16_t pins;   /* reasons beyond claims: lent, DMA, ring, handler window */
    uint8_t order;
    uint8_t state : 4;
    uint8_t flags : 4;
    uint32_t next;  /* free: the list; used: index of the environment that allocated it */
    uint32_t prev;
};
_Static_assert(sizeof(struct aegis_page) == 24, "page record");

enum aegis_env_state { AEGIS_ENV_FREE, AEGIS_ENV_NEW, AEGIS_ENV_LIVE, AEGIS_ENV_DYING, AEGIS_ENV_DEAD };

/* Why an environment ended. */
enum aegis_end {
    AEGIS_END_NONE,
    AEGIS_END_SELF,       /* destroyed itself */
    AEGIS_END_CONTROLLER, /* destroyed by a controller */
    AEGIS_END_FAULT,      /* faulted in its nested-fault handler */
    AEGIS_END_OVERRUN,    /* ignored the end of its slices */
    AEGIS_END_REVOKED,    /* nothing left that could be taken */
    AEGIS_END_ORPHAN,     /* it had no position, and nobody else a claim on it or on its entry */
};

struct aegis_env_record {
    uint64_t check; /* the environment's public identity and badge; never repeats */
    uint32_t state;
    uint32_t controller; /* index of the environment that created it */
    uint32_t end;        /* enum aegis_end */
    uint32_t end_cause;  /* scause, pc and stval of the fault that ended it */
    uint64_t end_pc;
    uint64_t end_value;
    uint32_t claims; /* claims on it: its index is free when it is dead and these are gone */
    uint32_t entries; /* claims on its entry */
    uint32_t pages;  /* ledger pages */
    uint32_t harts;  /* bit h: it has an activation on hart h */
    uint32_t sleeping[AEGIS_HARTS]; /* 1: waits in slice_wait on that hart */
    uint32_t positions; /* slice positions in which it runs, its own or lent */
    uint32_t spare;
    uint64_t handler_ticks; /* others' time that its handlers took, ever; the next of this index goes on from there */
    uint32_t spare2[4];
};

struct aegis_slice {
    uint64_t check;
    uint32_t owner; /* the holder of a claim on it who last said who runs (alloc, slice_lend, slice_recall); when that
                       one's claim goes while others hold theirs, whoever ran in it then. AEGIS_ANY: nobody's */
    uint32_t runs;  /* who runs in it: the owner, whom it is lent to */
};

struct aegis_hart {
    uint64_t hartid; /* the hardware's number */
    uint32_t online;
    uint32_t idle;
    uint64_t idle_ticks;
    uint32_t slices; /* positions with an owner */
    uint32_t spare;
};

struct aegis_range { uint64_t first, count; }; /* pages */

/*
 * A device that an application may drive itself: it does no DMA, and shares its page with nothing. The page is had by
 * page_alloc under its number (one claim at a time; it is not cleared), its interrupt line by alloc.
 */
enum aegis_device_kind { AEGIS_DEVICE_NONE, AEGIS_DEVICE_GOLDFISH_RTC, AEGIS_DEVICE_SIFIVE_PWM };
struct aegis_device { uint32_t page, kind, irq, spare; };
#define AEGIS_DEVICES 8

struct aegis_exposed {
    uint64_t magic;
    uint32_t abi;
    uint32_t harts;
    uint64_t time_hz;     /* of the `time` counter and of every deadline */
    uint64_t slice_ticks;
    uint64_t grace_ticks;
    uint64_t page_first;  /* physical page number of pages[0] */
    uint64_t page_count;
    uint64_t pages_va;    /* struct aegis_page[page_count] */
    struct aegis_range memory[8];
    struct aegis_range archive; /* boot data: pages that hold it; `archive_bytes` of them are its */
    uint64_t archive_bytes;
    uint64_t first_claims; /* slots that the first environment was given: [1, first_claims) */
    uint64_t free_pages;
    uint64_t clean_pages;
    uint32_t free_head[AEGIS_ORDER_MAX + 1]; /* lists of blocks through next/prev; 0: empty */
    uint32_t dirty_head[AEGIS_ORDER_MAX + 1];
    uint32_t dying; /* environments that reap works on */
    uint32_t asid_bits;
    uint64_t input_count; /* bytes that the console has ever received, +1 at its end */
    uint64_t input_taken; /* of these, bytes that were read: some remain where the two differ */
    uint64_t resize;      /* window: rows << 32 | columns, as last reported */
    uint64_t deaths;      /* environments that have ended: counted once their record says DEAD (or is free again), before
                             sleepers are looked at; so a wait for `deaths != seen` hears of each */
    struct aegis_device device[AEGIS_DEVICES]; /* up to the first of kind NONE */
    uint64_t irq_count[AEGIS_IRQS];
    struct aegis_hart hart[AEGIS_HARTS];
    struct aegis_slice slice[AEGIS_HARTS][AEGIS_SLICES];
    struct aegis_env_record env[AEGIS_ENVS];
    struct aegis_net net;
};

#define AEGIS_EXPOSED_STATE ((const volatile struct aegis_exposed *)AEGIS_EXPOSED)
#define AEGIS_EXPOSED_PAGES (AEGIS_EXPOSED + 0x200000) /* the page records start here */

/* Exposed offsets that predicates name. */
#define AEGIS_EXPOSED_OFFSET(field) __builtin_offsetof(struct aegis_exposed, field)

/* Slots that the first environment finds in its ledger. */
enum aegis_first_slot {
    AEGIS_SLOT_SELF = 0, /* in every environment */
    AEGIS_SLOT_PAGES = 1, /* the roots */
    AEGIS_SLOT_SLICES,
    AEGIS_SLOT_ENVS,
    AEGIS_SLOT_IRQS,
    AEGIS_SLOT_CONSOLE,
    AEGIS_SLOT_MACHINE,
    AEGIS_SLOT_NETWORK, /* root of filters */
    AEGIS_SLOT_SLICE0, /* the slot in which it runs */
    AEGIS_SLOT_BOOT,   /* from here on: archive blocks (R), then its own image, stack and tables */
};
