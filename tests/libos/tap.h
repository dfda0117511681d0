/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdio.h>

static int tap_failed;

static inline void tap(int good, const char *name)
{
    printf("%s %s\n", good ? "ok" : "not ok", name);
    fflush(stdout); /* a test that hangs or dies says after which one */
    tap_failed |= !good;
}
