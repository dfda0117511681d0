// SPDX-License-Identifier: BSD-2-Clause
#include "count.h"

#include <ctype.h>

struct count count_stream(FILE *in)
{
    struct count count = {0};
    int c, inside = 0;
    while ((c = getc(in)) != EOF) {
        count.bytes++;
        count.lines += c == '\n';
        count.words += !isspace(c) && !inside;
        inside = !isspace(c);
    }
    return count;
}
