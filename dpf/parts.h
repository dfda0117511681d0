/* SPDX-License-Identifier: BSD-2-Clause */
/* What trie.c, publish.c and table.c share: memory, fragments, slots. */
#pragma once

#include "generate.h"

/* Cleared; null: none left. */
void *dpf_take(struct dpf *d, size_t bytes);
/* A slot's number; 0: none left. */
unsigned dpf_slot_take(struct dpf *d);
void dpf_slot_give(struct dpf *d, unsigned slot);

/* A word that running code reads: stored by dpf_commit. What it is going to be. */
void dpf_publish(struct dpf *d, uint64_t *at, uint64_t value);
void dpf_slot_set(struct dpf *d, unsigned slot, uint64_t target);

uint64_t dpf_code_address(const struct dpf *d, const struct dpf_code *c);
/* What is in the buffer (`instructions`, or an error) becomes a fragment; the one that was there is retired. */
int dpf_fragment_make(struct dpf *d, struct dpf_code *code, const struct dpf_state *s, int instructions);
void dpf_fragment_drop(struct dpf *d, struct dpf_code *code);

/* The slot by which what leaves a state goes on. */
unsigned dpf_slot_above(const struct dpf_state *s);
/* Whether a state is jumped to: then its first test, or its accepting, has a fragment of its own. */
bool dpf_is_entered(const struct dpf_state *s);
/* Where it begins: code of its first test, or its accepting. */
uint64_t dpf_state_target(const struct dpf *d, const struct dpf_state *s);
/* Those who jump to a state learn where it begins now. */
void dpf_state_publish(struct dpf *d, const struct dpf_state *s);
/* The last of a state's tests goes on by accepting there, or by the slot above. */
int dpf_tail_make(struct dpf *d, struct dpf_state *s);
/* The fragment in which a test stands is made anew. */
int dpf_fragment_renew(struct dpf *d, struct dpf_test *t);
/* A test got a slot of its own: what leaves the subtree behind it goes on by that. */
int dpf_below_renew(struct dpf *d, struct dpf_test *t);
int dpf_slot_own(struct dpf *d, struct dpf_test *t);
/* Runs begin as the number of alternatives says. */
void dpf_mode_set(struct dpf *d);

/* ---- table.c ---- */

size_t dpf_table_bytes(const struct dpf_table *t);
/* The word of a key's bucket that says where it leads. */
uint64_t *dpf_table_target(struct dpf_table *t, uint64_t key);
/* Where a key leads, or null. */
struct dpf_state *dpf_table_find(struct dpf_table *t, uint64_t key);
/* A key more, at `target`: into the table, or into a larger one in its place. 0, DPF_COLLISIONS, DPF_NO_MEMORY. */
int dpf_table_add(struct dpf *d, struct dpf_test *t, struct dpf_state *s, uint64_t target);
/* It leads nowhere from now on. */
void dpf_table_remove(struct dpf *d, struct dpf_table *t, uint64_t key);
/* A test with one edge becomes one with a table, in which that edge stands. */
int dpf_table_make(struct dpf *d, struct dpf_test *t);
