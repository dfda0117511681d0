/* SPDX-License-Identifier: BSD-2-Clause */
/* Types of old, in network order. */
#pragma once

#include <stdint.h>

typedef uint16_t n_short;
typedef uint32_t n_long, n_time;
