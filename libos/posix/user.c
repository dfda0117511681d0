/* SPDX-License-Identifier: BSD-2-Clause */
/* What is made of user.S's copies. */
#include "user.h"

#include <errno.h>
#include <string.h>

int user_string_out(char *user, size_t size, const char *string)
{
    size_t length = strlen(string) + 1;
    return length > size ? -ERANGE : user_copy_out(user, string, length);
}
