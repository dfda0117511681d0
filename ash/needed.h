/* SPDX-License-Identifier: BSD-2-Clause */
/* What a handler can do without. */
#pragma once

#include "rewrite.h"

/* Makes nothing of instructions whose result nobody reads: compilers restore registers that are nobody's here. */
void ash_drop_dead(struct ash_source *s, uint32_t count);

/* Of the claims, which cost the kernel time, leaves those that something comes of. `r` is whole but for that. */
void ash_claims_needed(struct ash_result *r);
