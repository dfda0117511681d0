/* SPDX-License-Identifier: BSD-2-Clause */
/* lwIP's sending half of TCP, with segments handed to output.c: what goes to a known neighbour
 * needs no more. */
#include "device.h"

#undef ip_output_if
#define ip_output_if segment_output
#include "core/tcp_out.c"
