// SPDX-License-Identifier: BSD-2-Clause
#include "count.h"

#include <errno.h>
#include <math.h>
#include <string.h>

int main(int argc, char **argv)
{
    FILE *in = argc > 1 ? fopen(argv[1], "r") : stdin;
    if (!in) {
        fprintf(stderr, "words: %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    struct count count = count_stream(in);
    printf("%lu %lu %lu %.3f\n", count.lines, count.words, count.bytes, sqrt((double)count.bytes));
    return 0;
}
