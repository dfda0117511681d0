// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}
