/* SPDX-License-Identifier: BSD-2-Clause */
/* The smallest program: what it was called with, and a status. */
#include <stdio.h>

int main(int argc, char **argv)
{
    printf("hello, world\n");
    for (int i = 1; i < argc; i++)
        printf("%s\n", argv[i]);
    return 0;
}
