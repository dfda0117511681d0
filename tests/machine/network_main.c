/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of the network's tests. */
#include "lib/lib.h"
#include "parts.h"

const struct test tests[] = {
#define PART(name, harts) {#name, name, harts},
    NETWORK(PART)
};
const unsigned test_count = sizeof tests / sizeof tests[0];
