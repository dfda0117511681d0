/* SPDX-License-Identifier: BSD-2-Clause */
/* Types of service. */
#pragma once

#include <netinet/in.h>

#define IPTOS_LOWDELAY    0x10
#define IPTOS_THROUGHPUT  0x08
#define IPTOS_RELIABILITY 0x04
#define IPTOS_MINCOST     0x02
