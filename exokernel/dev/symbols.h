/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of the kernel's functions: a table that symbols.py makes of the first link and the second
 * link carries.
 */
#pragma once

#include <stdint.h>

/* The function that holds an address of the text, and the offset in it; null: none is known. */
const char *symbol_find(uint64_t pc, uint64_t *offset);
