/* SPDX-License-Identifier: BSD-2-Clause */
/* tcc has no thread-local variables, which newlib's standard streams are. */
#include_next <stdio.h>

#ifndef AEGIS_TCC_STDIO
#define AEGIS_TCC_STDIO

FILE *standard_stream(int number);

#undef stdin
#undef stdout
#undef stderr
#undef getchar
#undef putchar
#define stdin  standard_stream(0)
#define stdout standard_stream(1)
#define stderr standard_stream(2)
#endif
