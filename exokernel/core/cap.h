/* SPDX-License-Identifier: BSD-2-Clause */
/* Self-authenticating capabilities (Chaum and Fabry, as SOSP'95 3.2 uses them). */
#pragma once

#include "kernel.h"

uint64_t siphash(const uint64_t key[2], uint64_t a, uint64_t b);

/* The present check of what `what` names; false when there is no such thing. */
bool resource_check(uint64_t what, uint64_t *check);
/* One claim more; false when its check is no longer `check`. One less, `from`'s: the last frees it. */
bool resource_hold(uint64_t what, uint64_t check);
void resource_drop(uint64_t what, const struct env *from);
/* A new check for what is not a page; the one that is drawn. */
uint64_t resource_rekey(uint64_t what);
