/* SPDX-License-Identifier: BSD-2-Clause */
/* What bad input gets, line by line: an error of its own, or that environment's end; never a way in. */
#include "hostile.h"

void breach(const char *what)
{
    say("# forbidden: %s", what);
    lib_fail("hostile", 0, what, 1, 0);
}

volatile unsigned long g[24];
volatile long stop;
volatile unsigned long mac;

void clear(void)
{
    for (unsigned i = 0; i < 24; i++)
        g[i] = 0;
    stop = 0;
}

static unsigned long random_state = 88172645463325252UL;
unsigned long draw(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

void counting_child(long n)
{
    for (;;)
        g[n]++;
}

#define ENTRY(name, harts) {#name, name, harts},
const struct test tests[] = {HOSTILE(ENTRY)};
const unsigned test_count = sizeof tests / sizeof tests[0];
