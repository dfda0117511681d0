/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "../core/kernel.h"

/* By number. The fast paths of entry.S serve some calls before they look here. */
extern const call_t calls_plain[CALL_COUNT], calls_traced[CALL_COUNT];
extern const char *const call_names[CALL_COUNT];
