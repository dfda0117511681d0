/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP's header (RFC 768). */
#pragma once

#include <netinet/in.h>

struct udphdr {
    uint16_t uh_sport, uh_dport, uh_ulen, uh_sum;
};
