/* SPDX-License-Identifier: BSD-2-Clause */
/* A line of /etc/passwd or /etc/group, taken apart in the caller's buffer. */
#pragma once

#include <stdio.h>

#define ACCOUNT_FIELDS 8

/*
 * The next line of `file` that has `fields` fields between colons, or, without a file, the one in
 * `builtin`, once (`*position` counts). 0; ENOENT at the end; ERANGE: the buffer is too small, and
 * the line will be read again.
 */
int account_next(FILE *file, const char *builtin, unsigned *position, unsigned fields,
                 char *field[], char *buffer, size_t size);

/* Twice the room for the text of an entry that is kept. False: no memory. */
int account_grow(char **text, size_t *size);
