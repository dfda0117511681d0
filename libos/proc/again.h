/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Environments that programs run in again. A program that ends by exit need not destroy its
 * environment: it makes it what it was before the first instruction (vm/reset.c), and whoever made
 * it has the same program run there again.
 *
 *     maker     exec, spawn       program runs       exit         exec of the same image     maker
 * gone
 *     --------------------------------------------------------------------------------------------------
 *     maker     claims it in SLOT_AGAIN, and after
 *     it        made ----------> runs -------------> parked ----> runs ...                   the
 * kernel ends it no position; nobody's process
 *
 * The maker is a process that spawns, or one that gives way by exec and is parked itself then
 * (park.h): so this one has the other, and it ends when that one does. What a life leaves is gone
 * before the next one is given anything.
 */
#pragma once

#include "image.h"
#include "space.h"

/* ---- the maker's side; while it is making ---- */

/* An environment in which the image ran, on that hart: as image_load and space_activate would have
 * left it. */
bool again_take(struct space *s, const struct image *image, unsigned hart);
/* A number for space_make_again: that one and no other is kept for the image. 0: none is to be
 * kept. */
unsigned again_open(void);
/* One that was made, or taken, is about to run an image. */
void again_note(const struct space *s, const struct image *image);
/* Whether the image is still the one. In the monitor. */
bool again_holds(const struct space *s, const struct image *image);
/* That one was ended. */
void again_drop(const struct space *s);
/* All are given up: what is parked ends, what runs goes on. True: there was one. */
bool again_give(void);

/* ---- the program's ---- */

/* In a child of fork, whose environment is new: what it has a copy of is its parent's. Pinned. */
void again_forked(void);
/* At its beginning. */
void again_born(const struct start_block *start);
/* At its end by exit, when it has closed everything; returns if nobody wants the environment, or it
 * may not be kept. */
void again_park(void);
