/* SPDX-License-Identifier: BSD-2-Clause */
/* The same with a page table of another kind (SOSP'95, Table 13). */
#define PREFIX "inverted."
#define FIRST  pager_inverted
#include "memory.c"
