// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>

#ifndef HAVE_QSORT
#error "the C library has qsort; the check did not find it"
#endif

int compare(const void *a, const void *b);

int main(int argc, char **argv)
{
    qsort(argv + 1, argc - 1, sizeof *argv, compare);
    for (int i = 1; i < argc; i++) {
        puts(argv[i]);
    }
    return argc - 1;
}
