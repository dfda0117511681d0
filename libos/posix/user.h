/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that a caller names and that may not be there. These are the only places where the libOS
 * touches it: a fault between user_access_begin and user_access_end that no pager resolves goes to
 * user_access_failed, and the function returns -EFAULT. Outside the monitor, unmasked.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* 0 or -EFAULT. Fast for large sizes (aligned: 64 bytes an iteration at least). */
int user_copy_in(void *to, const void *user, size_t size);
int user_copy_out(void *user, const void *from, size_t size);
/* user_copy_in, both aligned to 4 bytes; what it copied, summed in words of 16 bits modulo 65535. */
long user_copy_sum(void *to, const void *user, size_t size);
int user_zero(void *user, size_t size);
/* A string with its end, at most `size` bytes. Its length, -EFAULT or -ENAMETOOLONG. */
ssize_t user_string(char *to, const char *user, size_t size);
/* A string, to where there is room for `size` bytes. 0, -ERANGE or -EFAULT. */
int user_string_out(char *user, size_t size, const char *string);

/* For the exception handler. */
extern const char user_access_begin[], user_access_end[], user_access_failed[];
