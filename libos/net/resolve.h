/* SPDX-License-Identifier: BSD-2-Clause */
/* Names by DNS, for getaddrinfo. */
#pragma once

#include <stdint.h>

#define RESOLVE_A    1
#define RESOLVE_AAAA 28

/* Up to `most` addresses of a name, 4 or 16 bytes each: how many, or EAI_* (which are negative).
 * EAI_NONAME: there is none, or no server to ask. */
int network_resolve(const char *name, uint16_t type, uint8_t (*out)[16], int most);
