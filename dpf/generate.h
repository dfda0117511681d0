/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "trie.h"

/* Each makes a fragment in d->buffer and returns its instructions, or a negative error. */

/* From a test on: it, and the states behind it as far as they have one way. */
int generate_test(struct dpf *d, const struct dpf_test *t);
/* Accepting at a state, and going on by `slot` if others may be better. */
int generate_accept(struct dpf *d, const struct dpf_state *s, unsigned slot);
/* On by a slot. */
int generate_leave(struct dpf *d, unsigned slot);

/* The value of an atom as its load gives it. */
uint64_t generate_key(const struct dpf_atom *a, uint64_t value);
/* And back. */
uint64_t generate_value(const struct dpf_atom *a, uint64_t key);
/* The alignment (dpf_state.align) behind a shift. */
uint8_t generate_align(uint8_t align, const struct dpf_atom *shift);
#define DPF_ALIGN_FRAME 0x32 /* a multiple of 8, and 2 */

/*
 * What is believed of a fragment before it is run: README.md says the rules. `instructions` words; only slots below
 * `slots` are read, in one whose `last` is not 0 stands a direct table up to that bucket; it begins where a frame has come to state `from`: the bases behind its shifts are there, and what was loaded
 * on the way to it lies in the frame. True: it reads the frame and the slots, writes nothing, and ends.
 */
bool validate(const uint32_t *code, unsigned instructions, unsigned slots, const uint8_t *last, const struct dpf_state *from);

/* Bytes behind the present base of which a frame that has come to `s` surely has as many. */
unsigned generate_known(const struct dpf_state *s);
