/* SPDX-License-Identifier: BSD-2-Clause */
/* The list: a call without a test of its name does not link. */
#include "lib/lib.h"
#include "calls.h"
#include "parts.h"

#define T(name) {#name, name, 1}
#define T4(name) {#name, name, 2}

const struct test tests[] = {
#define CALL(number, name, count, arguments, errors, sentence) {"call_" #name, call_##name, 1},
#include <aegis/calls.def>
#undef CALL
    T(rekey_survives_unmap_and_release),
    T(page_alloc_refused_changes_nothing),
    T(registers_zero_after_calls),
#define PART(name, harts) {#name, name, harts},
    ALL(PART)
};
const unsigned test_count = sizeof tests / sizeof tests[0];
