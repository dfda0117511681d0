/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dispatch table, from calls.def, and its twin that says each call on the log (trace= on the
 * command line).
 */
#include "calls.h"

#define CALL(number, name, count, arguments, errors, sentence)                                     \
    result_t call_##name(AEGIS_P##count arguments);
#include <aegis/calls.def>
#undef CALL

const call_t calls_plain[CALL_COUNT] = {
#define CALL(number, name, count, arguments, errors, sentence)                                     \
    [number] = (call_t)(void (*)(void))call_##name,
#include <aegis/calls.def>
#undef CALL
};
