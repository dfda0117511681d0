/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys from the console's line to the terminal, and what they echo back. */
#pragma once

#include <stdbool.h>

#include <aegis/types.h>

#define CONSOLE_PREDICATES 3

/*
 * One bounded step: window, echo, some bytes of input. True: there is more, look again soon (at
 * once, or in a millisecond when the line is busy). After terminals_boot().
 */
bool console_pump(void);
/* What to sleep for when there is not; how many. */
unsigned console_predicates(struct aegis_predicate predicates[CONSOLE_PREDICATES]);
