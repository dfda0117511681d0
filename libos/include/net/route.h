/* SPDX-License-Identifier: BSD-2-Clause */
/* Entries of the routing table. The stack has one route, to its gateway. */
#pragma once

#include <sys/socket.h>

#define RTF_UP      0x1
#define RTF_GATEWAY 0x2
#define RTF_HOST    0x4
