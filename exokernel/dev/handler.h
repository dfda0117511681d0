/* SPDX-License-Identifier: BSD-2-Clause */
/* Where handler.S finds what handler.c declares. */
#pragma once

#define H_RUN    0
#define H_FRAME  8
#define H_WINDOW 16
#define H_MASK   24
#define H_FUEL   32

/* struct here */
#define HERE_KERNEL 0
#define HERE_SP     8
#define HERE_CAUSE  16
#define HERE_PC     24
#define HERE_VALUE  32

#define H_START         66 /* ASH_FRAME_START */
#define HANDLER_DROP    1  /* ASH_DROP */
#define HANDLER_SPENT   3  /* ASH_SPENT */
#define HANDLER_TRAPPED 4  /* in place of a verdict: behind the last of them */
