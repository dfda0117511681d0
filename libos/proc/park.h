/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parked environments. A child of fork that ends, or that gives way to another by exec, need not
 * destroy its environment: it parks it, and its parent's next child begins in it. Tables, window and
 * claims stay as they are, so only what differs is copied or mapped (vm/parked.c).
 *
 *     process    fork      runs      exit, exec         parent's next fork        parent gone
 *     ------------------------------------------------------------------------------------
 *     parent     claims it in SLOT_PARKED; reads its ledger; has its own pages in a mirror
 *     it         made ---> runs ---> parked -----------> runs ...                 the kernel ends it
 *                                    no position; nobody's process
 *
 * Its identity changes when it parks (session_identity_of counts its lives), so for everybody else it is
 * gone at that moment: what it held is taken from it as from the dead. Nothing is left behind if its
 * parent ends: an environment without a position that nobody else claims is ended by the kernel.
 */
#pragma once

#include "space.h"

#define PARK_LIVES      0xfff0 /* of an environment, at most: its count is 16 bits */
#define PARK_FREE_PAGES 1024   /* with fewer, none is parked */

/* ---- the parent's side; while it is making ---- */

/* The parked environment, if it is there and fits: as space_make would have made it. */
bool park_take(struct space *s);
/* Whether an environment that is made now may be kept: then the one before is given up. */
bool park_open(void);
/* That one was made, and is about to run for the first time. */
void park_note(const struct space *s);
/* Space_fork for one that was taken. -ENOMEM: it is to be dropped. */
int park_fork(struct space *s);

/* ---- the child's ---- */

/* On its pinned stack, in its first slot: does not return if it was not meant to begin. true: it
 * has run before. */
bool park_begin(void);
/* In a child of fork: its parent, as it is called. */
void park_forked(uint64_t parent);
/* Set by whoever claims what is not memory and must not outlive the process: its environment, and its children's, are kept for
 * nobody. */
extern bool park_never;
/* Whether it may: nobody else runs here, and somebody waits for it. */
bool park_may(void);
/* Masked, the last thing: no more this process, without a slot of time. */
void park_masked(struct aegis_activation *activation) __attribute__((noreturn));
/* Parks if it may. */
void park(void);
