// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((noinline)) static int deeper(int depth)
{
    volatile char page[4096];
    page[0] = (char)depth;
    return deeper(depth + 1) + page[0];
}

// Ends as its argument says.
int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    puts("before");
    fflush(stdout);
    if (!strcmp(how, "null")) {
        *(volatile int *)8 = 1;
    } else if (!strcmp(how, "jump")) {
        ((void (*)(void))0x10)();
    } else if (!strcmp(how, "kernel")) {
        *(volatile long *)0xffffffc000000000 = 1;
    } else if (!strcmp(how, "illegal")) {
        __asm__ volatile(".word 0");
    } else if (!strcmp(how, "stack")) {
        deeper(0);
    } else if (!strcmp(how, "abort")) {
        abort();
    }
    return 5;
}
