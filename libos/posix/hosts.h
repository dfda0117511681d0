/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables of names as text files have them: one entry a line, words between blanks, # to the end of a line. */
#pragma once

#include <netdb.h>
#include <stdio.h>

#define TABLE_WORDS 16

/* The next line that has words, from the file or else from `*builtin` (which moves on). Their number; 0 at the end. */
unsigned table_next(FILE *file, const char **builtin, char *line, size_t size, char *word[]);

/* A numeric host, or one of /etc/hosts; null. As gethostbyname, but nobody is asked. */
struct hostent *host_listed(const char *name);
