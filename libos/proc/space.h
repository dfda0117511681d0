/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A space: another environment while it is made, from pages lent by us, until it runs by itself.
 *
 * The ledger of every process is laid out alike, so that `share` (same slot there as here) gives a
 * child what it needs in a few calls:
 *
 *     0            oneself
 *     1 .. 63      inherited: roots, console, archive, entries that transfers name
 *     64 .. 127    one's own, never inherited: session, slice, environments of others, lent pages,
 *                  parked environments (park.h, again.h), the start block
 *     128 ..       pages, mapped or to be mapped: slot_find() gives these; fork shares all of them
 *
 * A page that was lent as a table needs no claim: it is released at once and goes back to the free
 * list when its environment ends. So whatever stands from SLOT_FIRST_PAGE on is memory of this
 * process, and of nobody's tables.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <aegis/env.h>
#include <aegis/types.h>

#define SLOT_INHERITED  1
#define SLOT_ENDPOINT   62 /* of these: the network's endpoint (net/inet.c) */
#define SLOT_OWN        64
#define SLOT_SESSION    64 /* the session's first chunk: SESSION->chunk_slot */
#define SLOT_SLICE      65 /* the position in which this process runs; or in the next one */
#define SLOT_SLICE_OTHER 66
#define SLOT_OTHERS     67 /* .. 81: environments of others, for ringing and ending (process_slot) */
#define SLOT_OTHERS_END 82
#define SLOT_MAKING     82 /* the environment that is being made */
#define SLOT_LENDING    83 /* .. 110: pages on their way into its tables */
#define SLOT_LENDING_END 111
#define SLOT_PARKED     111 /* the environment that is kept for the next child */
#define SLOT_PARKED_LEDGER 112 /* .. 119: its ledger's pages */
#define SLOT_PARKED_PAGES 8
#define SLOT_AGAIN      120 /* .. 122: environments kept for programs that ran in them (again.h) */
#define SLOT_AGAIN_COUNT 3
#define SLOT_START      126 /* the start block; or in the next one, for slots are the same here and there */
#define SLOT_START_OTHER 127
#define SLOT_FIRST_PAGE 128

#define SPACE_INHERITED (AEGIS_RWX | AEGIS_ALLOC | AEGIS_CALL | AEGIS_SEND | AEGIS_RING) /* rights of what is */

/* Where pages are filled before they are given away: 2 MiB of addresses that are in no region. */
#define SPACE_WINDOW       0x3d600000UL
#define SPACE_WINDOW_PAGES 64

struct space {
    unsigned slot;  /* of the claim on the environment, with CONTROL and RING */
    unsigned index; /* the environment's */
    unsigned slots; /* of its ledger */
    unsigned hart;  /* on which it will run */
    uint64_t identity;
    unsigned leaves; /* leaf tables that it was lent */
    bool kept;       /* for children to come, in SLOT_PARKED */
    unsigned again;  /* for programs to come, in SLOT_AGAIN + again - 1; 0: it is not */
    struct aegis_capability control; /* once it was asked for */
    bool apart;      /* it has nothing of our session */
};

/* Functions return 0, or a negative errno: -ENOMEM, -EAGAIN (no environment or slot of time left). */

/*
 * An environment with tables, a ledger of `slots` slots at least, and what lies in 1 .. 63 and in
 * SLOT_SESSION shared; it has no page and no activation yet. On failure nothing is left.
 */
int space_make(struct space *s, unsigned hart, unsigned slots, bool keep);
/* The same, to be kept for programs to come (again.h). */
int space_make_again(struct space *s, unsigned hart, unsigned slots, unsigned again);
/* The same, for the first process of a session apart (session/apart.h): ours is not shared. */
int space_make_apart(struct space *s, unsigned hart, unsigned slots);
/* Shares our claims [first, first + count) into the same slots; its ledger grows as needed. */
int space_share(struct space *s, unsigned first, unsigned count, unsigned rights);
/* Enters a translation there, of a claim that it has; lends what tables it lacks. */
int space_map(struct space *s, unsigned slot, uintptr_t va, unsigned rights);
/* Lends a leaf table (2 MiB of addresses), or a middle table for va's GiB. */
int space_leaf(struct space *s);
int space_middle(struct space *s, uintptr_t va);
/*
 * A new page in a free slot of ours (below: in the same slot there), as a copy of the block of slot
 * `source`, or zero (AEGIS_NONE); mapped there at va, and no longer ours.
 */
int space_page(struct space *s, unsigned slot, unsigned source, uintptr_t va, unsigned rights);
/* For the page fault: the kernel took the table that the window's translations stood in. 0, or an error. Weak: who makes no
 * processes has no window. */
__attribute__((weak)) int space_fault(uintptr_t va);
/* A cleared block of ours in a slot. */
int space_block(unsigned slot, unsigned order);
/* Maps a block of ours at SPACE_WINDOW, to be filled; null: no memory. And takes it away again. */
void *space_open(unsigned slot);
void space_close(unsigned slot);
/* Its activation: slots of time begin at `entry`, masked, with gp at it. */
int space_activate(struct space *s, uint64_t entry);
/* Gives it a position on its hart: from here on it runs. Ours no more, unless it is kept. */
int space_run(struct space *s);
/* Ends one that does not run yet, all steps. */
void space_drop(struct space *s);
/* Lets go of the pages that were lent before, and of the environment that was made last. */
void space_pages_give(void);
/* A capability for CONTROL and RING. */
int space_control(struct space *s, struct aegis_capability *capability);
/* The hart with the fewest positions. */
unsigned space_hart(void);

/* ---- libos/vm implements these ---- */

/*
 * The memory of the calling process for its child, whose ledger is as long as ours and shares
 * nothing yet from SLOT_FIRST_PAGE on: claims shared into the same slots, private writable pages
 * copy-on-write on both sides, pinned data and the pager's own pages copied (space_page). What the
 * child does not find mapped it maps in its own page faults. Our activation's page is not touched.
 * Called by a thread, unmasked, with no other thread of this process running. -ENOMEM.
 *
 * It copies what stands in memory when it is called: the caller has put its own registers into its
 * thread's context before.
 */
int space_fork(struct space *child);
/* In the child, on its pinned stack, before anything else: its pager's arrays are put right. */
void space_forked(void);
/* Fills what shared mappings promise, so that parent and child have it from one. -ENOMEM. */
int shared_populate(void);

/* ---- parked.c: the environment that was made with `kept` ---- */

#define PARKED_GO 3 /* in proc/park.c: what has a parked environment begin */

/* Whether this process could keep one; whether the one that it keeps is still like it in all that
 * parked_renew does not look at. */
bool parked_possible(void);
bool parked_fits(void);
/*
 * space_fork for the one that is kept, which does not run. `sp`: of the calling thread; what lies
 * below is not copied. `*go`, PINNED_OWN, becomes PARKED_GO there. -1: forget it.
 */
int parked_renew(uintptr_t sp, unsigned *go);
/* Gives all claims on it up. */
void parked_forget(void);
