/* SPDX-License-Identifier: BSD-2-Clause */
/* What lwIP asks us for. */
#pragma once

#include "lwip/err.h"

struct tcp_hdr;
struct tcp_pcb;

/* Of each segment, before it is looked at; `rest`: its options behind the first `here` bytes of `length`. */
err_t segment_judge(struct tcp_pcb *pcb, struct tcp_hdr *head, u16_t length, u16_t here, u8_t *rest);
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, head, length, here, rest, p) segment_judge(pcb, head, length, here, rest)
