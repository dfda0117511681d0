/* SPDX-License-Identifier: BSD-2-Clause */
/* What the rewriter knows at a place: what the verifier would, and what addresses are made of. */
#pragma once

#include <stdbool.h>

#include "verify.h"

enum { FROM_NOTHING, FROM_WINDOW, FROM_FRAME, FROM_BOTH };

struct flow {
    struct ash_state state;
    uint8_t from[32]; /* where a value that is ANY points to, if it is an address */
    uint8_t guarded;  /* t6 is this register, guarded; 0: none */
};

#define FLOW_SLOTS 512 /* doublewords at the window's end, the stack, of which it is known what they hold */

struct flow_stack {
    uint8_t from[FLOW_SLOTS];
    bool changed;
};

/* What register r may point to. */
unsigned flow_from(const struct flow *f, unsigned r);

/* What an instruction that is no branch does to `from` and `guarded`; before the verifier's state is changed. */
void flow_step(struct flow *f, struct flow_stack *stack, uint32_t window, uint32_t w);

/* Forgets what a label cannot claim: bounds beyond 32 bits. */
void flow_claimable(struct flow *f);

/* `to` learns that it may also be `from`. True: it knows less than before. `often`: bounds jump, so that it ends. */
bool flow_join(struct flow *to, const struct flow *from, bool often);
