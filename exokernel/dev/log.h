/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's own words: whole lines to the console's log channel. */
#pragma once

/*
 * Understands %s %d %u %x, with l, and %%; a line is cut at 160 characters. No newline in the
 * format.
 */
void log_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_print_list(const char *format, __builtin_va_list list);
