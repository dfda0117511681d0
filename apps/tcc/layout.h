/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program made by `cc` on the machine:
 *
 *     0x0010000   the base: C library and libOS, linked in advance, the same in each program
 *     0x1000000   the program itself, linked by tcc; begins with crt.c's first function
 *     0x4000000   heap (the base's _end)
 *     0x3fe08000  the base's pinned part
 */
#pragma once

#define PROGRAM_FIRST 0x1000000
#define PROGRAM_END   0x4000000
