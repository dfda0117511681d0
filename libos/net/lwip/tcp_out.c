/* SPDX-License-Identifier: BSD-2-Clause */
/* lwIP's sending half of TCP: its segments go to output.c, and segments.c stands before its tcp_output. */
#include "device.h"
#include "lwip/priv/tcp_priv.h"

err_t lwip_tcp_output(struct tcp_pcb *pcb);
#undef ip_output_if
#define ip_output_if segment_output
#define tcp_output   lwip_tcp_output
#include "core/tcp_out.c"
