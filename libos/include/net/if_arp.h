/* SPDX-License-Identifier: BSD-2-Clause */
/* Address resolution (RFC 826): kinds of hardware, the frame's head. */
#pragma once

#include <stdint.h>
#include <sys/socket.h>

#define ARPHRD_ETHER    1
#define ARPHRD_LOOPBACK 772

#define ARPOP_REQUEST 1
#define ARPOP_REPLY   2

struct arphdr {
    uint16_t ar_hrd, ar_pro;
    uint8_t ar_hln, ar_pln;
    uint16_t ar_op;
};
