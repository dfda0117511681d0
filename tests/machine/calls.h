/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
#define CALL(number, name, count, arguments, errors, sentence) void call_##name(void);
#include <aegis/calls.def>
#undef CALL
#define BAD 40000UL /* no ledger has this slot */

void rekey_survives_unmap_and_release(void), page_alloc_refused_changes_nothing(void), registers_zero_after_calls(void);

/* In network.c, which is an image of its own. */
void call_filter_install(void) __attribute__((weak));
void call_filter_lend(void) __attribute__((weak));
void call_endpoint_create(void) __attribute__((weak));
void call_filter_bind(void) __attribute__((weak));
void call_net_send(void) __attribute__((weak));
void call_handler_install(void) __attribute__((weak));
void call_handler_remove(void) __attribute__((weak));
