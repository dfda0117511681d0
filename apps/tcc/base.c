/* SPDX-License-Identifier: BSD-2-Clause */
/* The image that all programs of `cc` have in common: the C library and the libOS, which know of the program no more than where
 * it begins. */
#include <stdio.h>

#include "layout.h"

/* tcc has no thread-local variables, which newlib's stdin, stdout and stderr are. */
FILE *standard_stream(int number);
FILE *standard_stream(int number)
{
    return number == 0 ? stdin : number == 1 ? stdout : stderr;
}

int main(int argc, char **argv, char **environment)
{
    return ((int (*)(int, char **, char **))PROGRAM_FIRST)(argc, argv, environment);
}
