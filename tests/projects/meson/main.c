// SPDX-License-Identifier: BSD-2-Clause
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static _Thread_local double angle = 0.5;

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *value = getenv(argv[i]);
        printf("%s=%s\n", argv[i], value ? value : "(none)");
    }
    printf("%.6f\n", sin(angle));
    return 0;
}
