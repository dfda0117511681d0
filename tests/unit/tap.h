/* SPDX-License-Identifier: BSD-2-Clause */
/* A test is a name and a condition; its line is `ok NAME` or `not ok NAME`. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

static int tap_failed;

static inline void tap(bool good, const char *name)
{
    printf("%s %s\n", good ? "ok" : "not ok", name);
    fflush(stdout);
    tap_failed |= !good;
}
