/* SPDX-License-Identifier: BSD-2-Clause */
#include "../core/kernel.h"

#include "offsets.h"

_Static_assert(sizeof(struct aegis_claim) == 32, "claim");
_Static_assert(sizeof(struct aegis_page) == PAGE_RECORD, "page");
_Static_assert(AEGIS_ENTRY_SLOTS == 64 && AEGIS_CALLS == CALLS, "entry.S has the bounds as immediates");
_Static_assert(AEGIS_CALL_slice_yield == 1 && AEGIS_CALL_pct_return == 2 && AEGIS_CALL_map_protect == 13, "entry.S has the numbers");
