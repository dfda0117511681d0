/* SPDX-License-Identifier: BSD-2-Clause */
/* The beginning of a program made by `cc`: linked first, so it lies where the base expects it. */
#include <stdlib.h>

extern void (*__init_array_start[])(int, char **, char **), (*__init_array_end[])(int, char **, char **);
extern void (*__fini_array_start[])(void), (*__fini_array_end[])(void);
extern int main(int argc, char **argv, char **environment);
static void destructors_run(void);

int _start(int argc, char **argv, char **environment)
{
    for (void (**f)(int, char **, char **) = __init_array_start; f < __init_array_end; f++)
        (*f)(argc, argv, environment);
    atexit(destructors_run);
    return main(argc, argv, environment);
}

static void destructors_run(void)
{
    for (void (**f)(void) = __fini_array_end; f > __fini_array_start;)
        (*--f)();
}
