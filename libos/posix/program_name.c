/* SPDX-License-Identifier: BSD-2-Clause */
/* The name under which the program was called: set before main (process_start's thread). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

char *program_invocation_name = "", *program_invocation_short_name = "";

void program_name_set(char *name);
const char *getprogname(void);
void setprogname(const char *name);

void program_name_set(char *name)
{
    char *slash = strrchr(name, '/');
    program_invocation_name = name;
    program_invocation_short_name = slash ? slash + 1 : name;
}

const char *getprogname(void)
{
    return program_invocation_short_name;
}

void setprogname(const char *name)
{
    program_name_set((char *)name);
}
